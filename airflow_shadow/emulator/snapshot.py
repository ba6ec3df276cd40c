"""What SageMaker keeps at a moment, to be put back: a fleet is made once for many tests."""

from copy import deepcopy
from dataclasses import dataclass, fields
from datetime import datetime

from airflow_shadow.emulator.models import models_of
from airflow_shadow.emulator.world import Document, World

#: What worlds have in common with the emulator and each other: that is no world's to keep.
_SHARED = {"pace", "choices", "faults", "history"}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Models, endpoints, configurations, experiments, tags, traffic, and what happened so far."""

    at: datetime
    worlds: dict[tuple[str, str], Document]
    models: dict[tuple[str, str], Document]
    history: list[Document]


def take(*, at: datetime, worlds: list[World], history: list[Document]) -> Snapshot:
    """Copy what these worlds keep."""
    return Snapshot(
        at=at,
        worlds={(world.account, world.region): _kept(world) for world in worlds},
        models={(world.account, world.region): deepcopy(models_of(world)) for world in worlds},
        history=deepcopy(history),
    )


def put_back(snapshot: Snapshot, world: World) -> None:
    """Let a world keep what it kept then."""
    place = (world.account, world.region)
    for name, value in deepcopy(snapshot.worlds[place]).items():
        setattr(world, name, value)
    models = models_of(world)
    models.clear()
    models.update(deepcopy(snapshot.models[place]))


def _kept(world: World) -> Document:
    own = [field.name for field in fields(world) if field.name not in _SHARED]
    return {name: deepcopy(getattr(world, name)) for name in own}
