"""Convert one value to the type of a leaf of the model, strictly.

Each converter raises ``ValueError`` or ``OverflowError`` for what is not of its type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, NamedTuple

from airflow_shadow.text.values import FIRST_YEAR, LAST_YEAR, as_boolean, to_timestamp

# Python's own int() and float() also take 1_000, digits of other scripts, nan and inf.
_INTEGER = re.compile(r"([+-]?[0-9]+)(?:\.0+)?")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def to_integer(value: Any) -> int:
    """Return whole numbers, and text of decimal digits, as int; ``25.0`` is whole."""
    if isinstance(value, str):
        return int(_matched(_INTEGER, value)[1])
    is_whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
    if is_whole and not isinstance(value, bool):
        return int(value)
    raise ValueError


def to_float(value: Any) -> float:
    """Return finite numbers and decimal text as float; Python itself writes ``1e-05``."""
    if isinstance(value, str):
        value = float(_matched(_DECIMAL, value)[0])
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number):
            return number
    raise ValueError


def to_boolean(value: Any) -> bool:
    """Return bools, and ``true`` and ``false`` in any case."""
    found = as_boolean(value)
    if isinstance(found, bool):
        return found
    raise ValueError


def to_text(value: Any) -> str:
    """Return text as it is, and numbers as Python writes them.

    A bool has two spellings (``True``, ``true``), so it is refused.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Integral | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise ValueError
    return match


class Scalar(NamedTuple):
    """How to convert a leaf, and the name of its type in messages."""

    convert: Callable[[Any], Any]
    noun: str


_INTEGERS = Scalar(to_integer, "an integer")
_FLOATS = Scalar(to_float, "a number")

SCALARS: Mapping[str, Scalar] = MappingProxyType(
    {
        "integer": _INTEGERS,
        "long": _INTEGERS,
        "float": _FLOATS,
        "double": _FLOATS,
        "boolean": Scalar(to_boolean, "a boolean"),
        "string": Scalar(to_text, "text"),
        "timestamp": Scalar(to_timestamp, f"a time between the years {FIRST_YEAR} and {LAST_YEAR}"),
    }
)
