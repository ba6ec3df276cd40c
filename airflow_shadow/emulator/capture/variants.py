"""The records of a variant in a minute: what it got, and what it answered."""

from collections.abc import Iterator

from airflow_shadow.emulator.capture.answers import Answers
from airflow_shadow.emulator.capture.moods import moods
from airflow_shadow.emulator.capture.received import received
from airflow_shadow.emulator.capture.records import Record
from airflow_shadow.emulator.capture.requests import make_id, requests
from airflow_shadow.emulator.capture.times import Stretch
from airflow_shadow.emulator.cloudwatch.minutes import Part, unseen_parts
from airflow_shadow.emulator.cloudwatch.timeline import Timeline
from airflow_shadow.emulator.random_draws import long_random
from airflow_shadow.emulator.settings import EventIds
from airflow_shadow.emulator.traffic import Flow

#: Seconds after which the shadow gets its copy, so that times differ as they do in two processes.
_COPIED = 0.1
ALWAYS = Stretch(float("-inf"), float("inf"))


def parts_of(timeline: Timeline, flows: list[Flow], variant: str, minute: int) -> list[Part]:
    """Return a variant's parts of a minute, mostly one."""
    return list(unseen_parts(timeline, flows, variant, range(minute, minute + 1)))


def records(
    part: Part, asked: Answers, events: EventIds, captured: Stretch = ALWAYS
) -> Iterator[Record]:
    """Yield what a variant got in a part of a minute, in order of time.

    asked: what production declares, which says how requests look.
    """
    all_requests = requests(part.flow, part.minute, asked.rows)
    drawn, ids = list(moods(part, all_requests)), _event_ids(part, events, len(all_requests))
    served = part.interval.served
    late = served.answers.clock_seconds + (_COPIED if served.role == "shadow" else 0.0)
    for position, failure in received(part, captured):
        request = all_requests[position]
        at = (part.minute + request.at) * 60 + late
        yield Record(at, request, drawn[position], failure, ids[position])


def _event_ids(part: Part, events: EventIds, count: int) -> list[str]:
    key = part.key("events") if events == "own" else f"{part.flow.key}|events|{part.number}"
    random = long_random(key)
    return [make_id(random) for _ in range(count)]


def production(timeline: Timeline, minute: int) -> Answers:
    """Return what the production variant of a minute declares, the first one if it changed."""
    intervals = (one for one in timeline.intervals if one.served.role == "production")
    return next(
        (one.served.answers for one in intervals if one.begin < minute + 1 and one.end > minute),
        Answers(),
    )
