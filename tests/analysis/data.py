"""Observations made from seeded numbers, for the tests of the judge."""

from __future__ import annotations

import random
from dataclasses import replace

from airflow_shadow.analysis import Criterion, Observations, Pair, Series

ERRORS = ("Invocation5XXErrors", "rate")
LATENCY = ("ModelLatency", "Average")


def series(values: list[float], samples: float | list[float] = 100.0, start: float = 0.0) -> Series:
    """Return a series of one-minute periods; None leaves a period out."""
    counts = samples if isinstance(samples, list) else [samples] * len(values)
    rows = [
        (start + 60.0 * index, value, count)
        for index, (value, count) in enumerate(zip(values, counts, strict=True))
        if value is not None
    ]
    times, kept, requests = zip(*rows, strict=True) if rows else ((), (), ())
    return Series(times=times, values=kept, samples=requests)


def rates(baseline: list[float], candidate: list[float], requests: float = 100.0) -> Pair:
    """Return bad requests of both variants, minute by minute."""
    return Pair(baseline=series(baseline, requests), candidate=series(candidate, requests))


def noisy(minutes: int, ratio: float, *, spread: float = 0.05, seed: int = 1) -> Pair:
    """Return latencies in microseconds whose log ratio scatters around that of `ratio`."""
    draw = random.Random(seed)
    baseline = [1e5 * draw.lognormvariate(0, 0.1) for _ in range(minutes)]
    candidate = [value * ratio * draw.lognormvariate(0, spread) for value in baseline]
    return Pair(baseline=series(baseline), candidate=series(candidate))


def seen(
    pairs: dict[tuple[str, str], Pair],
    *,
    minutes: int,
    sampling: float = 100.0,
    due: bool = True,
    requests: tuple[float, float] = (100.0, 100.0),
    **more,
) -> Observations:
    """Return observations with full traffic of both variants.

    :param due: whether the end is the only planned look; otherwise that is an hour away
    """
    traffic = (series([1.0] * minutes, count) for count in requests)
    baseline, candidate = traffic
    return Observations(
        start=0.0,
        end=60.0 * minutes,
        sampling_percentage=sampling,
        series=pairs,
        **(
            {
                "invocations": Pair(baseline=baseline, candidate=candidate),
                "looks": (60.0 * minutes + (0.0 if due else 3600.0),),
            }
            | more
        ),
    )


def half_seen(pairs: dict[tuple[str, str], Pair]) -> dict:
    """Return what :func:`seen` takes at half of the sampling: production has twice the requests."""
    doubled = {
        key: replace(
            pair,
            baseline=replace(
                pair.baseline,
                samples=[2 * count for count in pair.baseline.samples],
                values=[value if key == LATENCY else 2 * value for value in pair.baseline.values],
            ),
        )
        for key, pair in pairs.items()
    }
    return {"pairs": doubled, "sampling": 50.0, "requests": (200.0, 100.0)}


def error_criterion(**fields) -> Criterion:
    """Return a criterion on server errors."""
    defaults = {
        "name": "errors",
        "metric": "Invocation5XXErrors",
        "comparison": "difference",
        "tolerance": 0.01,
    }
    return Criterion(**(defaults | fields))


def latency_criterion(**fields) -> Criterion:
    """Return a criterion on mean latency."""
    defaults = {
        "name": "latency",
        "metric": "ModelLatency",
        "statistic": "Average",
        "tolerance": 0.1,
    }
    return Criterion(**(defaults | fields))
