"""Times and booleans from outside: from AWS, an XCom, a form or a template."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from numbers import Integral
from types import MappingProxyType
from typing import Any

_EPOCH = re.compile(r"[+-]?[0-9]{9,}(?:\.[0-9]+)?")
#: Well inside Python's range of times, so that a duration or a zone can be added.
FIRST_YEAR, LAST_YEAR = 1970, 9000
_BOOLEANS = MappingProxyType({"true": True, "false": False})


def as_boolean(value: Any) -> Any:
    """Return the texts ``true`` and ``false``, in any case, as booleans; other values unchanged.

    ``"False"`` must never become true.
    """
    return _BOOLEANS.get(value.strip().lower(), value) if isinstance(value, str) else value


def not_bool(value: Any) -> Any:
    """Return a value, but no bool, which Python takes for an integer.

    :raises ValueError: it is a bool
    """
    if isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - one error for all that does not fit
    return value


def epoch(value: Any) -> float:
    """Return a time as seconds since 1970; a number is returned as it is.

    :raises ValueError: as :func:`to_timestamp` does
    """
    return float(value) if isinstance(value, int | float) else to_timestamp(value).timestamp()


def to_timestamp(value: Any) -> datetime:
    """Return the moment in UTC; a time without a zone is in UTC, as everywhere in Airflow.

    :raises ValueError: it is no time, or before 1970 or after 9000
    """
    moment = _moment(value)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
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
        return _timestamp_of_number(not_bool(value))
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
