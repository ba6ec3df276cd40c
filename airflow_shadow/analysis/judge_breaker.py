"""The judgement of a circuit breaker: M of N periods beyond a hard limit, without statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import truediv

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.breaker import Breaker
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.metric_kinds import ERRORS
from airflow_shadow.analysis.observations import Pair
from airflow_shadow.analysis.request_counts import MIN_COVERED, counted
from airflow_shadow.analysis.verdict import BreakerFinding


def judge_breaker(look: Look, breaker: Breaker) -> BreakerFinding:
    """Return whether, and when first, M of N neighbouring periods were beyond the limit.

    A period without data is not beyond it, as in a CloudWatch alarm that treats missing data as
    not breaching: the criteria judge missing data. Nor is a period of which the metric covers too
    few requests.
    """
    # A single short period may put a longer one beyond the limit, so one more is needed.
    longer = look.widening > 1
    needed, among = (math.ceil(each / look.widening) + longer for each in breaker.datapoints)
    pair = counted(look, breaker)
    alone, both = _beyond(look, breaker, pair)
    clusters = (
        last
        for first, last in zip(alone, alone[needed - 1 :], strict=False)
        if last - first < among * look.period
    )
    at = next(clusters, None)
    periods = len(look.read(pair.candidate).times)
    after = math.inf if at is None else at + look.period - look.observations.start
    return BreakerFinding(
        name=breaker.name,
        tripped=at is not None,
        at=at,
        periods=periods,
        sentence=formatting.breaker(breaker, at=at, periods=periods, after=after, both=len(both)),
    )


def _beyond(look: Look, breaker: Breaker, pair: Pair) -> tuple[list[float], list[float]]:
    """Return the periods in which the candidate alone was beyond the limit, and both were.

    A limit is for what only the candidate does: where production is beyond half of it, the criteria
    compare the two. A multiple is of production in the same period; one of zero is no limit.
    """
    if breaker.relative_limit is not None:
        baseline, candidate = look.paired(pair)
        multiple = breaker.relative_limit
        limits = [multiple * base or math.inf for base in _levels(breaker, baseline)]
        return _above(look, breaker, candidate, limits), []
    limit = breaker.limit or 0.0
    production, candidate = look.read(pair.baseline), look.read(pair.candidate)
    levels = zip(production.times, _levels(breaker, production), strict=True)
    high = {time for time, level in levels if level > limit / 2}
    beyond = _above(look, breaker, candidate, [limit] * len(candidate.times))
    return [time for time in beyond if time not in high], [time for time in beyond if time in high]


def _above(
    look: Look, breaker: Breaker, candidate: Columns, limits: Sequence[float]
) -> list[float]:
    """Return the periods above their limits in which the metric covers enough requests."""
    requests = look.requests[1] if breaker.metric in ERRORS else None
    known = dict(zip(requests.times, requests.samples, strict=True)) if requests else {}
    levels = _levels(breaker, candidate)
    return [
        time
        for time, level, limit, n in zip(
            candidate.times, levels, limits, candidate.samples, strict=True
        )
        if level > limit and n >= max(breaker.min_samples, MIN_COVERED * known.get(time, 0.0))
    ]


def _levels(breaker: Breaker, columns: Columns) -> Sequence[float]:
    """Return the level of each period: its mean, or its share of bad requests."""
    if breaker.is_mean:
        return columns.values
    return list(map(truediv, columns.values, columns.samples))
