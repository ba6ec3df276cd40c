"""The operations that create, change and delete inference experiments."""

from copy import deepcopy
from datetime import UTC, datetime

from airflow_shadow.emulator.account_state import (
    AccountState,
    Document,
    Endpoint,
    Experiment,
    Status,
    Stop,
)
from airflow_shadow.emulator.errors import InUse, NotFound, Refusal, WrongStatus
from airflow_shadow.emulator.pace import Work
from airflow_shadow.emulator.sagemaker import rules
from airflow_shadow.emulator.sagemaker.autoscaling import check_update
from airflow_shadow.emulator.sagemaker.deploy import set_endpoint
from airflow_shadow.emulator.sagemaker.stop_effects import unfinished_statuses
from airflow_shadow.emulator.sagemaker.tags import read_tags
from airflow_shadow.emulator.sagemaker.transitions import begin_work, set_variant_statuses


def find(state: AccountState, name: str) -> Experiment:
    """Return an experiment. Raises NotFound (ResourceNotFound)."""
    if name not in state.experiments:
        raise NotFound(f"There is no inference experiment {name!r} in {state.region}.")
    return state.experiments[name]


def create(state: AccountState, request: Document, now: datetime) -> Experiment:
    """Accept a new experiment: CreateInferenceExperiment."""
    name = request["Name"]
    if name in state.experiments:
        raise InUse(f"There is an inference experiment {name!r} already.")
    endpoint = rules.known_endpoint(state, request["EndpointName"])
    rules.check_endpoint(state, endpoint)
    rules.check_variants(state, request)
    start, end = _window(_schedule(request), now)
    rules.check_schedule(start, end, now)
    _require_free(state, endpoint)
    experiment = _new(state, request, start, end, now)
    state.experiments[name] = experiment
    state.tags[experiment.arn] = read_tags(request)
    _begin_creation(state, experiment, endpoint, now)
    return experiment


def _new(
    state: AccountState, request: Document, start: datetime, end: datetime, now: datetime
) -> Experiment:
    members = {key: value for key, value in request.items() if key not in ("Tags", "Schedule")}
    return Experiment(
        name=request["Name"],
        arn=state.arn("inference-experiment", request["Name"]),
        request=deepcopy(members),
        start=start,
        end=end,
        created=now,
        modified=now,
        changed=now,
        idle="Running" if start <= now else "Created",
        work=Work(kind="create", since=now),
    )


def _schedule(request: Document) -> Document:
    """Return a request's schedule with times in UTC; moto parses them to naive ones."""
    schedule = request.get("Schedule") or {}
    return {name: time.replace(tzinfo=UTC) for name, time in schedule.items()}


def _window(schedule: Document, now: datetime) -> tuple[datetime, datetime]:
    start = max(schedule.get("StartTime", now), now)  # (assumed: start-in-past)
    return start, schedule.get("EndTime", start + rules.DEFAULT_DURATION)  # (assumed: default-end)


def _require_free(state: AccountState, endpoint: Endpoint) -> None:
    problem = None
    if other := state.live_on(endpoint.name):  # (assumed: scheduled-is-busy, busy-code)
        problem = f"Endpoint {endpoint.name} is used by experiment {other.name} ({other.status})."
    elif endpoint.status != "InService":
        problem = f"Endpoint {endpoint.name} is {endpoint.status}, not InService."
    if problem:
        raise Refusal(problem, code=state.settings.busy_code)


def _begin_creation(
    state: AccountState, experiment: Experiment, endpoint: Endpoint, now: datetime
) -> None:
    # (assumed: create-shows-creating-only)
    state.note("status", now, name=experiment.name, **{"from": None, "to": "Creating"})
    statuses = unfinished_statuses(experiment, "create")
    set_variant_statuses(state, experiment, statuses, now)
    if experiment.idle == "Running":
        set_endpoint(state, endpoint, now, cause=experiment.name, status="Updating")


def update(state: AccountState, request: Document, now: datetime) -> Experiment:
    """Accept changes of an experiment: UpdateInferenceExperiment."""
    experiment = find(state, request["Name"])
    _require_status(experiment, "updated", ("Created", "Running"))
    running = experiment.status == "Running"
    request = request | {"Schedule": _schedule(request)}
    changes = (_running_changes if running else _created_changes)(state, experiment, request, now)
    mode = experiment.request["ShadowModeConfig"]
    deploys = running and changes.get("ShadowModeConfig", mode) != mode
    if deploys:
        _require_ready(state, experiment)
    # (assumed: modified-moves)
    experiment.modified_before, experiment.modified = experiment.modified, now
    experiment.update, experiment.idle = changes, experiment.status
    begin_work(state, experiment, "update", now, touches_endpoint=deploys, late_reads=1)
    return experiment


def _running_changes(
    state: AccountState, experiment: Experiment, request: Document, now: datetime
) -> Document:
    rules.check_running_update(experiment, request)
    changes = _members(request, ("Description", "ShadowModeConfig"))
    rules.check_variants(state, experiment.request | changes)
    if end := request["Schedule"].get("EndTime"):
        rules.check_schedule(experiment.start, end, now)
        changes["EndTime"] = end
    return changes


def _created_changes(
    state: AccountState, experiment: Experiment, request: Document, now: datetime
) -> Document:
    changes = _members(request, ("Description", "DataStorageConfig", "ShadowModeConfig"))
    if variants := request.get("ModelVariants"):
        rules.check_models_kept(experiment, variants)
        changes["ModelVariants"] = _merged(experiment, variants)
    rules.check_variants(state, experiment.request | changes)
    if schedule := request["Schedule"]:
        window = {"StartTime": experiment.start, "EndTime": experiment.end} | schedule
        start, end = _window(window, now)
        rules.check_schedule(start, end, now)
        changes |= {"StartTime": start, "EndTime": end}
    return changes


def _members(request: Document, names: tuple[str, ...]) -> Document:
    return {name: deepcopy(request[name]) for name in names if request.get(name) is not None}


def _merged(experiment: Experiment, variants: list[Document]) -> list[Document]:
    """Return both variants; an update may name only the one it changes."""
    if len(variants) == len(experiment.request["ModelVariants"]):
        return deepcopy(variants)
    changed = {variant["VariantName"]: deepcopy(variant) for variant in variants}
    kept = [changed.pop(old["VariantName"], old) for old in experiment.request["ModelVariants"]]
    return [*kept, *changed.values()]


def start(state: AccountState, request: Document, now: datetime) -> Experiment:
    """Start a scheduled experiment early: StartInferenceExperiment."""
    experiment = find(state, request["Name"])
    _require_status(experiment, "started", ("Created",))
    _require_ready(state, experiment)
    experiment.start, experiment.modified = now, now
    experiment.end = min(experiment.end, now + rules.LONGEST)
    begin_work(state, experiment, "start", now)
    return experiment


def stop(state: AccountState, request: Document, now: datetime) -> Experiment:
    """Begin to stop an experiment: StopInferenceExperiment."""
    experiment = find(state, request["Name"])
    _require_status(experiment, "stopped", ("Running",))
    rules.check_stop(experiment, request)
    _require_ready(state, experiment)
    if request["ModelVariantActions"][experiment.source_name] == "Remove":
        # (assumed: scalable-target)
        check_update(state, state.endpoints[experiment.endpoint], ())
    experiment.stop = Stop(
        actions=dict(request["ModelVariantActions"]),
        state=request.get("DesiredState") or "Cancelled",  # (assumed: desired-state)
        reason=request.get("Reason"),
        desired=deepcopy(request.get("DesiredModelVariants") or []),
    )
    experiment.modified, experiment.idle = now, "Running"
    begin_work(state, experiment, "stop", now)
    return experiment


def delete(state: AccountState, request: Document) -> Experiment:
    """Delete an experiment and its tags; its endpoint stays: DeleteInferenceExperiment."""
    experiment = find(state, request["Name"])
    _require_status(experiment, "deleted", ("Created", "Completed", "Cancelled"))
    del state.experiments[experiment.name]
    state.tags.pop(experiment.arn, None)
    return experiment


def _require_status(experiment: Experiment, verb: str, allowed: tuple[Status, ...]) -> None:
    if experiment.status not in allowed:  # (assumed: wrong-status)
        raise WrongStatus(
            f"{experiment.name} is {experiment.status} and cannot be {verb};"
            f" it has to be {' or '.join(allowed)}."
        )


def _require_ready(state: AccountState, experiment: Experiment) -> None:
    endpoint = state.endpoints.get(experiment.endpoint)
    if endpoint and endpoint.status != "InService":  # (assumed: endpoint-not-ready)
        raise WrongStatus(f"Endpoint {endpoint.name} is {endpoint.status}, not InService.")
