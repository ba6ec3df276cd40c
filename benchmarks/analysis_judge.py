"""How often the judge errs, and how often what users have instead errs.

Fixed seed; each share is followed by the upper end of its one-sided 95 % interval. The tables are
in docs/analysis.md. Run one with `--only`, or all with fewer runs with `--runs`.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from analysis_noise import (
    SPREAD,
    World,
    autoregressive,
    burst,
    daily,
    latencies,
    lognormal,
    normal,
    ratios,
    stalls,
    student,
)
from analysis_rivals import RIVALS
from analysis_runs import (
    ALPHA,
    ERRORS_MORE,
    MARKS,
    SPEC,
    TOLERANCE,
    RateOutcome,
    Rollouts,
    chunked,
    enough,
    ever_fails,
    passes,
    share,
    watch_rates,
)
from analysis_vector import Means, Rates

from airflow_shadow.analysis.critical_values import FIRST_SHARE, NORMAL

Array = np.ndarray
Worlds = Callable[[np.random.Generator, int, int], Array]
SEED = 20261128
PHIS = (0.0, 0.5, 0.8)
EDGE = 1 + TOLERANCE
HALF = 1 + TOLERANCE / 2


def row(*cells: object) -> None:
    """Print one line of a Markdown table."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def head(title: str, *cells: str) -> None:
    """Print a title and the head of a table."""
    print(f"\n### {title}\n", flush=True)
    row(*cells)
    row(*("---" for _ in cells))


def gaussian(*phis: float) -> Worlds:
    """Return ratios with log-normal, nearly Gaussian noise."""
    return lambda rng, runs, length: ratios(autoregressive(rng, runs, length, *phis))


def skewed(sigma: float, *phis: float) -> Worlds:
    """Return ratios with noise whose innovations are log-normal."""
    draw = lognormal(sigma)
    return lambda rng, runs, length: (
        1 + SPREAD * autoregressive(rng, runs, length, *phis, draw=draw)
    )


def stalling(part: float, times: float) -> Worlds:
    """Return ratios with AR 0.5 of which some minutes are so many times as large."""
    return lambda rng, runs, length: stalls(rng, gaussian(0.5)(rng, runs, length), part, times)


def once(values: Array, change: float, alpha: float = ALPHA) -> Array:
    """Tell in which runs a candidate passes at a single planned look."""
    return passes(Means.of(np.ones_like(values), 1.0, change * values, 1.0), alpha)


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

            row(_noise(phi), f"{mark:,}", *map(share, chunked(runs, count)))


def _noise(phi: float) -> str:
    return f"AR {phi:g}" if phi else "independent"


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
                    f"log-normal ({sigma:g}), {_noise(phi)}",
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
                row(name, _noise(phi), f"{mark:,}", *map(share, cells))


def table_requests(rng: np.random.Generator, runs: int) -> None:
    """Measure worlds of single requests: the truth is the mean over requests."""
    head(
        f"Mean latency over single requests, one look ({runs:,} runs a cell, per cent)",
        "requests",
        "a minute",
        "sampling",
        "minutes",
        "truth",
        "PASS",
    )
    for traffic, minutes in ((2, 1440), (5, 240), (10, 115)):
        _slow_row(rng, runs, traffic, minutes, part=0.01, times=21)
    for traffic, minutes in ((5, 1440),):
        _slow_row(rng, runs, traffic, minutes, part=0.005, times=41)
    for traffic, minutes in ((10, 1440), (30, 480), (300, 115)):
        for change in (TOLERANCE, 0.0):
            world = World(traffic=traffic, sampling=0.1, sigma=0.8, change=change)
            _world_row(rng, runs, "log-normal, 0.8", world, minutes)
    for noise, phi in ((0.05, 0.5), (0.10, 0.8)):
        world = World(traffic=30, sampling=1.0, sigma=1.2, noise=noise, phi=phi, change=TOLERANCE)
        _world_row(rng, runs, f"log-normal, 1.2; minutes {noise:.0%}, AR {phi:g}", world, 115)
        world = World(traffic=300, sampling=0.1, sigma=1.2, noise=noise, phi=phi, change=TOLERANCE)
        _world_row(rng, runs, f"log-normal, 1.2; minutes {noise:.0%}, AR {phi:g}", world, 115)


def _world_row(rng: np.random.Generator, runs: int, name: str, world: World, minutes: int) -> None:
    def count(size: int) -> list[Array]:
        seen = world.draw(rng, size, minutes)
        means = Means.of(seen.production, seen.asked, seen.shadow, seen.answered)
        return [passes(means) & (seen.answered.sum(axis=1) >= LEAST_REQUESTS)]

    [hits] = chunked(runs, count)
    row(name, world.traffic, f"{world.sampling:.0%}", minutes, _change(world.change), share(hits))


#: A mean decides nothing below so many requests.
LEAST_REQUESTS = 1000


def _change(change: float) -> str:
    return f"{100 * change:+.1f} %" if change else "0"


def _slow_row(
    rng: np.random.Generator, runs: int, traffic: float, minutes: int, *, part: float, times: float
) -> None:
    """Count a candidate of which a part of the requests is many times slower."""
    world = World(traffic=traffic, sigma=0.3, own=0.1)

    def count(size: int) -> list[Array]:
        seen = world.draw(rng, size, minutes)
        slow = rng.binomial(seen.answered.astype(int), part)
        each = 1 + (times - 1) * slow / np.maximum(seen.answered, 1)
        means = Means.of(seen.production, seen.asked, seen.shadow * each, seen.answered)
        return [passes(means) & (seen.answered.sum(axis=1) >= LEAST_REQUESTS)]

    [hits] = chunked(runs, count)
    row(
        f"{100 * part:g} % of them x{times:g}",
        traffic,
        "100%",
        minutes,
        _change(part * (times - 1)),
        share(hits),
    )


#: Requests a minute, base rate, tolerance, and the part of the requests that the shadow sees.
RATE_CASES = (
    (1, 0.02, 0.05, 1.0),
    (10, 0.0, 0.005, 1.0),
    (10, 0.01, 0.01, 1.0),
    (300, 0.0, 0.005, 1.0),
    (300, 0.01, 0.005, 1.0),
    (300, 0.01, 0.005, 0.01),
    (10_000, 0.001, 0.001, 0.1),
    (10_000, 0.5, 0.005, 1.0),
)


def table_rates(rng: np.random.Generator, runs: int) -> None:
    """Measure the difference of error rates with independent errors."""
    head(
        f"Error rates, independent errors ({runs:,} runs a cell, per cent)",
        "requests a minute",
        "sampling",
        "baseline",
        "tolerance",
        "minutes",
        "false PASS at the tolerance",
        "PASS at 0",
        "false FAIL at 0",
        "false FAIL at the tolerance",
        "FAIL at 3 tolerances",
    )
    for requests, base, tolerance, sampling in RATE_CASES:
        for mark in (60, 240):

            def draw(
                size: int,
                times: float,
                case: tuple = (requests, base, tolerance, sampling),
                mark: int = mark,
            ) -> RateOutcome:
                asked, rate, more, part = case
                few = max(1, round(asked * part))
                shape = (size, mark)
                counts = (
                    rng.binomial(asked, rate, shape).astype(float),
                    rng.binomial(few, min(rate + times * more, 1.0), shape).astype(float),
                )
                total = (np.full(shape, float(asked)), np.full(shape, float(few)))
                return watch_rates(counts, total, more)

            def count(size: int, draw: Callable = draw) -> list[Array]:
                none, edge, far = (draw(size, times) for times in (0, 1, 3))
                return [edge.passed, none.passed, none.failed, edge.failed, far.failed]

            row(
                f"{requests:,}",
                f"{sampling:.0%}",
                f"{base:.1%}",
                f"{100 * tolerance:g} pp",
                mark,
                *map(share, chunked(runs, count)),
            )


def table_shared(rng: np.random.Generator, runs: int) -> None:
    """Measure errors that both variants share: the same bad requests fail in both."""
    head(
        f"Errors that both variants share, two hours, one look ({runs:,} runs a cell, per cent)",
        "requests a minute",
        "shared",
        "of each variant",
        "false PASS at +0.5 pp",
        "PASS at 0",
        "false FAIL at 0",
    )
    for requests in (10, 30, 100):
        for shared in (0.0, 0.005, 0.02, 0.05):
            for own in (0.0, 0.001):

                def count(size: int, case: tuple = (requests, shared, own)) -> list[Array]:
                    edge, none = (_shared_errors(rng, size, case, more) for more in (0.005, 0.0))
                    return [edge.passed, none.passed, none.failed]

                cells = map(share, chunked(runs, count))
                row(requests, f"{shared:.1%}", f"{own:.1%}", *cells)


def _shared_errors(
    rng: np.random.Generator, runs: int, case: tuple[int, float, float], more: float
) -> RateOutcome:
    requests, shared, own = case
    asked = rng.poisson(requests, (runs, 115))
    both = rng.binomial(asked, shared)
    left = 1 - shared
    one = both + rng.binomial(asked - both, own / left)
    other = both + rng.binomial(asked - both, (own + more) / left)
    total = asked.astype(float)
    return watch_rates((one.astype(float), other.astype(float)), (total, total), ERRORS_MORE)


def table_bursts(rng: np.random.Generator, runs: int) -> None:
    """Measure the difference of error rates where errors come in strong bursts."""
    head(
        "Error rates in bursts: log-normal intensity of spread 1, AR 0.8, 300 requests a minute, "
        f"0.5 % base, tolerance 0.5 pp ({runs:,} runs a cell, per cent)",
        "bursts",
        "minutes",
        "PASS at the tolerance",
        "PASS at 2 tolerances",
        "FAIL at 0",
        "FAIL at the tolerance",
    )
    for shared in (False, True):
        for mark in (60, 115, 240, 480):

            def draw(
                size: int, rate: float, shared: bool = shared, mark: int = mark
            ) -> RateOutcome:
                noises = [autoregressive(rng, size, mark, 0.8) for _ in range(2)]
                noises = [noises[0]] * 2 if shared else noises
                counts = [
                    rng.binomial(300, np.minimum(each * burst(noise, 1.0), 1.0)).astype(float)
                    for each, noise in zip((0.005, rate), noises, strict=True)
                ]
                total = np.full((size, mark), 300.0)
                return watch_rates(tuple(counts), (total, total), ERRORS_MORE)

            def count(size: int, draw: Callable = draw) -> list[Array]:
                none, edge, double = (draw(size, rate) for rate in (0.005, 0.010, 0.015))
                return [edge.passed, double.passed, none.failed, edge.failed]

            name = "of both together" if shared else "of each variant"
            row(name, mark, *map(share, chunked(runs, count)))


def table_lost(rng: np.random.Generator, runs: int) -> None:
    """Measure requests that the shadow never answers, of all of them or of the slowest."""
    head(
        "Requests that the shadow never answers, 100 % sampling, two hours, one look: their own "
        f"criterion, and latency with the lost counted at p99 ({runs:,} runs a cell, per cent)",
        "a minute",
        "lost",
        "which",
        "latency",
        "PASS of both",
        "PASS of latency without counting them",
    )
    for traffic in (30, 300):
        for lost in (0.0, 0.003, ERRORS_MORE, 0.045, 0.049):
            for which, change in (("any", 0.0), ("the slowest", 0.2)):
                cells = _lost(rng, runs, (traffic, lost, which, change))
                row(traffic, f"{lost:.1%}", which, _change(change), *map(share, cells))


def _lost(rng: np.random.Generator, runs: int, case: tuple[int, float, str, float]) -> list[Array]:
    """Return in which runs the criteria pass; the slowest requests are cut off a log-normal."""
    traffic, lost, which, change = case
    world, sigma = World(traffic=traffic, change=change, own=0.0), 0.6
    quantile = NORMAL.inv_cdf(1 - lost) if lost else math.inf
    kept = (NORMAL.cdf(quantile - sigma) / (1 - lost)) if which == "the slowest" else 1.0
    p99 = math.exp(sigma * NORMAL.inv_cdf(0.99) - sigma**2 / 2)

    def count(size: int) -> list[Array]:
        seen = world.draw(rng, size, 115)
        answered = seen.asked - rng.binomial(seen.asked.astype(int), lost)
        shadow = seen.shadow * kept
        means = Means.of(seen.production, seen.asked, shadow, answered)
        gone = np.maximum((seen.asked - answered).sum(axis=1) - 2, 0)
        total = answered.sum(axis=1)
        level = np.exp(means.change) * _level(seen.production, seen.asked)
        worst = (level * total + p99 * gone) / (total + gone) / level
        counted = Means(change=means.change + np.log(worst), summaries=means.summaries)
        zero = np.zeros_like(seen.asked)
        missing = Rates.of(zero, seen.asked, seen.asked - answered, seen.asked)
        few = enough(missing) & (missing.upper(ALPHA, ERRORS_MORE) < ERRORS_MORE)
        return [few & passes(counted) & (means.change < math.log(EDGE)), passes(means)]

    return chunked(runs, count)


def _level(values: Array, requests: Array) -> Array:
    return (values * requests).sum(axis=1) / requests.sum(axis=1)


def table_joint(rng: np.random.Generator, runs: int) -> None:
    """Measure skew, dependence, lost requests and partial sampling at the same time."""
    head(
        f"All at once, exactly at +10 %, 300 requests a minute ({runs:,} runs a cell, per cent)",
        "sampling",
        "minutes' innovations",
        "dependence",
        "lost",
        "minutes",
        "false PASS of latency",
        "PASS at 0",
    )
    for sampling in (1.0, 0.1):
        for sigma in (0.0, 0.6):
            for phi in (0.5, 0.8):
                for lost in (0.0, 0.004):
                    cells = _joint(rng, runs, (sampling, sigma, phi, lost))
                    name = f"log-normal ({sigma:g})" if sigma else "normal"
                    row(
                        f"{sampling:.0%}", name, _noise(phi), f"{lost:.1%}", 115, *map(share, cells)
                    )


def _joint(
    rng: np.random.Generator, runs: int, case: tuple[float, float, float, float]
) -> list[Array]:
    sampling, sigma, phi, lost = case
    world = World(traffic=300, sampling=sampling, noise=0.0, own=0.15)
    draw = lognormal(sigma) if sigma else normal

    def count(size: int) -> list[Array]:
        seen = world.draw(rng, size, 115)
        noise = 1 + SPREAD * autoregressive(rng, size, 115, phi, draw=draw)
        answered = seen.answered - rng.binomial(seen.answered.astype(int), lost)
        return [
            passes(Means.of(seen.production, seen.asked, change * seen.shadow * noise, answered))
            for change in (EDGE, 1.0)
        ]

    return chunked(runs, count)


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

            row(name, _noise(phi), f"{busy:.1f}", *map(share, chunked(runs, count)))


def _busy(minutes: Iterable[int], times: float) -> Array:
    """Return the requests of two hours, of which some minutes have so many times as many."""
    return np.where(np.isin(np.arange(115), list(minutes)), times, 1.0)


def table_spells(rng: np.random.Generator, runs: int) -> None:
    """Measure equal candidates whose errors come in spells of their own."""
    head(
        "Errors in spells, each variant its own, 100 requests a minute, two hours, an equal "
        f"candidate (exceptions; {runs:,} runs a cell, per cent)",
        "part of the time",
        "minutes a spell",
        "errors in it",
        "false FAIL of one criterion at alpha / 4",
        "PASS at one look",
    )
    for part, length, rate in ((0.2, 20, 0.05), (0.2, 30, 0.03), (0.3, 60, 0.03), (0.1, 10, 0.1)):

        def count(size: int, case: tuple = (part, length, rate)) -> list[Array]:
            counts = [rng.binomial(100, _spells(rng, size, case)).astype(float) for _ in range(2)]
            total = np.full((size, 115), 100.0)
            seen = watch_rates(tuple(counts), (total, total), ERRORS_MORE, level=ALPHA / 4)
            return [seen.failed, seen.passed]

        row(f"{part:.0%}", length, f"{rate:.0%}", *map(share, chunked(runs, count)))


def _spells(rng: np.random.Generator, runs: int, case: tuple[float, int, float]) -> Array:
    """Return the error rate of each minute: a chain of two states, none in the one."""
    part, length, rate = case
    begins, ends = part / (1 - part) / length, 1 / length
    state = rng.random(runs) < part
    rates = np.zeros((runs, 115))
    for minute in range(115):
        rates[:, minute] = np.where(state, rate, 0.0)
        drawn = rng.random(runs)
        state = np.where(state, drawn >= ends, drawn < begins)
    return rates


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


#: Names of what is true, the candidate's latency more, and its errors more.
TRUTHS = (
    ("no difference", 0.0, 0.0),
    ("latency +3 %", 0.03, 0.0),
    ("latency exactly +10 %", 0.1, 0.0),
    ("latency +20 %", 0.2, 0.0),
    ("latency +50 %", 0.5, 0.0),
    ("server errors +2 pp", 0.0, 0.02),
)


def table_rollouts(rng: np.random.Generator, runs: int) -> None:
    """Measure whole default rollouts."""
    for sigma, noise in ((0.6, 0.05), (0.8, 0.10)):
        head(
            "Default rollouts: 10, 50, 100 %, two hours each, the last up to six; requests "
            f"log-normal ({sigma:g}), own 0.15, minutes' noise {noise:.0%} AR 0.5 in each variant, "
            f"load 10 % AR 0.9, 0.1 % errors ({runs:,} runs a cell, per cent)",
            "requests a minute",
            "truth",
            "promoted",
            "removed for a FAIL",
            "median minutes until FAIL",
            "median minutes until PASS",
        )
        for traffic in (1, 5, 10, 100, 1000):
            for name, change, more in TRUTHS:
                world = {
                    "traffic": traffic,
                    "change": change,
                    "more_errors": more,
                    "sigma": sigma,
                    "noise": noise,
                }

                def count(size: int, world: dict = world) -> list[Array]:
                    done = Rollouts.of(rng, size, **world)
                    return [done.passed, done.failed]

                passed, failed = chunked(runs, count)
                row(
                    f"{traffic:,}",
                    name,
                    share(np.isfinite(passed)),
                    share(np.isfinite(failed)),
                    _median(failed),
                    _median(passed),
                )


def _median(minutes: Array) -> str:
    """Return the median of all runs, if half of them came to an end."""
    middle = float(np.median(minutes))
    return "" if math.isinf(middle) else f"{middle:.0f}"


TABLES: dict[str, Callable[[np.random.Generator, int], None]] = {
    "relative": table_relative,
    "skew": table_skew,
    "noise": table_dependence,
    "steps": table_steps,
    "requests": table_requests,
    "lost": table_lost,
    "joint": table_joint,
    "rates": table_rates,
    "shared": table_shared,
    "bursts": table_bursts,
    "late": table_late_regression,
    "rollouts": table_rollouts,
    "rivals": table_rivals,
    "traffic": table_traffic,
    "spells": table_spells,
}


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--only", choices=TABLES, nargs="*", default=list(TABLES))
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    start = time.process_time()
    print(f"seed {arguments.seed}, {arguments.runs:,} runs")
    for index, name in enumerate(TABLES):
        if name in arguments.only:
            rng = np.random.default_rng([arguments.seed, index])
            TABLES[name](rng, arguments.runs)
    print(f"\n{time.process_time() - start:.0f} s of one core")


if __name__ == "__main__":
    np.seterr(invalid="ignore")  # a shadow without a request yet has no mean
    main()
