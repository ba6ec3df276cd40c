"""The requests, errors and latencies of a variant in a minute, and how much of them shows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from airflow_shadow.emulator.behaviour import Behaviour
from airflow_shadow.emulator.cloudwatch.timeline import Interval, ServedVariant, Timeline
from airflow_shadow.emulator.random_draws import ShortRandom, binomial, noise, uniform
from airflow_shadow.emulator.traffic import Flow, spans

_MINUTE = 60.0
_DAY = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Errors:
    """How many requests of a minute failed, by kind of failure."""

    server: int
    client: int
    other: int


class Part(NamedTuple):
    """A minute of a variant, or the part of it in which the variant ran unchanged."""

    interval: Interval
    flow: Flow
    minute: int  # since 1970
    requests: int
    bad: int  # of these, how many fail with any variant
    seen: float  # the share of the minute that CloudWatch shows by now

    @property
    def behaviour(self) -> Behaviour:
        """The behaviour of the variant's model."""
        return self.interval.served.behaviour

    @property
    def unanswered(self) -> float:
        """The share of requests, the slowest ones, that a shadow never answers."""
        served = self.interval.served
        return served.behaviour.drop_slowest if served.role == "shadow" else 0.0

    @property
    def number(self) -> int:
        """The minute, counted since the traffic was declared."""
        return self.minute - self.flow.first_minute

    def key(self, subject: str) -> str:
        """Return the key of the random numbers for a subject."""
        return f"{self.flow.key}|{self.interval.served.random_key}|{self.number}|{subject}"


def parts(
    timeline: Timeline, flows: list[Flow], variant: str, window: range, now: datetime
) -> Iterator[Part]:
    """Yield a variant's minutes in a window of minutes since 1970, as they show by now.

    Minutes without requests are included, because utilisation is measured in them.
    """
    past = range(window.start, min(window.stop, int(now.timestamp() // _MINUTE)))
    for interval, flow, minute in _run(timeline, flows, variant, past):
        if seen := _seen(interval, flow, minute, now):
            yield _part(interval, flow, minute, seen)


def unseen_parts(
    timeline: Timeline, flows: list[Flow], variant: str, window: range
) -> Iterator[Part]:
    """Yield a variant's minutes, however much of them CloudWatch shows."""
    for interval, flow, minute in _run(timeline, flows, variant, window):
        yield _part(interval, flow, minute, 1.0)


def _run(
    timeline: Timeline, flows: list[Flow], variant: str, window: range
) -> Iterator[tuple[Interval, Flow, int]]:
    """Yield the minutes in which a variant ran and traffic was declared."""
    for interval in timeline.intervals_of(variant):
        for flow, span in spans(flows, _minutes(interval, window)):
            for minute in span:
                yield interval, flow, minute


def _part(interval: Interval, flow: Flow, minute: int, seen: float) -> Part:
    bad = flow.bad_requests(minute)
    good = _reaching(interval, flow, minute, flow.requests(minute) - bad, "")
    bad = _reaching(interval, flow, minute, bad, "|bad")
    return Part(interval, flow, minute, good + bad, bad, seen)


def _minutes(interval: Interval, window: range) -> range:
    """Return the minutes of a window in which a variant ran, if only for part of them."""
    first, end = max(window.start, int(interval.begin)), min(window.stop, interval.end)
    return range(first, math.ceil(end))


def _seen(interval: Interval, flow: Flow, minute: int, now: datetime) -> float:
    """Return the share of a past minute that has arrived (assumed: late-minutes)."""
    arrives = (minute + 1) * _MINUTE + interval.served.behaviour.reports_late_seconds
    age, late = now.timestamp() - arrives, flow.traffic.late_seconds
    return 1.0 if age >= late else max(0.0, age / late) if late else 0.0


def _reaching(interval: Interval, flow: Flow, minute: int, count: int, kind: str) -> int:
    """Return how many of a minute's requests of a kind reach a variant while it runs."""
    if not interval.begin <= minute < minute + 1 <= interval.end:
        begin, end = max(0.0, interval.begin - minute), min(1.0, interval.end - minute)
        count = round(count * end) - round(count * begin)
    share = _share(interval.served)
    if share >= 1 or not count:
        return count
    number = minute - flow.first_minute
    return _some(f"{flow.key}|{interval.served.random_key}|{number}{kind}", count, share)


def _share(served: ServedVariant) -> float:
    """Return the share of the endpoint's requests that a variant gets and answers."""
    if served.role == "production":
        return served.share
    behaviour = served.behaviour
    return served.share * (1 - behaviour.drop_rate) * (1 - behaviour.drop_slowest)


@lru_cache(maxsize=1 << 16)
def _some(key: str, requests: int, share: float) -> int:
    """Return how many requests are chosen, each independently (assumed: sampling)."""
    return binomial(ShortRandom(key), requests, share)


def covered(part: Part) -> int:
    """Return how many requests are samples of the latencies."""
    coverage = part.behaviour.latency_coverage
    return part.requests if coverage >= 1 else _some(part.key("covered"), part.requests, coverage)


def errors(part: Part) -> Errors:
    """Return how many requests failed."""
    one = part.behaviour
    rates = (one.error_rate, one.client_error_rate, one.model_error_rate)
    if not any(rates):
        return Errors(server=part.bad, client=0, other=0)
    return _errors(part.key("errors"), part.requests, part.bad, rates)


@lru_cache(maxsize=1 << 16)
def _errors(key: str, requests: int, bad: int, rates: tuple[float, float, float]) -> Errors:
    random, left, unspent, drawn = ShortRandom(key), requests - bad, 1.0, []
    for rate in rates:
        count = binomial(random, left, min(1.0, rate / unspent)) if rate else 0
        drawn.append(count)
        left, unspent = left - count, unspent - rate
    return Errors(server=bad + drawn[0], client=drawn[1], other=drawn[2])


def mean_latency(part: Part) -> float:
    """Return the expected latency of a minute, in microseconds."""
    one = part.behaviour
    age = (part.minute + 0.5) * _MINUTE - part.interval.birth
    drift = math.pow(1 + one.drift_per_day, max(0.0, age) / _DAY)
    load = math.pow(part.flow.traffic.shape(part.minute), one.load_sensitivity)
    return one.latency_ms * 1000 * drift * load * _cold(one, age) * _noise(part)


def _cold(one: Behaviour, age: float) -> float:
    """Return how many times slower a minute is, by the part of it that is a cold start."""
    cold = min(1.0, max(0.0, (one.cold_start_seconds - age) / _MINUTE + 0.5))
    return 1 + (one.cold_start_factor - 1) * (cold if one.cold_start_seconds else 0.0)


def _noise(part: Part) -> float:
    """Return the random factor of a minute; part of it, the load, is common to all variants."""
    one = part.behaviour
    if not one.noise:
        return 1.0
    base = part.flow.key
    common = noise(f"{base}|load", one.noise_memory, part.number)
    own = noise(f"{base}|{part.interval.served.random_key}|own", one.noise_memory, part.number)
    correlation = one.load_correlation
    level = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own
    return math.exp(one.noise * level - one.noise**2 / 2)


def arrived(part: Part, subject: str, counts: tuple[int, ...]) -> tuple[int, ...]:
    """Return what CloudWatch shows of counts by now; this never shrinks (assumed: late-minutes)."""
    if part.seen >= 1:
        return counts
    random = ShortRandom(part.key(subject))
    return tuple(min(count, int(count * part.seen + uniform(random))) for count in counts)
