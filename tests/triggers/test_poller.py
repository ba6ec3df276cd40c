"""One poller a connection: what many waits cost, and that none holds up another."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import time
from collections import Counter

import pytest
from asgiref.sync import sync_to_async

from airflow_shadow.experiments.summary import summary_of
from airflow_shadow.hooks.responses import to_plain
from airflow_shadow.triggers import poller, watches
from airflow_shadow.triggers.inference_experiment import InferenceExperimentTrigger
from airflow_shadow.waiters import (
    ANY_ENDING,
    EndpointFree,
    ReachStatus,
    WaitResult,
    WaitState,
    condition_to_dict,
)
from tests.helpers import described, stop
from tests.triggers.watching import wait_until

LIST, DESCRIBE = "ListInferenceExperiments", "DescribeInferenceExperiment"
DELAY = 0.2
THOROUGH = pytest.mark.thorough


def left_by_a_worker(sagemaker, name, **arguments):
    """Return a trigger that waits for an experiment's end, as a worker that looked once left it."""
    progress = WaitState(attempts=1, seen=["Running"], last_live="Running")
    experiment = to_plain(described(sagemaker, name))
    progress.described = summary_of(experiment)
    usual = {
        "goal": condition_to_dict(ReachStatus(name, ("Cancelled",), tolerates=ANY_ENDING)),
        "then": "then",
        "carry": {},
        "progress": progress.to_dict(),
        "deadline": time.time() + 60,
        "waiter_delay": DELAY,
    }
    return InferenceExperimentTrigger(**{**usual, **arguments})


async def event_of(trigger):
    """Return how the wait of a trigger ended."""
    event = await anext(trigger.run())
    return WaitResult.from_dict(event.payload["outcome"])


def run(triggers, *meanwhile):
    """Run triggers side by side in one loop, do things in a thread meanwhile; return the ends."""

    async def together():
        waiting = [asyncio.ensure_future(event_of(trigger)) for trigger in triggers]
        for work in meanwhile:
            await asyncio.to_thread(work)
        return await asyncio.gather(*waiting)

    return asyncio.run(together())


def passes(counted, operation, more):
    """Return a function that returns once so many more calls were made."""

    def work():
        target = counted[operation] + more
        wait_until(lambda: counted[operation] >= target, what=f"{more} calls of {operation}")

    return work


def test_many_waits_are_answered_from_one_list(running, sagemaker, calls):
    """A dozen that rest cost one List a poll; only what has moved is described."""
    names = running(12)
    triggers = [left_by_a_worker(sagemaker, name) for name in names]
    before = {}

    def end_one():
        passes(calls, LIST, 3)()
        before.update(calls)
        stop(sagemaker, names[4])
        stop(sagemaker, names[7])

    def end_all():
        passes(calls, LIST, 2)()
        for name in set(names) - {names[4], names[7]}:
            stop(sagemaker, name)

    ends = run(triggers, end_one, end_all)
    assert ["reached"] * 12 == [end.event for end in ends]
    assert names == [end.description["Name"] for end in ends]
    assert 0 == before.get(DESCRIBE, 0)
    assert 12 <= calls[DESCRIBE] <= 24  # a stop moves it twice: Stopping, then Cancelled


def test_few_are_described(running, sagemaker, calls):
    """Three cost no List, which would be a call more."""
    names = running(3)
    triggers = [left_by_a_worker(sagemaker, name) for name in names]

    def end():
        passes(calls, DESCRIBE, 6)()
        for name in names:
            stop(sagemaker, name)

    assert ["reached"] * 3 == [end.event for end in run(triggers, end)]
    assert 0 == calls[LIST]


def test_a_description_that_lags_behind_the_list_is_read_again(running, sagemaker, monkeypatch):
    """The list shows an end that DescribeInferenceExperiment does not show for a while."""
    names = running(5)
    triggers = [left_by_a_worker(sagemaker, name) for name in names]
    old = {name: to_plain(described(sagemaker, name)) for name in names}
    stale, answer = Counter(names * 3), watches.answer_with

    def lagging(poll, hook):
        reply = answer(poll, hook)
        stale[poll.name] -= 1
        if stale[poll.name] < 0:
            return reply
        return dataclasses.replace(reply, description=old[poll.name])

    monkeypatch.setattr(watches, "answer_with", lagging)

    def end():
        for name in names:
            stop(sagemaker, name)

    assert ["reached"] * 5 == [one.event for one in run(triggers, end)]


def test_where_list_is_denied_each_is_described(running, sagemaker, emulator, calls, log):
    """A role without the permission works, and its log says so once."""
    names = running(6)
    triggers = [left_by_a_worker(sagemaker, name) for name in names]
    emulator.faults.add(kind="access-denied", operation=LIST, times=None)

    def end():
        passes(calls, DESCRIBE, 12)()
        for name in names:
            stop(sagemaker, name)

    assert ["reached"] * 6 == [end.event for end in run(triggers, end)]
    assert (1, 1) == (calls[LIST], str(log).count("Experiments cannot be listed"))


@pytest.mark.thorough
def test_throttling_fails_no_wait_and_calls_fall(running, sagemaker, emulator, calls):
    """While every call is throttled, hardly any is made; afterwards all hear of their ends."""
    names = running(12)
    config = {"retries": {"total_max_attempts": 1}}
    triggers = [left_by_a_worker(sagemaker, name, botocore_config=config) for name in names]

    def throttle():
        passes(calls, LIST, 2)()
        emulator.faults.add(kind="throttle", times=None, operation=LIST)
        emulator.faults.add(kind="throttle", times=None, operation=DESCRIBE)
        passes(calls, LIST, 4)()
        emulator.faults.clear()
        for name in names:
            stop(sagemaker, name)

    assert ["reached"] * 12 == [end.event for end in run(triggers, throttle)]


@pytest.mark.thorough
def test_what_its_row_does_not_show_is_seen_within_an_hour(running, sagemaker, calls, monkeypatch):
    """That LastModifiedTime moves is a belief, so each is described now and then anyway."""
    names = running(6)
    triggers = [left_by_a_worker(sagemaker, name) for name in names]
    monkeypatch.setattr(watches, "_DESCRIBE_SECONDS", 2 * DELAY)

    def end():
        passes(calls, DESCRIBE, 12)()
        for name in names:
            stop(sagemaker, name)

    assert ["reached"] * 6 == [end.event for end in run(triggers, end)]


@pytest.fixture
def silent(monkeypatch):
    """Give two connections: SageMaker takes calls and never answers, or its STS does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        extra = {
            "region_name": "us-east-1",
            "endpoint_url": f"http://127.0.0.1:{server.getsockname()[1]}",
            "config_kwargs": {"read_timeout": 3, "retries": {"total_max_attempts": 1}},
        }
        roles = {"SILENT": {}, "NO_STS": {"role_arn": "arn:aws:iam::123456789012:role/r"}}
        for name, role in roles.items():
            connection = {"conn_type": "aws", "login": "AKIAIOSFODNN7EXAMPLE", "password": "secret"}
            connection["extra"] = {**extra, **role}
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
        yield "silent", "no_sts"


async def share_a_thread(until):
    """Use the thread that all triggers of others share, until a future is done; tell how often."""
    used = 0
    while not until.done():
        async with asyncio.timeout(5):
            await sync_to_async(time.time, thread_sensitive=True)()
        used += 1
        await asyncio.sleep(0.01)
    return used


@pytest.mark.parametrize("size", [(5, 5, 3), pytest.param((20, 50, 20), marks=THOROUGH)], ids=str)
def test_a_silent_connection_holds_up_nobody_else(running, sagemaker, silent, calls, size):
    """Its waits end at their deadlines; the others, and other triggers, go on meanwhile."""
    healthy, lost, patience = size
    names = running(healthy)
    deadline = time.time() + patience
    triggers = [left_by_a_worker(sagemaker, name) for name in names]
    hopeless = [
        left_by_a_worker(sagemaker, names[0], aws_conn_id=connection, deadline=deadline)
        for connection in silent
        for _ in range(lost)
    ]

    async def together():
        told = asyncio.gather(*map(event_of, triggers))
        untold = asyncio.gather(*map(event_of, hopeless))
        other = asyncio.ensure_future(share_a_thread(untold))
        await asyncio.to_thread(passes(calls, LIST, 2))
        for name in names:
            await asyncio.to_thread(stop, sagemaker, name)
        async with asyncio.timeout(120):
            return await told, untold.done(), await untold, time.time(), await other

    ends, is_late, losses, ended, used = asyncio.run(together())
    assert ["reached"] * healthy == [end.event for end in ends]
    assert ["timeout"] * 2 * lost == [end.event for end in losses]
    assert lost < 10 or not is_late  # long before the others were given up
    assert deadline <= ended < deadline + 60
    assert used > 0


def test_who_wait_for_endpoints_share_a_look_at_their_holders(running, sagemaker, calls):
    """A dozen queued creations cost what one costs: a reading of the live experiments a poll."""
    names = running(12)
    triggers = [
        left_by_a_worker(
            sagemaker,
            name,
            goal=condition_to_dict(EndpointFree(name)),
            progress=WaitState().to_dict(),
        )
        for name in names
    ]
    seen = {}

    def end():
        passes(calls, LIST, 24)()
        seen.update(calls)
        for name in names:
            stop(sagemaker, name)

    ends = run(triggers, end)
    assert ["reached"] * 12 == [end.event for end in ends]
    # Once for each: to know its endpoint, and the endpoint's state.
    assert (12, 12) == (seen[DESCRIBE], seen["DescribeEndpoint"])


def test_a_wait_that_counts_its_polls_is_asked_for_alone(running, sagemaker):
    """`waiter_max_attempts` ends a wait after so many polls, news or not."""
    [name] = running(1)
    [end] = run([left_by_a_worker(sagemaker, name, waiter_max_attempts=4)])
    assert ("timeout", 4) == (end.event, end.state.attempts)


def test_a_poller_lives_as_long_as_its_waits(running, sagemaker):
    """Nothing of it is left in the loop, and none of its threads works on."""
    names = running(2)

    async def alive():
        waiting = asyncio.ensure_future(event_of(left_by_a_worker(sagemaker, names[0])))
        await asyncio.to_thread(wait_until, lambda: any(poller._POLLERS.values()), what="a poller")
        await asyncio.to_thread(stop, sagemaker, names[0])
        await waiting
        await asyncio.sleep(0)
        return any(poller._POLLERS.values()), len(asyncio.all_tasks())

    assert (False, 1) == asyncio.run(alive())


def test_an_error_that_nobody_foresaw_fails_the_waits(running, sagemaker, monkeypatch):
    """They do not hang until their deadlines."""
    [name] = running(1)
    monkeypatch.setattr(watches, "summary_of", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run([left_by_a_worker(sagemaker, name)])
