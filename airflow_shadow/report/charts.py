"""The charts of a report: which there are, and their data."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace

from airflow_shadow.analysis import AnalysisSpec, Pair, parse_statistic
from airflow_shadow.analysis.baseline import changed_at, changes
from airflow_shadow.analysis.formatting import PLAIN, level_unit
from airflow_shadow.report.chart import Picture, Timeline
from airflow_shadow.report.inputs import Stage
from airflow_shadow.report.limits import limits
from airflow_shadow.report.thinning import Buckets, count_level, mean_level, share_level


def timeline(stages: Sequence[Stage], spec: AnalysisSpec, *, of_answers: bool = False) -> Timeline:
    """Return the time from the first stage's start to the last one's end.

    :param of_answers: whether its points are to be as wide as those of compared answers
    """
    period: float = max(stage.observations.period or spec.period for stage in stages)
    if of_answers:
        period = max(one.width for stage in stages for one in stage.answers.values())
    start = min(stage.observations.start for stage in stages)
    end = max(stage.observations.end for stage in stages)
    return Timeline(
        buckets=Buckets.over(start, max(end, start + period), period),
        # Without a ramp its label would be taken for one of the scale.
        stages=[(stage.observations.start, stage.sampling) for stage in stages if len(stages) > 1],
        planned=[look for stage in stages for look in stage.planned],
        between=[look for stage in stages for look in stage.between],
        # A change between two stages does no harm.
        changes=[
            changed_at(*change)
            for stage in stages
            for change in changes(stage.observations.baseline)
        ],
    )


def pictures(stages: Sequence[Stage], spec: AnalysisSpec) -> Iterator[Picture]:
    """Yield the chart of each metric and statistic that was judged and observed, then of requests.

    Other series have no part in the verdict, and may not be readable at all.
    """
    observed = {key for stage in stages for key in stage.observations.series}
    for index, key in enumerate(key for key in spec.needs if key in observed):
        yield _picture(stages, key, index)
    # Old stages may have longer periods than new ones.
    pairs = [
        _per_minute(pair, stage.observations.period or spec.period)
        for stage in stages
        if (pair := stage.observations.invocations) is not None
    ]
    if pairs:
        title = "Requests a minute"
        yield Picture(key="requests", title=title, unit=PLAIN, level=count_level, pairs=pairs)


def _per_minute(pair: Pair, period: int) -> Pair:
    """Return the requests a minute."""
    baseline, candidate = (
        replace(series, samples=array("d", (n * 60 / period for n in series.samples)))
        for series in (pair.baseline, pair.candidate)
    )
    return Pair(baseline=baseline, candidate=candidate)


def _picture(stages: Sequence[Stage], key: tuple[str, str], index: int) -> Picture:
    metric, statistic = key
    unit = level_unit(metric, statistic)
    is_mean = parse_statistic(statistic).kind == "mean"
    title = f"{metric}, {statistic}"
    return Picture(
        key=f"series-{index}",
        title=f"{title}, in{unit.symbol}" if unit.symbol else title,
        unit=unit,
        level=mean_level if is_mean else share_level,
        pairs=[stage.observations.series.get(key, Pair()) for stage in stages],
        banded=is_mean,
        limits=[*limits(stages, metric, statistic)],
        alarms=[
            breaker.at
            for stage in stages
            for breaker in stage.verdict.breakers
            if breaker.name == f"{metric} {statistic}" and breaker.at is not None
        ],
    )
