"""From CloudWatch to the judge: what a specification needs, read for both variants."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_shadow.analysis import (
    AnalysisSpec,
    Observations,
    OutsideResult,
    Pair,
    Series,
    epoch,
    parse_statistic,
)
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metrics import Points, Query
from airflow_shadow.hooks.sources import SOURCES, MetricSource, check_metrics, measured
from airflow_shadow.lifecycle import LIVE, status_of
from airflow_shadow.waiting import FILLING_SECONDS

#: How long the newest minutes still fill.
FILLING = timedelta(seconds=FILLING_SECONDS)

_MINUTE = 60
# Points of a minute live 15 days, of five minutes 63, of an hour 455. The hour of margin is for
# queries that are still to come when the edge passes.
_MARGIN = timedelta(hours=1)
_KEPT = ((_MINUTE, timedelta(days=15)), (300, timedelta(days=63)))
_LONGEST = 3600


@dataclass(frozen=True, kw_only=True)
class Variants:
    """Name both variants of an experiment, and the shadow's share of the requests.

    :param sampling_percentage: 0 to 100
    """

    endpoint: str
    production: str
    shadow: str
    sampling_percentage: float

    @classmethod
    def of(cls, experiment: Mapping[str, Any]) -> Variants:
        """Read them from what DescribeInferenceExperiment shows."""
        mode = experiment["ShadowModeConfig"]
        shadow = mode["ShadowModelVariants"][0]
        return cls(
            endpoint=experiment["EndpointMetadata"]["EndpointName"],
            production=mode["SourceModelVariantName"],
            shadow=shadow["ShadowModelVariantName"],
            sampling_percentage=float(shadow["SamplingPercentage"]),
        )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Hold what was read, and the specification that fits it: ``judge(spec, observations)``.

    :param spec: the given one, its period widened where CloudWatch keeps no shorter one any more
    """

    spec: AnalysisSpec
    observations: Observations


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
    sampling_since: datetime | None = None,
    sampling_percentage: float | None = None,
    metrics: Mapping[str, MetricSource] | None = None,
    outside: Mapping[str, OutsideResult] | None = None,
) -> Reading:
    """Read what a specification needs of both variants (GetMetricData, DescribeAlarms).

    Only whole periods inside the window are read. Latencies stay in CloudWatch's microseconds, the
    unit of the specification's limits; the verdict tells them in milliseconds.

    :param experiment: what DescribeInferenceExperiment shows
    :param start: begin of the window, usually of a stage
    :param end: its end, cut to AWS's now without the minutes that still fill (:data:`FILLING`)
    :param looks: the planned ends, see :class:`~airflow_shadow.analysis.Observations`
    :param sampling_since: when the sampling percentage took its value; what is older is dropped. By
        default the last change of a live experiment, whatever changed: AWS does not tell (assumed:
        `LastModifiedTime` moves with each update)
    :param sampling_percentage: that of the window, 0 to 100, if it is not the experiment's any more
    :param metrics: where to find metrics that are not SageMaker's own, by their names in the
        specification
    :param outside: results of the outside criteria of kind ``custom``, by the criterion's name
    :raises InvalidRequestError: a metric or an alarm of the specification is unknown
    :raises AwsAccessDeniedError: of `cloudwatch:GetMetricData` or `cloudwatch:DescribeAlarms`
    :raises MetricsUnreadableError: CloudWatch could not answer in full
    """
    variants = Variants.of(experiment)
    sources = {**SOURCES, **(metrics or {})}
    check_metrics(spec, sources)
    span = _span(hook, spec, experiment, (epoch(start), epoch(end)), sampling_since)
    points = _read(hook, spec, variants, sources, span)
    sampling = variants.sampling_percentage if sampling_percentage is None else sampling_percentage
    return Reading(
        spec=spec,
        observations=Observations(
            start=span.start,
            end=span.end,
            sampling_percentage=sampling,
            looks=looks,
            period=span.period,
            series={
                key: _pair(points, *key, variants, sources)
                for key in measured(spec)
                if parse_statistic(key[1]).cloudwatch
            },
            invocations=_invocations(points, variants),
            outside={**read_alarms(hook, spec), **(outside or {})},
        ),
    )


def read_alarms(hook: InferenceExperimentHook, spec: AnalysisSpec) -> dict[str, OutsideResult]:
    """Read the alarms that a specification names (DescribeAlarms), as they are now.

    :raises InvalidRequestError: there is no alarm of one of the names
    """
    alarms = {item.name: item.target for item in spec.outside if item.kind == "alarm"}
    states = hook.cloudwatch.alarm_states(tuple(alarms.values()))
    return {name: OutsideResult.of_alarm(target, states[target]) for name, target in alarms.items()}


def readable_period(period: int, *, age: timedelta) -> int:
    """Return the shortest period, in seconds, not below the given that CloudWatch still has.

    :param period: wanted, in seconds
    :param age: of the oldest point
    """
    step = next((step for step, kept in _KEPT if age <= kept - _MARGIN), _LONGEST)
    return math.ceil(period / step) * step


def _span(
    hook: InferenceExperimentHook,
    spec: AnalysisSpec,
    experiment: Mapping[str, Any],
    asked: tuple[float, float],
    sampling_since: datetime | None,
) -> _Span:
    """Return the window that can be read."""
    if not hook.knows_time:
        hook.find_experiment(experiment["Name"])  # for AWS's clock; the worker's may be off
    now = epoch(hook.now())
    end = min(asked[1], now - FILLING.total_seconds())
    start = max(asked[0], _changed(hook, experiment, asked[0], end, sampling_since))
    period = readable_period(spec.period, age=timedelta(seconds=now - start))
    return _Span(start=start, end=max(start, end), period=period)


def _changed(
    hook: InferenceExperimentHook,
    experiment: Mapping[str, Any],
    start: float,
    end: float,
    sampling_since: datetime | None,
) -> float:
    """Return since when the sampling percentage certainly held."""
    if sampling_since is not None:
        return epoch(sampling_since)
    modified = experiment.get("LastModifiedTime")
    if modified is None or status_of(experiment) not in LIVE or not start < epoch(modified) < end:
        return start
    hook.log.info("The experiment was changed at %s; what is older is not judged.", modified)
    return epoch(modified)


def _read(
    hook: InferenceExperimentHook,
    spec: AnalysisSpec,
    variants: Variants,
    sources: Mapping[str, MetricSource],
    span: _Span,
) -> dict[Query, Points]:
    """Read all points; none if the window holds no whole period."""
    if span.first >= span.stop:
        return {}
    needed = [
        (sources[metric], asked)
        for metric, statistic in measured(spec)
        if parse_statistic(statistic).cloudwatch
        for asked in (parse_statistic(statistic).cloudwatch, "SampleCount")
    ]
    queries = [
        source.query(asked, endpoint=variants.endpoint, variant=variant)
        for source, asked in [(SOURCES["Invocations"], "Sum"), *needed]
        for variant in (variants.production, variants.shadow)
    ]
    return hook.cloudwatch.read_points(queries, start=span.first, end=span.stop, period=span.period)


def _pair(
    points: Mapping[Query, Points],
    metric: str,
    statistic: str,
    variants: Variants,
    sources: Mapping[str, MetricSource],
) -> Pair:
    asked = parse_statistic(statistic).cloudwatch
    values, samples = (
        _of_both(points, sources[metric], stat, variants) for stat in (asked, "SampleCount")
    )
    baseline, candidate = (Series.from_points(*one) for one in zip(values, samples, strict=True))
    return Pair(baseline=baseline, candidate=candidate)


def _invocations(points: Mapping[Query, Points], variants: Variants) -> Pair:
    """Return the requests: each sends 1, so the sum counts them."""
    both = _of_both(points, SOURCES["Invocations"], "Sum", variants)
    baseline, candidate = (Series.from_points(one, one) for one in both)
    return Pair(baseline=baseline, candidate=candidate)


def _of_both(
    points: Mapping[Query, Points], source: MetricSource, statistic: str, variants: Variants
) -> list[Points]:
    return [
        points.get(source.query(statistic, endpoint=variants.endpoint, variant=variant), {})
        for variant in (variants.production, variants.shadow)
    ]
