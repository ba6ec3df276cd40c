"""Read the observations that a specification needs of both variants from CloudWatch."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from airflow_shadow.analysis import (
    AnalysisSpec,
    Baseline,
    Counts,
    Observations,
    OutsideResult,
    Pair,
    Series,
    epoch,
    parse_statistic,
)
from airflow_shadow.analysis.metric_kinds import LATENCIES
from airflow_shadow.analysis.observations import Percentiles
from airflow_shadow.analysis.statistic import count_above
from airflow_shadow.hooks.cloudwatch import Points, Query
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import (
    SOURCES,
    MetricSource,
    Variants,
    check_metrics,
)
from airflow_shadow.hooks.percentiles import DAY, Limits, read_percentiles
from airflow_shadow.hooks.periods import readable_period
from airflow_shadow.waiters import FILLING_SECONDS

#: How long CloudWatch still adds to the newest minutes.
FILLING = timedelta(seconds=FILLING_SECONDS)

#: AWS tells its time in whole seconds, so it may seem to go back by so many.
_TICK = 1.0
_PERCENTILES = ("p50", "p90", "p99")


@dataclass(frozen=True, kw_only=True)
class _Span:
    """A window in seconds since 1970, and the length of its periods."""

    start: float
    end: float
    period: int

    @property
    def first(self) -> float:
        """The begin of the first whole period."""
        return math.ceil(self.start / self.period) * self.period

    @property
    def stop(self) -> float:
        """The end of the last whole period."""
        return math.floor(self.end / self.period) * self.period


def read_observations(
    hook: InferenceExperimentHook,
    spec: AnalysisSpec,
    experiment: Mapping[str, Any],
    *,
    start: datetime,
    end: datetime,
    looks: Sequence[float],
    sampling_percentage: float | None = None,
    metrics: Mapping[str, MetricSource] | None = None,
    limits: Limits | None = None,
    baseline: Sequence[Baseline] = (),
    stage: int = 1,
    stages: int = 1,
    earlier: Mapping[str, Sequence[Counts]] | None = None,
    needs: Collection[tuple[str, str]] | None = None,
) -> Observations:
    """Read what a specification needs of both variants' metrics (GetMetricData).

    Only whole periods inside the window are read. Latencies stay in CloudWatch's microseconds, the
    unit of the specification's limits; the verdict tells them in milliseconds.

    :param experiment: what DescribeInferenceExperiment shows
    :param start: begin of the window, usually of a stage
    :param end: its end, at most AWS's present time without the minutes of :data:`FILLING`
    :param looks: the planned ends of the window, as
        :class:`~airflow_shadow.analysis.Observations` takes them
    :param sampling_percentage: that of the window, 0 to 100, if it is not the experiment's any more
    :param metrics: where to find metrics that are not SageMaker's own, by their names in the
        specification
    :param limits: production's own percentiles that requests are held against, as
        :func:`~airflow_shadow.hooks.percentiles.find_limits` reads them
    :param baseline: the states of production in this window
    :param stage: which stage of a rollout this is, from 1
    :param stages: how many stages there are
    :param earlier: what the stages before counted, by the criterion's name
    :param needs: metrics and statistics to read, those of the specification unless given
    :raises InvalidRequestError: a metric is unknown
    :raises AwsAccessDeniedError: of `cloudwatch:GetMetricData`
    :raises MetricsUnreadableError: CloudWatch could not answer in full
    """
    variants = Variants.of(experiment)
    sources = {**SOURCES, **(metrics or {})}
    needs = spec.needs if needs is None else needs
    check_metrics(needs, sources)
    span = _span(hook, spec, experiment, (epoch(start), epoch(end)))
    judged = replace(span, start=span.start + spec.initial_delay)
    asked = dict(_asked(needs, limits or {}))
    latencies = {metric for metric, _ in needs} & LATENCIES
    points = _read(hook, asked, variants, sources, span)
    sampling = variants.sampling_percentage if sampling_percentage is None else sampling_percentage
    return Observations(
        start=span.start,
        end=span.end,
        sampling_percentage=sampling,
        looks=tuple(looks),
        series={
            key: _pair(points, variants, sources[key[0]], statistic)
            for key, statistic in asked.items()
        },
        # Each request sends 1, so that the sum counts them.
        invocations=_pair(points, variants, SOURCES["Invocations"], "Sum", "Sum"),
        limits=dict(limits or {}),
        percentiles=_percentiles(hook, latencies, variants, sources, judged),
        baseline=tuple(baseline),
        period=None if span.period == spec.period else span.period,
        stage=stage,
        stages=stages,
        earlier=earlier or {},
    )


def _asked(
    needs: Iterable[tuple[str, str]], limits: Limits
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield each metric and statistic with CloudWatch's name of the statistic.

    A statistic that needs an unknown limit is left out.
    """
    for metric, name in needs:
        statistic = parse_statistic(name)
        if statistic.reference is None:
            yield (metric, name), statistic.cloudwatch
        elif (limit := limits.get((metric, statistic.reference))) is not None:
            yield (metric, name), count_above(limit)


def read_alarms(hook: InferenceExperimentHook, spec: AnalysisSpec) -> dict[str, OutsideResult]:
    """Read the alarms that a specification names (DescribeAlarms), as they are now.

    :raises InvalidRequestError: there is no alarm of one of the names
    """
    alarms = {item.name: item.target for item in spec.outside if item.kind == "alarm"}
    states = hook.cloudwatch.alarm_states(tuple(alarms.values()))
    return {name: OutsideResult.of_alarm(target, states[target]) for name, target in alarms.items()}


def _span(
    hook: InferenceExperimentHook,
    spec: AnalysisSpec,
    experiment: Mapping[str, Any],
    asked: tuple[float, float],
) -> _Span:
    """Return the window that can be read."""
    if not hook.knows_time:
        hook.find_experiment(experiment["Name"])  # for AWS's clock; the worker's may be wrong
    now = epoch(hook.now())
    filled = now - FILLING.total_seconds()
    end = asked[1] if asked[1] <= filled + _TICK else filled
    period = readable_period(spec.period, age=timedelta(seconds=now - asked[0]))
    return _Span(start=asked[0], end=max(asked[0], end), period=period)


def _read(
    hook: InferenceExperimentHook,
    asked: Mapping[tuple[str, str], str],
    variants: Variants,
    sources: Mapping[str, MetricSource],
    span: _Span,
) -> dict[Query, Points]:
    """Read all points; none if the window holds no whole period."""
    if span.first >= span.stop:
        return {}
    needed = [
        (sources[metric], each)
        for (metric, _), statistic in asked.items()
        for each in (statistic, "SampleCount")
    ]
    queries = [
        query
        for source, statistic in [(SOURCES["Invocations"], "Sum"), *needed]
        for query in variants.queries(source, statistic)
    ]
    return hook.cloudwatch.read_points(queries, start=span.first, end=span.stop, period=span.period)


def _pair(
    points: Mapping[Query, Points],
    variants: Variants,
    source: MetricSource,
    statistic: str,
    count: str = "SampleCount",
) -> Pair:
    values, counts = (
        [points.get(query, {}) for query in variants.queries(source, each)]
        for each in (statistic, count)
    )
    baseline, candidate = (Series.from_points(*one) for one in zip(values, counts, strict=True))
    return Pair(baseline=baseline, candidate=candidate)


def _percentiles(
    hook: InferenceExperimentHook,
    latencies: Collection[str],
    variants: Variants,
    sources: Mapping[str, MetricSource],
    span: _Span,
) -> dict[str, tuple[Percentiles, Percentiles]]:
    """Read both variants' percentiles over the part of a window that is judged, at most a day."""
    begin = max(span.first, span.stop - DAY // span.period * span.period)
    if begin >= span.stop or not latencies:
        return {}
    queries = {metric: variants.queries(sources[metric]) for metric in sorted(latencies)}
    every = [query for both in queries.values() for query in both]
    found = read_percentiles(hook.cloudwatch, every, _PERCENTILES, start=begin, end=span.stop)
    both = {metric: (found[one], found[other]) for metric, (one, other) in queries.items()}
    return {metric: pair for metric, pair in both.items() if any(pair)}
