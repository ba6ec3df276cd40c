"""One poller a connection answers for all the waits of an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from airflow_shadow._compat import metrics
from airflow_shadow.exceptions import AwsUnavailableError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.triggers.client import Client, Connection
from airflow_shadow.triggers.shared import SharedAnswers
from airflow_shadow.triggers.uncancelled import uncancelled
from airflow_shadow.triggers.watches import Watches
from airflow_shadow.waiters import Description, Poll, Reply

log = logging.getLogger(__name__)

#: Seconds after its deadline until which a wait hopes for an answer that is under way.
_GRACE_SECONDS = 2.0
_MINUTE = 60.0


class Poller:
    """Answers the waits of one connection, with a client, threads and a rhythm of its own.

    A connection that is slow, silent or throttled holds up nobody else.

    :param connection: whose client is used
    """

    def __init__(self, connection: Connection) -> None:
        self.waits = 0
        self._client = Client(connection)
        self._shared = SharedAnswers(self._client)
        self._watches = Watches(self._client)
        self._told = (0, 0)
        self._loop = asyncio.get_running_loop()
        self._set_timer()

    def _set_timer(self) -> None:
        # In an empty context, as the polling: the line is about no wait.
        self._timer = self._loop.call_later(_MINUTE, self._sum_up, context=contextvars.Context())

    def close(self) -> None:
        """End the polling."""
        self._timer.cancel()
        self._watches.close()
        self._client.close()
        # Else the gauge would stay at the last number; not here, where an error would fail a wait.
        self._loop.call_soon(self._count_waits, context=contextvars.Context())

    async def answer(self, poll: Poll, *, delay: float, deadline: float) -> Reply:
        """Answer one question of a wait; one about an experiment when there may be something new.

        :param delay: seconds between two polls that the wait asks for
        :param deadline: epoch seconds; soon after it there is an answer, if only an error
        """
        try:
            async with asyncio.timeout(max(0.0, deadline - time.time()) + _GRACE_SECONDS):
                reply = await self._answer(poll, delay, deadline)
        except TimeoutError:
            found, asked = "no answer of AWS by the deadline", f"{poll.question} {poll.name!r}"
            silence = AwsUnavailableError(asked=asked, found=found, reason=self._watches.trouble)
            reply = Reply(error=silence, now=0.0)
        # An answer that is shared may be older than the deadline.
        return dataclasses.replace(reply, now=time.time())

    async def _answer(self, poll: Poll, delay: float, deadline: float) -> Reply:
        if poll.question == "experiment":
            return await self._watches.hear(poll, delay, deadline)
        if poll.question == "endpoint":
            return await self._shared.endpoint(poll, delay)
        if poll.question == "holder":
            return await self._shared.holder(poll, delay)
        return await uncancelled(self._client.ask(poll))

    async def read(self, work: Callable[[InferenceExperimentHook], Description]) -> Reply:
        """Let the hook read something else in a thread; errors are part of the answer."""

        def answered(hook: InferenceExperimentHook) -> Reply:
            return Reply(description=work(hook), now=time.time(), aws_now=hook.now().timestamp())

        return await uncancelled(self._client.reply(answered))

    def _sum_up(self) -> None:
        """Write a line and metrics each minute, and forget what nobody waits for any more."""
        self._set_timer()
        self._shared.forget()
        self._watches.forget()
        pace, connection = self._client.pace, self._client.connection.aws_conn_id
        calls, throttles = pace.calls - self._told[0], pace.throttles - self._told[1]
        self._told = pace.calls, pace.throttles
        log.info(
            "Connection %r: %d waits, %d calls to SageMaker in the last minute, %d throttled.",
            *(connection, self.waits, calls, throttles),
        )
        self._count_waits()
        sent = metrics()
        sent.incr("airflow_shadow.poller.calls", calls)
        sent.incr("airflow_shadow.poller.throttles", throttles)

    def _count_waits(self) -> None:
        """Send how many wait in this loop: the numbers of connections would hide each other."""
        pollers = _POLLERS.get(self._loop, {}).values()
        metrics().gauge("airflow_shadow.poller.waits", sum(one.waits for one in pollers))


_POLLERS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Connection, Poller]] = (
    WeakKeyDictionary()
)


@asynccontextmanager
async def poller_of(connection: Connection) -> AsyncIterator[Poller]:
    """Give a wait the poller of its connection: made for the first wait, closed after the last."""
    pollers = _POLLERS.setdefault(asyncio.get_running_loop(), {})
    poller = pollers.get(connection) or Poller(connection)
    pollers[connection] = poller
    poller.waits += 1
    try:
        yield poller
    finally:
        poller.waits -= 1
        if not poller.waits:
            poller.close()
            del pollers[connection]
