"""The life of an experiment: its statuses, what may be called in each, and which can follow.

The facts are those of DescribeInferenceExperiment and of AWS's own CloudFormation handlers.
No other module of this package compares statuses as text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Experiment = Mapping[str, Any]


class Status(StrEnum):
    """The statuses of DescribeInferenceExperiment. There is no `Failed`: see :func:`ending`."""

    CREATING = "Creating"
    CREATED = "Created"
    STARTING = "Starting"
    RUNNING = "Running"
    UPDATING = "Updating"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    CANCELLED = "Cancelled"


CONCLUDED = frozenset({Status.COMPLETED, Status.CANCELLED})
#: Statuses in which no request has been copied to the shadow yet.
NOT_BEGUN = frozenset({Status.CREATING, Status.CREATED, Status.STARTING})
LIVE = frozenset(Status) - CONCLUDED
#: Statuses that stay until somebody or the schedule acts.
SETTLED = frozenset({Status.CREATED, Status.RUNNING})
#: The only call whose statuses AWS documents (UpdateInferenceExperiment).
UPDATABLE = SETTLED
#: AWS is at work, and a Stop is not known to be possible, so a Cancelled that follows is a failure.
_IN_THE_MAKING = frozenset({Status.CREATING, Status.STARTING, Status.UPDATING})

_AFTER_START = frozenset({Status.RUNNING, Status.UPDATING, Status.STOPPING}) | CONCLUDED
_AFTER_CREATED = _AFTER_START | {Status.CREATED, Status.STARTING}
#: The statuses that can follow each one, itself included.
REACHABLE: Mapping[Status, frozenset[Status]] = {
    Status.CREATING: _AFTER_CREATED | {Status.CREATING},
    Status.CREATED: _AFTER_CREATED,
    Status.UPDATING: _AFTER_CREATED,
    Status.STARTING: _AFTER_START | {Status.STARTING},
    Status.RUNNING: _AFTER_START,
    Status.STOPPING: CONCLUDED | {Status.STOPPING},
    Status.COMPLETED: frozenset({Status.COMPLETED}),
    Status.CANCELLED: frozenset({Status.CANCELLED}),
}


def status_of(experiment: Experiment) -> Status | None:
    """Return the status of a description, `None` for one that this version does not know."""
    value = experiment.get("Status")
    return Status(value) if value in set(Status) else None


def can_reach(status: Status | None, targets: Collection[Status]) -> bool:
    """Tell whether any of `targets` can follow; after an unknown status all can."""
    return status is None or bool(REACHABLE[status] & set(targets))


class Ending(StrEnum):
    """How an experiment ended, which the status alone does not tell."""

    COMPLETED = "completed"
    PROMOTED = "promoted"
    REMOVED = "removed by Airflow"
    STOPPED = "stopped by somebody"
    BROKEN = "broken"


class Action(StrEnum):
    """The purpose of one of our own stops; part of the marker in its reason."""

    PROMOTE = "promote"
    REMOVE = "remove"
    STOP = "stop"
    SUPERSEDE = "supersede"


_MARKER = re.compile(r"\[airflow-shadow:(\w+)\]")
#: Most characters of the `Reason` of StopInferenceExperiment.
MAX_REASON = 1024


def mark(action: Action, text: str) -> str:
    """Return the `Reason` of a stop: readable text, then our marker, at most 1,024 characters."""
    marker = f" [airflow-shadow:{action}]"
    return text[: MAX_REASON - len(marker)] + marker


def marked(experiment: Experiment) -> Action | None:
    """Return the purpose of our own stop, `None` if the reason has no marker of ours."""
    found = _MARKER.findall(experiment.get("StatusReason") or "")[-1:]  # the user's text is before
    return Action(found[0]) if found and found[0] in set(Action) else None


def failure_reason(experiment: Experiment) -> str:
    """Return the endpoint's FailureReason in an experiment's description, `""` if there is none."""
    return str((experiment.get("EndpointMetadata") or {}).get("FailureReason") or "")


def ending(
    experiment: Experiment, *, last_live: Status | None = None, known_failure: str | None = None
) -> Ending | None:
    """Return how a concluded experiment ended, `None` if it is live.

    `Cancelled` means "stopped on purpose" or "an operation failed" (DescribeInferenceExperiment).
    The two differ by our marker, by a FailureReason that is newer than the last good state, and by
    the status before the end.

    :param last_live: the last status before the end that was read, if any
    :param known_failure: the FailureReason of the last good state
    """
    status = status_of(experiment)
    if status not in CONCLUDED:
        return None
    if is_promoted(experiment):
        return Ending.PROMOTED
    if status is Status.COMPLETED:
        return Ending.COMPLETED
    # A promotion asks for Completed: one that ended Cancelled did not happen.
    if marked(experiment) not in {None, Action.PROMOTE}:
        return Ending.REMOVED
    if _broke(experiment, last_live=last_live, known_failure=known_failure):
        return Ending.BROKEN
    return Ending.STOPPED


def _broke(experiment: Experiment, *, last_live: Status | None, known_failure: str | None) -> bool:
    failure = failure_reason(experiment)
    shadow = shadow_variant(experiment) or {}
    return (
        bool(failure and failure != (known_failure or ""))
        # The failure may have the same text as an earlier one; a stop has a text of its own.
        or bool(failure and failure == experiment.get("StatusReason"))
        or last_live in _IN_THE_MAKING
        or marked(experiment) is Action.PROMOTE
        # assumed: a shadow that was never created keeps its status.
        or shadow.get("Status") == "Creating"
    )


def is_promoted(experiment: Experiment) -> bool:
    """Tell whether the experiment's own record shows that its shadow became production.

    `Completed` alone proves nothing, because an expired experiment is `Completed`, too; nor does
    the reason, because anybody can write our marker; nor today's endpoint, which may have changed.
    """
    return recorded_promotion(experiment) is True


def recorded_promotion(experiment: Experiment) -> bool | None:
    """Return whether the record shows a promotion; `None` if only the endpoint can tell.

    That is so if it is completed with neither of the two pairs of statuses that AWS documents.
    """
    if status_of(experiment) is not Status.COMPLETED:
        return False
    shadow, production = shadow_variant(experiment) or {}, production_variant(experiment) or {}
    pair = (str(shadow.get("Status")), str(production.get("Status")))
    return {("InService", "Deleted"): True, ("Deleted", "InService"): False}.get(pair)


def sampling(experiment: Experiment) -> tuple[str | None, int | None]:
    """Return the shadow variant's name and its sampling percentage."""
    shadows = (experiment.get("ShadowModeConfig") or {}).get("ShadowModelVariants") or [{}]
    return shadows[0].get("ShadowModelVariantName"), shadows[0].get("SamplingPercentage")


def with_sampling(config: Mapping[str, Any], percentage: Any) -> dict[str, Any]:
    """Return a `ShadowModeConfig` with another sampling percentage."""
    shadow = {**config["ShadowModelVariants"][0], "SamplingPercentage": percentage}
    return {**config, "ShadowModelVariants": [shadow]}


def changes_beyond_running(experiment: Experiment, asked: Mapping[str, Any]) -> list[str]:
    """Return the fields of an update that AWS documents as fixed while an experiment runs.

    Only description, sampling percentage and end time may change then; fields with their present
    values do no harm.

    :param asked: the update's fields as plain values
    """
    fixed = [key for key in ("ModelVariants", "DataStorageConfig") if key in asked]
    changed = [key for key in fixed if not shows(experiment.get(key), asked[key])]
    start = (asked.get("Schedule") or {}).get("StartTime")
    if start and not shows((experiment.get("Schedule") or {}).get("StartTime"), start):
        changed.append("Schedule.StartTime")
    if _without_sampling(asked.get("ShadowModeConfig")) not in (
        None,
        _without_sampling(experiment.get("ShadowModeConfig")),
    ):
        changed.append("ShadowModeConfig (other than the sampling percentage)")
    return changed


def shows(shown: Any, asked: Any) -> bool:
    """Tell whether a description contains all that a request asks for."""
    if isinstance(asked, Mapping):
        return isinstance(shown, Mapping) and all(
            shows(shown.get(key), value) for key, value in asked.items()
        )
    if isinstance(asked, list | tuple) and asked and isinstance(asked[0], Mapping):
        # An update of one variant leaves the others as they are.
        return isinstance(shown, list) and all(any(shows(s, a) for s in shown) for a in asked)
    if isinstance(asked, list | tuple):
        same_length = isinstance(shown, list) and len(shown) == len(asked)
        return same_length and all(map(shows, shown, asked))
    return bool(shown == asked) or _same_second(shown, asked)


def _same_second(shown: Any, asked: Any) -> bool:
    """Tell whether two texts are the same second: AWS drops the fractions of times."""
    try:
        apart = datetime.fromisoformat(shown) - datetime.fromisoformat(asked)
    except (TypeError, ValueError):  # something else than two times
        return False
    return "T" in asked and abs(apart.total_seconds()) < 1


def _without_sampling(config: Mapping[str, Any] | None) -> Any:
    if not config:
        return None
    names = [v.get("ShadowModelVariantName") for v in config.get("ShadowModelVariants") or []]
    return config.get("SourceModelVariantName"), names


def _variant(experiment: Experiment, name: str | None) -> Mapping[str, Any] | None:
    variants = experiment.get("ModelVariants") or []
    return next((v for v in variants if v.get("VariantName") == name), None)


def shadow_variant(experiment: Experiment) -> Mapping[str, Any] | None:
    """Return the description of the candidate."""
    return _variant(experiment, sampling(experiment)[0])


def production_variant(experiment: Experiment) -> Mapping[str, Any] | None:
    """Return the description of production as the experiment has it."""
    config = experiment.get("ShadowModeConfig") or {}
    return _variant(experiment, config.get("SourceModelVariantName"))


def stop_request(
    experiment: Experiment,
    *,
    promote: bool,
    desired_state: str,
    reason: str,
) -> dict[str, Any]:
    """Return the StopInferenceExperiment that promotes or removes the shadow.

    These are the two maps in AWS's own code; `DesiredState` has no documented default.
    """
    shadow, _ = sampling(experiment)
    production = (experiment.get("ShadowModeConfig") or {}).get("SourceModelVariantName")
    actions = ("Remove", "Promote") if promote else ("Retain", "Remove")
    return {
        "Name": experiment["Name"],
        "ModelVariantActions": dict(zip((production, shadow), actions, strict=True)),
        "DesiredState": desired_state,
        "Reason": reason,
    }


@dataclass(frozen=True)
class Deadline:
    """What an operation waits for, and its default timeout."""

    waits_for: str
    seconds: int


_HOUR = 3600
#: One row an operation; docs/operators.md shows this table.
DEADLINES: Mapping[str, Deadline] = {
    "create": Deadline("Running, or Created when the start lies ahead", _HOUR),
    "update": Deadline("Created or Running, with the new values", _HOUR),
    "promote": Deadline("concluded, and the endpoint serving the candidate", 2 * _HOUR),
    "remove": Deadline("Completed or Cancelled", _HOUR),
    "start": Deadline("Running", _HOUR),
    "stop": Deadline("concluded; after a Promote, the endpoint serving it", 2 * _HOUR),
    "delete": Deadline("no longer described", _HOUR),
    "analysis": Deadline("the window's minutes filled in CloudWatch", _HOUR),
    "answers": Deadline("the window's captured files", _HOUR),
    "endpoint": Deadline("the endpoint InService and free of other experiments", 24 * _HOUR),
}
#: The time after an experiment's end that a sensor without a timeout waits for.
GRACE_SECONDS = _HOUR
#: The life of an experiment without a schedule, and the longest one (CreateInferenceExperiment).
DEFAULT_DAYS = 7
MAX_DAYS = 30
#: The percentage at which the shadow has production's full load.
FULL_SAMPLING = 100
