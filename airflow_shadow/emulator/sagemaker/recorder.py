"""Record on an endpoint's timeline which variants it runs, whenever that changes."""

from datetime import datetime, timedelta

from airflow_shadow.emulator.account_state import AccountState, Deployed, Document, Endpoint
from airflow_shadow.emulator.behaviour import Behaviour, read_behaviour
from airflow_shadow.emulator.cloudwatch.timeline import Role, ServedVariant, Timeline
from airflow_shadow.emulator.sagemaker.models import containers_of, find_model
from airflow_shadow.emulator.traffic import Flow, Traffic


def declared_behaviour(model: Document) -> Behaviour:
    """Return the behaviour that the first container of a model declares, else the default one.

    Raises Invalid (ValidationException) for a declaration that cannot be read.
    """
    containers = containers_of(model)
    return read_behaviour((containers[0].get("Environment") if containers else None) or {})


def add_traffic(state: AccountState, endpoint: str, traffic: Traffic, at: datetime) -> Flow:
    """Send traffic to an endpoint of this name from a time on, in place of its earlier traffic.

    It begins `hours_before` earlier, but not before the last endpoint of the name was deleted.
    """
    flows = state.flows.setdefault(endpoint, [])
    begin = at - timedelta(hours=traffic.hours_before)
    since = max(begin, _timeline(state, endpoint).gone)
    flow = Flow(endpoint=endpoint, traffic=traffic, declared=at, since=since, ordinal=len(flows))
    flows.append(flow)
    _extend_to_traffic(state, endpoint)
    return flow


def _extend_to_traffic(state: AccountState, endpoint: str) -> None:
    """Extend production back to the begin of traffic that began before it was declared."""
    timeline = _timeline(state, endpoint)
    for flow in state.flows.get(endpoint, ()):
        if timeline.gone <= flow.since < flow.declared:
            timeline.extend_back(flow.since)


def record(state: AccountState, endpoint: Endpoint, at: datetime) -> None:
    """Record which variants an endpoint runs from now on."""
    _timeline(state, endpoint.name).record(_served_variants(state, endpoint), at)
    _extend_to_traffic(state, endpoint.name)


def record_deletion(state: AccountState, endpoint: Endpoint, at: datetime) -> None:
    """Record that an endpoint is deleted; its old points stay."""
    _timeline(state, endpoint.name).record([], at)


def _timeline(state: AccountState, endpoint: str) -> Timeline:
    return state.timelines.setdefault(endpoint, Timeline())


def _served_variants(state: AccountState, endpoint: Endpoint) -> list[ServedVariant]:
    """Return the variants; the share of each is its part of production's total weight."""
    total = sum(one.current_weight for one in endpoint.production) or 1.0
    roles: tuple[tuple[Role, list[Deployed]], ...] = (
        ("production", endpoint.production),
        ("shadow", endpoint.shadow),
    )
    return [
        ServedVariant(
            name=one.name,
            model=one.model,
            behaviour=_behaviour(state, endpoint, one),
            role=role,
            place=place,
            share=min(1.0, one.current_weight / total),
            instance_type=one.instance_type,
            instances=one.current_count or 1,
        )
        for role, variants in roles
        for place, one in enumerate(variants)
    ]


def _behaviour(state: AccountState, endpoint: Endpoint, variant: Deployed) -> Behaviour:
    """Return the behaviour of a variant's model; a running variant outlives DeleteModel."""
    if model := find_model(state, variant.model) if variant.model else None:
        return declared_behaviour(model)
    before = (
        one.served.behaviour
        for one in _timeline(state, endpoint.name).intervals_of(variant.name)
        if one.served.model == variant.model
    )
    return next(before, Behaviour())
