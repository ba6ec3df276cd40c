"""What many waits ask at the same time is asked once: endpoints, and who holds them."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import time
from collections.abc import Mapping
from typing import Any

from airflow_shadow.experiments.summary import summary_of
from airflow_shadow.hooks.holders import Holders
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.triggers.client import Client
from airflow_shadow.waiters import Poll, Reply

#: How long the description of an endpoint is taken for true while the experiment on it rests.
_HELD_SECONDS = 300.0
#: One question for all who wait for endpoints.
_WHO_HOLDS = Poll("holders", "all endpoints")
#: Answers are shared for this share of the interval.
_FRESH = 0.9


class SharedAnswers:
    """Remembers the newest answers, for as long as they are fresh.

    :param client: whom to ask
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._answers: dict[tuple[str, str], tuple[float, asyncio.Future[Reply]]] = {}
        self._holders = Holders()
        self._held: dict[str, tuple[float, Mapping[str, Any], Reply]] = {}

    async def _share(self, poll: Poll, delay: float) -> Reply:
        """Ask once for all waits that want to know the same now."""
        key, now = (poll.question, poll.name), self._loop.time()
        began, asked = self._answers.get(key, (-math.inf, None))
        if asked is None or (asked.done() and now - began > _FRESH * delay):
            ask = self._client.reply(self._read) if poll is _WHO_HOLDS else self._client.ask(poll)
            asked = asyncio.ensure_future(ask)
            self._answers[key] = now, asked
        return await asyncio.shield(asked)

    async def holder(self, poll: Poll, delay: float) -> Reply:
        """Answer who holds an endpoint, from one reading for all endpoints."""
        reply = await self._share(_WHO_HOLDS, delay)
        if reply.error or reply.description is None:
            return reply
        holder = reply.description.get(poll.name)
        if holder is not None:
            _, endpoint = self._answers.get(("endpoint", poll.name), (0.0, None))
            if endpoint and endpoint.done() and not endpoint.result().error:
                self._held.setdefault(poll.name, (self._loop.time(), holder, endpoint.result()))
        return dataclasses.replace(reply, description=holder)

    async def endpoint(self, poll: Poll, delay: float) -> Reply:
        """Describe an endpoint: now and then only, while the experiment that holds it rests."""
        described_at, before, reply = self._held.get(poll.name, (-math.inf, None, None))
        if before and reply and self._loop.time() - described_at < _HELD_SECONDS:
            found = await self._share(_WHO_HOLDS, delay)
            if found.error:
                return found
            holder = (found.description or {}).get(poll.name)
            if holder and summary_of(holder) == summary_of(before):
                return dataclasses.replace(reply, now=found.now, aws_now=found.aws_now)
        self._held.pop(poll.name, None)
        return await self._share(poll, delay)

    def _read(self, hook: InferenceExperimentHook) -> Reply:
        held = self._holders.read(hook)
        return Reply(description=held, now=time.time(), aws_now=hook.now().timestamp())

    def forget(self) -> None:
        """Drop what is too old to be an answer."""
        now = self._loop.time()
        self._answers = {
            key: one for key, one in self._answers.items() if now - one[0] < _HELD_SECONDS
        }
        self._held = {key: one for key, one in self._held.items() if now - one[0] < _HELD_SECONDS}
