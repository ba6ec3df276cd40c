"""One trigger for all waits: the logic of the worker, driven by `asyncio`."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import signature
from typing import Any, Literal

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_shadow._compat import task_state
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.triggers.client import Connection
from airflow_shadow.triggers.poller import Poller, poller_of
from airflow_shadow.triggers.uncancelled import uncancelled
from airflow_shadow.waiters import (
    KILLED,
    EndpointFree,
    EndpointSettled,
    LogLine,
    Policy,
    Poll,
    Reply,
    Sleep,
    WaitResult,
    WaitState,
    condition_from_dict,
    wait,
)


class InferenceExperimentTrigger(BaseTrigger):
    """Wait for a condition of :mod:`airflow_shadow.waiters`; it only reads.

    Airflow's database keeps its arguments unencrypted, so they hold no secrets: the credentials
    come from the connection. Its one event has all that the worker needs to go on.

    :param goal: the condition, as `condition_to_dict` writes it
    :param then: name of the step that goes on
    :param carry: what that step needs
    :param progress: the state of the wait before the deferral
    :param deadline: epoch seconds; absolute, so a restarted trigger does not begin anew
    :param waiter_delay: seconds between two polls
    :param waiter_max_attempts: polls at most; `None` leaves it to the deadline
    :param aws_conn_id: Airflow connection of type `aws`
    :param region_name: AWS region, if the connection's is not meant
    :param verify: whether, or with which CA bundle, to verify TLS certificates
    :param botocore_config: settings of the botocore client
    :param on_kill_action: `"stop"` removes the shadow if the task is marked failed meanwhile
    """

    def __init__(
        self,
        *,
        goal: Mapping[str, Any],
        then: str,
        carry: Mapping[str, Any],
        progress: Mapping[str, Any],
        deadline: float,
        waiter_delay: float,
        waiter_max_attempts: int | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: Mapping[str, Any] | None = None,
        on_kill_action: Literal["leave", "stop"] = "leave",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.goal = dict(goal)
        self.then = then
        self.carry = dict(carry)
        self.progress = dict(progress)
        self.deadline = deadline
        self.waiter_delay = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config
        self.on_kill_action = on_kill_action

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the arguments that make an equal trigger."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        arguments = list(signature(type(self)).parameters)
        return path, {name: getattr(self, name) for name in arguments}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when the wait ends, however it ends."""
        try:
            result = await self._wait()
        except asyncio.CancelledError:
            if not hasattr(BaseTrigger, "on_kill"):  # before Airflow 3.3
                await self.on_kill()
            raise
        yield TriggerEvent(  # type: ignore[no-untyped-call]
            {
                "event": result.event,
                "then": self.then,
                "carry": self.carry,
                "outcome": result.to_dict(),
            }
        )

    async def on_kill(self) -> None:
        """Remove the shadow if `on_kill_action` says so and the task has failed, in one attempt.

        Airflow 3.3 calls this also when it hands the trigger to another triggerer, and after a
        clear has already started the next try, so the task's state decides.
        """
        condition = condition_from_dict(self.goal)
        about_endpoint = isinstance(condition, EndpointFree | EndpointSettled)
        if self.on_kill_action == "stop" and not about_endpoint:
            await uncancelled(self._remove_shadow(condition.name))

    async def _remove_shadow(self, name: str) -> None:
        state = await sync_to_async(task_state)(self.task_instance)
        if state != "failed":
            self.log.info("The task is %s, so experiment %r is left as it is.", state, name)
            return
        hook = InferenceExperimentHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=self.botocore_config,
        )
        with ThreadPoolExecutor(1, thread_name_prefix="airflow-shadow-kill") as thread:
            remove = partial(hook.remove_shadow_now, name, reason=KILLED)
            await sync_to_async(remove, thread_sensitive=False, executor=thread)()

    async def _wait(self) -> WaitResult:
        policy = Policy(self.waiter_delay, self.deadline, self.waiter_max_attempts)
        state = WaitState(**self.progress)
        steps = wait(condition_from_dict(self.goal), policy=policy, state=state)
        reply: Reply | None = None
        pause, is_answered = 0.0, False
        # The worker has just polled; and Airflow 3.3.2 loses a task whose event comes at once.
        await asyncio.sleep(max(0.0, min(self.waiter_delay, self.deadline - time.time())))
        async with poller_of(self._connection) as poller:
            while True:
                try:
                    step = steps.send(reply)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                reply = None
                if isinstance(step, Poll):
                    # The poller has a rhythm for who waits for news.
                    if not (is_answered and self._waits_for_news(step)):
                        await asyncio.sleep(pause)
                    reply = await self._answer(poller, step)
                    pause, is_answered = 0.0, not reply.error
                elif isinstance(step, LogLine):
                    self.log.info(step.text)
                elif isinstance(step, Sleep):
                    pause = step.seconds

    async def _answer(self, poller: Poller, poll: Poll) -> Reply:
        if not self._waits_for_news(poll):
            poll = dataclasses.replace(poll, known=None)
        return await poller.answer(poll, delay=self.waiter_delay, deadline=self.deadline)

    def _waits_for_news(self, poll: Poll) -> bool:
        # Where polls are counted, each counts, also one without news.
        return poll.known is not None and self.waiter_max_attempts is None

    @property
    def _connection(self) -> Connection:
        config = json.dumps(self.botocore_config, sort_keys=True)
        return Connection(self.aws_conn_id, self.region_name, self.verify, config)
