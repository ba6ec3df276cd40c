"""Bring the state of an account and region up to date, event by event in the order of time."""

from collections.abc import Callable, Iterator
from datetime import datetime

from airflow_shadow.emulator.endpoint_work import finish_endpoint
from airflow_shadow.emulator.life import begin, fail, finish
from airflow_shadow.emulator.world import Endpoint, Experiment, World

Event = tuple[datetime, Callable[[datetime], None]]


def settle(world: World, now: datetime) -> None:
    """Let everything happen that is due by `now`; called at the start of every request."""
    while event := min(_events(world, now), key=lambda event: event[0], default=None):
        at, act = event
        act(at)


def _events(world: World, now: datetime) -> Iterator[Event]:
    for endpoint in world.endpoints.values():
        if event := _endpoint_event(world, endpoint, now):
            yield event
    for experiment in world.experiments.values():
        if event := _experiment_event(world, experiment, now):
            yield event


def _endpoint_event(world: World, endpoint: Endpoint, now: datetime) -> Event | None:
    at = world.pace.due(endpoint.work, now) if endpoint.work else None
    return (at, lambda moment: finish_endpoint(world, endpoint, moment)) if at else None


def _experiment_event(world: World, experiment: Experiment, now: datetime) -> Event | None:
    if experiment.work:
        at = world.pace.due(experiment.work, now)
        return (at, lambda moment: finish(world, experiment, moment)) if at else None
    if experiment.status == "Created" and experiment.start <= now:
        at = max(experiment.start, experiment.changed)
        return at, lambda moment: _begin_scheduled(world, experiment, moment)
    if experiment.status == "Running" and experiment.end <= now:
        at = max(experiment.end, experiment.changed)
        return at, lambda moment: _begin_expiry(world, experiment, moment)
    return None


def _begin_scheduled(world: World, experiment: Experiment, at: datetime) -> None:
    endpoint = _free_endpoint(world, experiment, at)
    begin(world, experiment, "start", at)
    if endpoint is None or endpoint.status == "Failed":
        reason = f"Endpoint {experiment.endpoint} is not in service at the scheduled start."
        fail(world, experiment, at, reason=reason)


def _begin_expiry(world: World, experiment: Experiment, at: datetime) -> None:
    _free_endpoint(world, experiment, at)
    begin(world, experiment, "expire", at)


def _free_endpoint(world: World, experiment: Experiment, at: datetime) -> Endpoint | None:
    """Finish an update of the endpoint that is under way (assumed: start-takes-over)."""
    endpoint = world.endpoints.get(experiment.endpoint)
    if endpoint and endpoint.work:
        finish_endpoint(world, endpoint, at)
    return endpoint
