"""InferenceExperimentTrigger."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time

import pytest
from airflow.triggers.base import TriggerEvent
from asgiref.sync import sync_to_async
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from airflow_shadow.operators import CreateInferenceExperimentOperator
from airflow_shadow.triggers import inference_experiment as module
from airflow_shadow.triggers.inference_experiment import InferenceExperimentTrigger
from airflow_shadow.waiters import ReachStatus, WaitResult, condition_to_dict
from tests.conftest import PASSWORD
from tests.helpers import CREATE, created, somebodys

TEXT = st.text(max_size=20)
JSON = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=3)
ARGUMENTS = st.fixed_dictionaries(
    {
        "goal": JSON,
        "then": TEXT,
        "carry": JSON,
        "progress": JSON,
        "deadline": st.floats(0, 1e12),
        "waiter_delay": st.floats(0, 600),
    },
    optional={
        "waiter_max_attempts": st.none() | st.integers(1),
        "aws_conn_id": st.none() | TEXT,
        "region_name": st.none() | TEXT,
        "verify": st.none() | st.booleans() | TEXT,
        "botocore_config": st.none() | JSON,
    },
)


@given(arguments=ARGUMENTS)
def test_serialisation_round_trip(arguments):
    """The triggerer gets an equal trigger from the JSON in Airflow's database."""
    path, kwargs = InferenceExperimentTrigger(**arguments).serialize()
    assert f"{module.__name__}.InferenceExperimentTrigger" == path
    again = InferenceExperimentTrigger(**json.loads(json.dumps(kwargs)))
    assert (path, kwargs) == again.serialize()
    assert arguments == {name: kwargs[name] for name in arguments}


def trigger(name="theirs", **arguments):
    """Return a trigger that waits for an experiment to run."""
    usual = {
        "goal": condition_to_dict(ReachStatus(name, ("Running",))),
        "then": "_settled",
        "carry": {"kept": 1},
        "progress": {},
        "deadline": time.time() + 20,
        "waiter_delay": 0.01,
    }
    return InferenceExperimentTrigger(**{**usual, **arguments})


def run(*triggers):
    """Run triggers side by side and return the event of each."""

    async def first(one) -> TriggerEvent:
        return await anext(one.run())

    async def together():
        return await asyncio.gather(*map(first, triggers))

    return [event.payload for event in asyncio.run(together())]


def test_the_event_carries_what_the_worker_needs(churn, sagemaker):
    """The worker can go on with nothing but the event."""
    somebodys(sagemaker)
    [event] = run(trigger())
    assert ("reached", "_settled", {"kept": 1}) == (event["event"], event["then"], event["carry"])
    assert "Running" == WaitResult.from_dict(event["outcome"]).description["Status"]


@pytest.mark.parametrize(
    ("fault", "deadline", "expected"),
    [
        (None, 20, "missing"),
        ({"kind": "access-denied", "times": None}, 20, "denied"),
        ({"kind": "throttle", "times": None}, 0.2, "timeout"),
    ],
)
def test_a_bad_end_is_an_event_too(churn, emulator, fault, deadline, expected):
    """An error of the wait is an event, because only the worker judges it."""
    if fault:
        emulator.faults.add(operation="DescribeInferenceExperiment", **fault)
    config = {"retries": {"total_max_attempts": 1}}
    [event] = run(trigger(deadline=time.time() + deadline, botocore_config=config))
    assert expected == event["event"]


def test_no_secret_travels(churn, emulator):
    """A trigger's arguments hold no secret, because Airflow's database keeps them unencrypted."""
    from tests.tasks import Tasks  # noqa: PLC0415

    tasks = Tasks("deferred")
    tasks.run(CreateInferenceExperimentOperator, **CREATE)
    assert PASSWORD not in json.dumps([tasks.triggers, tasks.events])


def count_clients(monkeypatch):
    """Count the clients that hooks make."""
    made = []
    hook = module.InferenceExperimentHook
    make = hook.get_client_type
    monkeypatch.setattr(
        hook, "get_client_type", lambda self, **kwargs: made.append(1) or make(self, **kwargs)
    )
    return made


def test_equal_settings_share_a_client(churn, sagemaker, monkeypatch):
    """Triggers with equal settings share a client, which costs time and memory."""
    somebodys(sagemaker)
    made = count_clients(monkeypatch)
    run(trigger(), trigger(), trigger())
    assert 1 == len(made)


def test_other_settings_have_a_client_of_their_own(churn, sagemaker, monkeypatch):
    """Another region, TLS setting or retry setting needs another client."""
    somebodys(sagemaker)
    made = count_clients(monkeypatch)
    run(trigger(), trigger(botocore_config={"read_timeout": 5}))
    assert 2 == len(made)


def test_expired_credentials_make_a_new_client(churn, sagemaker, emulator, monkeypatch):
    """Credentials that expire during a wait are renewed."""
    somebodys(sagemaker)
    made = count_clients(monkeypatch)
    emulator.faults.add(kind="expired-token", operation="DescribeInferenceExperiment")
    [event] = run(trigger())
    assert ("reached", 2) == (event["event"], len(made))


def no_credentials(monkeypatch):
    """Let the next client fail to be made: STS throttles."""
    refusal = ClientError({"Error": {"Code": "Throttling", "Message": "Rate."}}, "AssumeRole")
    hook = module.InferenceExperimentHook
    make, refusals = hook.get_client_type, [refusal]

    def throttled(self, **kwargs):
        if refusals:
            raise refusals.pop()
        return make(self, **kwargs)

    monkeypatch.setattr(hook, "get_client_type", throttled)
    return refusals


def test_credentials_that_cannot_be_had_are_waited_for(churn, sagemaker, monkeypatch):
    """The wait goes on while there are no credentials."""
    somebodys(sagemaker)
    refusals = no_credentials(monkeypatch)
    [event] = run(trigger())
    assert ("reached", []) == (event["event"], refusals)


def test_a_moment_without_credentials_ends_no_wait(churn, sagemaker, emulator, monkeypatch, log):
    """A metadata service that is silent for seconds ends no wait of those who share the client."""
    somebodys(sagemaker)
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    del connection["login"], connection["password"]
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    keys = {name: os.environ.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    log.when("AWS could not be asked", lambda: os.environ.update(keys))
    events = run(trigger(), trigger())
    assert ["reached", "reached"] == [event["event"] for event in events]


def test_a_silent_sts_holds_up_nobody_else(churn, sagemaker, monkeypatch):
    """A slow STS does not block the triggerer's shared thread, which serves all triggers."""
    somebodys(sagemaker)
    hook, asked, others_done = module.InferenceExperimentHook, threading.Event(), threading.Event()
    make = hook.get_client_type

    def silent(self, **kwargs):
        asked.set()
        assert others_done.wait(20), "the other's work was held up"
        return make(self, **kwargs)

    monkeypatch.setattr(hook, "get_client_type", silent)

    async def beside() -> str:
        ours = asyncio.ensure_future(anext(trigger().run()))
        assert await asyncio.to_thread(asked.wait, 20)
        await sync_to_async(others_done.set)()
        return (await ours).payload["event"]

    assert "reached" == asyncio.run(beside())


def test_the_first_look_comes_after_a_pause(churn, sagemaker, emulator):
    """The trigger waits first: the worker has just polled, and Airflow 3.3.2 loses early events."""
    somebodys(sagemaker)
    began = time.monotonic()
    run(trigger(waiter_delay=0.5))
    assert time.monotonic() - began >= 0.5


def test_no_pause_goes_beyond_the_deadline(churn, sagemaker, emulator):
    """The last poll comes at the deadline, not a delay later."""
    somebodys(sagemaker)
    [event] = run(trigger(waiter_delay=600, deadline=time.time() + 0.1))
    assert "reached" == event["event"]


def test_a_worker_waits_for_credentials_too(churn, worker, emulator, monkeypatch):
    """In the worker, too, a wait goes on while there are no credentials."""
    refusals = no_credentials(monkeypatch)
    assert [worker.run(CreateInferenceExperimentOperator, **CREATE).value] == created(emulator)
    assert [] == refusals


def test_many_triggers_survive_expired_credentials(churn, sagemaker, emulator):
    """Triggers that share a client go on when one of them discards it."""
    somebodys(sagemaker)
    emulator.faults.add(kind="expired-token", operation="DescribeInferenceExperiment", times=10)
    events = run(*(trigger() for _ in range(20)))
    assert ["reached"] * 20 == [event["event"] for event in events]


def test_a_kill_during_a_look_keeps_its_message(churn, sagemaker, emulator):
    """Airflow calls `on_kill` only if the cancellation's message says that a person acted."""
    emulator.faults.add(operation="DescribeInferenceExperiment", kind="hold-before")

    def await_held() -> None:
        while not emulator.holds.held():
            time.sleep(0.01)

    async def killed() -> tuple[object, ...]:
        first = asyncio.ensure_future(anext(trigger().run()))
        await asyncio.wait_for(asyncio.to_thread(await_held), 20)
        first.cancel("a person acted")
        try:
            await asyncio.wait_for(first, 20)
        except asyncio.CancelledError as cancelled:
            return cancelled.args
        finally:
            emulator.holds.let_go()
        return ()

    assert ("a person acted",) == asyncio.run(killed())


def test_a_trigger_changes_nothing(churn, sagemaker, emulator):
    """A trigger only reads, because a triggerer may run it twice."""
    somebodys(sagemaker)
    before = [e for e in emulator.history() if e["kind"] == "call"]
    run(trigger(), trigger())
    assert before == [e for e in emulator.history() if e["kind"] == "call"]
