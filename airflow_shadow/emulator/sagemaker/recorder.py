"""Record on an endpoint's timeline which variants it runs, whenever that changes."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from airflow_shadow.emulator.account_state import AccountState, Deployed, Document, Endpoint
from airflow_shadow.emulator.behaviour import Behaviour, read_behaviour
from airflow_shadow.emulator.capture.answers import Answers, read_answers
from airflow_shadow.emulator.capture.config import record_capture
from airflow_shadow.emulator.cloudwatch.timeline import Role, ServedVariant, Timeline
from airflow_shadow.emulator.errors import Invalid
from airflow_shadow.emulator.sagemaker.models import containers_of, find_model
from airflow_shadow.emulator.traffic import Flow, Traffic


def check_declarations(model: Document) -> None:
    """Refuse a model whose first container declares a behaviour or answers that cannot be read.

    Raises Invalid (ValidationException), which names all that is wrong.
    """
    problems = []
    for read in (read_behaviour, read_answers):
        try:
            read(_environment(model))
        except Invalid as error:
            problems.append(error.message)
    if problems:
        raise Invalid(" ".join(problems))


def _environment(model: Document) -> Mapping[str, str]:
    containers = containers_of(model)
    return (containers[0].get("Environment") if containers else None) or {}


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
    spans = state.captures.setdefault(endpoint.name, [])
    record_capture(spans, endpoint.document.get("DataCaptureConfig"), at)


def record_deletion(state: AccountState, endpoint: Endpoint, at: datetime) -> None:
    """Record that an endpoint is deleted; its old points and captures stay."""
    _timeline(state, endpoint.name).record([], at)
    record_capture(state.captures.setdefault(endpoint.name, []), None, at)


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
        _served(
            one,
            _declared(state, endpoint, one),
            role=role,
            place=place,
            share=min(1.0, one.current_weight / total),
        )
        for role, variants in roles
        for place, one in enumerate(variants)
    ]


def _served(
    one: Deployed, declared: tuple[Behaviour, Answers], *, role: Role, place: int, share: float
) -> ServedVariant:
    behaviour, answers = declared
    return ServedVariant(
        name=one.name,
        model=one.model,
        behaviour=behaviour,
        role=role,
        place=place,
        share=share,
        instance_type=one.instance_type,
        instances=one.current_count or 1,
        answers=answers,
    )


def _declared(
    state: AccountState, endpoint: Endpoint, variant: Deployed
) -> tuple[Behaviour, Answers]:
    """Return what a variant's model declares; a running variant outlives DeleteModel."""
    if model := find_model(state, variant.model) if variant.model else None:
        declared = _environment(model)
        return read_behaviour(declared), read_answers(declared)
    before = (
        (one.served.behaviour, one.served.answers)
        for one in _timeline(state, endpoint.name).intervals_of(variant.name)
        if one.served.model == variant.model
    )
    return next(before, (Behaviour(), Answers()))
