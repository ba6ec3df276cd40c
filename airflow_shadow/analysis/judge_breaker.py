"""Circuit breakers: M of N periods beyond a hard limit, without statistics."""

from __future__ import annotations

import math
from operator import truediv

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.request_counts import MIN_COVERED, Counting
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Pair
from airflow_shadow.analysis.spec import ERRORS, Breaker
from airflow_shadow.analysis.verdict import BreakerFinding


def judge_breaker(look: Look, breaker: Breaker) -> BreakerFinding:
    """Return whether, and when first, M of N neighbouring periods were beyond the limit.

    A period without data does not count as beyond it, as in a CloudWatch alarm whose missing data
    are not breaching; the criteria take care of what is missing. Nor does one of which the metric
    covers too few requests.
    """
    # One longer period may be made of a single short one: that is no M in a row.
    longer = look.widening > 1
    needed, among = (math.ceil(each / look.widening) + longer for each in breaker.datapoints)
    pair = Counting(look).pair(breaker)
    own, both = _beyond(look, breaker, pair)
    near = (
        last
        for first, last in zip(own, own[needed - 1 :], strict=False)
        if last - first < among * look.period
    )
    at, seen = next(near, None), len(look.read(pair.candidate).times)
    after = math.inf if at is None else at + look.period - look.observations.start
    return BreakerFinding(
        name=breaker.name,
        tripped=at is not None,
        at=at,
        periods=seen,
        sentence=formatting.breaker(breaker, at=at, seen=seen, after=after, both=len(both)),
    )


def _beyond(look: Look, breaker: Breaker, pair: Pair) -> tuple[list[float], list[float]]:
    """Return the periods in which the candidate alone was beyond the limit, and both were.

    A limit is for what only the candidate does: where production is beyond half of it, the criteria
    compare the two.
    """
    if breaker.relative_limit is not None:
        return _beyond_multiple(look, breaker, pair, breaker.relative_limit), []
    limit = breaker.limit or 0.0
    production = look.read(pair.baseline)
    shared = {
        time
        for time, level in zip(production.times, _levels(breaker, production), strict=True)
        if level > limit / 2
    }
    candidate = look.read(pair.candidate)
    rows = zip(candidate.times, _levels(breaker, candidate), candidate.samples, strict=True)
    enough = _Enough(look, breaker)
    beyond = [time for time, level, n in rows if level > limit and enough(time, n)]
    own = [time for time in beyond if time not in shared]
    return own, [time for time in beyond if time in shared]


def _beyond_multiple(look: Look, breaker: Breaker, pair: Pair, multiple: float) -> list[float]:
    """Return the periods in which the candidate was beyond a multiple of production."""
    baseline, candidate = look.paired(pair)
    enough = _Enough(look, breaker)
    rows = zip(
        candidate.times,
        _levels(breaker, candidate),
        _levels(breaker, baseline),
        candidate.samples,
        strict=True,
    )
    # A multiple of nothing is no limit.
    return [
        time
        for time, level, base, n in rows
        if level > (multiple * base or math.inf) and enough(time, n)
    ]


class _Enough:
    """Tell whether a period has the requests that a breaker asks for, and covers them."""

    def __init__(self, look: Look, breaker: Breaker) -> None:
        self.least = breaker.min_samples
        requests = look.requests[1] if breaker.metric in ERRORS else None
        self.asked = dict(zip(requests.times, requests.samples, strict=True)) if requests else {}

    def __call__(self, time: float, samples: float) -> bool:
        return samples >= max(self.least, MIN_COVERED * self.asked.get(time, 0.0))


def _levels(breaker: Breaker, columns: Columns) -> list[float]:
    """Return the level of each period: its mean, or its share of bad requests."""
    if breaker.is_mean:
        return columns.values
    return list(map(truediv, columns.values, columns.samples))
