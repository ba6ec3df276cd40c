"""What a poller does each minute: a line, metrics, and forgetting."""

from __future__ import annotations

import asyncio
import contextvars
import time

import pytest

from airflow_shadow.triggers import poller
from airflow_shadow.triggers.client import Connection
from airflow_shadow.triggers.poller import poller_of
from airflow_shadow.waiters import Poll
from tests.triggers.test_poller import DELAY, DESCRIBE, LIST, event_of, passes, wait_until
from tests.triggers.test_watches import CONNECTION, known, stop_all, waiting


def test_no_line_about_all_waits_is_filed_under_one(emulator, monkeypatch, log):
    """Airflow knows by a context variable whose log a line belongs to."""
    whose, seen = contextvars.ContextVar("whose", default="the triggerer's"), []
    monkeypatch.setattr(poller, "_MINUTE", 0.05)
    log.when("waits, ", lambda: seen.append(whose.get()))

    async def wait():
        whose.set("the first wait's")
        async with poller_of(CONNECTION):
            await asyncio.to_thread(wait_until, lambda: seen, what="line")

    asyncio.run(wait())
    assert ["the triggerer's"] == seen


def test_metrics_that_fail_keep_no_memory(running, sagemaker, monkeypatch):
    """What nobody waits for any more is forgotten, whatever becomes of the metrics."""
    [name] = running(1)
    shown = known(sagemaker, name)
    monkeypatch.setattr(poller, "metrics", lambda: 1 / 0)

    async def wait():
        async with poller_of(CONNECTION) as ours:
            poll = Poll("experiment", name, known={**shown, "Status": "Creating"})
            await ours.answer(poll, delay=DELAY, deadline=time.time() + 20)
            with pytest.raises(ZeroDivisionError):
                ours._sum_up()
            return ours._watches._states

    assert {} == asyncio.run(wait())


def test_the_gauge_counts_the_waits_of_all_connections(emulator, monkeypatch):
    """Each poller's own number would overwrite the others', and stay when it has closed."""
    gauge, other = [], Connection("aws_default", "eu-west-1", None, "null")

    class Metrics:
        @staticmethod
        def gauge(name, value):
            gauge.append(value)

        @staticmethod
        def incr(name, count):
            """Count nothing."""

    monkeypatch.setattr(poller, "metrics", lambda: Metrics)

    async def wait():
        async with poller_of(CONNECTION) as ours, poller_of(CONNECTION), poller_of(other):
            ours._sum_up()
        await asyncio.sleep(0)

    asyncio.run(wait())
    assert (3, 0) == (gauge[0], gauge[-1])


def test_the_list_is_read_again_once_it_may_be_short(running, sagemaker, calls):
    """Many pages once are no reason to describe each for ever."""
    names = running(5)

    async def together():
        async with poller_of(CONNECTION) as ours, asyncio.timeout(60):
            ours._watches._pages = 50
            tasks = [asyncio.ensure_future(event_of(one)) for one in waiting(sagemaker, names)]
            await asyncio.to_thread(passes(calls, DESCRIBE, 10))
            ours._sum_up()
            await asyncio.to_thread(passes(calls, LIST, 1))
            await asyncio.to_thread(stop_all(sagemaker, names))
            return [end.event for end in await asyncio.gather(*tasks)]

    assert ["reached"] * 5 == asyncio.run(together())
