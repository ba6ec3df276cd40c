"""Wait for news of many experiments with few calls.

A wait says what it knows of its experiment and is answered when that may have changed. While few
wait, their experiments are described; where it is cheaper, one reading of ListInferenceExperiments
tells which have moved since, and only these are described.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import random
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from airflow_shadow.exceptions import AwsUnavailableError, ShadowError
from airflow_shadow.experiments.summary import is_same, summary_of
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.sweep import Summary, Sweep, sweep
from airflow_shadow.triggers.client import Client, answer_with, setting
from airflow_shadow.waiters import Poll, Reply

log = logging.getLogger(__name__)

#: So many experiments are described rather than listed, however short the list is.
_FEW = 3
#: A description is read anew so often, whatever its row says (assumed: modified-moves).
_DESCRIBE_SECONDS = 3600.0
#: Seconds until the list is tried again after AWS refused it.
_LIST_AGAIN_SECONDS = 900.0
#: A poll takes along what would be due within this share of its interval.
_EARLY = 0.5
#: A wait that comes back with what it was told waits for all who were told the same: their pauses
#: are at most so many intervals long.
_LATE = 1.1
#: When what is being polled is due: it is set once the poll is over.
_UNDER_WAY = math.inf
#: So many times in a row List may be unavailable before its faults are thought to be its own.
_LIST_TRIES = 2
#: While a change is far, the pause is this share of what is left, and at most so many intervals.
_SHARE_OF_REST, _MOST_INTERVALS = 0.05, 10.0
#: Seconds after which the speed of AWS's clock is known well enough.
_KNOWS_SPEED_SECONDS = 5.0
#: Seconds between two polls at least, whatever the deadlines.
_LEAST_PAUSE = 0.01


@dataclass(eq=False)
class _Watch:
    """A wait that is to hear of its experiment; times are the loop's.

    :param due: when the experiment is to be polled again
    """

    poll: Poll
    delay: float
    deadline: float
    reply: asyncio.Future[Reply]
    due: float

    @property
    def name(self) -> str:
        return self.poll.name


@dataclass
class _State:
    """What is remembered of an experiment that is waited for.

    :param describe_by: when it is described whatever its row says, by the loop's clock
    :param described: the summary of its newest description
    :param row: its row of the list, where that is written otherwise but means the same
    :param described_at: when that was; never, if it is a wait that told of it
    :param was_news: whether it differed from the one before
    """

    describe_by: float
    described: Mapping[str, Any] | None
    row: Mapping[str, Any] | None = None
    described_at: float = math.inf
    was_news: bool = True


class Watches:
    """Polls the experiments that are waited for, for as long as any is.

    :param client: whom to ask
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._longest_pause = setting("poll_interval", 300.0)
        self._loop = asyncio.get_running_loop()
        self._watches: set[_Watch] = set()
        self._states: dict[str, _State] = {}
        self._polled, self._polling_since = 0.0, math.inf
        self._pages, self._list_after, self._list_failures = 1, 0.0, 0
        #: Whose last poll found AWS unavailable: told once, and polled half as often.
        self._failing: set[str] = set()
        #: Why AWS is unavailable at the moment.
        self.trouble = ""
        self._warned = ""
        self._first_time: tuple[float, float] | None = None
        self._news, self._next_due = asyncio.Event(), math.inf
        self._task: asyncio.Task[None] | None = None

    def _start(self) -> None:
        # In an empty context: Airflow files the lines of a task under the wait that made it.
        self._task = self._loop.create_task(self._run(), context=contextvars.Context())
        self._task.add_done_callback(self._pass_on)

    def close(self) -> None:
        """End the polling."""
        if self._task:
            self._task.cancel()

    def forget(self) -> None:
        """Drop what was remembered of experiments that nobody waits for any more."""
        names = {watch.name for watch in self._watches}
        self._states = {name: state for name, state in self._states.items() if name in names}
        self._failing &= names
        self._pages = 1  # the list may have become shorter

    async def hear(self, poll: Poll, delay: float, deadline: float) -> Reply:
        """Answer when the experiment may differ from what the wait knows of it."""
        now = self._loop.time()
        watch = _Watch(poll, delay, now + deadline - time.time(), self._loop.create_future(), now)
        if poll.known is not None:
            spread = random.uniform(0, _DESCRIBE_SECONDS)  # noqa: S311 - no secret
            state = self._states.setdefault(poll.name, _State(now + spread, poll.known))
            if poll.known == state.described:
                watch.due = self._due_again(watch, state)
        self._watches.add(watch)
        if self._task is None or self._task.done():  # an error that nobody foresaw has ended it
            self._start()
        if watch.due < self._next_due:
            self._news.set()
        try:
            return await watch.reply
        finally:
            self._watches.discard(watch)

    def _due_again(self, watch: _Watch, state: _State) -> float:
        """Return when a wait that knows the newest description is polled: with others."""
        now = self._loop.time()
        if self._polling_since <= state.described_at < math.inf:
            return _UNDER_WAY  # it comes back while the poll that answered it goes on
        together = min(
            self._polled + _EARLY * watch.delay, state.described_at + _LATE * watch.delay
        )
        if not state.was_news and self._next_due <= now + watch.delay:
            together = self._next_due
        return max(now, min(together, watch.deadline))

    async def _run(self) -> None:
        """Poll whenever an experiment is due, as long as the poller lives."""
        while True:
            self._news.clear()
            self._next_due = min((watch.due for watch in self._watches), default=math.inf)
            until = None if self._next_due == math.inf else self._next_due
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            if any(watch.due <= self._loop.time() for watch in self._watches):
                await self._poll()

    async def _poll(self) -> None:
        now = self._polling_since = self._loop.time()
        due = [watch for watch in self._watches if watch.due <= now + _EARLY * watch.delay]
        for watch in due:
            watch.due = _UNDER_WAY
        try:
            hook = await self._client.hook()
            rows: Mapping[str, Any] = {}
            if self._is_list_cheaper(due):
                due, rows = await self._sweep(hook, due)
            failing = await self._describe_all(hook, due, rows)
        except AwsUnavailableError as error:
            failing = {watch.name: error for watch in due}
            self._tell(due, error)
        except ShadowError as error:
            failing = {}
            self._reply(due, Reply(error=error, now=time.time()))
        polled = {watch.name for watch in self._watches if watch.due == _UNDER_WAY}
        self._failing = (self._failing - polled) | failing.keys()
        self.trouble = next((error.reason for error in failing.values()), "")
        self._put_off()

    def _is_list_cheaper(self, due: list[_Watch]) -> bool:
        known = {watch.name for watch in due if watch.poll.known}
        return self._loop.time() >= self._list_after and len(known) > max(_FEW, self._pages)

    def _put_off(self) -> None:
        """Set when what was polled is polled again: later what AWS did not answer for."""
        self._polled, self._polling_since = self._loop.time(), math.inf
        spread = random.uniform(0.95, 1.0)  # noqa: S311 - no secret
        for watch in self._watches:
            if watch.due == _UNDER_WAY:
                factor = spread * (2 if watch.name in self._failing else 1)
                watch.due = min(self._polled + factor * self._interval(watch), watch.deadline)
                watch.due = max(watch.due, self._polled + _LEAST_PAUSE)

    def _interval(self, watch: _Watch) -> float:
        """Return seconds to the next poll: more than the delay while no change is expected."""
        if watch.poll.soonest is None or (speed := self._speed()) is None:
            return watch.delay
        rest = (watch.poll.soonest - self._client.aws_now()) / speed
        longest = min(self._longest_pause, _MOST_INTERVALS * watch.delay)
        return max(watch.delay, min(_SHARE_OF_REST * rest, longest))

    def _speed(self) -> float | None:
        """Return how fast AWS's clock runs beside ours: an emulator's may be told to run faster."""
        moment = self._client.aws_now(), self._loop.time()
        if self._first_time is None:
            self._first_time = moment if self._client.knows_time else None
            return None
        passed = moment[1] - self._first_time[1]
        if passed < _KNOWS_SPEED_SECONDS:
            return None
        return max(1.0, (moment[0] - self._first_time[0]) / passed)

    async def _sweep(
        self, hook: InferenceExperimentHook, due: list[_Watch]
    ) -> tuple[list[_Watch], Mapping[str, Any]]:
        """Read the list; return the waits to describe experiments for, and the rows that moved.

        :raises AwsUnavailableError: it cannot be read at the moment
        """
        watches = list(self._watches)
        states = {watch.name: self._states[watch.name] for watch in watches if watch.poll.known}
        rows = {name: state.row or state.described or {} for name, state in states.items()}
        known = {name: row for name, row in rows.items() if row.get("CreationTime")}
        found = await self._read_list(hook, known, due)
        if found is None:
            return due, {}
        for watch in watches:
            watch.due = _UNDER_WAY
        changed = [
            watch
            for watch in watches
            if watch.name not in known
            or watch.name in found.moved
            or watch.name in found.unseen
            or watch.poll.known != states[watch.name].described
            or self._is_stale(watch.name)
            or self._is_over(watch)
        ]
        return changed, found.moved

    async def _read_list(
        self, hook: InferenceExperimentHook, known: Mapping[str, Summary], due: list[_Watch]
    ) -> Sweep | None:
        """Read the list, `None` if AWS answers Describe but not List.

        :raises AwsUnavailableError: it cannot be read at the moment
        """
        try:
            found = await self._client.run_in_thread(partial(sweep, hook, known))
        except AwsUnavailableError:
            self._list_failures += 1
            is_tried = self._list_failures > _LIST_TRIES
            if not is_tried or await self._describe_all(hook, due[:1], {}):
                raise
            return None
        except ShadowError as error:
            self._warn(f"Experiments cannot be listed, so each is described. {error}")
            self._list_after = self._loop.time() + _LIST_AGAIN_SECONDS
            return None
        self._pages, self._list_failures = found.pages, 0
        return found

    def _warn(self, text: str) -> None:
        if text != self._warned:
            self._warned = text
            log.warning("%s", text)

    def _is_stale(self, name: str) -> bool:
        """Tell whether a description is an hour old, or there is none."""
        state = self._states.get(name)
        return state is None or self._loop.time() >= state.describe_by

    def _is_over(self, watch: _Watch) -> bool:
        """Tell whether a wait is answered whether or not there is something new."""
        until = watch.poll.until
        return (
            watch.poll.known is None
            or self._loop.time() >= watch.deadline
            or (until is not None and until <= self._client.aws_now())
        )

    async def _describe_all(
        self, hook: InferenceExperimentHook, due: Iterable[_Watch], rows: Mapping[str, Any]
    ) -> dict[str, AwsUnavailableError]:
        """Describe experiments for waits, and return what passes by itself, by their names.

        An error that nobody foresaw fails the waits of its own experiment.
        """
        names = list({watch.name for watch in due})
        asked = (self._describe(hook, name, rows.get(name)) for name in names)
        ends = dict(zip(names, await asyncio.gather(*asked, return_exceptions=True), strict=True))
        for watch in self._watches:
            end = ends.get(watch.name)
            if isinstance(end, BaseException) and not isinstance(end, AwsUnavailableError):
                self._fail(watch, end)
        return {name: end for name, end in ends.items() if isinstance(end, AwsUnavailableError)}

    async def _describe(
        self, hook: InferenceExperimentHook, name: str, row: Mapping[str, Any] | None
    ) -> AwsUnavailableError | None:
        """Describe an experiment and answer whom it is news to; return what passes by itself."""
        is_stale = self._is_stale(name)
        reply = await self._client.run_in_thread(
            partial(answer_with, Poll("experiment", name), hook)
        )
        watches = [watch for watch in self._watches if watch.name == name]
        if isinstance(reply.error, AwsUnavailableError):
            self._tell(watches, reply.error)
            return reply.error
        summary = summary_of(reply.description) if reply.description else None
        if state := self._states.get(name):
            now = self._loop.time()
            state.describe_by, state.described_at = now + _DESCRIBE_SECONDS, now
            state.was_news = summary != state.described
            # Else the description lags behind the list, and the next poll asks again.
            agrees = row is not None and summary is not None and is_same(row, summary)
            if agrees or state.was_news:
                state.described, state.row = summary, row if agrees else None
        is_news = [one for one in watches if summary != one.poll.known or self._is_over(one)]
        self._reply(watches if is_stale or reply.error else is_news, reply)
        return None

    def _tell(self, watches: Iterable[_Watch], error: AwsUnavailableError) -> None:
        """Tell waits that AWS is unavailable, once; then they hear of it at their deadline."""
        over = [one for one in watches if one.name not in self._failing or self._is_over(one)]
        self._reply(over, Reply(error=error, now=time.time()))

    @staticmethod
    def _reply(watches: Iterable[_Watch], reply: Reply) -> None:
        for watch in watches:
            if not watch.reply.done():
                watch.reply.set_result(reply)

    def _pass_on(self, task: asyncio.Task[None]) -> None:
        """Let the waits fail with an error that nobody foresaw."""
        error = None if task.cancelled() else task.exception()
        for watch in self._watches:
            if error:
                self._fail(watch, error)

    @staticmethod
    def _fail(watch: _Watch, error: BaseException) -> None:
        if not watch.reply.done():
            watch.reply.set_exception(error)
