"""Read percentiles of whole windows, one long period each: those of minutes cannot be averaged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_shadow.analysis import AnalysisSpec, epoch, parse_statistic
from airflow_shadow.analysis.observations import Percentiles
from airflow_shadow.hooks.cloudwatch import CloudWatchHook, Points, Query
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import SOURCES, MetricSource, Variants
from airflow_shadow.hooks.periods import readable_step

#: The longest period that is read, in seconds.
DAY = 86_400
_COUNT = "SampleCount"
#: Metric and percentile, such as `("ModelLatency", "p99")`, to production's value.
Limits = Mapping[tuple[str, str], float]


def read_percentiles(
    hook: CloudWatchHook,
    metrics: Iterable[Query],
    percentiles: Sequence[str],
    *,
    start: float,
    end: float,
) -> dict[Query, Percentiles]:
    """Read percentiles of each metric over one window (GetMetricData), empty without data.

    Assumed: `latency-percentiles`, `periods`. If CloudWatch divides the window into more periods,
    the one with most requests counts.

    :param metrics: of which only metric and dimensions are read
    :param start: begin in seconds since 1970, a multiple of what CloudWatch keeps
    :param end: its end, at most a day later and a multiple, too
    """
    asked = tuple(metrics)
    queries = [replace(one, statistic=stat) for one in asked for stat in (_COUNT, *percentiles)]
    points = hook.read_points(queries, start=start, end=end, period=int(end - start))
    return {one: _of_fullest(one, percentiles, points) for one in asked}


def _of_fullest(
    metric: Query, percentiles: Sequence[str], points: Mapping[Query, Points]
) -> dict[str, float]:
    counts = points[replace(metric, statistic=_COUNT)]
    if not counts:
        return {}
    fullest = max(counts, key=lambda time: counts[time])
    values = {name: points[replace(metric, statistic=name)].get(fullest) for name in percentiles}
    return {
        name: value
        for name, value in values.items()
        if value is not None and _is_known(name, counts[fullest])
    }


def _is_known(percentile: str, count: float) -> bool:
    """Tell whether at least one request is expected above a percentile; else it is the maximum."""
    return count * (100 - float(percentile.removeprefix("p"))) >= 100  # noqa: PLR2004 - per cent


def needed_limits(spec: AnalysisSpec) -> set[tuple[str, str]]:
    """Return each metric and percentile of production to which a specification compares requests.

    They are the same for the whole experiment.
    """
    statistics = ((metric, parse_statistic(name).reference) for metric, name in spec.needs)
    return {(metric, reference) for metric, reference in statistics if reference}


def find_limits(
    hook: InferenceExperimentHook,
    needed: Iterable[tuple[str, str]],
    experiment: Mapping[str, Any],
    metrics: Mapping[str, MetricSource] | None = None,
) -> dict[tuple[str, str], float]:
    """Read production's percentiles of the day before an experiment's creation (GetMetricData).

    Those of which CloudWatch has no data are left out.

    :param needed: metrics and percentiles
    :param experiment: what DescribeInferenceExperiment shows
    :param metrics: where to find metrics that are not SageMaker's own
    :raises AwsAccessDeniedError: of `cloudwatch:GetMetricData`
    :raises MetricsUnreadableError: CloudWatch could not answer in full
    """
    asked, variants = sorted(needed), Variants.of(experiment)
    if not asked:
        return {}
    sources = {**SOURCES, **(metrics or {})}
    queries = {metric: variants.queries(sources[metric])[0] for metric, _ in asked}
    created = epoch(experiment["CreationTime"])
    step = readable_step(hook.now().timestamp() - created + DAY)
    end = created // step * step
    names = tuple(dict.fromkeys(percentile for _, percentile in asked))
    found = read_percentiles(hook.cloudwatch, queries.values(), names, start=end - DAY, end=end)
    values = {(metric, name): found[queries[metric]].get(name) for metric, name in asked}
    return {key: value for key, value in values.items() if value is not None}
