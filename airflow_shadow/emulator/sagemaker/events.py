"""Bring the state of an account and region up to date, event by event in the order of time."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from airflow_shadow.emulator.account_state import AccountState, Endpoint, Experiment
from airflow_shadow.emulator.pace import done_at, ends_at
from airflow_shadow.emulator.sagemaker.endpoint_updates import finish_endpoint_work
from airflow_shadow.emulator.sagemaker.transitions import begin_work, fail, finish_work

Event = tuple[datetime, Callable[[datetime], None]]


def run_due_events(state: AccountState, now: datetime) -> None:
    """Let everything happen that is due by `now`; called at the start of every request."""
    while event := min(_events(state, now), key=lambda event: event[0], default=None):
        at, act = event
        act(at)


def next_event(state: AccountState, now: datetime) -> datetime | None:
    """Return when the next event is due by the clock, None if there is none to come."""
    works = [one.work for one in state.endpoints.values()]
    works += [one.work for one in state.experiments.values()]
    ends = [ends_at(work) for work in works if work] if state.settings.pace == "time" else []
    times = [*ends, *filter(None, map(_scheduled, state.experiments.values()))]
    return min((at for at in times if at > now), default=None)


def _scheduled(experiment: Experiment) -> datetime | None:
    times = {"Created": experiment.start, "Running": experiment.end}
    return times.get(experiment.status)


def _events(state: AccountState, now: datetime) -> Iterator[Event]:
    for endpoint in state.endpoints.values():
        if endpoint.work and (at := done_at(endpoint.work, now, state.settings)):
            yield at, partial(finish_endpoint_work, state, endpoint)
    for experiment in state.experiments.values():
        if event := _experiment_event(state, experiment, now):
            yield event


def _experiment_event(state: AccountState, experiment: Experiment, now: datetime) -> Event | None:
    if experiment.work:
        at = done_at(experiment.work, now, state.settings)
        return (at, partial(finish_work, state, experiment)) if at else None
    if experiment.status == "Created" and experiment.start <= now:
        at = max(experiment.start, experiment.changed)
        return at, partial(_begin_scheduled, state, experiment)
    if experiment.status == "Running" and experiment.end <= now:
        at = max(experiment.end, experiment.changed)
        return at, partial(_begin_expiry, state, experiment)
    return None


def _begin_scheduled(state: AccountState, experiment: Experiment, at: datetime) -> None:
    endpoint = _free_endpoint(state, experiment, at)
    begin_work(state, experiment, "start", at)
    if endpoint is None or endpoint.status == "Failed":
        reason = f"Endpoint {experiment.endpoint} is not in service at the scheduled start."
        fail(state, experiment, at, reason=reason)


def _begin_expiry(state: AccountState, experiment: Experiment, at: datetime) -> None:
    _free_endpoint(state, experiment, at)
    begin_work(state, experiment, "expire", at)


def _free_endpoint(state: AccountState, experiment: Experiment, at: datetime) -> Endpoint | None:
    """Finish an update of the endpoint that is in progress (assumed: start-takes-over)."""
    endpoint = state.endpoints.get(experiment.endpoint)
    if endpoint and endpoint.work:
        finish_endpoint_work(state, endpoint, at)
    return endpoint
