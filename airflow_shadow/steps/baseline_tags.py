"""Keep in the experiment's tags what production was before a window and in it.

A clear makes Airflow forget it, and after the experiment AWS no longer shows it. Only tasks write
tags: what a trigger reads travels to the task, which tags the states that decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_shadow.analysis import AnalysisSpec, Baseline
from airflow_shadow.exceptions import AwsAccessDeniedError, AwsRefusedError
from airflow_shadow.hooks.baseline import deciding_states, recorded
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import MetricSource
from airflow_shadow.hooks.percentiles import find_limits, needed_limits

#: Tag of production's own percentiles before the experiment: `ModelLatency:p99=81234.5 ...`.
LIMITS = "airflow-shadow:limits"
#: Begin of the tags of a window's record; the window's begin and a number follow.
RECORD = "airflow-shadow:baseline"
#: States of a window that are kept: an experiment has at most 50 tags.
_MOST_STATES = 6
_TAG_VALUE = re.compile(r"[\w .:/=+\-@]{0,256}")
_LIMIT = re.compile(r"(\S+):(p[\d.]+)=(\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
_STATE = re.compile(
    r"(?P<at>\d+) (?P<changed>\d+) (?P<modified>\d+) (?P<instances>\d+)/(?P<shadow_instances>\d+)"
    r" (?P<variant>\S+) (?P<model>\S+) (?P<configuration>\S+)"
)
_NAMES = frozenset({"variant", "model", "configuration"})


@dataclass(frozen=True, kw_only=True)
class KnownBaseline:
    """What the verdict on a window needs to know of production.

    :param limits: metric and percentile to production's value before the experiment
    :param record: the states of production in the window
    """

    limits: Mapping[tuple[str, str], float] = field(default_factory=dict)
    record: tuple[Baseline, ...] = ()

    @property
    def plain_limits(self) -> list[list[Any]]:
        """Return the limits as JSON-able values."""
        return [[metric, name, value] for (metric, name), value in self.limits.items()]

    @property
    def plain_record(self) -> list[dict[str, Any]]:
        """Return the record as JSON-able values."""
        return [asdict(state) for state in self.record]


def find_known_baseline(
    hook: InferenceExperimentHook,
    experiment: Mapping[str, Any],
    *,
    spec: AnalysisSpec,
    metrics: Mapping[str, MetricSource],
    start: float,
    end: float,
) -> KnownBaseline:
    """Read what is known of production from tags, else from AWS, and tag the experiment with it.

    Calls ListTags, GetMetricData, DescribeEndpoint, DescribeEndpointConfig and AddTags. If tags may
    not be read or written, a warning is logged, and a later try reads again what it can.

    :param experiment: what DescribeInferenceExperiment shows
    :param spec: whose limits are needed
    :param metrics: where to find metrics that are not SageMaker's own
    :param start: begin of the window, in seconds since 1970
    :param end: its end
    :raises AwsAccessDeniedError: of `cloudwatch:GetMetricData`
    """
    tags = _tags(hook, experiment)
    limits = dict(parse_limits((tags or {}).get(LIMITS, "")))
    found = find_limits(hook, needed_limits(spec) - limits.keys(), experiment, metrics)
    kept = parse_record(tags or {}, start)
    record = recorded(hook, experiment, kept, start=start, end=end)
    limits |= found
    wanted = {**({LIMITS: limits_text(limits)} if found else {}), **record_tags(record, start)}
    if tags is not None:
        new = {key: value for key, value in wanted.items() if tags.get(key) != value}
        _write(hook, experiment, new)
    return KnownBaseline(limits=limits, record=record)


def keep_record(
    hook: InferenceExperimentHook,
    experiment: Mapping[str, Any],
    record: Sequence[Mapping[str, Any]],
    *,
    start: float,
) -> None:
    """Tag an experiment with the states that decide in a window (AddTags), but for the first.

    :param record: of the window, as plain values
    :param start: begin of the window, in seconds since 1970
    """
    wanted = record_tags([Baseline(**state) for state in record], start)
    if len(wanted) > 1:
        _write(hook, experiment, wanted)


def limits_text(limits: Mapping[tuple[str, str], float]) -> str:
    """Return the value of the tag of the limits."""
    return " ".join(f"{metric}:{name}={value!r}" for (metric, name), value in limits.items())


def parse_limits(value: str) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the limits that a tag lists, without what is none: anybody may write tags."""
    for found in filter(None, map(_LIMIT.fullmatch, value.split())):
        yield (found[1], found[2]), float(found[3])


def record_tags(record: Sequence[Baseline], start: float) -> dict[str, str]:
    """Return the tags of the states of a window that decide, of the first ones if they are many."""
    deciding = enumerate(deciding_states(record)[:_MOST_STATES], 1)
    return {f"{_window(start)}{number}": _state_text(state) for number, state in deciding}


def parse_record(tags: Mapping[str, str], start: float) -> tuple[Baseline, ...]:
    """Return the states of a window that tags list, in the order of time."""
    prefix = _window(start)
    texts = (value for key, value in tags.items() if key.startswith(prefix))
    matches = filter(None, map(_STATE.fullmatch, texts))
    states = (Baseline(**dict(_typed(match.groupdict()))) for match in matches)
    return tuple(sorted(states, key=lambda state: state.at))


def _typed(texts: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    return ((name, text if name in _NAMES else int(text)) for name, text in texts.items())


def _window(start: float) -> str:
    return f"{RECORD}:{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}:"


def _state_text(state: Baseline) -> str:
    times = f"{state.at:.0f} {state.changed:.0f} {state.modified:.0f}"
    names = f"{state.variant} {state.model} {state.configuration}"
    return f"{times} {state.instances}/{state.shadow_instances} {names}"


def _tags(hook: InferenceExperimentHook, experiment: Mapping[str, Any]) -> Mapping[str, str] | None:
    try:
        return hook.find_tags(experiment["Arn"])
    except (AwsAccessDeniedError, AwsRefusedError) as error:
        _warn(hook, experiment, error)
        return None


def _write(
    hook: InferenceExperimentHook, experiment: Mapping[str, Any], tags: Mapping[str, str]
) -> None:
    """Tag an experiment with what fits."""
    fits = {key: value for key, value in tags.items() if _TAG_VALUE.fullmatch(value)}
    if fits != tags:
        _warn(hook, experiment, "AWS takes 256 letters, digits and _.:/=+-@ in a tag")
    if not fits:
        return
    try:
        hook.add_tags(experiment["Arn"], fits)
    except (AwsAccessDeniedError, AwsRefusedError) as error:
        _warn(hook, experiment, error)


def _warn(hook: InferenceExperimentHook, experiment: Mapping[str, Any], reason: Any) -> None:
    hook.warn_once(
        f"The state of production cannot be kept in the tags of experiment {experiment['Name']!r}, "
        f"so a verdict may differ when the task is run again. {reason}"
    )
