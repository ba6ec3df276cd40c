"""What stood on an endpoint when: a line of stretches, which outlives the endpoint."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from airflow_shadow.emulator.behaviour import Behaviour

Role = Literal["production", "shadow"]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A variant as it stands on an endpoint, as far as its metrics depend on it."""

    variant: str
    model: str | None
    behaviour: Behaviour
    role: Role
    place: int  # among the variants of its role
    share: float  # of the endpoint's requests, 0 to 1
    instance_type: str | None
    instances: int

    @cached_property
    def seat(self) -> str:
        """What its random numbers hang on: names of variants do not change them."""
        return f"{self.role}-{self.place}"

    def same_containers(self, other: "Standing") -> bool:
        """Whether one can become the other without new containers (assumed: warm-after-update)."""
        mine, theirs = (
            (one.variant, one.model, one.behaviour, one.instance_type) for one in (self, other)
        )
        return mine == theirs


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A time in which a variant stood unchanged; `until` is None while it lasts."""

    standing: Standing
    born: datetime  # when its containers began
    since: datetime
    until: datetime | None = None

    @cached_property
    def birth(self) -> float:
        """When its containers began, in seconds since 1970."""
        return self.born.timestamp()

    @cached_property
    def begin(self) -> float:
        """The begin, in minutes since 1970."""
        return self.since.timestamp() / 60

    @cached_property
    def end(self) -> float:
        """The end, in minutes since 1970."""
        return self.until.timestamp() / 60 if self.until else math.inf


class Timeline:
    """The stretches of one endpoint, oldest first."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self.gone = _LONG_AGO  # when the last endpoint of the name was deleted

    def record(self, standings: list[Standing], at: datetime) -> None:
        """Let the endpoint run these variants from a moment on."""
        self.gone = self.gone if standings else at
        wanted = {one.variant: one for one in standings}
        open_now = {one.standing.variant: one for one in self.stretches if one.until is None}
        kept = {name for name, one in open_now.items() if wanted.get(name) == one.standing}
        self.stretches = [
            replace(one, until=at)
            if one.until is None and one.standing.variant not in kept
            else one
            for one in self.stretches
        ]
        for name, standing in wanted.items():
            if name not in kept:
                self.stretches.append(_begin(standing, open_now.get(name), at))

    def reach_back(self, to: datetime) -> None:
        """Let production that stood here first have stood, and run, here since an earlier time."""
        first = min((one.since for one in self.stretches if one.since >= self.gone), default=to)
        self.stretches = [
            replace(one, born=to, since=to)
            if one.since == first > to and one.standing.role == "production"
            else one
            for one in self.stretches
        ]

    def variants(self) -> list[str]:
        """Return the names of all variants that ever stood here, oldest first."""
        return list(dict.fromkeys(one.standing.variant for one in self.stretches))

    def of(self, variant: str) -> Iterator[Stretch]:
        """Yield the stretches of a variant, oldest first."""
        return (one for one in self.stretches if one.standing.variant == variant)


def _begin(standing: Standing, before: Stretch | None, at: datetime) -> Stretch:
    warm = before is not None and before.standing.same_containers(standing)
    return Stretch(standing=standing, born=before.born if before and warm else at, since=at)
