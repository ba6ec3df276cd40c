"""One value to the type of one leaf of the model, strictly.

Each converter raises ``ValueError`` or ``OverflowError`` for what is not of its type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, NamedTuple

# Python's own int() and float() also take 1_000, digits of other scripts, nan and inf.
_INTEGER = re.compile(r"([+-]?[0-9]+)(?:\.0+)?")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_EPOCH = re.compile(r"[+-]?[0-9]{9,}(?:\.[0-9]+)?")
#: Far from where Python's time ends, so that whoever adds a duration or a zone stays within.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_BOOLEANS = MappingProxyType({"true": True, "false": False})


def to_integer(value: Any) -> int:
    """Return whole numbers, and text of decimal digits, as int; ``25.0`` is whole."""
    if isinstance(value, str):
        return int(_matched(_INTEGER, value)[1])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Integral):
        return int(_not_bool(value))
    raise ValueError


def to_float(value: Any) -> float:
    """Return finite numbers and decimal text as float; Python itself writes ``1e-05``."""
    if isinstance(value, str):
        value = float(_matched(_DECIMAL, value)[0])
    if isinstance(value, Real) and math.isfinite(number := float(_not_bool(value))):
        return number
    raise ValueError


def to_boolean(value: Any) -> bool:
    """Return bools, ``true`` and ``false`` in any case; ``"False"`` must never become true."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (word := value.strip().lower()) in _BOOLEANS:
        return _BOOLEANS[word]
    raise ValueError


def to_text(value: Any) -> str:
    """Return text as it is, and numbers as Python writes them.

    A bool has two spellings (``True``, ``true``), so it is refused.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (Integral, float)):
        return str(_not_bool(value))
    raise ValueError


def to_timestamp(value: Any) -> datetime:
    """Return the moment in UTC; without a zone UTC is meant, as everywhere in Airflow.

    :raises ValueError: it is none, or so far away that one cannot count with it
    """
    moment = _moment(value)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError
    return moment


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        return _timestamp_of_text(value.strip())
    if isinstance(value, (Integral, float)):
        return _timestamp_of_number(_not_bool(value))
    raise ValueError


def _timestamp_of_text(text: str) -> datetime:
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(float(text), tz=UTC)
    return _in_utc(datetime.fromisoformat(text))


def _timestamp_of_number(value: Any) -> datetime:
    """Return seconds since 1970; eight digits are a date, as they are in text (``ds_nodash``)."""
    if isinstance(value, Integral) and 10**7 <= value < 10**8:  # type: ignore[operator]
        return _timestamp_of_text(str(value))
    return datetime.fromtimestamp(value, tz=UTC)


def _in_utc(value: datetime) -> datetime:
    """Return a plain datetime, because subclasses (pendulum's) travel badly."""
    moment = datetime.combine(value.date(), value.timetz())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - one error for all that does not fit
    return value


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise ValueError
    return match


class Scalar(NamedTuple):
    """How a leaf is converted and what to call it, and an example, in messages."""

    convert: Callable[[Any], Any]
    noun: str
    example: str


_INTEGERS = Scalar(to_integer, "an integer", "an integer, such as 25")
_FLOATS = Scalar(to_float, "a number", "a finite number, such as 0.5")

SCALARS: Mapping[str, Scalar] = MappingProxyType(
    {
        "integer": _INTEGERS,
        "long": _INTEGERS,
        "float": _FLOATS,
        "double": _FLOATS,
        "boolean": Scalar(to_boolean, "a boolean", "true or false"),
        "string": Scalar(to_text, "text", "text"),
        "timestamp": Scalar(
            to_timestamp,
            f"a time between the years {_FIRST_YEAR} and {_LAST_YEAR}",
            "a datetime, ISO-8601 text or seconds since 1970",
        ),
    }
)
