"""Which of an endpoint's requests a variant gets, and which of them fail.

The counts are those that CloudWatch shows; here it is drawn which requests they are.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from airflow_shadow.emulator.capture.times import Stretch
from airflow_shadow.emulator.cloudwatch import minutes
from airflow_shadow.emulator.cloudwatch.minutes import Part
from airflow_shadow.emulator.random_draws import long_random
from airflow_shadow.emulator.traffic import Flow

Failure = Literal["server", "client", "none"]


class Received(NamedTuple):
    """A request that a variant got: its position in the minute, and how it failed."""

    position: int
    failure: Failure | None


@lru_cache(maxsize=4)
def _kinds(flow: Flow, minute: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the positions of the requests that can be answered, and of those that cannot."""
    count, number = flow.requests(minute), minute - flow.first_minute
    random = long_random(flow.key, "which-bad", number)
    bad = set(random.sample(range(count), flow.bad_requests(minute)))
    good = tuple(position for position in range(count) if position not in bad)
    return good, tuple(sorted(bad))


def received(part: Part, captured: Stretch) -> list[Received]:
    """Return what a variant got in a part of a minute while it was captured, in order of time."""
    good, bad = _kinds(part.flow, part.minute)
    answered = _reached(part, good, part.requests - part.bad, "which")
    refused = _reached(part, bad, part.bad, "which|bad")
    failures = _failures(part, answered)
    for position in refused:
        failures[position] = "server"
    kept = {
        position for positions in (good, bad) for position in captured.cut(part.minute, positions)
    }
    reached = sorted({*answered, *refused} & kept)
    return [Received(position, failures.get(position)) for position in reached]


def _reached(part: Part, positions: Sequence[int], count: int, subject: str) -> Sequence[int]:
    ran = Stretch(part.interval.begin, part.interval.end).cut(part.minute, positions)
    if count >= len(ran):
        return ran
    return long_random(part.key(subject)).sample(ran, count)


def _failures(part: Part, positions: Iterable[int]) -> dict[int, Failure]:
    """Return how requests fail that could be answered."""
    errors = minutes.errors(part)
    counts: dict[Failure, int] = {
        "server": errors.server - part.bad,
        "client": errors.client,
        "none": errors.other,
    }
    if not any(counts.values()):
        return {}
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    chosen = long_random(part.key("which-fail")).sample(sorted(positions), len(kinds))
    return dict(zip(chosen, kinds, strict=True))
