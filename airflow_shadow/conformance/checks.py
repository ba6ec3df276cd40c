"""What a check is, what it may answer, and what a stage of checks may cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_shadow.conformance.lab import Lab

#: Instances while a deployment replaces a production variant and a shadow, each on one.
INSTANCES = 4


class Outcome(StrEnum):
    """How a check ended."""

    AS_ASSUMED = "as assumed"
    DIFFERS = "differs"
    UNSEEN = "could not be seen"


class CannotSeeError(Exception):
    """What a check looks for cannot be seen now; the text says why."""


@dataclass(frozen=True)
class Seen:
    """What a check has seen.

    :param as_assumed: whether it is what was expected
    :param observed: in words, for people
    """

    as_assumed: bool
    observed: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """A question to AWS.

    :param does: what it does, in words
    :param expected: what was expected, in words
    :param look: asks AWS; raises :class:`CannotSeeError` where that shows nothing
    :param belief: the belief's key in `emulator/assumed.py`; empty for what AWS documents, or what
        the package expects without resting on it
    :param is_step: whether later checks of its stage look at what it leaves
    :param deployments: how many deployments of the endpoint it waits for, at most
    :param calls: how many calls it makes, besides polls
    """

    name: str
    does: str
    expected: str
    look: Callable[[Lab], Seen]
    belief: str = ""
    is_step: bool = False
    deployments: int = 0
    calls: int = 1


def check(
    *,
    expected: str,
    belief: str = "",
    is_step: bool = False,
    deployments: int = 0,
    calls: int = 1,
) -> Callable[[Callable[[Lab], Seen]], Check]:
    """Make a check of a function: its name is the check's, its docstring says what it does.

    The parameters are those of :class:`Check`.
    """

    def make(look: Callable[[Lab], Seen]) -> Check:
        return Check(
            name=look.__name__.replace("_", "-"),
            does=(look.__doc__ or "").strip(),
            expected=expected,
            look=look,
            belief=belief,
            is_step=is_step,
            deployments=deployments,
            calls=calls,
        )

    return make


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Checks that are asked for together.

    :param about: what it does, in words
    :param has_endpoint: whether its checks need the endpoint
    """

    name: str
    about: str
    checks: Sequence[Check]
    has_endpoint: bool = True

    def chosen(self, names: frozenset[str]) -> tuple[Check, ...]:
        """Return the checks to make: all, or those named (by check or belief) and their steps."""
        wanted = [one for one in self.checks if not names or {one.name, one.belief} & names]
        last = self.checks.index(wanted[-1]) if wanted else -1
        return tuple(
            one for one in self.checks[: last + 1] if one in wanted or (one.is_step and wanted)
        )


def cost(checks: Sequence[Check], *, instance_type: str, limit: float) -> str:
    """Say what checks may cost at most; prices are AWS's.

    :param limit: seconds that a deployment is waited for, at most
    """
    calls = sum(one.calls for one in checks)
    deployments = sum(one.deployments for one in checks)
    if not deployments:
        return f"{calls} calls and polls, no deployment"
    minutes = deployments * limit / 60
    return (
        f"{calls} calls and polls; {deployments} deployment(s) of {limit / 60:.0f} min at most, on "
        f"{INSTANCES} x {instance_type} at most: {minutes * INSTANCES:.0f} instance-minutes"
    )


def code_or_accepted(code: str) -> str:
    """Return an answer in words."""
    return code or "accepted"


def all_are(codes: Mapping[str, str], expected: str) -> Seen:
    """Return what was seen if all calls are expected to be refused with one code."""
    said = ", ".join(f"{call} {code_or_accepted(code)}" for call, code in codes.items())
    return Seen(set(codes.values()) == {expected}, said)


def time_of(document: Mapping[str, Any], *path: str) -> datetime:
    """Return a time of a description.

    :raises CannotSeeError: it has none
    """
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None:
        raise CannotSeeError(f"the description has no {'.'.join(path)}")
    return datetime.fromisoformat(str(value))
