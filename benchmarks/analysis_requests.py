"""Tables on worlds of single requests: few of them, lost ones, and all troubles at once."""

from __future__ import annotations

import math

import numpy as np
from analysis_noise import SPREAD, World, autoregressive, lognormal, normal
from analysis_runs import ALPHA, ERRORS_MORE, TOLERANCE, chunked, enough, passes, share
from analysis_tables import EDGE, Array, change_name, head, noise_name, row
from analysis_vector import Means, Rates

from airflow_shadow.analysis.critical_values import NORMAL

#: A mean decides nothing below so many requests.
LEAST_REQUESTS = 1000


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
    row(
        name,
        world.traffic,
        f"{world.sampling:.0%}",
        minutes,
        change_name(world.change),
        share(hits),
    )


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
        change_name(part * (times - 1)),
        share(hits),
    )


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
                row(traffic, f"{lost:.1%}", which, change_name(change), *map(share, cells))


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
                        f"{sampling:.0%}",
                        name,
                        noise_name(phi),
                        f"{lost:.1%}",
                        115,
                        *map(share, cells),
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
