"""Read production's metrics of the last days from CloudWatch, for a forecast."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from airflow_shadow.analysis import AnalysisSpec, History, Series, parse_statistic
from airflow_shadow.hooks.cloudwatch import Points, Query
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import SOURCES, MetricSource, check_metrics
from airflow_shadow.hooks.observations import FILLING
from airflow_shadow.hooks.periods import readable_period
from airflow_shadow.waiters.conditions import endpoint_missing

#: How far back to read: all hours of a week, one page of GetMetricData for the default criteria.
LONGEST = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class _Production:
    """Production's names, by which its metrics are queried."""

    endpoint: str
    variant: str
    instances: int
    sources: Mapping[str, MetricSource]

    def query(self, metric: str, statistic: str) -> Query:
        """Return the query of one statistic."""
        source = self.sources[metric]
        return source.query(statistic, endpoint=self.endpoint, variant=self.variant)


def read_history(
    hook: InferenceExperimentHook,
    spec: AnalysisSpec,
    endpoint_name: str,
    *,
    metrics: Mapping[str, MetricSource] | None = None,
) -> History:
    """Read the metrics of an endpoint's production of the last days (GetMetricData).

    The newest minutes, to which CloudWatch still adds, are left out.

    :param metrics: where to find metrics that are not SageMaker's own
    :raises EndpointNotFoundError: there is none of that name
    :raises InvalidRequestError: a metric of the specification is unknown
    :raises AwsAccessDeniedError: of `cloudwatch:GetMetricData` or `sagemaker:DescribeEndpoint`
    :raises MetricsUnreadableError: CloudWatch could not answer in full
    """
    sources = {**SOURCES, **(metrics or {})}
    check_metrics(spec.needs, sources)
    production = _production(hook, endpoint_name, sources)
    period = readable_period(spec.period, age=LONGEST)
    end = math.floor((hook.now() - FILLING).timestamp() / period) * period
    start = end - int(LONGEST.total_seconds()) // period * period
    queries = [
        production.query("Invocations", "Sum"),
        *(production.query(*one) for key in _readable(spec) for one in _both(*key)),
    ]
    points = hook.cloudwatch.read_points(queries, start=start, end=end, period=period)
    return _history(spec, production, points, period)


def _production(
    hook: InferenceExperimentHook, endpoint_name: str, sources: Mapping[str, MetricSource]
) -> _Production:
    endpoint = hook.find_endpoint(endpoint_name)
    if endpoint is None:
        raise endpoint_missing("a forecast", endpoint_name)
    shown = (endpoint.get("ProductionVariants") or [{}])[0]
    return _Production(
        endpoint=endpoint_name,
        variant=shown.get("VariantName", ""),
        instances=int(shown.get("DesiredInstanceCount") or shown.get("CurrentInstanceCount") or 0),
        sources=sources,
    )


def _readable(spec: AnalysisSpec) -> Iterator[tuple[str, str]]:
    """Yield what CloudWatch has a statistic of; shares above production's percentile it has not."""
    return (key for key in spec.needs if parse_statistic(key[1]).cloudwatch)


def _both(metric: str, statistic: str) -> Iterator[tuple[str, str]]:
    """Yield a metric with each statistic that it needs."""
    yield metric, parse_statistic(statistic).cloudwatch
    yield metric, "SampleCount"


def _history(
    spec: AnalysisSpec, production: _Production, points: Mapping[Query, Points], period: int
) -> History:
    requests = points.get(production.query("Invocations", "Sum"), {})
    return History(
        requests=Series.from_points(requests, requests),
        series={
            key: Series.from_points(
                *(points.get(production.query(*one), {}) for one in _both(*key))
            )
            for key in _readable(spec)
        },
        period=period,
        instances=production.instances,
    )
