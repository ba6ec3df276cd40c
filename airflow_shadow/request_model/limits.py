"""What the model says of a value and botocore does not check: bounds, lengths, patterns, enums."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from botocore.model import Shape

from airflow_shadow.request_model.violations import FaultKind, Finding, listed, suggestion

_NUMBERS = frozenset({"integer", "long", "float", "double"})
_UNITS = {"string": "characters", "list": "items", "map": "entries", "blob": "bytes"}
#: The one part of a request's patterns that Python cannot read: any letter, separator or number.
_UNICODE = r"[\p{L}\p{Z}\p{N}"
#: Exact within ASCII; beyond it AWS decides.
_WIDENED = r"[a-zA-Z 0-9\x80-\U0010ffff"
#: What Python reads otherwise than Java, for which the patterns are written.
_MISREAD = re.compile(r"\[\[|\[:|&&")


def broken_limits(shape: Shape, value: Any) -> Iterator[Finding]:
    """Yield what the model has against a value that already has the shape's type."""
    if shape.type_name in _NUMBERS:
        yield from _broken_bounds(shape, value)
    elif shape.type_name in _UNITS:
        yield from _broken_length(shape, value)
    if shape.type_name == "string":
        yield from _broken_enum(shape, value)
        yield from _broken_pattern(shape, value)


def _broken_bounds(shape: Shape, value: float) -> Iterator[Finding]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield Finding(FaultKind.MINIMUM, f"is less than the minimum of {low}", f"at least {low}")
    if high is not None and value > high:
        says = f"is more than the maximum of {high}"
        yield Finding(FaultKind.MAXIMUM, says, f"at most {high}")


def _broken_length(shape: Shape, value: Any) -> Iterator[Finding]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    unit, size = _UNITS[shape.type_name], len(value)
    if size < low:
        says = f"has {size} {unit}, fewer than the minimum of {low}"
        yield Finding(FaultKind.LENGTH, says, f"at least {low} {unit}")
    if high is not None and size > high:
        says = f"has {size} {unit}, more than the maximum of {high}"
        allowed = f"at most {high} {unit}"
        yield Finding(FaultKind.LENGTH, says, allowed)


def _broken_enum(shape: Shape, value: str) -> Iterator[Finding]:
    known = shape.metadata.get("enum", ())
    if not known or value in known:
        return
    allowed = listed(known)
    yield Finding(
        FaultKind.ENUM,
        f"is not {allowed}{suggestion(value, known)}",
        allowed,
    )


def _broken_pattern(shape: Shape, value: str) -> Iterator[Finding]:
    """Yield a mismatch, unless the length is already wrong.

    That keeps one mistake one fault, and text without end away from a backtracking matcher.
    """
    written = shape.metadata.get("pattern")
    if written is None or any(_broken_length(shape, value)):
        return
    pattern = _compiled(written)
    if pattern is not None and not pattern.fullmatch(value):
        says = f"does not match the pattern {written}"
        yield Finding(FaultKind.PATTERN, says, written)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    r"""Return the pattern as Python can run it, else None: AWS checks a moment later.

    ``re.ASCII``, because ``\d``, ``\w``, ``\s`` and their negations mean ASCII in Java.
    """
    if _MISREAD.search(pattern):
        return None
    try:
        return re.compile(pattern.replace(_UNICODE, _WIDENED), re.ASCII)
    except (re.error, OverflowError, RecursionError):
        return None
