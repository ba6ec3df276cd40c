"""Keep an endpoint's timeline: read off the endpoint whenever what it runs has changed."""

from datetime import datetime, timedelta

from airflow_shadow.emulator.account_state import AccountState, Deployed, Document, Endpoint
from airflow_shadow.emulator.behaviour import Behaviour, read_behaviour
from airflow_shadow.emulator.cloudwatch.timeline import Role, ServedVariant, Timeline
from airflow_shadow.emulator.sagemaker.models import containers_of, find_model
from airflow_shadow.emulator.traffic import Flow, Traffic


def declared(model: Document) -> Behaviour:
    """Return the behaviour that the first container of a model declares, else the default one.

    Raises Invalid (ValidationException) for a declaration that cannot be read.
    """
    containers = containers_of(model)
    return read_behaviour((containers[0].get("Environment") if containers else None) or {})


def declare(state: AccountState, endpoint: str, traffic: Traffic, at: datetime) -> Flow:
    """Let traffic come to an endpoint of this name from a moment on, in place of what came.

    Its past reaches back to the deletion of the last endpoint of the name at most.
    """
    flows = state.flows.setdefault(endpoint, [])
    begin = at - timedelta(hours=traffic.hours_before)
    since = max(begin, _timeline(state, endpoint).gone)
    flow = Flow(endpoint=endpoint, traffic=traffic, declared=at, since=since, ordinal=len(flows))
    flows.append(flow)
    _reach_back(state, endpoint)
    return flow


def _reach_back(state: AccountState, endpoint: str) -> None:
    """Let production have stood on an endpoint since its traffic began to come."""
    timeline = _timeline(state, endpoint)
    for flow in state.flows.get(endpoint, ()):
        if timeline.gone <= flow.since < flow.declared:
            timeline.reach_back(flow.since)


def record(state: AccountState, endpoint: Endpoint, at: datetime) -> None:
    """Write down what an endpoint runs from now on."""
    _timeline(state, endpoint.name).record(_served_variants(state, endpoint), at)
    _reach_back(state, endpoint.name)


def record_gone(state: AccountState, endpoint: Endpoint, at: datetime) -> None:
    """Write down that an endpoint is deleted; its old points stay."""
    _timeline(state, endpoint.name).record([], at)


def _timeline(state: AccountState, endpoint: str) -> Timeline:
    return state.timelines.setdefault(endpoint, Timeline())


def _served_variants(state: AccountState, endpoint: Endpoint) -> list[ServedVariant]:
    """Return the variants; their share is their part of production's weight."""
    whole = sum(one.current_weight for one in endpoint.production) or 1.0
    seats: list[tuple[Role, int, Deployed]] = [
        *(("production", place, one) for place, one in enumerate(endpoint.production)),
        *(("shadow", place, one) for place, one in enumerate(endpoint.shadow)),
    ]
    return [
        ServedVariant(
            name=one.name,
            model=one.model,
            behaviour=_behaviour(state, endpoint, one),
            role=role,
            place=place,
            share=min(1.0, one.current_weight / whole),
            instance_type=one.instance_type,
            instances=one.current_count or 1,
        )
        for role, place, one in seats
    ]


def _behaviour(state: AccountState, endpoint: Endpoint, variant: Deployed) -> Behaviour:
    """Return the behaviour of a variant's model; a running one outlives DeleteModel."""
    if model := find_model(state, variant.model) if variant.model else None:
        return declared(model)
    before = (
        one.served.behaviour
        for one in _timeline(state, endpoint.name).intervals_of(variant.name)
        if one.served.model == variant.model
    )
    return next(before, Behaviour())
