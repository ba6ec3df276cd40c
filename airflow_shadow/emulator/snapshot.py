"""A copy of what SageMaker keeps, so that endpoints are created once for many tests."""

from copy import deepcopy
from dataclasses import dataclass, fields
from datetime import datetime

from airflow_shadow.emulator.account_state import AccountState, Document
from airflow_shadow.emulator.history import Numbered
from airflow_shadow.emulator.sagemaker.models import models_of

#: What all states share with the emulator: not part of a snapshot.
_SHARED = {"settings", "faults", "history"}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Models, endpoints, configurations, experiments, tags, traffic, and what happened so far."""

    at: datetime
    states: dict[tuple[str, str], Document]
    models: dict[tuple[str, str], Document]
    history: list[Numbered]


def take(*, at: datetime, states: list[AccountState], history: list[Numbered]) -> Snapshot:
    """Copy these states, their models and the history."""
    return Snapshot(
        at=at,
        states={(state.account, state.region): _kept(state) for state in states},
        models={(state.account, state.region): deepcopy(models_of(state)) for state in states},
        history=deepcopy(history),
    )


def put_back(snapshot: Snapshot, state: AccountState) -> None:
    """Replace a state's content by that of the snapshot."""
    place = (state.account, state.region)
    for name, value in deepcopy(snapshot.states[place]).items():
        setattr(state, name, value)
    models = models_of(state)
    models.clear()
    models.update(deepcopy(snapshot.models[place]))


def _kept(state: AccountState) -> Document:
    own = [field.name for field in fields(state) if field.name not in _SHARED]
    return {name: deepcopy(getattr(state, name)) for name in own}
