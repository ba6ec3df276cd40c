"""Which variants an endpoint ran, and when; kept after the endpoint is deleted."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from airflow_shadow.emulator.behaviour import Behaviour
from airflow_shadow.emulator.capture.answers import Answers

Role = Literal["production", "shadow"]


@dataclass(frozen=True, kw_only=True)
class ServedVariant:
    """A variant as an endpoint runs it, as far as its metrics and captures depend on it."""

    name: str
    model: str | None
    behaviour: Behaviour
    role: Role
    place: int  # among the variants of its role
    share: float  # of the endpoint's requests, 0 to 1
    instance_type: str | None
    instances: int
    answers: Answers = field(default_factory=Answers)

    @cached_property
    def random_key(self) -> str:
        """What its random numbers depend on; another variant name does not change them."""
        return f"{self.role}-{self.place}"

    def same_containers(self, other: "ServedVariant") -> bool:
        """Whether one can become the other without new containers (assumed: warm-after-update)."""
        mine, theirs = (
            (one.name, one.model, one.behaviour, one.instance_type) for one in (self, other)
        )
        return mine == theirs


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A time in which a variant ran unchanged; `until` is None while it lasts."""

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
        # When the last endpoint of the name was deleted.
        self.gone = datetime.min.replace(tzinfo=UTC)

    def record(self, variants: list[ServedVariant], at: datetime) -> None:
        """Let the endpoint run these variants from `at` on; none means that it is deleted."""
        self.gone = self.gone if variants else at
        new = {one.name: one for one in variants}
        current = {one.served.name: one for one in self.intervals if one.until is None}
        kept = {name for name, one in current.items() if new.get(name) == one.served}
        self.intervals = [
            replace(one, until=at) if one.until is None and one.served.name not in kept else one
            for one in self.intervals
        ]
        for name, served in new.items():
            if name not in kept:
                self.intervals.append(_begin(served, current.get(name), at))

    def extend_back(self, to: datetime) -> None:
        """Let the first production variants have run since an earlier time."""
        first = min((one.since for one in self.intervals if one.since >= self.gone), default=to)
        self.intervals = [
            replace(one, born=to, since=to)
            if one.since == first > to and one.served.role == "production"
            else one
            for one in self.intervals
        ]

    def variants(self) -> list[str]:
        """Return the names of all variants that ever ran here, oldest first."""
        return list(dict.fromkeys(one.served.name for one in self.intervals))

    def intervals_of(self, name: str) -> Iterator[Interval]:
        """Yield the intervals of a variant, oldest first."""
        return (one for one in self.intervals if one.served.name == name)


def _begin(served: ServedVariant, before: Interval | None, at: datetime) -> Interval:
    warm = before is not None and before.served.same_containers(served)
    return Interval(served=served, born=before.born if before and warm else at, since=at)
