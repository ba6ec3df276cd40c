"""The life of an experiment: what begins, how it ends, and what that does to its endpoint."""

from collections.abc import Callable
from datetime import datetime

from airflow_shadow.emulator.deploy import change, deploy, make_config
from airflow_shadow.emulator.faults import Fault, WorkFault
from airflow_shadow.emulator.outcome import (
    Outcome,
    running_content,
    stopped_outcome,
    unfinished_statuses,
)
from airflow_shadow.emulator.pace import Work, WorkKind
from airflow_shadow.emulator.world import Endpoint, Experiment, Status, Stop, World

_STATUS_OF: dict[WorkKind, Status] = {
    "create": "Creating",
    "start": "Starting",
    "update": "Updating",
    "stop": "Stopping",
    "expire": "Stopping",
}
_FAULT_OF: dict[WorkKind, tuple[WorkFault, str]] = {
    "create": ("fail-creation", "CreateInferenceExperiment"),
    "start": ("fail-start", "StartInferenceExperiment"),
    "update": ("fail-update", "UpdateInferenceExperiment"),
    "stop": ("fail-stop", "StopInferenceExperiment"),
    "expire": ("fail-stop", "StopInferenceExperiment"),
}


def turn(world: World, experiment: Experiment, status: Status, at: datetime) -> None:
    """Change an experiment's status, and write it down."""
    world.note("status", at, name=experiment.name, **{"from": experiment.status, "to": status})
    experiment.status, experiment.changed = status, at


def mark(world: World, experiment: Experiment, statuses: dict[str, str], at: datetime) -> None:
    """Change the statuses of an experiment's variants, and write down those that differ."""
    for variant, status in statuses.items():
        before = experiment.variants.get(variant)
        if before != status:
            facts = {"from": before, "to": status}
            world.note("variant", at, name=experiment.name, variant=variant, **facts)
    experiment.variants = statuses


def begin(
    world: World,
    experiment: Experiment,
    kind: WorkKind,
    at: datetime,
    *,
    touches_endpoint: bool = True,
    late_reads: int = 0,
) -> None:
    """Start work on an experiment; its endpoint shows Updating if the work touches it."""
    experiment.work = Work(kind=kind, since=at, late_reads=late_reads)
    turn(world, experiment, _STATUS_OF[kind], at)
    mark(world, experiment, unfinished_statuses(experiment, kind), at)
    endpoint = world.endpoints.get(experiment.endpoint)
    if endpoint and touches_endpoint:
        change(world, endpoint, at, cause=experiment.name, status="Updating")


def finish(world: World, experiment: Experiment, at: datetime) -> None:
    """End the work under way, as asked or as a fault says."""
    work = experiment.work
    if work is None:
        raise RuntimeError(f"{experiment.name} has no work to finish.")
    experiment.work = None
    kind, operation = _FAULT_OF[work.kind]
    names = f"{experiment.name} {experiment.endpoint}"
    if fault := world.strike(kind, operation=operation, names=names):
        _finish_badly(world, experiment, work.kind, fault, at)
    elif experiment.endpoint not in world.endpoints:
        fail(world, experiment, at, reason=f"Endpoint {experiment.endpoint} is gone.")
    else:
        _FINISH[work.kind](world, experiment, at)


def _finish_badly(
    world: World, experiment: Experiment, kind: WorkKind, fault: Fault, at: datetime
) -> None:
    reason = fault.options.get("reason") or (
        f"The {kind} of {experiment.name} failed at {at.isoformat()} (asked of the emulator)."
    )
    if kind == "update" and fault.options.get("rollback"):
        _roll_back(world, experiment, at, reason=reason)
    else:
        fail(world, experiment, at, reason=reason)


def fail(world: World, experiment: Experiment, at: datetime, *, reason: str) -> None:
    """Cancel an experiment that broke (assumed: failure)."""
    deployed = experiment.status in ("Updating", "Stopping") and experiment.idle == "Running"
    experiment.failure = experiment.reason = reason
    # The end of a broken experiment is dated, too (assumed: completion-time).
    experiment.work, experiment.completed, experiment.update = None, at, {}
    _release(world, experiment, at, failure=reason)
    shadow = "InService" if deployed else "Deleted"
    statuses = {experiment.source_name: "InService", experiment.shadow_name: shadow}
    mark(world, experiment, statuses, at)
    turn(world, experiment, "Cancelled", at)


def _roll_back(world: World, experiment: Experiment, at: datetime, *, reason: str) -> None:
    experiment.failure, experiment.update = reason, {}
    _release(world, experiment, at, failure=reason)
    _settle_down(world, experiment, at)


def _release(world: World, experiment: Experiment, at: datetime, *, failure: str | None) -> None:
    """Give the endpoint back as it is, if this experiment held it."""
    endpoint = world.endpoints.get(experiment.endpoint)
    if endpoint and endpoint.status == "Updating" and endpoint.work is None:
        endpoint.failure = failure
        change(world, endpoint, at, cause=experiment.name, status="InService")


def _settle_down(world: World, experiment: Experiment, at: datetime) -> None:
    status = "InService" if experiment.idle == "Running" else "Creating"
    names = (experiment.source_name, experiment.shadow_name)
    mark(world, experiment, dict.fromkeys(names, status), at)
    turn(world, experiment, experiment.idle, at)


def _finish_create(world: World, experiment: Experiment, at: datetime) -> None:
    if experiment.idle == "Created":
        turn(world, experiment, "Created", at)
    else:
        _finish_start(world, experiment, at)


def _finish_start(world: World, experiment: Experiment, at: datetime) -> None:
    endpoint = world.endpoints[experiment.endpoint]
    experiment.former = endpoint.document
    experiment.former_counts = endpoint.counts()
    experiment.idle = "Running"
    _deploy_running(world, experiment, endpoint, at, keep_counts=False)
    _settle_down(world, experiment, at)


def _deploy_running(
    world: World, experiment: Experiment, endpoint: Endpoint, at: datetime, *, keep_counts: bool
) -> None:
    content = running_content(experiment, endpoint.document)
    config = make_config(world, content, at, owner=experiment.name)
    counts = endpoint.counts() if keep_counts else {}
    deploy(world, endpoint, config, at, cause=experiment.name, capacities=counts)


def _finish_update(world: World, experiment: Experiment, at: datetime) -> None:
    # Until now Describe has shown the old values (assumed: values-after-update).
    before = experiment.sampling
    update, experiment.update = experiment.update, {}
    experiment.start = update.pop("StartTime", experiment.start)
    experiment.end = update.pop("EndTime", experiment.end)
    experiment.request |= update
    if experiment.idle == "Running" and experiment.sampling != before:
        endpoint = world.endpoints[experiment.endpoint]
        # (assumed: own-update)
        _deploy_running(world, experiment, endpoint, at, keep_counts=True)
    _settle_down(world, experiment, at)


def _finish_stop(world: World, experiment: Experiment, at: datetime) -> None:
    stop = experiment.stop or expiry(experiment)
    endpoint = world.endpoints[experiment.endpoint]
    outcome = stopped_outcome(experiment, stop, endpoint)
    _apply(world, experiment, endpoint, outcome, at)
    # The schedule stays as it was planned (assumed: end-time-kept).
    experiment.reason, experiment.completed = stop.reason, at
    turn(world, experiment, stop.state, at)


def _apply(
    world: World, experiment: Experiment, endpoint: Endpoint, outcome: Outcome, at: datetime
) -> None:
    config = make_config(world, outcome.content, at, owner=experiment.name)
    deploy(world, endpoint, config, at, cause=experiment.name, capacities=outcome.counts)
    experiment.request["ModelVariants"] = outcome.variants
    mark(world, experiment, outcome.statuses, at)


def expiry(experiment: Experiment) -> Stop:
    """Return the end of an experiment that nobody stopped: production stays, the shadow goes."""
    actions = {experiment.source_name: "Retain", experiment.shadow_name: "Remove"}
    return Stop(actions=actions, state="Completed")


_FINISH: dict[WorkKind, Callable[[World, Experiment, datetime], None]] = {
    "create": _finish_create,
    "start": _finish_start,
    "update": _finish_update,
    "stop": _finish_stop,
    "expire": _finish_stop,
}
