"""Check the model's limits that botocore does not: bounds, lengths, patterns, enums."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from botocore.model import Shape

from airflow_shadow.request_model.violations import (
    Fault,
    FaultKind,
    listed,
    shown_value,
    suggestion,
)

_NUMBERS = frozenset({"integer", "long", "float", "double"})
_UNITS = {"string": "characters", "list": "items", "map": "entries", "blob": "bytes"}
#: The only part of the patterns that Python cannot read: any letter, separator or number.
_UNICODE = r"[\p{L}\p{Z}\p{N}"
#: Exact within ASCII; beyond it AWS decides.
_WIDENED = r"[a-zA-Z 0-9\x80-\U0010ffff"
#: What means something else in Python than in Java, for which the patterns are written.
_MISREAD = re.compile(r"\[\[|\[:|&&")


class Typed(NamedTuple):
    """A value that has its shape's type.

    :param path: where it stands in the request, e.g. ``ModelVariants[0].ModelName``
    """

    shape: Shape
    value: Any
    path: str

    def fault(self, kind: FaultKind, problem: str) -> Fault:
        """Return a fault of this value; the problem completes a sentence about it."""
        return Fault(self.path, kind, f"{shown_value(self.shape, self.value)} {problem}")


def check_limits(found: Iterable[Fault | Typed]) -> Iterator[Fault]:
    """Yield all faults in their order: those found before, and those of values beyond a limit."""
    for one in found:
        if isinstance(one, Fault):
            yield one
        elif one.shape.type_name in _NUMBERS:
            yield from _broken_bounds(one)
        elif one.shape.type_name in _UNITS:
            wrong_length = list(_broken_length(one))
            yield from wrong_length
            yield from _broken_enum(one)
            # One mistake is one fault, and a pattern takes its time with a text without end.
            yield from () if wrong_length else _broken_pattern(one)


def _broken_bounds(typed: Typed) -> Iterator[Fault]:
    low, high = typed.shape.metadata.get("min"), typed.shape.metadata.get("max")
    if low is not None and typed.value < low:
        yield typed.fault(FaultKind.MINIMUM, f"is less than the minimum of {low}")
    if high is not None and typed.value > high:
        yield typed.fault(FaultKind.MAXIMUM, f"is more than the maximum of {high}")


def _broken_length(typed: Typed) -> Iterator[Fault]:
    low, high = typed.shape.metadata.get("min", 0), typed.shape.metadata.get("max")
    unit, size = _UNITS[typed.shape.type_name], len(typed.value)
    if size < low:
        yield typed.fault(FaultKind.LENGTH, f"has {size} {unit}, fewer than the minimum of {low}")
    if high is not None and size > high:
        yield typed.fault(FaultKind.LENGTH, f"has {size} {unit}, more than the maximum of {high}")


def _broken_enum(typed: Typed) -> Iterator[Fault]:
    known = typed.shape.metadata.get("enum", ())
    if known and typed.value not in known:
        problem = f"is not {listed(known)}{suggestion(typed.value, known)}"
        yield typed.fault(FaultKind.ENUM, problem)


def _broken_pattern(typed: Typed) -> Iterator[Fault]:
    written = typed.shape.metadata.get("pattern")
    pattern = None if written is None else _compiled(written)
    if pattern is not None and not pattern.fullmatch(typed.value):
        yield typed.fault(FaultKind.PATTERN, f"does not match the pattern {written}")


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
