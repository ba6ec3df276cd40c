"""Where CloudWatch stores the metrics that a specification names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.hooks.cloudwatch import Query
from airflow_shadow.text.messages import short_repr, short_reprs, shorten

_REQUESTS, _INSTANCES = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
_NAMESPACES = {
    _REQUESTS: (
        "Invocations",
        "InvocationsPerInstance",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "InvocationModelErrors",
        "ModelLatency",
        "OverheadLatency",
    ),
    _INSTANCES: (
        "CPUUtilization",
        "MemoryUtilization",
        "DiskUtilization",
        "GPUUtilization",
        "GPUMemoryUtilization",
    ),
}


@dataclass(frozen=True, kw_only=True)
class MetricSource:
    """Where CloudWatch stores a metric of the variants.

    :param namespace: CloudWatch's namespace
    :param name: CloudWatch's name of the metric
    :param dimensions: name to value; ``{endpoint}`` and ``{variant}`` in a value stand for the
        names of the endpoint and of each variant
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str] = field(
        default_factory=lambda: {"EndpointName": "{endpoint}", "VariantName": "{variant}"}
    )

    def query(self, statistic: str, *, endpoint: str, variant: str) -> Query:
        """Return the query for one variant."""
        return Query(
            namespace=self.namespace,
            name=self.name,
            dimensions=tuple(
                (name, value.replace("{endpoint}", endpoint).replace("{variant}", variant))
                for name, value in self.dimensions.items()
            ),
            statistic=statistic,
        )


@dataclass(frozen=True, kw_only=True)
class Variants:
    """Both variants of an experiment, and the shadow's share of the requests.

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

    def queries(self, source: MetricSource, statistic: str = "SampleCount") -> tuple[Query, Query]:
        """Return the queries for production and for the shadow."""
        return (
            source.query(statistic, endpoint=self.endpoint, variant=self.production),
            source.query(statistic, endpoint=self.endpoint, variant=self.shadow),
        )


#: The metrics that SageMaker sends for each variant.
SOURCES: Mapping[str, MetricSource] = {
    name: MetricSource(namespace=namespace, name=name)
    for namespace, names in _NAMESPACES.items()
    for name in names
}


def read_sources(value: Mapping[str, Any] | None) -> dict[str, MetricSource]:
    """Return the sources that a Dag describes as plain values.

    :param value: name of a metric in the specification to a mapping with `namespace`, `name` and,
        unless they are SageMaker's, `dimensions`, as :class:`MetricSource` takes them; `None` for
        none
    :raises InvalidRequestError: with all faults
    """
    given: Any = {} if value is None else value
    if not isinstance(given, Mapping):
        faults = [f"metrics: {short_repr(given)} is not a mapping"]
    else:
        each = ((metric, fault) for metric, one in given.items() for fault in _faults(metric, one))
        faults = [f"{shorten(str(metric), most=80)}{fault}" for metric, fault in each]
    if faults:
        raise InvalidRequestError(asked="the sources of metrics", found="; ".join(faults[:20]))
    return {metric: MetricSource(**described) for metric, described in given.items()}


def _faults(metric: Any, described: Any) -> Iterator[str]:
    if not isinstance(metric, str):
        yield ": is not text"
    if not isinstance(described, Mapping):
        yield f": {short_repr(described)} is not a mapping"
        return
    known = [one.name for one in fields(MetricSource)]
    for key in described.keys() - known:
        yield f".{shorten(str(key), most=80)}: is not one of {', '.join(known)}"
    for key in ("namespace", "name"):
        if not isinstance(described.get(key), str):
            yield f".{key}: {short_repr(described.get(key))} is not text"
    dimensions = described.get("dimensions", {})
    if not isinstance(dimensions, Mapping):
        yield f".dimensions: {short_repr(dimensions)} is not a mapping of text to text"
    elif not all(isinstance(text, str) for pair in dimensions.items() for text in pair):
        yield f".dimensions: {short_repr(dict(dimensions))} is not a mapping of text to text"


def check_metrics(needs: Iterable[tuple[str, str]], sources: Mapping[str, MetricSource]) -> None:
    """Refuse metrics without a source: a mistyped name would never have data.

    :param needs: metrics and statistics, as :attr:`AnalysisSpec.needs` has them
    :raises InvalidRequestError: naming them all
    """
    unknown = sorted({metric for metric, _ in needs} - set(sources))
    if unknown:
        raise InvalidRequestError(
            asked="the metrics of an analysis",
            found=f"SageMaker has no metric named {short_reprs(unknown)}",
            next_step=f"Use one of {', '.join(sorted(sources))}, or give its source in `metrics`.",
        )
