"""Circuit breakers: M of N periods beyond a hard limit, without statistics."""

from __future__ import annotations

import math
from operator import truediv

from airflow_shadow.analysis import words
from airflow_shadow.analysis.align import Columns, Window, paired, read
from airflow_shadow.analysis.observations import Pair
from airflow_shadow.analysis.spec import Breaker
from airflow_shadow.analysis.verdict import BreakerFinding


def judge_breaker(breaker: Breaker, pair: Pair, window: Window) -> BreakerFinding:
    """Return whether, and when first, M of N neighbouring periods were beyond the limit.

    A period without data does not count as beyond it, as in a CloudWatch alarm whose missing data
    are not breaching; the criteria take care of what is missing.
    """
    needed, among = breaker.datapoints
    beyond = _beyond(breaker, pair, window)
    for first, last in zip(beyond, beyond[needed - 1 :], strict=False):
        if last - first < among * window.period:
            return _finding(breaker, last)
    return _finding(breaker, None)


def _beyond(breaker: Breaker, pair: Pair, window: Window) -> list[float]:
    """Return the periods in which the candidate was beyond the limit, in the order of time."""
    if breaker.relative_limit is None:
        candidate = read(pair.candidate, window)
        limits = [breaker.limit or 0.0] * len(candidate.times)
    else:
        baseline, candidate = paired(pair, window)
        multiple = breaker.relative_limit
        # A multiple of nothing is no limit.
        limits = [multiple * level or math.inf for level in _levels(breaker, baseline)]
    rows = zip(candidate.times, _levels(breaker, candidate), limits, candidate.samples, strict=True)
    return [
        time
        for time, level, limit, samples in rows
        if level > limit and samples >= breaker.min_samples
    ]


def _levels(breaker: Breaker, columns: Columns) -> list[float]:
    """Return the level of each period: its mean, or its share of bad requests."""
    if breaker.is_mean:
        return columns.values
    return list(map(truediv, columns.values, columns.samples))


def _finding(breaker: Breaker, at: float | None) -> BreakerFinding:
    tripped = at is not None
    return BreakerFinding(
        name=breaker.name, tripped=tripped, at=at, sentence=words.breaker(breaker, tripped=tripped)
    )
