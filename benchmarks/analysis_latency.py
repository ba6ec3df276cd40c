"""Tables on mean latency: noise, skew, dependence, uneven traffic, and what users have instead."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from analysis_noise import SPREAD, autoregressive, daily, latencies, normal, ratios, student
from analysis_rivals import RIVALS
from analysis_runs import ALPHA, MARKS, SPEC, TOLERANCE, chunked, ever_fails, passes, share
from analysis_tables import (
    EDGE,
    HALF,
    PHIS,
    Array,
    Worlds,
    gaussian,
    head,
    noise_name,
    once,
    row,
    skewed,
    stalling,
)
from analysis_vector import Means

from airflow_shadow.analysis.critical_values import FIRST_SHARE


def table_relative(rng: np.random.Generator, runs: int) -> None:
    """Measure the relative criterion: mean latency, tolerance +10 %, 7 % noise a minute."""
    head(
        "Mean latency: FAIL looked for every five minutes, after four hours every half "
        f"({runs:,} runs a cell, per cent)",
        "noise",
        "minutes",
        "one look: false PASS at +10 %",
        "first of three: false PASS at +10 %",
        "one look: PASS at 0",
        "one look: PASS at +5 %",
        "first of three: PASS at +5 %",
        "false FAIL at 0",
        "false FAIL at +10 %",
        "FAIL at +20 %",
    )
    first = ALPHA * FIRST_SHARE
    for phi in PHIS:
        for mark in (60, 115, *MARKS[1:]):

            def count(size: int, phi: float = phi, mark: int = mark) -> list[Array]:
                values = gaussian(phi)(rng, size, mark)
                same = np.ones_like(values)
                return [
                    once(values, EDGE),
                    once(values, EDGE, first),
                    once(values, 1.0),
                    once(values, HALF),
                    once(values, HALF, first),
                    *(ever_fails(same, change * values) for change in (1.0, EDGE, 1.2)),
                ]

            row(noise_name(phi), f"{mark:,}", *map(share, chunked(runs, count)))


def table_skew(rng: np.random.Generator, runs: int) -> None:
    """Measure noise whose rare minutes are large, beside what no method can avoid."""
    head(
        "Skewed minutes, the mean over requests exactly at the tolerance, one look "
        f"({runs:,} runs a cell, per cent)",
        "minutes' noise",
        "minutes",
        "false PASS at +10 %",
        "floor: no stall in the window, and the rest passes",
        "PASS at +5 %",
        "PASS at 0",
    )
    for sigma in (0.6, 1.0):
        for phi in (0.0, 0.5):
            for mark in (60, 115, 240):
                _skew_row(
                    rng,
                    runs,
                    f"log-normal ({sigma:g}), {noise_name(phi)}",
                    mark,
                    world=skewed(sigma, phi),
                )
    for part, times in ((0.01, 3), (0.02, 3), (0.01, 5), (0.02, 5)):
        for mark in (60, 115, 240, 480):
            _skew_row(
                rng,
                runs,
                f"{part:.0%} of minutes x{times:g}, AR 0.5",
                mark,
                world=stalling(part, times),
                floor=(part, times),
            )


def _skew_row(
    rng: np.random.Generator,
    runs: int,
    name: str,
    mark: int,
    *,
    world: Worlds,
    floor: tuple[float, float] | None = None,
) -> None:
    def count(size: int) -> list[Array]:
        values = world(rng, size, mark)
        hits = [once(values, change) for change in (EDGE, HALF, 1.0)]
        if floor:
            part, times = floor
            clean = gaussian(0.5)(rng, size, mark)
            hits.append(once(clean, EDGE / (1 + part * (times - 1))))
        return hits

    edge, half, none, *rest = chunked(runs, count)
    least = f"{100 * (1 - floor[0]) ** mark * rest[0].mean():5.2f}" if floor else ""
    row(name, f"{mark:,}", share(edge), least, share(half), share(none))


def table_dependence(rng: np.random.Generator, runs: int) -> None:
    """Measure other kinds of dependence, and that no length of the window is a cliff."""
    head(
        f"Other noise, one look ({runs:,} runs a cell, per cent)",
        "noise",
        "minutes",
        "false PASS at +10 %",
        "PASS at +5 %",
        "PASS at 0",
        "false FAIL at 0",
        "false FAIL at +10 %",
    )
    for name, world in _other_noises():
        for mark in (60, 115, 240, 1440):

            def count(size: int, world: Worlds = world, mark: int = mark) -> list[Array]:
                values = world(rng, size, mark)
                same = np.ones_like(values)
                return [
                    *(once(values, change) for change in (EDGE, HALF, 1.0)),
                    *(ever_fails(same, change * values) for change in (1.0, EDGE)),
                ]

            row(name, f"{mark:,}", *map(share, chunked(runs, count)))


def _other_noises() -> Iterator[tuple[str, Worlds]]:
    """Yield noises that a first-order autoregression does not describe."""
    yield "AR(2) 0.5, 0.3", gaussian(0.5, 0.3)
    yield "AR 0.9", gaussian(0.9)
    yield "AR 0.9 plus as much white noise (exception)", _mixed(0.9, 0.5)
    yield "slow drift: AR 0.95, a fifth, below independent noise (exception)", _mixed(0.95, 0.2)
    yield (
        "heavy tails (t3), AR 0.5",
        lambda rng, runs, length: (
            1 + SPREAD * autoregressive(rng, runs, length, 0.5, draw=student(3.0))
        ),
    )
    yield (
        "a daily cycle of 3.5 %, AR 0.5",
        lambda rng, runs, length: ratios(
            autoregressive(rng, runs, length, 0.5) + 0.5 * daily(length)
        ),
    )


def _mixed(phi: float, part: float) -> Worlds:
    """Return slow noise below independent noise."""
    return lambda rng, runs, length: ratios(
        math.sqrt(part) * autoregressive(rng, runs, length, phi)
        + math.sqrt(1 - part) * normal(rng, (runs, length))
    )


def table_steps(rng: np.random.Generator, runs: int) -> None:
    """Measure how much a window one minute longer changes, the same runs at every length."""
    head(
        "From 60 to 240 minutes in steps of one, the same runs at every length "
        f"({runs:,} runs, per cent)",
        "noise",
        "figure",
        "lowest",
        "highest",
        "largest step",
    )
    for name, world in (("AR 0.5", gaussian(0.5)), ("AR(2) 0.5, 0.3", gaussian(0.5, 0.3))):
        values = world(rng, runs, MARKS[1])
        for figure, change in (
            ("false PASS at +10 %", EDGE),
            ("PASS at +5 %", HALF),
            ("PASS at 0", 1.0),
        ):
            shares = [100 * once(values[:, :end], change).mean() for end in range(60, 241)]
            step = np.abs(np.diff(shares)).max()
            row(name, figure, f"{min(shares):.2f}", f"{max(shares):.2f}", f"{step:.2f}")


def table_rivals(rng: np.random.Generator, runs: int) -> None:
    """Measure the other rules on raw latencies with a shared load."""
    head(
        f"What users have instead ({runs:,} runs a cell, per cent)",
        "rule",
        "noise",
        "minutes",
        "false PASS at +10 %",
        "false FAIL at 0",
        "FAIL at +10 %",
        "PASS at +5 %",
    )
    for phi in PHIS:
        series = [variant.T for variant in latencies(rng, runs, max(MARKS), phi)]
        for mark in MARKS:
            baseline, candidate = (variant[:mark] for variant in series)
            for name, rule in RIVALS.items():
                none, half, full = (
                    rule(baseline, candidate * change, TOLERANCE) for change in (1, HALF, EDGE)
                )
                cells = (full[1], none[0], full[0], half[1])
                row(name, noise_name(phi), f"{mark:,}", *map(share, cells))


def table_traffic(rng: np.random.Generator, runs: int) -> None:
    """Measure windows whose requests come in few of the minutes."""
    head(
        f"Uneven traffic, two hours, one look ({runs:,} runs a cell, per cent)",
        "requests",
        "minutes' noise",
        "minutes of equal traffic that would say as much",
        "false PASS at +10 %",
        "PASS at 0",
    )
    shapes = {
        "even": _busy(range(0), 1.0),
        "every 10th minute x20 (exception)": _busy(range(3, 115, 10), 20.0),
        "5 minutes each hour x20 (exception)": _busy([*range(5), *range(60, 65)], 20.0),
        "30 minutes in a row x30 (exception)": _busy(range(40, 70), 30.0),
        "9 minutes in a row x1,000 (exception)": _busy(range(36, 45), 1000.0),
    }
    for name, shape in shapes.items():
        for phi in (0.5, 0.8):
            busy = shape.sum() ** 2 / (shape**2).sum()

            enough_busy = busy >= SPEC.min_effective_periods

            def count(
                size: int, shape: Array = shape, phi: float = phi, least: bool = enough_busy
            ) -> list[Array]:
                values = gaussian(phi)(rng, size, 115)
                same = np.ones_like(values)
                both = [Means.of(same, shape, change * values, shape) for change in (EDGE, 1.0)]
                return [passes(means) & least for means in both]

            row(name, noise_name(phi), f"{busy:.1f}", *map(share, chunked(runs, count)))


def _busy(minutes: Iterable[int], times: float) -> Array:
    """Return the requests of two hours, of which some minutes have so many times as many."""
    return np.where(np.isin(np.arange(115), list(minutes)), times, 1.0)


def table_late_regression(rng: np.random.Generator, runs: int) -> None:
    """Measure a regression that begins when 200 minutes are over."""
    head(
        f"A regression that begins at minute 200, AR 0.5 ({runs:,} runs, per cent)",
        "change from minute 200",
        "minutes",
        "PASS",
        "FAIL by now",
    )
    for change in (0.2, 0.5):
        for mark in (199, 240, 480, 1440):

            def count(size: int, change: float = change, mark: int = mark) -> list[Array]:
                values = gaussian(0.5)(rng, size, mark)
                values[:, 200:] *= 1 + change
                return [once(values, 1.0), ever_fails(np.ones_like(values), values)]

            row(f"{change:+.0%}", f"{mark:,}", *map(share, chunked(runs, count)))
