"""The random numbers of a model's own errors, one set for each request."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import NamedTuple

from airflow_shadow.emulator.capture.requests import Request
from airflow_shadow.emulator.cloudwatch.minutes import Part
from airflow_shadow.emulator.random_draws import long_random


class Own(NamedTuple):
    """What a model draws for a row: its part of slip, shift and choice, and whose choice counts."""

    slip: float
    shift: float
    choice: float
    whose: float


class Mood(NamedTuple):
    """What a model draws for a request: for each row, whether it breaks, and how."""

    rows: tuple[Own, ...]
    broken: float
    manner: float


def moods(part: Part, requests: Sequence[Request]) -> Iterator[Mood]:
    """Yield a variant's numbers for the requests of a minute.

    They depend on the model, so that variants which run the same one answer alike, and on the
    variant's role where the model answers at random.
    """
    served, base = part.interval.served, part.flow.key
    model, randomness = served.model or served.random_key, served.answers.randomness
    own = long_random(base, "answers", model, part.number)
    anew = long_random(part.key("anew"))
    for request in requests:
        rows = len(request.rows)
        mood = _mood(own, rows)
        if request.repeated is not None:
            mood = _repeated(base, model, request.repeated, rows)
        if randomness and anew.random() < randomness:
            mood = _mood(anew, rows)
        yield mood


def _mood(random: Random, rows: int) -> Mood:
    draw = random.random
    own = tuple(Own(draw(), draw(), draw(), draw()) for _ in range(rows))
    return Mood(own, draw(), draw())


@lru_cache(maxsize=1024)
def _repeated(key: str, model: str, number: int, rows: int) -> Mood:
    """Return the numbers for an input that repeats, which are always the same."""
    return _mood(long_random(key, "repeated", model, number), rows)
