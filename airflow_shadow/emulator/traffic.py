"""The requests that an endpoint gets: how many, in which daily shape, from which seed."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

from airflow_shadow.emulator.errors import Invalid
from airflow_shadow.emulator.random_draws import ShortRandom, binomial, poisson

TAG = "shadow-traffic"

_MINUTE = 60
_DAY_HOURS = 24
# CloudWatch keeps no points that are older.
_OLDEST_HOURS = 455 * _DAY_HOURS


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """A rate of requests with a daily swing.

    requests_per_minute: mean over a day; single minutes are Poisson counts around the shape.
    daily_swing: 0 is flat; at 0.5 the rate ranges from half the mean to one and a half times it.
    peak_hour: UTC hour of the highest rate.
    seed: another seed draws other counts, latencies and errors.
    late_seconds: how long CloudWatch takes to show a minute completely (assumed: late-minutes).
    bad_request_rate: share of the requests that every variant answers with 5XX.
    hours_before: how much earlier than its declaration it began.
    inference_ids: share of the requests whose callers give an InferenceId.
    repeated_inputs: share of the requests whose input is one of fifty that repeat.
    Raises ValueError for numbers out of range.
    """

    requests_per_minute: float = 300.0
    daily_swing: float = 0.5
    peak_hour: float = 14.0
    seed: int = 0
    late_seconds: float = 120.0
    bad_request_rate: float = 0.0
    hours_before: float = 0.0
    inference_ids: float = 1.0
    repeated_inputs: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        _within("requests_per_minute", self.requests_per_minute, 0, 1_000_000)
        _within("daily_swing", self.daily_swing, 0, 1)
        _within("peak_hour", self.peak_hour, 0, _DAY_HOURS)
        _within("late_seconds", self.late_seconds, 0, 3600)
        _within("bad_request_rate", self.bad_request_rate, 0, 1)
        _within("hours_before", self.hours_before, 0, _OLDEST_HOURS)
        _within("inference_ids", self.inference_ids, 0, 1)
        _within("repeated_inputs", self.repeated_inputs, 0, 1)

    def shape(self, minute: int) -> float:
        """Return the rate at a minute since 1970, as a multiple of the mean."""
        hour = minute / 60 % _DAY_HOURS
        angle = 2 * math.pi * (hour - self.peak_hour) / _DAY_HOURS
        return 1 + self.daily_swing * math.cos(angle)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name}={value!r} has to be a number from {low:g} to {high:g}.")


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Traffic from a time on; random numbers depend on the minutes since then."""

    endpoint: str
    traffic: Traffic
    declared: datetime
    since: datetime  # its begin, earlier than its declaration with `hours_before`
    ordinal: int = 0  # among the flows of the endpoint, so that each has its own random numbers

    @cached_property
    def first_minute(self) -> int:
        """The first whole minute, counted since 1970."""
        return math.ceil(self.since.timestamp() / _MINUTE)

    @cached_property
    def key(self) -> str:
        """The common part of the keys of this flow's random numbers."""
        return f"{self.traffic.seed}|{self.endpoint}|{self.ordinal}"

    def requests(self, minute: int) -> int:
        """Return how many requests the endpoint gets in a minute since 1970."""
        mean = self.traffic.requests_per_minute * self.traffic.shape(minute)
        return _requests(self.key, minute - self.first_minute, mean)

    def bad_requests(self, minute: int) -> int:
        """Return how many of a minute's requests fail with every variant."""
        rate = self.traffic.bad_request_rate
        if not rate:
            return 0
        return _bad_requests(self.key, minute - self.first_minute, self.requests(minute), rate)


@lru_cache(maxsize=1 << 16)
def _bad_requests(key: str, index: int, requests: int, rate: float) -> int:
    return binomial(ShortRandom(key, "bad", index), requests, rate)


@lru_cache(maxsize=1 << 16)
def _requests(key: str, index: int, mean: float) -> int:
    return poisson(ShortRandom(key, "requests", index), mean)


def read_tag(text: str) -> Traffic:
    """Return the traffic that a tag declares, as in `requests_per_minute=300 seed=7`.

    Raises Invalid (ValidationException).
    """
    try:
        pairs = dict(part.split("=", 1) for part in text.split())
        return read_traffic(pairs)
    except (TypeError, ValueError) as error:
        raise Invalid(f"Tag {TAG}={text!r} declares no traffic: {error}") from error


def read_traffic(settings: dict[str, Any]) -> Traffic:
    """Return the traffic of settings, whose values may be text.

    Raises ValueError for a wrong number and for a setting that does not exist.
    """
    known = {field.name for field in fields(Traffic)}
    if unknown := sorted(set(settings) - known):
        raise ValueError(f"unknown {unknown}; there are {', '.join(sorted(known))}.")
    numbers: dict[str, Any] = {
        name: int(value) if name == "seed" else float(value) for name, value in settings.items()
    }
    return Traffic(**numbers)


def tag(traffic: Traffic) -> dict[str, str]:
    """Return the tag of CreateEndpoint that declares traffic."""
    pairs = (f"{name}={value}" for name, value in asdict(traffic).items())
    return {"Key": TAG, "Value": " ".join(pairs)}


def spans(flows: list[Flow], window: range) -> Iterator[tuple[Flow, range]]:
    """Yield the traffic of a window of minutes since 1970; the latest declaration counts."""
    if not flows:
        return
    begins = (flow.first_minute for flow in flows[:0:-1])
    ends = [*accumulate(begins, min, initial=window.stop)][::-1]
    for flow, end in zip(flows, ends, strict=True):
        yield flow, range(max(window.start, flow.first_minute), end)
