"""How a model behaves, declared in the environment of its container."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from airflow_shadow.emulator.errors import Invalid

PREFIX = "SHADOW_"
#: What the model answers is declared in `capture/answers.py`.
ANSWERS = "SHADOW_ANSWER"

_ROUNDING = 1e-9


def _ranged(default: float, low: float, high: float) -> Any:
    """Return a field with a default and a range."""
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How a model answers requests; each field is declared as `SHADOW_` and its name.

    latency_ms: mean of ModelLatency, milliseconds.
    latency_spread: standard deviation of the logarithm of one request's latency.
    overhead_ms: mean of OverheadLatency, milliseconds; spread like ModelLatency.
    error_rate: share of the requests that are answered with 5XX.
    client_error_rate: share of the requests that are answered with 4XX (`SHADOW_4XX_RATE`).
    model_error_rate: share that fails without an answer, in InvocationModelErrors only.
    drift_per_day: growth of the mean latency a day since deployment; 0.1 is 10 %, compounded.
    noise: standard deviation of the logarithm of the minutes' mean latencies.
    noise_memory: correlation of that noise from one minute to the next.
    load_correlation: correlation of that noise between the variants of an endpoint.
    load_sensitivity: exponent with which the mean latency follows the rate of requests.
    cold_start_seconds: how long a new variant is slow after its deployment.
    cold_start_factor: how many times slower it is then.
    drop_rate: share of the requests copied to it, as a shadow, that never reach it.
    drop_slowest: share of the requests copied to it, as a shadow, that are never answered: the
        slowest ones.
    latency_coverage: share of the requests that are samples of ModelLatency and OverheadLatency.
    reports_late_seconds: additional delay of its metrics (assumed: late-minutes).
    memory_percent, disk_percent, gpu_memory_percent: utilisation of its instances.
    """

    latency_ms: float = _ranged(50.0, 0.001, 3_600_000)
    latency_spread: float = _ranged(0.3, 0, 3)
    overhead_ms: float = _ranged(5.0, 0.001, 3_600_000)
    error_rate: float = _ranged(0.0, 0, 1)
    client_error_rate: float = _ranged(0.0, 0, 1)
    model_error_rate: float = _ranged(0.0, 0, 1)
    drift_per_day: float = _ranged(0.0, -0.99, 10)
    noise: float = _ranged(0.05, 0, 2)
    noise_memory: float = _ranged(0.5, 0, 0.99)
    load_correlation: float = _ranged(0.8, 0, 1)
    load_sensitivity: float = _ranged(0.0, 0, 5)
    cold_start_seconds: float = _ranged(0.0, 0, 86_400)
    cold_start_factor: float = _ranged(5.0, 1, 1000)
    drop_rate: float = _ranged(0.0, 0, 1)
    drop_slowest: float = _ranged(0.0, 0, 0.99)
    latency_coverage: float = _ranged(1.0, 0, 1)
    reports_late_seconds: float = _ranged(0.0, 0, 3600)
    memory_percent: float = _ranged(30.0, 0, 100)
    disk_percent: float = _ranged(10.0, 0, 100)
    gpu_memory_percent: float = _ranged(40.0, 0, 100)


_RANGES: dict[str, tuple[float, float]] = {
    one.name: one.metadata["range"] for one in fields(Behaviour)
}
_KEYS: dict[str, str] = {f"{PREFIX}{one.name.upper()}": one.name for one in fields(Behaviour)}
_KEYS[f"{PREFIX}4XX_RATE"] = _KEYS.pop(f"{PREFIX}CLIENT_ERROR_RATE")


def read_behaviour(environment: Mapping[str, str]) -> Behaviour:
    """Return the declared behaviour; keys without the prefix, or of answers, are ignored.

    Raises Invalid (ValidationException), which names all that is wrong.
    """
    declared = {
        key: text
        for key, text in environment.items()
        if key.startswith(PREFIX) and not key.startswith(ANSWERS)
    }
    faults = [fault for key, text in declared.items() for fault in _faults(key, text)]
    if not faults:
        behaviour = Behaviour(**{_KEYS[key]: float(text) for key, text in declared.items()})
        faults = list(_sum_faults(behaviour))
    if faults:
        raise Invalid(f"The model's Environment declares no valid behaviour: {' '.join(faults)}")
    return behaviour


def _faults(key: str, text: str) -> Iterator[str]:
    if key not in _KEYS:
        yield f"{key} is unknown; there are {', '.join(sorted(_KEYS))}."
        return
    low, high = _RANGES[_KEYS[key]]
    number = _number(text)
    if number is None or not low <= number <= high:
        yield f"{key}={text!r} has to be a number from {low:g} to {high:g}."


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _sum_faults(behaviour: Behaviour) -> Iterator[str]:
    rates = behaviour.error_rate + behaviour.client_error_rate + behaviour.model_error_rate
    if rates > 1 + _ROUNDING:
        yield f"The three error rates sum to {rates:g}; a request fails once at most."


def environment(behaviour: Behaviour) -> dict[str, str]:
    """Return the environment that declares a behaviour: the values that are not the defaults."""
    default = Behaviour()
    return {
        key: repr(getattr(behaviour, name))
        for key, name in _KEYS.items()
        if getattr(behaviour, name) != getattr(default, name)
    }
