"""The waiting logic, without I/O: what to ask AWS, when to ask again, when to give up.

:func:`wait` is a generator. It yields a :class:`Poll` (a question to AWS), a :class:`Sleep` or a
:class:`LogLine`, and returns a :class:`WaitResult`. The worker drives it with `time.sleep`, the
triggerer with `asyncio`, so that results and errors are the same in both.

A *condition* knows what the answers mean. Conditions, states and results are JSON-able, because
they travel between worker and triggerer through Airflow's database.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow_shadow.exceptions import (
    AwsUnavailableError,
    ShadowError,
    WaitTimeoutError,
    error_from_dict,
)
from airflow_shadow.text.messages import printable

Description = dict[str, Any]

#: The reason of a stop after a kill, the same from worker and triggerer.
KILLED = "Removed because its Airflow task was marked failed."


@dataclass(frozen=True)
class Poll:
    """A read-only question to AWS; answered with a :class:`Reply`.

    :param about: what the question needs besides the name; it never leaves the process
    :param known: the summary of what the condition has judged already: a driver with many waits may
        answer only once it has changed
    :param until: answer at the latest then, epoch seconds of AWS's clock
    :param soonest: no change is expected before, epoch seconds of AWS's clock: a driver may poll
        less often
    """

    question: str
    name: str
    about: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] | None = None
    until: float | None = None
    soonest: float | None = None


@dataclass(frozen=True)
class Sleep:
    """Let some seconds pass."""

    seconds: float


@dataclass(frozen=True)
class LogLine:
    """Write a line to the task's log."""

    text: str


@dataclass(frozen=True)
class Reply:
    """The answer to a :class:`Poll`.

    :param now: the driver's clock, epoch seconds
    :param description: what AWS described, `None` if the thing does not exist
    :param error: why AWS could not be asked
    :param aws_now: AWS's clock, epoch seconds; 0 if it has not answered yet
    """

    now: float
    description: Description | None = None
    error: ShadowError | None = None
    aws_now: float = 0.0


Polling = Generator[Poll, Reply, "PollResult"]


@dataclass(frozen=True)
class PollResult:
    """What one poll means: the condition holds, it has failed, or (neither) wait on.

    :param seen: what AWS showed, a status or a clause; where `done`, a sentence
    :param is_sentence: whether `seen` is logged without what is waited for
    """

    seen: str
    done: bool = False
    error: ShadowError | None = None
    description: Description = field(default_factory=dict)
    is_sentence: bool = False


@dataclass
class WaitState:
    """What a wait remembers between polls, and between worker and triggerer.

    :param attempts: polls so far, failed ones included
    :param seen: what the polls showed, each change once, in order, the newest ones
    :param last_live: the last status of an experiment that had not concluded
    :param known_failure: the endpoint's FailureReason before anything was changed
    :param looked: end of the window that was judged last, epoch seconds
    :param since: begin of the window that is judged, epoch seconds
    :param record: what production was at the looks at the window, as plain values
    :param described: the summary of the experiment that was judged last
    :param soonest: when a change is expected at the earliest, epoch seconds of AWS's clock
    """

    attempts: int = 0
    seen: list[str] = field(default_factory=list)
    last_live: str | None = None
    known_failure: str | None = None
    looked: float = 0.0
    since: float | None = None
    record: list[dict[str, Any]] = field(default_factory=list)
    described: dict[str, Any] | None = None
    soonest: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Policy:
    """When to poll again and when to give up.

    :param delay: seconds between two polls
    :param deadline: epoch seconds of the worker's clock; absolute, so deferring does not extend it
    :param max_attempts: polls at most, failed ones included; `None` leaves it to the deadline
    """

    delay: float
    deadline: float
    max_attempts: int | None = None


@dataclass(frozen=True)
class WaitResult:
    """How a wait ended.

    :param description: what the last poll described
    :param error: `None` if the condition holds
    """

    description: Description
    error: ShadowError | None
    state: WaitState

    @property
    def event(self) -> str:
        """Name the end: `reached`, or the error's own event name."""
        return self.error.event if self.error else "reached"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values for a trigger's event."""
        return {
            "event": self.event,
            "view": self.description,
            "error": self.error.to_dict() if self.error else None,
            "progress": self.state.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> WaitResult:
        """Return the result that :meth:`to_dict` described."""
        error = data["error"]
        return cls(
            description=data["view"],
            error=error_from_dict(error) if error else None,
            state=WaitState(**data["progress"]),
        )


class Condition(Protocol):
    """What is waited for; a frozen dataclass of JSON-able fields."""

    @property
    def asked(self) -> str:
        """Say what is waited for, for messages."""

    def poll(self, state: WaitState) -> Polling:
        """Ask AWS and judge the answers."""


_BACKOFF_CAP = 300.0
#: So many of the things seen are kept: a wait of weeks sees many.
_MOST_SEEN = 20


def wait(
    condition: Condition,
    *,
    policy: Policy,
    state: WaitState,
    uniform: Callable[[float, float], float] = random.uniform,  # noqa: S311 - jitter, no secret
) -> Generator[Poll | Sleep | LogLine, Reply | None, WaitResult]:
    """Poll until the condition holds, has failed, or time is up.

    While AWS is unavailable it polls with full-jitter exponential back-off until the deadline;
    every other error ends the wait at once.
    """
    failures, seen, description, reason = 0, "nothing yet", Description(), ""
    while True:
        result, now = yield from _poll_once(condition, state)
        if isinstance(result.error, AwsUnavailableError):
            failures, reason = failures + 1, result.error.reason
            yield LogLine(f"AWS could not be asked ({reason}); trying again.")
        else:
            failures, seen, description, reason = 0, result.seen, result.description, ""
            yield from _remember(result, condition, state)
            if result.done or result.error:
                return WaitResult(description, result.error, state)
        pause = _pause(policy, failures, uniform)
        if limit := _reached_limit(policy, state, now):
            found = f"{seen}, when {limit} ran out"
            error = WaitTimeoutError(asked=condition.asked, found=found, reason=reason)
            return WaitResult(description, error, state)
        yield Sleep(max(0.0, min(pause, policy.deadline - now)))


def _poll_once(
    condition: Condition, state: WaitState
) -> Generator[Poll, Reply | None, tuple[PollResult, float]]:
    """Return what a poll, of one or more questions, means, and the driver's time after it."""
    polling, now = condition.poll(state), 0.0
    state.attempts += 1
    try:
        poll = next(polling)
        while True:
            reply = yield poll
            if reply is None:
                raise TypeError("a driver must answer a Poll with a Reply")
            now = reply.now
            if reply.error:
                polling.close()
                return PollResult(seen="", error=reply.error), now
            poll = polling.send(reply)
    except StopIteration as end:
        return end.value, now


def _remember(
    result: PollResult, condition: Condition, state: WaitState
) -> Generator[LogLine, Reply | None, None]:
    """Log and keep what is new."""
    if not result.seen or state.seen[-1:] == [result.seen]:
        return
    state.seen = [*state.seen[-_MOST_SEEN:], result.seen]
    if not result.error:
        yield LogLine(printable(_line(result, condition, state)))


def _line(result: PollResult, condition: Condition, state: WaitState) -> str:
    sentence = f"{result.seen[0].upper()}{result.seen[1:]}"
    if result.done:
        return sentence if sentence.endswith(".") else f"{sentence}."
    if result.is_sentence:
        return f"{sentence}; waiting, attempt {state.attempts}."
    return f"Waiting for {condition.asked}: {result.seen}."


def _reached_limit(policy: Policy, state: WaitState, now: float) -> str:
    """Name what ends the wait now; empty if nothing does."""
    if policy.max_attempts is not None and state.attempts >= policy.max_attempts:
        return f"{policy.max_attempts} polls"
    return "the deadline" if now >= policy.deadline else ""


def _pause(policy: Policy, failures: int, uniform: Callable[[float, float], float]) -> float:
    if failures:
        return backoff(policy.delay, failures, uniform)
    return uniform(0.9, 1.1) * policy.delay


def backoff(
    delay: float,
    failures: int,
    uniform: Callable[[float, float], float] = random.uniform,  # noqa: S311
) -> float:
    """Return the seconds to wait after some failures in a row: exponential, with full jitter."""
    return uniform(0, min(_BACKOFF_CAP, delay * 2.0 ** min(failures, 30)))
