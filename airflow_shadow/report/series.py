"""Which charts a report has, and what each shows."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from airflow_shadow.analysis import AnalysisSpec, Pair, Series, parse_statistic
from airflow_shadow.analysis.baseline import changed_at, changes
from airflow_shadow.analysis.words import PLAIN, level_unit
from airflow_shadow.report.chart import Picture, Timeline, chart
from airflow_shadow.report.facts import Stage
from airflow_shadow.report.markup import Markup, tag
from airflow_shadow.report.thinning import Buckets, count_level, mean_level, share_level

#: What marks mean: a picture of each, and its words.
LEGEND = (
    ("line production", "M0 6H40", "production, solid"),
    ("line shadow", "M0 6H40", "shadow, dashed"),
    ("look", "M17 2l-4 8h8z", "planned look, PASS or FAIL"),
    ("between", "M20 3v6", "look in between, FAIL only"),
    ("stage", "M20 0V12", "a stage begins, with its sampling"),
    ("change", "M20 0V12", "production was changed"),
    ("alarm", "M20 0V12", "circuit breaker tripped"),
)


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


def charts(
    stages: Sequence[Stage], keys: Iterable[tuple[str, str]], time: Timeline
) -> Iterator[Markup]:
    """Yield a chart of each metric and statistic that was asked for and observed.

    What was observed beyond that has no place in the verdict, and may not be readable at all.
    """
    seen = {key for stage in stages for key in stage.observations.series}
    for index, key in enumerate(key for key in keys if key in seen):
        yield _figure(_picture(stages, key, index), time)


def requests_chart(stages: Sequence[Stage], time: Timeline, spec: AnalysisSpec) -> Markup:
    """Return the chart of both variants' requests, empty if none were counted."""
    pairs = [
        Pair(baseline=_a_minute(pair.baseline, period), candidate=_a_minute(pair.candidate, period))
        for stage in stages
        for pair, period in [(stage.observations.invocations, _period(stage, spec))]
        if pair is not None
    ]
    if not pairs:
        return Markup()
    title = "Requests a minute"
    told = Picture(key="requests", title=title, unit=PLAIN, level=count_level, pairs=pairs)
    return _figure(told, time)


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


def _figure(picture: Picture, time: Timeline) -> Markup:
    return tag("figure", tag("figcaption", picture.title), chart(picture, time))


def legend() -> Markup:
    """Return what lines and marks mean, by shape and not by colour alone."""
    return tag("ul", *(_entry(*entry) for entry in LEGEND), class_="legend")


def _entry(class_: str, path: str, words: str) -> Markup:
    drawn = tag("path", d=path, class_=class_)
    return tag("li", tag("svg", drawn, viewBox="0 0 40 12", aria_hidden="true"), words)
