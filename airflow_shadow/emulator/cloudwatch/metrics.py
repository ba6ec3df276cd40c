"""The metrics of an endpoint: names, units, and the samples that a variant sends in a minute."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from airflow_shadow.emulator.cloudwatch import latency, minutes
from airflow_shadow.emulator.cloudwatch.minutes import Errors, Part
from airflow_shadow.emulator.cloudwatch.samples import Samples, same
from airflow_shadow.emulator.random_draws import ShortRandom

INVOCATIONS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"

_OVERHEAD_SPREAD = 0.3
_IDLE = 1.5  # percent of a core
_GPU = re.compile(r"ml\.[gp]\d")
_SHOWN = 0.5  # utilisation shows when half of its minute has arrived


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric, and how its samples are made."""

    name: str
    samples: Callable[[Part], list[Samples]]
    namespace: str = INVOCATIONS
    unit: str = "None"
    only_gpu: bool = False
    zeros: bool = False  # whether its samples are 0 where nothing happened

    def exists(self, instance_type: str | None) -> bool:
        """Whether a variant on this type of instance sends the metric."""
        return not self.only_gpu or bool(_GPU.match(instance_type or ""))


def _invocations(part: Part) -> list[Samples]:
    [requests] = minutes.arrived(part, "late", (part.requests,))
    return same(1.0, requests)


def _per_instance(part: Part) -> list[Samples]:
    [requests] = minutes.arrived(part, "late", (part.requests,))
    return same(1 / part.interval.served.instances, requests)


def _failed(part: Part, *, count: Callable[[Errors], int]) -> list[Samples]:
    """Send 0 or 1 for each request; without requests there are no samples."""
    failed = count(minutes.errors(part)) if part.requests else 0
    ones, zeros = minutes.arrived(part, "late", (failed, part.requests - failed))
    return [*same(0.0, zeros), *same(1.0, ones)]


# Each request is a sample, so all statistics are available (assumed: latency-percentiles).
def _latencies(
    part: Part, subject: str, mean: float, spread: float, unanswered: float
) -> list[Samples]:
    drawn = latency.counts(part.key(subject), minutes.covered(part), unanswered)
    shown = minutes.arrived(part, f"late-{subject}", drawn)
    return [Samples(mean, latency.classes(spread, unanswered), shown)] if any(shown) else []


def _model_latency(part: Part) -> list[Samples]:
    if not part.requests:
        return []
    mean, spread = minutes.mean_latency(part), part.behaviour.latency_spread
    return _latencies(part, "latency", mean, spread, part.unanswered)


def _overhead_latency(part: Part) -> list[Samples]:
    if not part.requests:
        return []
    return _latencies(part, "overhead", part.behaviour.overhead_ms * 1000, _OVERHEAD_SPREAD, 0.0)


def _busy(part: Part) -> float:
    """Return the percentage of a core that the requests keep busy on each instance."""
    seconds = part.requests * minutes.mean_latency(part) / 1e6
    return 100 * seconds / 60 / part.interval.served.instances


def _cores(instance_type: str | None) -> int:
    """Return the cores of a type, by its size (assumed: utilisation)."""
    size = (instance_type or "").rpartition(".")[2]
    if match := re.fullmatch(r"(\d+)xlarge", size):
        return 4 * int(match[1])
    return {"medium": 1, "large": 2}.get(size, 4)


def _each_instance(part: Part, subject: str, value: float, most: float = 100.0) -> list[Samples]:
    """Send a sample for each instance, each a little different (assumed: utilisation)."""
    if part.seen < _SHOWN:
        return []
    random = ShortRandom(part.key(subject))
    near = (value * (0.95 + random.random() / 10) for _ in range(part.interval.served.instances))
    return [samples for one in near for samples in same(min(most, one), 1)]


def _cpu(part: Part) -> list[Samples]:
    most = 100.0 * _cores(part.interval.served.instance_type)
    return _each_instance(part, "cpu", _IDLE + _busy(part), most)


def _gpu(part: Part) -> list[Samples]:
    return _each_instance(part, "gpu", _busy(part))


def _declared(part: Part, *, field: str) -> list[Samples]:
    return _each_instance(part, field, getattr(part.behaviour, field))


def _errors(name: str, count: Callable[[Errors], int]) -> Metric:
    return Metric(name=name, samples=partial(_failed, count=count), zeros=True)


_instance = partial(Metric, namespace=INSTANCES, unit="Percent")

METRICS: dict[tuple[str, str], Metric] = {
    (metric.namespace, metric.name): metric
    for metric in (
        Metric(name="Invocations", samples=_invocations),
        Metric(name="InvocationsPerInstance", samples=_per_instance),
        _errors("Invocation4XXErrors", lambda errors: errors.client),
        _errors("Invocation5XXErrors", lambda errors: errors.server),
        # (assumed: model-errors)
        _errors(
            "InvocationModelErrors", lambda errors: errors.client + errors.server + errors.other
        ),
        Metric(name="ModelLatency", samples=_model_latency, unit="Microseconds"),
        Metric(name="OverheadLatency", samples=_overhead_latency, unit="Microseconds"),
        _instance(name="CPUUtilization", samples=_cpu),
        _instance(name="MemoryUtilization", samples=partial(_declared, field="memory_percent")),
        _instance(name="DiskUtilization", samples=partial(_declared, field="disk_percent")),
        _instance(name="GPUUtilization", samples=_gpu, only_gpu=True),
        _instance(
            name="GPUMemoryUtilization",
            samples=partial(_declared, field="gpu_memory_percent"),
            only_gpu=True,
        ),
    )
}
