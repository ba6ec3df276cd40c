"""The waiting logic, without I/O: what to ask, when to ask again, what it means, when to give up.

:func:`wait` is a generator. It yields a :class:`Look` (ask AWS), a :class:`Pause` (let time pass)
or a :class:`Say` (a line for the log), and returns an :class:`Outcome`. The worker drives it with
`time.sleep`, the triggerer with `asyncio`: same result, same error, word for word.

A *goal* knows what one look at AWS means. Goals, progress and outcomes are JSON-able, because they
travel between worker and triggerer through Airflow's database.
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
from airflow_shadow.text.shown import printable

View = dict[str, Any]

#: The reason of a stop by a kill, the same from worker and triggerer.
KILLED = "Removed because its Airflow task was marked failed."


@dataclass(frozen=True)
class Look:
    """Ask AWS one of the hook's read-only questions; answered with a :class:`Reply`.

    :param about: what the question needs besides the name; never leaves the process
    """

    question: str
    name: str
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pause:
    """Let time pass; answered with a :class:`Reply` that carries only the time."""

    seconds: float


@dataclass(frozen=True)
class Say:
    """Write a line to the task's log."""

    text: str


@dataclass(frozen=True)
class Reply:
    """What a driver sends back.

    :param now: the driver's clock, epoch seconds
    :param view: what AWS described, `None` if the thing does not exist
    :param error: why AWS could not be asked
    :param aws_now: AWS's clock, epoch seconds; 0 if it has not answered yet
    """

    now: float
    view: View | None = None
    error: ShadowError | None = None
    aws_now: float = 0.0


Asking = Generator[Look, Reply, "Judgement"]


@dataclass(frozen=True)
class Judgement:
    """What one look means: done, failed, or (neither) wait on, with a word on what was seen.

    :param seen: of what is done a sentence
    :param is_sentence: `seen` needs no word on what is waited for
    """

    seen: str
    done: bool = False
    error: ShadowError | None = None
    view: View = field(default_factory=dict)
    is_sentence: bool = False


@dataclass
class Progress:
    """What a wait remembers between looks, and between worker and triggerer.

    :param attempts: looks so far, failed ones included
    :param seen: the distinct things seen, in order
    :param last_live: the last status of an experiment that had not concluded
    :param known_failure: the endpoint's FailureReason when all was well
    :param looked: end of the window that was judged last, epoch seconds
    :param since: begin of the windows that are judged, epoch seconds
    :param record: what production was at the looks of the window, as plain values
    """

    attempts: int = 0
    seen: list[str] = field(default_factory=list)
    last_live: str | None = None
    known_failure: str | None = None
    looked: float = 0.0
    since: float | None = None
    record: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Policy:
    """When to ask again and when to give up.

    :param delay: seconds between two looks
    :param deadline: epoch seconds of the worker's clock; absolute, so deferring does not extend it
    :param max_attempts: looks at most, failed ones included; `None` leaves it to the deadline
    """

    delay: float
    deadline: float
    max_attempts: int | None = None


@dataclass(frozen=True)
class Outcome:
    """How a wait ended.

    :param view: the last description
    :param error: `None` if the goal was reached
    :param progress: what was seen on the way
    """

    view: View
    error: ShadowError | None
    progress: Progress

    @property
    def event(self) -> str:
        """Name the end: `reached`, or the error's own event name."""
        return self.error.event if self.error else "reached"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values for a trigger's event."""
        return {
            "event": self.event,
            "view": self.view,
            "error": self.error.to_dict() if self.error else None,
            "progress": self.progress.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outcome:
        """Return the outcome that :meth:`to_dict` described."""
        error = data["error"]
        return cls(
            view=data["view"],
            error=error_from_dict(error) if error else None,
            progress=Progress(**data["progress"]),
        )


class Goal(Protocol):
    """What is waited for; a frozen dataclass of JSON-able fields."""

    @property
    def asked(self) -> str:
        """Say what is waited for, for messages."""

    def look(self, progress: Progress) -> Asking:
        """Ask AWS and judge the answers."""


_BACKOFF_CAP = 300.0


def wait(
    goal: Goal,
    *,
    policy: Policy,
    progress: Progress,
    uniform: Callable[[float, float], float] = random.uniform,  # noqa: S311 - jitter, no secret
) -> Generator[Look | Pause | Say, Reply | None, Outcome]:
    """Look until the goal is reached, has failed, or time is up.

    Unavailability of AWS is waited out with full-jitter exponential back-off inside the deadline;
    every other error ends the wait at once.
    """
    failures, seen, view, reason = 0, "nothing yet", View(), ""
    while True:
        judgement, now = yield from _one_look(goal, progress)
        if judgement.error is None or not isinstance(judgement.error, AwsUnavailableError):
            failures, seen, view, reason = 0, judgement.seen, judgement.view, ""
            yield from _remember(judgement, goal, progress)
            if judgement.done or judgement.error:
                return Outcome(view, judgement.error, progress)
        else:
            failures, reason = failures + 1, judgement.error.reason
            yield Say(f"AWS could not be asked ({reason}); trying again.")
        pause = _pause(policy, failures, uniform)
        if _exhausted(policy, progress, now):
            return Outcome(view, _timeout(goal, policy, progress, seen, reason), progress)
        yield Pause(max(0.0, min(pause, policy.deadline - now)))


def _one_look(
    goal: Goal, progress: Progress
) -> Generator[Look, Reply | None, tuple[Judgement, float]]:
    asking, now = goal.look(progress), 0.0
    progress.attempts += 1
    try:
        look = next(asking)
        while True:
            reply = yield look
            if reply is None:  # only a driver that breaks the protocol
                raise TypeError("a Look must be answered with a Reply")
            now = reply.now
            if reply.error:
                asking.close()
                return Judgement(seen="", error=reply.error), now
            look = asking.send(reply)
    except StopIteration as end:
        return end.value, now


def _remember(
    judgement: Judgement, goal: Goal, progress: Progress
) -> Generator[Say, Reply | None, None]:
    if not judgement.seen or progress.seen[-1:] == [judgement.seen]:
        return
    progress.seen.append(judgement.seen)
    if not judgement.error:
        yield Say(printable(_line(judgement, goal, progress)))


def _line(judgement: Judgement, goal: Goal, progress: Progress) -> str:
    seen = judgement.seen
    sentence = f"{seen[0].upper()}{seen[1:]}"
    if judgement.done:
        return sentence if sentence.endswith(".") else f"{sentence}."
    if judgement.is_sentence:
        return f"{sentence}; waiting, attempt {progress.attempts}."
    return f"Waiting for {goal.asked}: {seen}."


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


def _exhausted(policy: Policy, progress: Progress, now: float) -> bool:
    tired = policy.max_attempts is not None and progress.attempts >= policy.max_attempts
    return tired or now >= policy.deadline


def _timeout(
    goal: Goal, policy: Policy, progress: Progress, seen: str, reason: str
) -> WaitTimeoutError:
    attempts = policy.max_attempts
    limit = (
        f"{attempts} looks"
        if attempts is not None and progress.attempts >= attempts
        else "the deadline"
    )
    return WaitTimeoutError(asked=goal.asked, found=f"{seen}, when {limit} ran out", reason=reason)
