"""Arguments that take one of a few values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.messages import short_repr, short_reprs

OnKillAction = Literal["leave", "stop"]
IfExists = Literal["fail", "adopt", "replace"]
OnBackfill = Literal["run", "skip", "observe"]
AnswersEngine = Literal["worker", "processing"]
Autoscaling = Literal["refuse", "ignore"]
EndState = Literal["Cancelled", "Completed"]
VerdictOutcome = Literal["PASS", "FAIL", "INCONCLUSIVE"]

#: Argument to the values that it, or each member of it, may have.
Choices = Mapping[str, tuple[Any, ...]]

_COLLECTIONS = (list, tuple, set, frozenset)


class ClosedChoices:
    """Refuse a value that is none of an argument's choices as soon as it is known.

    A literal is checked when the Dag is read, a template, an XCom or a mapped value when the task
    runs.
    """

    #: Classes add their own.
    choices: ClassVar[Choices] = {}

    def check_literals(self) -> None:
        """Check literals; the last line of an `__init__`.

        :raises AirflowFailException: naming all that is wrong
        """
        self._check(all_values=False)

    def check_choices(self) -> None:
        """Check all values, rendered; the first line of an `execute`.

        :raises AirflowFailException: naming all that is wrong
        """
        self._check(all_values=True)

    def _check(self, *, all_values: bool) -> None:
        faults = [
            (f"{name}={short_repr(value)}", f"none of {short_reprs(allowed)}")
            for name, allowed in self._choices().items()
            for value in self._values(name)
            if (all_values or _is_literal(value)) and value not in allowed
        ]
        if faults:
            asked, found = (", ".join(texts) for texts in zip(*faults, strict=True))
            raise AirflowFailException(str(InvalidRequestError(asked=asked, found=found)))

    def _choices(self) -> dict[str, tuple[Any, ...]]:
        tables = (vars(kind).get("choices") or {} for kind in reversed(type(self).__mro__))
        return {name: allowed for table in tables for name, allowed in table.items()}

    def _values(self, name: str) -> Iterator[Any]:
        if name not in vars(self):
            return  # the `__init__` of a subclass assigns it later
        value = getattr(self, name)
        yield from value if isinstance(value, _COLLECTIONS) else [value]


def _is_literal(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    return value is None or isinstance(value, bool | int | float)
