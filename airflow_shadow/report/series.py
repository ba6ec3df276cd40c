"""Which charts a report has, and what each shows."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace

from airflow_shadow.analysis import AnalysisSpec, Pair, Series, parse_statistic
from airflow_shadow.analysis.baseline import changed_at, changes
from airflow_shadow.analysis.formatting import PLAIN, level_unit
from airflow_shadow.report.chart import Picture, Timeline
from airflow_shadow.report.facts import Stage
from airflow_shadow.report.thinning import Buckets, count_level, mean_level, share_level


def timeline(stages: Sequence[Stage], spec: AnalysisSpec) -> Timeline:
    """Return the time from the first stage's start to the last one's end."""
    period = max(_period(stage, spec) for stage in stages)
    start = min(stage.observations.start for stage in stages)
    end = max(stage.observations.end for stage in stages)
    return Timeline(
        buckets=Buckets.over(start, max(end, start + period), period),
        stages=[(stage.observations.start, stage.sampling) for stage in stages],
        planned=[look for stage in stages for look in stage.planned],
        between=[look for stage in stages for look in stage.between],
        changes=[at for stage in stages for at in _changes(stage)],
    )


def _period(stage: Stage, spec: AnalysisSpec) -> int:
    """Return the length of a stage's periods in seconds."""
    return stage.observations.period or spec.period


def _changes(stage: Stage) -> Iterator[float]:
    """Yield when production became another inside a stage; between stages that spoils nothing."""
    for one, other in changes(stage.observations.baseline):
        yield changed_at(one, other)


def pictures(stages: Sequence[Stage], spec: AnalysisSpec) -> Iterator[Picture]:
    """Yield each metric and statistic that was asked for and observed, then the requests.

    What was observed beyond that has no place in the verdict, and may not be readable at all.
    """
    seen = {key for stage in stages for key in stage.observations.series}
    for index, key in enumerate(key for key in spec.needs if key in seen):
        yield _picture(stages, key, index)
    yield from _requests(stages, spec)


def _requests(stages: Sequence[Stage], spec: AnalysisSpec) -> Iterator[Picture]:
    """Yield both variants' requests, if any were counted."""
    pairs = [
        Pair(baseline=_a_minute(pair.baseline, period), candidate=_a_minute(pair.candidate, period))
        for stage in stages
        for pair, period in [(stage.observations.invocations, _period(stage, spec))]
        if pair is not None
    ]
    if pairs:
        title = "Requests a minute"
        yield Picture(key="requests", title=title, unit=PLAIN, level=count_level, pairs=pairs)


def _a_minute(series: Series, period: int) -> Series:
    """Return the requests a minute: old stages may have longer periods than new ones."""
    return replace(series, samples=array("d", (n * 60 / period for n in series.samples)))


def _picture(stages: Sequence[Stage], key: tuple[str, str], index: int) -> Picture:
    metric, statistic = key
    unit = level_unit(metric, statistic)
    is_mean = parse_statistic(statistic).kind == "mean"
    shown = f"{metric}, {statistic}"
    return Picture(
        key=f"series-{index}",
        title=f"{shown}, in{unit.symbol}" if unit.symbol else shown,
        unit=unit,
        level=mean_level if is_mean else share_level,
        pairs=[stage.observations.series.get(key, Pair()) for stage in stages],
        banded=is_mean,
        alarms=list(_alarms(stages, f"{metric} {statistic}")),
    )


def _alarms(stages: Sequence[Stage], name: str) -> Iterator[float]:
    """Yield when the circuit breaker of a metric tripped."""
    for stage in stages:
        for breaker in stage.verdict.breakers:
            if breaker.tripped and breaker.name == name and breaker.at is not None:
                yield breaker.at
