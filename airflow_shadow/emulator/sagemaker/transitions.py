"""How work on an experiment begins and ends, and what that does to its endpoint."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from airflow_shadow.emulator.account_state import AccountState, Endpoint, Experiment, Status, Stop
from airflow_shadow.emulator.faults import Fault, WorkFault
from airflow_shadow.emulator.pace import Work, WorkKind
from airflow_shadow.emulator.sagemaker.deploy import deploy, make_config, set_endpoint
from airflow_shadow.emulator.sagemaker.stop_effects import (
    running_content,
    stop_effect,
    unfinished_statuses,
)


class Kind(NamedTuple):
    """A kind of work: the status that shows it, the fault of an operation, and how it finishes."""

    status: Status
    fault: WorkFault
    operation: str
    finish: Callable[[AccountState, Experiment, datetime], None]


def set_status(state: AccountState, experiment: Experiment, status: Status, at: datetime) -> None:
    """Change an experiment's status and record it in the history."""
    state.note("status", at, name=experiment.name, **{"from": experiment.status, "to": status})
    experiment.status, experiment.changed = status, at


def set_variant_statuses(
    state: AccountState, experiment: Experiment, statuses: dict[str, str], at: datetime
) -> None:
    """Change the statuses of an experiment's variants and record those that differ."""
    for variant, status in statuses.items():
        before = experiment.variants.get(variant)
        if before != status:
            facts = {"from": before, "to": status}
            state.note("variant", at, name=experiment.name, variant=variant, **facts)
    experiment.variants = statuses


def begin_work(
    state: AccountState,
    experiment: Experiment,
    kind: WorkKind,
    at: datetime,
    *,
    touches_endpoint: bool = True,
    late_reads: int = 0,
) -> None:
    """Start work on an experiment; its endpoint shows Updating if the work changes it."""
    experiment.work = Work(kind=kind, since=at, late_reads=late_reads)
    set_status(state, experiment, _KINDS[kind].status, at)
    set_variant_statuses(state, experiment, unfinished_statuses(experiment, kind), at)
    endpoint = state.endpoints.get(experiment.endpoint)
    if endpoint and touches_endpoint:
        set_endpoint(state, endpoint, at, cause=experiment.name, status="Updating")


def finish_work(state: AccountState, experiment: Experiment, at: datetime) -> None:
    """Finish the work in progress, or fail as a fault says."""
    work = experiment.work
    if work is None:
        raise RuntimeError(f"{experiment.name} has no work to finish.")
    experiment.work = None
    kind = _KINDS[work.kind]
    names = f"{experiment.name} {experiment.endpoint}"
    if fault := state.take_fault(kind.fault, operation=kind.operation, names=names):
        _finish_with_fault(state, experiment, work.kind, fault, at)
    elif experiment.endpoint not in state.endpoints:
        fail(state, experiment, at, reason=f"Endpoint {experiment.endpoint} is gone.")
    else:
        kind.finish(state, experiment, at)


def _finish_with_fault(
    state: AccountState, experiment: Experiment, kind: WorkKind, fault: Fault, at: datetime
) -> None:
    reason = fault.options.get("reason") or (
        f"The {kind} of {experiment.name} failed at {at.isoformat()} (injected by the emulator)."
    )
    if kind == "update" and fault.options.get("rollback"):
        experiment.failure, experiment.update = reason, {}
        _release_endpoint(state, experiment, at, failure=reason)
        _set_idle(state, experiment, at)
    else:
        fail(state, experiment, at, reason=reason)


def fail(state: AccountState, experiment: Experiment, at: datetime, *, reason: str) -> None:
    """Cancel an experiment that failed (assumed: failure)."""
    deployed = experiment.status in ("Updating", "Stopping") and experiment.idle == "Running"
    experiment.failure = experiment.reason = reason
    # A failed experiment has a CompletionTime too (assumed: completion-time).
    experiment.work, experiment.completed, experiment.update = None, at, {}
    _release_endpoint(state, experiment, at, failure=reason)
    shadow = "InService" if deployed else "Deleted"
    statuses = {experiment.source_name: "InService", experiment.shadow_name: shadow}
    set_variant_statuses(state, experiment, statuses, at)
    set_status(state, experiment, "Cancelled", at)


def _release_endpoint(
    state: AccountState, experiment: Experiment, at: datetime, *, failure: str
) -> None:
    """Set the endpoint InService, unchanged, if this experiment was updating it."""
    endpoint = state.endpoints.get(experiment.endpoint)
    if endpoint and endpoint.status == "Updating" and endpoint.work is None:
        endpoint.failure = failure
        set_endpoint(state, endpoint, at, cause=experiment.name, status="InService")


def _set_idle(state: AccountState, experiment: Experiment, at: datetime) -> None:
    status = "InService" if experiment.idle == "Running" else "Creating"
    names = (experiment.source_name, experiment.shadow_name)
    set_variant_statuses(state, experiment, dict.fromkeys(names, status), at)
    set_status(state, experiment, experiment.idle, at)


def _finish_create(state: AccountState, experiment: Experiment, at: datetime) -> None:
    if experiment.idle == "Created":
        set_status(state, experiment, "Created", at)
    else:
        _finish_start(state, experiment, at)


def _finish_start(state: AccountState, experiment: Experiment, at: datetime) -> None:
    endpoint = state.endpoints[experiment.endpoint]
    experiment.former = endpoint.document
    experiment.former_counts = endpoint.counts()
    experiment.idle = "Running"
    _deploy_running(state, experiment, endpoint, at, keep_counts=False)
    _set_idle(state, experiment, at)


def _deploy_running(
    state: AccountState,
    experiment: Experiment,
    endpoint: Endpoint,
    at: datetime,
    *,
    keep_counts: bool,
) -> None:
    content = running_content(experiment, endpoint.document)
    config = make_config(state, content, at, owner=experiment.name)
    counts = endpoint.counts() if keep_counts else {}
    deploy(state, endpoint, config, at, cause=experiment.name, capacities=counts)


def _finish_update(state: AccountState, experiment: Experiment, at: datetime) -> None:
    # Until now Describe has shown the old values (assumed: values-after-update).
    before = experiment.sampling
    update, experiment.update = experiment.update, {}
    experiment.start = update.pop("StartTime", experiment.start)
    experiment.end = update.pop("EndTime", experiment.end)
    experiment.request |= update
    if experiment.idle == "Running" and experiment.sampling != before:
        endpoint = state.endpoints[experiment.endpoint]
        # (assumed: own-update)
        _deploy_running(state, experiment, endpoint, at, keep_counts=True)
    _set_idle(state, experiment, at)


def _finish_stop(state: AccountState, experiment: Experiment, at: datetime) -> None:
    stop = experiment.stop or _expiry(experiment)
    endpoint = state.endpoints[experiment.endpoint]
    effect = stop_effect(experiment, stop, endpoint)
    config = make_config(state, effect.content, at, owner=experiment.name)
    deploy(state, endpoint, config, at, cause=experiment.name, capacities=effect.counts)
    experiment.request["ModelVariants"] = effect.variants
    set_variant_statuses(state, experiment, effect.statuses, at)
    # Schedule.EndTime stays as it was planned (assumed: end-time-kept).
    experiment.reason, experiment.completed = stop.reason, at
    set_status(state, experiment, stop.state, at)


def _expiry(experiment: Experiment) -> Stop:
    """Return how an experiment ends that nobody stopped: production stays, the shadow goes."""
    actions = {experiment.source_name: "Retain", experiment.shadow_name: "Remove"}
    return Stop(actions=actions, state="Completed")


_KINDS: dict[WorkKind, Kind] = {
    "create": Kind("Creating", "fail-creation", "CreateInferenceExperiment", _finish_create),
    "start": Kind("Starting", "fail-start", "StartInferenceExperiment", _finish_start),
    "update": Kind("Updating", "fail-update", "UpdateInferenceExperiment", _finish_update),
    "stop": Kind("Stopping", "fail-stop", "StopInferenceExperiment", _finish_stop),
    "expire": Kind("Stopping", "fail-stop", "StopInferenceExperiment", _finish_stop),
}
