"""Checks of a specification's values: their types, their bounds, and text in one line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.text.messages import printable, short_repr, shorten
from airflow_shadow.text.numbers import finite

#: Longer names would crowd the numbers out of AWS's `Reason`.
MAX_NAME = 60
#: CloudWatch's own names are shorter.
MAX_TEXT = 1024
#: Least and greatest value of a field. Error rates have not been measured for fewer periods or
#: a smaller alpha; above its bound PASS would mean little; larger values fit into no experiment.
BOUNDS: dict[str, tuple[float, float]] = {
    "alpha": (1e-9, 0.2),
    "period": (1, 86400),
    "initial_delay": (0, 30 * 86400),
    "min_periods": (10, 30 * 1440),
    "min_effective_periods": (5, 30 * 1440),
    "min_duration": (0, 30 * 86400),
    "planned_looks": (1, 20),
    "min_samples": (1, 1e12),
    "within": (0, 1e15),
    "min_labelled": (1, 1e12),
    "min_values": (1, 1e12),
    "labels_wait": (0, 90 * 86400),
    "tolerance": (-1e15, 1e15),
    "limit": (0, 1e15),
    "relative_limit": (0, 1e15),
}


class Seconds:
    """A field of a dataclass in whole seconds, to which any duration may be given.

    What is no duration stays as it is, and is a fault.
    """

    def __init__(self, default: int) -> None:
        self._default = default

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def __get__(self, item: object | None, _: type | None = None) -> int:
        return self._default if item is None else vars(item)[self._name]

    def __set__(self, item: object, value: float | timedelta | str) -> None:
        with suppress(TypeError, ValueError):
            value = whole_seconds(value)
        vars(item)[self._name] = value


def whole_seconds(value: Any) -> int:
    """Return whole seconds, of a duration as arguments take it, too: `"5m"`, a timedelta.

    :raises ValueError: or `TypeError`, it is neither
    """
    if not isinstance(value, str | timedelta):
        return integer(value)
    try:
        seconds = parse_duration(value, may_be_zero=True).total_seconds()
    except InvalidRequestError:
        problem = "is neither whole seconds nor a duration such as '5m'"
        raise ValueError(f"{short_repr(value)} {problem}") from None
    if seconds != int(seconds):
        raise ValueError(f"{short_repr(value)} is not a whole number of seconds")
    return int(seconds)


def integer(value: Any) -> int:
    """Return a whole number.

    :raises ValueError: or `TypeError`, it is none
    """
    number = finite(value)
    if number != int(number):
        raise ValueError(f"{short_repr(value)} is not a whole number")
    return int(number)


class Checked:
    """Base of the dataclasses of a specification, which check their own values."""

    def faults(self) -> Iterator[str]:
        """Yield each invalid value as a sentence that begins with the field's name."""
        wrong = list(type_faults(self))
        yield from wrong or self.broken_rules()

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with values of the right types."""
        raise NotImplementedError


def raise_faults(faults: list[str]) -> None:
    """Raise all faults of a specification as one error, if there are any.

    :raises InvalidRequestError: naming every fault
    """
    if faults:
        raise InvalidRequestError(
            asked="an analysis specification",
            found=f"{len(faults)} fault(s): "
            + "; ".join(shorten(f, most=300) for f in faults[:20]),
            next_step="Correct the fields named above.",
        )


def bound_faults(item: Checked, *names: str) -> Iterator[str]:
    """Yield which of some fields are beyond their bounds."""
    for name in names:
        value, (least, most) = getattr(item, name), BOUNDS[name]
        if value is not None and value < least:
            yield f"{name}: {short_repr(value)} is not at least {least:.15g}"
        if value is not None and value > most:
            yield f"{name}: {short_repr(value)} is above {most:.15g}"


def name_faults(name: str) -> Iterator[str]:
    """Yield why a text cannot name a criterion."""
    yield from line_faults("name", name, most=MAX_NAME)
    if name.strip() and " ".join(name.split(" ")) != " ".join(name.split()):
        yield f"name: {short_repr(name)} has blanks at its ends or several in a row"


def line_faults(field: str, text: str, *, most: int = MAX_TEXT) -> Iterator[str]:
    """Yield why a text is not one line of printable characters."""
    if not text.strip():
        yield f"{field}: is empty"
    elif len(text) > most:
        yield f"{field}: has {len(text)} characters, at most {most} are allowed"
    elif printable(text) != text:
        yield f"{field}: {short_repr(text)} is not one line of printable characters"


def type_faults(item: Any) -> Iterator[str]:
    """Yield the fields of a dataclass whose values are not of the annotated type."""
    hints = _hints(item.__class__)
    for field in fields(item):
        value = getattr(item, field.name)
        if not _fits(value, hints[field.name]):
            is_duration = field.type == Seconds.__name__
            what = "no duration in whole seconds" if is_duration else f"not of type {field.type}"
            yield f"{field.name}: {short_repr(value)} is {what}"


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    return {name: int if hint is Seconds else hint for name, hint in get_type_hints(kind).items()}


def _fits(value: Any, hint: Any) -> bool:
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return value in inner
    if get_origin(hint) is Mapping:
        return isinstance(value, Mapping) and all(
            _fits(one, kind)
            for item in value.items()
            for one, kind in zip(item, inner, strict=True)
        )
    if get_origin(hint) is tuple:
        return isinstance(value, list | tuple) and _all_fit(value, inner)
    if inner:
        return any(_fits(value, one) for one in inner)
    if hint is float:
        return _is_a(int | float, value) and -math.inf < value < math.inf
    return _is_a(hint, value)


def _all_fit(values: Any, hints: tuple[Any, ...]) -> bool:
    if hints[-1] is Ellipsis:
        return all(_fits(value, hints[0]) for value in values)
    return len(values) == len(hints) and all(map(_fits, values, hints))


def _is_a(hint: Any, value: Any) -> bool:
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
