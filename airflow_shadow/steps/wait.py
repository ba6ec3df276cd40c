"""How a step ends: with a wait, after which another step goes on, or with what was waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypedDict

from airflow_shadow.waiters import AnyCondition, Description, WaitResult, WaitState


class Carry(TypedDict, total=False):
    """What travels with a wait, through the trigger too, so JSON-able: absent until it is known.

    Times are epoch seconds of the worker's clock.
    """

    #: The name that is being created, and until when to wait for it and for the endpoint.
    name: str
    claim_deadline: float
    endpoint_deadline: float
    #: Until when to wait for a deployment to the endpoint.
    settled_until: float
    #: Until when to wait for the registry's approval, and what has been waited for.
    approval_until: float
    passed: list[str]
    #: How often AWS answered with a conflict, refused a creation, and described an old state.
    conflicts: int
    refusals: int
    stale: int
    #: Whether the experiment was not found at the poll before.
    missing: bool
    #: Name and creation time of what is being removed.
    removed: list[Any]
    #: What a sensor waits for, and when its own timeout runs out.
    goal: dict[str, Any]
    own_deadline: float | None
    #: A verdict on metrics whose answers are compared, the looks before it, and until when captured
    #: files are read again, by AWS's clock.
    verdict: dict[str, Any]
    looked: list[Any]
    files_until: float
    #: The Processing job that compares.
    job: str


@dataclass(frozen=True)
class Wait:
    """Wait for a condition, then go on with a step.

    :param then: a bound method; its name travels through the trigger, so an old name must stay
    :param carry: what the step needs
    :param deadline: epoch seconds of the worker's clock
    """

    condition: AnyCondition
    then: Callable[[WaitResult, Carry], Step]
    deadline: float
    carry: Carry = field(default_factory=Carry)
    state: WaitState = field(default_factory=WaitState)


#: A step ends with a wait, or with what was waited for: mostly the experiment's description.
Step = Wait | Description


def view_of(outcome: WaitResult) -> Description:
    """Return what was waited for, or raise the error with which the wait ended."""
    if outcome.error:
        raise outcome.error
    return outcome.description
