"""What is wrong with a value, and the error that carries all of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from botocore.model import Shape

from airflow_shadow.text.messages import MOST, short_repr

_LISTED_MAX = 12


class FaultKind(StrEnum):
    """Which rule a value breaks."""

    REQUIRED = "required"
    UNKNOWN_FIELD = "unknown field"
    TYPE = "type"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    LENGTH = "length"
    PATTERN = "pattern"
    ENUM = "enum"


@dataclass(frozen=True)
class Fault:
    """One value that does not fit.

    :param path: where it is in the request, e.g. ``ModelVariants[0].ModelName``
    :param kind: which rule it breaks
    :param problem: completes a sentence that begins with the path
    """

    path: str
    kind: FaultKind
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class InvalidParametersError(ValueError):
    """The values do not make a request that the API could accept.

    :param operation: the API operation they were meant for
    :param faults: all that is wrong, in the order of the request
    """

    def __init__(self, *, operation: str, faults: Iterable[Fault]) -> None:
        self.operation = operation
        self.faults = tuple(faults)
        super().__init__(self._message())

    def _message(self) -> str:
        count = len(self.faults)
        found = f"{count} validation error{'' if count == 1 else 's'}"
        return f"{self.operation}: {found}, nothing was sent: {'; '.join(map(str, self.faults))}"

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), operation=self.operation, faults=self.faults), ()


def shown_value(shape: Shape, value: Any) -> str:
    """Return a value as a message may show it."""
    return "a hidden value" if shape.metadata.get("sensitive") else short_repr(value)


def listed(names: Iterable[str]) -> str:
    """Return the names as text, or only their number if they are many."""
    known = list(names)
    if len(known) > _LISTED_MAX:
        return f"one of the {len(known)} values of the installed botocore's model"
    return "one of " + ", ".join(known) if len(known) > 1 else known[0]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean X?`` for the closest known name, else nothing.

    Case is ignored, and underscores matter little: ``endpoint_name`` is the commonest mistake.
    """
    lowered = {candidate.lower(): candidate for candidate in known}
    # The comparison takes quadratic time, so a name is shortened.
    close = difflib.get_close_matches(name[:MOST].lower(), lowered, n=1)
    return f"; did you mean {lowered[close[0]]}?" if close else ""
