"""What stood on an endpoint when: a line of intervals, which outlives the endpoint."""

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
class ServedVariant:
    """A variant as it stands on an endpoint, as far as its metrics depend on it."""

    name: str
    model: str | None
    behaviour: Behaviour
    role: Role
    place: int  # among the variants of its role
    share: float  # of the endpoint's requests, 0 to 1
    instance_type: str | None
    instances: int

    @cached_property
    def random_key(self) -> str:
        """What its random numbers hang on: names of variants do not change them."""
        return f"{self.role}-{self.place}"

    def same_containers(self, other: "ServedVariant") -> bool:
        """Whether one can become the other without new containers (assumed: warm-after-update)."""
        mine, theirs = (
            (one.name, one.model, one.behaviour, one.instance_type) for one in (self, other)
        )
        return mine == theirs


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A time in which a variant stood unchanged; `until` is None while it lasts."""

    served: ServedVariant
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
    """The intervals of one endpoint, oldest first."""

    def __init__(self) -> None:
        self.intervals: list[Interval] = []
        self.gone = _LONG_AGO  # when the last endpoint of the name was deleted

    def record(self, variants: list[ServedVariant], at: datetime) -> None:
        """Let the endpoint run these variants from a moment on."""
        self.gone = self.gone if variants else at
        now = {one.name: one for one in variants}
        open_now = {one.served.name: one for one in self.intervals if one.until is None}
        kept = {name for name, one in open_now.items() if now.get(name) == one.served}
        self.intervals = [
            replace(one, until=at) if one.until is None and one.served.name not in kept else one
            for one in self.intervals
        ]
        for name, served in now.items():
            if name not in kept:
                self.intervals.append(_begin(served, open_now.get(name), at))

    def reach_back(self, to: datetime) -> None:
        """Let production that stood here first have stood, and run, here since an earlier time."""
        first = min((one.since for one in self.intervals if one.since >= self.gone), default=to)
        self.intervals = [
            replace(one, born=to, since=to)
            if one.since == first > to and one.served.role == "production"
            else one
            for one in self.intervals
        ]

    def variants(self) -> list[str]:
        """Return the names of all variants that ever stood here, oldest first."""
        return list(dict.fromkeys(one.served.name for one in self.intervals))

    def intervals_of(self, name: str) -> Iterator[Interval]:
        """Yield the intervals of a variant, oldest first."""
        return (one for one in self.intervals if one.served.name == name)


def _begin(served: ServedVariant, before: Interval | None, at: datetime) -> Interval:
    warm = before is not None and before.served.same_containers(served)
    return Interval(served=served, born=before.born if before and warm else at, since=at)
