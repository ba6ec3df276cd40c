"""The metrics of an endpoint: names, units, and what a minute of a variant sends."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from airflow_shadow.emulator.cloudwatch import latency, minutes
from airflow_shadow.emulator.cloudwatch.minutes import Part
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
    """One metric and how its samples are made."""

    namespace: str
    name: str
    unit: str
    samples: Callable[[Part], list[Samples]]
    only_gpu: bool = False
    zeros: bool = False  # whether its samples are 0 where nothing happened

    def exists(self, instance_type: str | None) -> bool:
        """Whether a variant on this type of instance sends the metric."""
        return not self.only_gpu or bool(_GPU.match(instance_type or ""))


def _invocations(part: Part) -> list[Samples]:
    [shown] = minutes.arrived(part, "late", (part.requests,))
    return same(1.0, shown)


def _per_instance(part: Part) -> list[Samples]:
    [shown] = minutes.arrived(part, "late", (part.requests,))
    return same(1 / part.interval.served.instances, shown)


def _failed(count: Callable[[minutes.Errors], int]) -> Callable[[Part], list[Samples]]:
    """Send 0 or 1 a request: no request, no sample."""

    def samples(part: Part) -> list[Samples]:
        failed = count(minutes.errors(part)) if part.requests else 0
        both = (failed, part.requests - failed)
        ones, zeros = minutes.arrived(part, "late", both)
        return [*same(0.0, zeros), *same(1.0, ones)]

    return samples


# Single requests are the samples, so all statistics can be had (assumed: latency-percentiles).
def _latencies(
    part: Part, subject: str, mean: float, spread: float, *, unanswered: float = 0.0
) -> list[Samples]:
    drawn = latency.counts(part.key(subject), minutes.covered(part), unanswered)
    shown = minutes.arrived(part, f"late-{subject}", drawn)
    return [Samples(mean, latency.classes(spread, unanswered), shown)] if any(shown) else []


def _model_latency(part: Part) -> list[Samples]:
    if not part.requests:
        return []
    mean = minutes.mean_latency(part)
    spread = part.behaviour.latency_spread
    return _latencies(part, "latency", mean, spread, unanswered=part.unanswered)


def _overhead_latency(part: Part) -> list[Samples]:
    if not part.requests:
        return []
    return _latencies(part, "overhead", part.behaviour.overhead_ms * 1000, _OVERHEAD_SPREAD)


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


def _each_instance(part: Part, subject: str, value: float, most: float) -> list[Samples]:
    """Send one sample an instance and minute, each a little different (assumed: utilisation)."""
    if part.seen < _SHOWN:
        return []
    random = ShortRandom(part.key(subject))
    near = (value * (0.95 + random.random() / 10) for _ in range(part.interval.served.instances))
    return [samples for one in near for samples in same(min(most, one), 1)]


def _cpu(part: Part) -> list[Samples]:
    most = 100.0 * _cores(part.interval.served.instance_type)
    return _each_instance(part, "cpu", _IDLE + _busy(part), most)


def _gpu(part: Part) -> list[Samples]:
    return _each_instance(part, "gpu", _busy(part), 100.0)


def _declared(field: str) -> Callable[[Part], list[Samples]]:
    return lambda part: _each_instance(part, field, getattr(part.behaviour, field), 100.0)


def _invocation(name: str, samples: Callable[[Part], list[Samples]], unit: str = "None") -> Metric:
    return Metric(namespace=INVOCATIONS, name=name, unit=unit, samples=samples)


def _errors(name: str, count: Callable[[minutes.Errors], int]) -> Metric:
    return Metric(namespace=INVOCATIONS, name=name, unit="None", samples=_failed(count), zeros=True)


def _instance(
    name: str, samples: Callable[[Part], list[Samples]], *, only_gpu: bool = False
) -> Metric:
    return Metric(
        namespace=INSTANCES, name=name, unit="Percent", samples=samples, only_gpu=only_gpu
    )


METRICS: dict[tuple[str, str], Metric] = {
    (metric.namespace, metric.name): metric
    for metric in (
        _invocation("Invocations", _invocations),
        _invocation("InvocationsPerInstance", _per_instance),
        _errors("Invocation4XXErrors", lambda errors: errors.client),
        _errors("Invocation5XXErrors", lambda errors: errors.server),
        # (assumed: model-errors)
        _errors(
            "InvocationModelErrors", lambda errors: errors.client + errors.server + errors.other
        ),
        _invocation("ModelLatency", _model_latency, "Microseconds"),
        _invocation("OverheadLatency", _overhead_latency, "Microseconds"),
        _instance("CPUUtilization", _cpu),
        _instance("MemoryUtilization", _declared("memory_percent")),
        _instance("DiskUtilization", _declared("disk_percent")),
        _instance("GPUUtilization", _gpu, only_gpu=True),
        _instance("GPUMemoryUtilization", _declared("gpu_memory_percent"), only_gpu=True),
    )
}
