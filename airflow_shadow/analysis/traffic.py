"""Check that the candidate got the share of the requests that the sampling promises.

If not, what it got is no fair sample: a shadow that drops requests under load drops the slow
ones. That AWS samples each request independently, and may drop shadow requests, is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from airflow_shadow.analysis.align import Window, read
from airflow_shadow.analysis.observations import Observations, Outcome
from airflow_shadow.analysis.spec import AnalysisSpec
from airflow_shadow.analysis.verdict import TrafficFinding

#: Standard errors of the sampling that are no deviation.
SLACK = 3.0
#: Requests at the edges of the window, counted in the one minute there and in the next here.
EDGE = 2.0
#: Part of the periods in which the candidate must fall short before capacity is the cause.
PERSISTENT = 0.5
FULL = 1.0
#: Requests of baseline and candidate in one period.
Requests = tuple[float, float]


def judge_traffic(spec: AnalysisSpec, sampling: float, rows: Sequence[Requests]) -> TrafficFinding:
    """Return whether the candidate's share of the requests is the expected one.

    FAIL only for a shortfall at full sampling that persists over the periods: the candidate does
    not keep up. Any other deviation is no evidence of anything.

    :param sampling: the sampling percentage
    :param rows: requests of both variants, period by period
    """
    baseline, candidate = (math.fsum(row[side] for row in rows) for side in (0, 1))
    expected = sampling / 100
    ratio = candidate / baseline if baseline else None
    outcome = _outcome(spec, rows, expected)
    return TrafficFinding(
        outcome=outcome,
        ratio=ratio,
        expected=expected,
        n_baseline=baseline,
        n_candidate=candidate,
        sentence=_sentence(ratio, expected, outcome),
    )


def requests(observations: Observations, window: Window) -> Sequence[Requests]:
    """Return the requests per period; where one variant is absent it had none."""
    if observations.invocations is None:
        return ()
    one, other = (
        read(series, window)
        for series in (observations.invocations.baseline, observations.invocations.candidate)
    )
    if one.times == other.times:
        return list(zip(one.samples, other.samples, strict=True))
    ones, others = (dict(zip(each.times, each.samples, strict=True)) for each in (one, other))
    times = sorted(ones.keys() | others.keys())
    return [(ones.get(time, 0.0), others.get(time, 0.0)) for time in times]


def _outcome(spec: AnalysisSpec, rows: Sequence[Requests], expected: float) -> Outcome:
    baseline, candidate = (math.fsum(row[side] for row in rows) for side in (0, 1))
    if not baseline or not candidate or not 0 < expected <= FULL:
        return "INCONCLUSIVE"
    if abs(candidate - expected * baseline) <= _accepted(spec, baseline, expected):
        return "PASS"
    return "FAIL" if expected == FULL and _falls_short(spec, rows) else "INCONCLUSIVE"


def _accepted(spec: AnalysisSpec, baseline: float, expected: float) -> float:
    """Return the accepted deviation in requests: tolerance, sampling noise and the edges."""
    noise = math.sqrt(expected * (1 - expected) * baseline)
    return spec.traffic_tolerance * expected * baseline + SLACK * noise + EDGE


def _falls_short(spec: AnalysisSpec, rows: Sequence[Requests]) -> bool:
    """Tell whether the candidate answers less than it should, period after period.

    From its first request on: a window may begin while the shadow is still deployed.
    """
    first = next((number for number, (_, other) in enumerate(rows) if other), 0)
    seen = rows[first:]
    short = sum(other < one - _accepted(spec, one, FULL) for one, other in seen)
    return len(seen) >= spec.min_periods and short > PERSISTENT * len(seen)


def _sentence(ratio: float | None, expected: float, outcome: Outcome) -> str:
    if ratio is None:
        return "traffic: no requests of the baseline were counted"
    said = f"traffic: the candidate got {ratio:.1%} of the baseline's requests".replace("%", " %")
    meant = f"{expected * 100:g} % expected"
    return f"{said}, {meant}" + (": it does not keep up" if outcome == "FAIL" else "")
