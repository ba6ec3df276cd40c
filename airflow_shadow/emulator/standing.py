"""Keep an endpoint's timeline: read off the endpoint whenever what it runs has changed."""

from datetime import datetime, timedelta

from airflow_shadow.emulator.behaviour import Behaviour, read_behaviour
from airflow_shadow.emulator.models import containers_of, find_model
from airflow_shadow.emulator.timeline import Role, Standing, Timeline
from airflow_shadow.emulator.traffic import Flow, Traffic
from airflow_shadow.emulator.world import Deployed, Document, Endpoint, World


def declared(model: Document) -> Behaviour:
    """Return the behaviour that the first container of a model declares, else the default one.

    Raises Invalid (ValidationException) for a declaration that cannot be read.
    """
    containers = containers_of(model)
    return read_behaviour((containers[0].get("Environment") if containers else None) or {})


def declare(world: World, endpoint: str, traffic: Traffic, at: datetime) -> Flow:
    """Let traffic come to an endpoint of this name from a moment on, in place of what came.

    Its past reaches back to the deletion of the last endpoint of the name at most.
    """
    flows = world.flows.setdefault(endpoint, [])
    begin = at - timedelta(hours=traffic.hours_before)
    since = max(begin, _timeline(world, endpoint).gone)
    flow = Flow(endpoint=endpoint, traffic=traffic, declared=at, since=since, ordinal=len(flows))
    flows.append(flow)
    _reach_back(world, endpoint)
    return flow


def _reach_back(world: World, endpoint: str) -> None:
    """Let production have stood on an endpoint since its traffic began to come."""
    timeline = _timeline(world, endpoint)
    for flow in world.flows.get(endpoint, ()):
        if timeline.gone <= flow.since < flow.declared:
            timeline.reach_back(flow.since)


def record(world: World, endpoint: Endpoint, at: datetime) -> None:
    """Write down what an endpoint runs from now on."""
    _timeline(world, endpoint.name).record(_standings(world, endpoint), at)
    _reach_back(world, endpoint.name)


def record_gone(world: World, endpoint: Endpoint, at: datetime) -> None:
    """Write down that an endpoint is deleted; its old points stay."""
    _timeline(world, endpoint.name).record([], at)


def _timeline(world: World, endpoint: str) -> Timeline:
    return world.timelines.setdefault(endpoint, Timeline())


def _standings(world: World, endpoint: Endpoint) -> list[Standing]:
    """Return the variants; their share is their part of production's weight."""
    whole = sum(one.current_weight for one in endpoint.production) or 1.0
    seats: list[tuple[Role, int, Deployed]] = [
        *(("production", place, one) for place, one in enumerate(endpoint.production)),
        *(("shadow", place, one) for place, one in enumerate(endpoint.shadow)),
    ]
    return [
        Standing(
            variant=one.name,
            model=one.model,
            behaviour=_behaviour(world, endpoint, one),
            role=role,
            place=place,
            share=min(1.0, one.current_weight / whole),
            instance_type=one.instance_type,
            instances=one.current_count or 1,
        )
        for role, place, one in seats
    ]


def _behaviour(world: World, endpoint: Endpoint, variant: Deployed) -> Behaviour:
    """Return the behaviour of a variant's model; a running one outlives DeleteModel."""
    if model := find_model(world, variant.model) if variant.model else None:
        return declared(model)
    before = (
        one.standing.behaviour
        for one in _timeline(world, endpoint.name).of(variant.name)
        if one.standing.model == variant.model
    )
    return next(before, Behaviour())
