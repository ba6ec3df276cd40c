"""The client of one connection for all the waits of an event loop, and the threads that use it."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from airflow.configuration import conf
from airflow.exceptions import AirflowConfigException
from asgiref.sync import sync_to_async

from airflow_shadow.exceptions import ShadowError
from airflow_shadow.hooks.cloudwatch import CloudWatchHook
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.pace import Pace
from airflow_shadow.hooks.polling import answer
from airflow_shadow.waiters import Poll, Reply

log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

#: Questions that are answered with CloudWatch's help.
_METRICS = frozenset({"verdict", "alarms"})
_THREADS = 4
#: How long a client is used before the connection is read again.
_CLIENT_SECONDS = 900.0


@dataclass(frozen=True)
class Connection:
    """What clients are told apart by.

    :param config: botocore's settings as JSON
    """

    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    config: str


class _Hook(InferenceExperimentHook):
    """The hook of a thread that no operator has called."""

    def _get_caller(self, target_function_name: str = "execute") -> str:
        """Return who calls; the provider would take 0.1 s to look for an operator in the stack."""
        return "InferenceExperimentTrigger"

    def get_session(self, *args: Any, **kwargs: Any) -> Any:
        """Return a session that makes clients in half the time.

        Its credentials are there already, so nothing is waited for meanwhile.
        """
        session = super().get_session(*args, **kwargs)
        session.client = _without_looking_for_garbage()(session.client)
        return session


@contextmanager
def _without_looking_for_garbage() -> Iterator[None]:
    """Put off Python's collection of garbage.

    A client is made of botocore's models: many new objects, none of them garbage. Because of them
    Python would look through all objects of the triggerer several times, and nothing else runs
    meanwhile, the event loop neither.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Client:
    """Asks AWS in a few threads of its own.

    :param connection: which is read when the first question comes, and every fifteen minutes
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pace = Pace(setting("max_calls_per_second", 20.0))
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="airflow-shadow-poller")
        self._hook: InferenceExperimentHook | None = None
        self._renew_at = 0.0
        self._is_closed = False
        self._making: dict[Any, asyncio.Future[Any]] = {}

    def close(self) -> None:
        """Let the threads go; those that are in a call end with it."""
        self._is_closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run_in_thread(self, work: Callable[[], _Answer]) -> _Answer:
        """Do blocking work in a thread of this poller that knows the loop.

        Only in such a thread can connections be read, in all versions of Airflow.
        """
        if self._is_closed:
            raise asyncio.CancelledError  # nobody waits for the answer any more
        return await sync_to_async(work, thread_sensitive=False, executor=self._pool)()

    async def ask(self, poll: Poll) -> Reply:
        """Answer a question."""
        return await self.reply(partial(answer_with, poll), metrics=poll.question in _METRICS)

    async def reply(
        self, work: Callable[[InferenceExperimentHook], Reply], *, metrics: bool = False
    ) -> Reply:
        """Ask AWS with the hook, in a thread; errors are part of the answer."""
        try:
            hook = await self.hook(metrics=metrics)
            return await self.run_in_thread(partial(work, hook))
        except ShadowError as error:
            return Reply(error=error, now=time.time())

    async def hook(self, *, metrics: bool = False) -> InferenceExperimentHook:
        """Return the hook, with a client that is at most fifteen minutes old.

        :raises ShadowError: there are no credentials at the moment
        """
        if self._hook is None or time.monotonic() > self._renew_at:
            await self._renew()
        hook = cast(InferenceExperimentHook, self._hook)
        for needed in (hook, hook.cloudwatch) if metrics else (hook,):
            if "conn" not in vars(needed):
                await self._make_client(needed)
        return hook

    async def _renew(self) -> None:
        """Read the connection anew; while that is impossible, the client in use goes on."""
        self._renew_at = time.monotonic() + _CLIENT_SECONDS
        before, self._hook = self._hook, self._hook or self._new_hook()
        if before is None:
            return
        fresh = self._new_hook()
        try:
            await self._make_client(fresh)
        except ShadowError as error:
            log.warning("The client in use goes on, for there is no new one. %s", error)
            return
        # Without `aws_default` the machine's own rights would be used, perhaps another account's.
        if await self.run_in_thread(lambda: bool(fresh.conn_config or not before.conn_config)):
            self._hook = fresh

    def _new_hook(self) -> InferenceExperimentHook:
        hook = _Hook(
            aws_conn_id=self.connection.aws_conn_id,
            region_name=self.connection.region_name,
            verify=self.connection.verify,
            config=json.loads(self.connection.config),
        )
        hook.pace = self.pace
        return hook

    async def _make_client(self, hook: InferenceExperimentHook | CloudWatchHook) -> None:
        """Make a hook's client, once for all who need it now."""
        making = self._making.get(hook)
        if making is None:
            making = asyncio.ensure_future(self.run_in_thread(lambda: hook.conn))
            self._making[hook] = making
            making.add_done_callback(lambda _: self._making.pop(hook, None))
        await asyncio.shield(making)

    @property
    def knows_time(self) -> bool:
        """Whether AWS has answered yet."""
        return self._hook is not None and self._hook.knows_time

    def aws_now(self) -> float:
        """Return AWS's time in epoch seconds, ours as long as it has not answered."""
        return self._hook.now().timestamp() if self._hook else time.time()


def setting(name: str, default: float) -> float:
    """Return a number of the section `airflow_shadow`; one that is no use fails no wait."""
    with suppress(AirflowConfigException):
        if (value := conf.getfloat("airflow_shadow", name, fallback=default)) > 0:
            return value
    log.error("[airflow_shadow] %s must be a number above 0; %s is used.", name, default)
    return default


def answer_with(poll: Poll, hook: InferenceExperimentHook) -> Reply:
    """Answer a question with a hook that comes later."""
    return answer(hook, poll)
