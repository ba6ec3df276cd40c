"""Many waits of one triggerer, in an account with much in it, for a long time."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import botocore.compat
import botocore.hooks
import pytest

from airflow_shadow.triggers import client, watches
from airflow_shadow.triggers.inference_experiment import InferenceExperimentTrigger
from airflow_shadow.waiters import ReachStatus, WaitState, condition_to_dict
from tests.triggers.test_poller import run
from tests.triggers.watching import wait_until

STUB = Path(__file__).parents[2] / "benchmarks" / "waits_stub.py"


class Account:
    """A SageMaker in a process of its own, with experiments that somebody waits for.

    :param waits: how many are running
    :param concluded: how many newer ones have concluded
    """

    def __init__(self, waits, concluded=0):
        command = [sys.executable, str(STUB), str(waits), str(concluded)]
        self.process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"
        self.names = [f"wait-{number:05}" for number in range(waits)]

    def control(self, **wanted):
        """Let something happen; return how many calls there were so far."""
        with urllib.request.urlopen(f"{self.url}/control", json.dumps(wanted).encode()) as answer:
            return sum(json.load(answer)["calls"].values())

    def end(self):
        """End all experiments that are waited for."""
        self.control(end=self.names)

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()

    def triggers(self, **arguments):
        """Return a trigger for each wait, as its worker left it after one poll."""
        return [
            waiting(name, 1_800_000_000 + number, **arguments)
            for number, name in enumerate(self.names)
        ]


def waiting(name, created, **arguments):
    """Return a trigger that waits for an experiment's end."""
    described = {
        "CreationTime": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(created)),
        "LastModifiedTime": "2027-01-15T08:00:00+00:00",
        "Status": "Running",
        "StatusReason": None,
    }
    state = WaitState(attempts=1, seen=["Running"], last_live="Running", described=described)
    usual = {
        "goal": condition_to_dict(ReachStatus(name, ("Completed",))),
        "then": "then",
        "carry": {},
        "progress": state.to_dict(),
        "deadline": time.time() + 300,
        "waiter_delay": 0.2,
    }
    return InferenceExperimentTrigger(**{**usual, **arguments})


@pytest.fixture
def account(monkeypatch):
    """Give a function that makes an account, to which the connection leads."""
    made = []

    def make(*counts):
        made.append(Account(*counts))
        extra = {"endpoint_url": made[-1].url, "region_name": "us-east-1"}
        connection = {"conn_type": "aws", "login": "key", "password": "secret", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def polls(monkeypatch):
    """Count the polls of all pollers."""
    began, poll = [], watches.Watches._poll

    async def counting(own):
        began.append(time.monotonic())
        await poll(own)

    monkeypatch.setattr(watches.Watches, "_poll", counting)
    return began


def more_polls(polls, more):
    """Wait in a thread for so many more polls."""
    target = len(polls) + more
    wait_until(lambda: len(polls) >= target, what=f"{more} more polls")


@pytest.mark.thorough
def test_what_has_concluded_costs_no_call(account, polls):
    """The calls a poll among 100,000 newer ones are at most twice those among 100."""
    calls_a_poll = {}
    for concluded in (100, 100_000):
        own = account(40, concluded)

        def count(own=own, concluded=concluded):
            more_polls(polls, 2)
            calls, before = own.control(), len(polls)
            more_polls(polls, 10)
            calls_a_poll[concluded] = (own.control() - calls) / (len(polls) - before)

        ends = run(own.triggers(), count, own.end)
        assert ["reached"] * 40 == [end.event for end in ends]
    assert calls_a_poll[100_000] <= 2 * calls_a_poll[100]


@pytest.mark.thorough
def test_a_thousand_waits_outlast_throttling(account, polls):
    """None fails, calls fall by at least ten times, and two polls afterwards all have ended.

    Ten throttled polls, in which botocore repeats each call twice, take about a hundred intervals.
    """
    own, rates = account(1000), {}

    def measure(what, count):
        calls, began = own.control(), time.monotonic()
        more_polls(polls, count)
        rates[what] = (own.control() - calls) / (time.monotonic() - began)

    def throttle():
        more_polls(polls, 2)
        measure("before", 5)
        own.control(throttled=True)
        more_polls(polls, 2)
        measure("throttled", 10)
        own.end()
        own.control(throttled=False)
        rates["polls"] = len(polls)

    ends = run(own.triggers(), throttle)
    assert ["reached"] * 1000 == [end.event for end in ends]
    assert rates["throttled"] <= rates["before"] / 10
    # One may have begun before the throttling ended.
    assert len(polls) <= rates["polls"] + 3


@pytest.mark.thorough
def test_thirty_days_of_waiting_grow_by_nothing(account, polls, monkeypatch):
    """At a `poll_interval` of 300 s these are 8,640 polls: threads, files and memory stay.

    The client is renewed about every thirtieth poll, where AWS would see it every third.
    """
    monkeypatch.setattr(watches, "_LEAST_PAUSE", 0.0)
    monkeypatch.setattr(client, "_CLIENT_SECONDS", 0.3)
    # What the tests remember of each handler would keep the handlers of every client.
    monkeypatch.setattr(botocore.hooks, "accepts_kwargs", botocore.compat.accepts_kwargs)
    own, held = account(40), []

    def note():
        gc.collect()
        files = len(list(Path("/proc/self/fd").iterdir()))
        held.append((threading.active_count(), files, sys.getallocatedblocks()))

    def wait():
        more_polls(polls, 640)
        note()
        for _ in range(8):
            more_polls(polls, 1000)
        note()

    # pytest keeps what is logged, which are two records for each client.
    logging.disable()
    try:
        ends = run(own.triggers(waiter_delay=0.001, deadline=time.time() + 900), wait, own.end)
    finally:
        logging.disable(logging.NOTSET)
    assert ["reached"] * 40 == [end.event for end in ends]
    (threads, files, blocks), (more_threads, more_files, more_blocks) = held
    # A poller has four threads, each with a connection, once it needed them at the same time.
    assert more_threads <= threads + 3
    assert more_files <= files + 3
    # Of memory; the test itself keeps one for each of 8,000 polls.
    assert more_blocks - blocks < 15_000
