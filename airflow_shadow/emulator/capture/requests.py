"""The requests of an endpoint in a minute: what they ask, and what would be right."""

from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import NamedTuple

from airflow_shadow.emulator.random_draws import long_random
from airflow_shadow.emulator.traffic import Flow

_FEATURES = 3
_VALUES = 100_000  # of a feature
#: How many inputs there are that callers repeat.
_REPEATED = 50


class Row(NamedTuple):
    """A row of a request; all but the features are numbers from 0 to 1.

    truth: the class follows from it, and it is the probability of the outcome 1.
    outcome: the outcome is 1 where this is below the probability.
    slip, shift, choice: the parts of errors, noise and wrong classes that all models share.
    """

    features: tuple[int, ...]
    truth: float
    outcome: float
    slip: float
    shift: float
    choice: float


class Request(NamedTuple):
    """A request, the same for all variants.

    at: when it comes, as a share of the minute.
    inference_id: what its caller gives.
    repeated: the number of its input among those that repeat.
    """

    at: float
    inference_id: str | None
    rows: tuple[Row, ...]
    repeated: int | None


# Variants and labels ask for the same minute one after the other.
@lru_cache(maxsize=2)
def requests(flow: Flow, minute: int, rows: int) -> tuple[Request, ...]:
    """Return the requests that an endpoint gets in a minute since 1970, in the order of time."""
    count, number = flow.requests(minute), minute - flow.first_minute
    random = long_random(flow.key, "asked", number)
    return tuple(_request(flow, random, (position, count), rows) for position in range(count))


def _request(flow: Flow, random: Random, place: tuple[int, int], rows: int) -> Request:
    position, count = place
    at = (position + random.random()) / count
    inference_id, given = make_id(random), random.random() < flow.traffic.inference_ids
    repeats, number = random.random() < flow.traffic.repeated_inputs, random.randrange(_REPEATED)
    own = _rows(random, rows)
    return Request(
        at,
        inference_id if given else None,
        _repeated_rows(flow.key, number, rows) if repeats else own,
        number if repeats else None,
    )


def _rows(random: Random, rows: int) -> tuple[Row, ...]:
    draw: Callable[[], float] = random.random
    return tuple(
        Row(
            tuple(int(draw() * _VALUES) for _ in range(_FEATURES)),
            draw(),
            draw(),
            draw(),
            draw(),
            draw(),
        )
        for _ in range(rows)
    )


@lru_cache(maxsize=1024)
def _repeated_rows(key: str, number: int, rows: int) -> tuple[Row, ...]:
    return _rows(long_random(key, "repeated", number), rows)


def make_id(random: Random) -> str:
    """Return an identifier that looks like a UUID of version 4."""
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
