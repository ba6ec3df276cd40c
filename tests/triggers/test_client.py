"""The client of many waits: keys that are replaced, connections out of reach, odd settings."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import time
from itertools import islice

import pytest
from botocore.exceptions import ClientError, DataNotFoundError
from botocore.session import Session

from airflow_shadow.exceptions import AwsRefusedError, AwsUnavailableError
from airflow_shadow.hooks.base import CallingHook
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.triggers import client as module
from airflow_shadow.triggers.client import Client, Connection, setting
from airflow_shadow.triggers.poller import poller_of
from airflow_shadow.waiters import Poll, Reply
from tests.helpers import somebodys

CONNECTION = Connection("aws_default", None, None, "null")
VARIABLE = "AIRFLOW_CONN_AWS_DEFAULT"


def edit(monkeypatch, **fields):
    """Edit the connection in Airflow."""
    monkeypatch.setenv(VARIABLE, json.dumps({**json.loads(os.environ[VARIABLE]), **fields}))


@pytest.fixture
def deactivated(monkeypatch):
    """Refuse the keys in a set, as AWS does."""
    keys, make = set(), InferenceExperimentHook.get_client_type

    def refusing(self, **kwargs):
        made = make(self, **kwargs)

        def refuse(**_):
            if made._request_signer._credentials.access_key in keys:
                answer = {"Error": {"Code": "UnrecognizedClientException", "Message": "Invalid."}}
                raise ClientError(answer, "Any")

        made.meta.events.register("before-call", refuse)
        return made

    monkeypatch.setattr(InferenceExperimentHook, "get_client_type", refusing)
    return keys


def ask(*between, times=1):
    """Ask for an experiment, `times` times at once, before and after each of some actions."""

    async def asking():
        ours, poll = Client(CONNECTION), Poll("experiment", "theirs")
        replies = []
        for act in (*between, lambda: None):
            replies += await asyncio.gather(*(ours.ask(poll) for _ in range(times)))
            act()
        replies += await asyncio.gather(*(ours.ask(poll) for _ in range(times)))
        ours.close()
        return replies

    return [type(reply.error) for reply in asyncio.run(asking())]


def test_keys_that_were_replaced_are_read_anew(churn, sagemaker, monkeypatch, deactivated):
    """Old keys may be deactivated once the connection has the new ones; no wait notices."""
    somebodys(sagemaker)

    def rotate():
        edit(monkeypatch, login="AKIAIOSFODNN7ROTATED")
        deactivated.add("AKIAIOSFODNN7EXAMPLE")

    assert {type(None)} == set(ask(rotate, times=12))


def test_keys_that_were_not_replaced_are_refused(churn, sagemaker, deactivated):
    """A second refusal is the truth."""
    somebodys(sagemaker)
    ends = ask(lambda: deactivated.add("AKIAIOSFODNN7EXAMPLE"))
    assert [type(None), AwsRefusedError, AwsRefusedError] == ends


def test_a_client_that_cannot_be_renewed_goes_on(churn, sagemaker, monkeypatch, log):
    """While STS is silent or Airflow's database away, the keys in use are good."""
    somebodys(sagemaker)

    def lose():
        monkeypatch.setattr(module, "_CLIENT_SECONDS", -1.0)
        refusal = ClientError({"Error": {"Code": "Throttling", "Message": "Rate."}}, "AssumeRole")

        def throttled(self, **_):
            raise refusal

        monkeypatch.setattr(InferenceExperimentHook, "get_client_type", throttled)

    monkeypatch.setattr(module, "_CLIENT_SECONDS", -1.0)
    assert {type(None)} == set(ask(lose))
    assert log.containing("The client in use goes on")


def test_the_machines_own_rights_never_replace_the_connection(
    churn, sagemaker, emulator, monkeypatch
):
    """A missing `aws_default` means them, but a secrets backend may be out of reach."""
    somebodys(sagemaker)
    monkeypatch.setattr(module, "_CLIENT_SECONDS", -1.0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert {type(None)} == set(ask(lambda: monkeypatch.delenv(VARIABLE)))


@pytest.mark.parametrize("fails", [False, True])
def test_while_a_client_is_made_nobody_looks_for_garbage(
    churn, sagemaker, monkeypatch, is_looking, fails
):
    """All objects of the triggerer would be looked through, and the event loop stand still."""
    make, seen = Session.create_client, []

    def noting(self, *args, **kwargs):
        seen.append(gc.isenabled())
        if fails:
            raise DataNotFoundError(data_path="sagemaker")
        return make(self, *args, **kwargs)

    monkeypatch.setattr(Session, "create_client", noting)
    assert [AwsRefusedError if fails else type(None)] * 2 == ask()
    assert ({False}, is_looking) == ({*seen}, gc.isenabled())


@pytest.fixture(params=[True, False])
def is_looking(request):
    """Let Python look for garbage, or not, as the triggerer's owner wants it."""
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_an_edited_connection_is_noticed(churn, sagemaker, monkeypatch):
    """A new client comes with each reading of the connection."""
    somebodys(sagemaker)
    monkeypatch.setattr(module, "_CLIENT_SECONDS", -1.0)
    config = {"config_kwargs": {"retries": {"total_max_attempts": 1}, "connect_timeout": 1}}
    extra = {"region_name": "us-east-1", "endpoint_url": "http://127.0.0.1:9", **config}
    ends = ask(lambda: edit(monkeypatch, extra=extra))
    assert [type(None), AwsUnavailableError, AwsUnavailableError] == ends


@pytest.mark.parametrize("value", ["0", "-3", "fast", "nan", ""])
def test_a_setting_that_is_no_use_fails_no_wait(churn, sagemaker, monkeypatch, log, value):
    """The default is used, and the log says so."""
    somebodys(sagemaker)
    monkeypatch.setenv("AIRFLOW__AIRFLOW_SHADOW__MAX_CALLS_PER_SECOND", value)
    monkeypatch.setenv("AIRFLOW__AIRFLOW_SHADOW__POLL_INTERVAL", value)
    assert {type(None)} == set(ask())
    assert 300.0 == setting("poll_interval", 300.0)
    assert log.containing("max_calls_per_second must be a number above 0; 20.0 is used.")


def test_pages_without_end_end(churn, monkeypatch):
    """A NextToken that comes again would keep a thread for ever."""
    monkeypatch.setattr(CallingHook, "ask", lambda *_, **__: {"NextToken": "again"})
    with pytest.raises(AwsUnavailableError, match="NextToken"):
        list(islice(InferenceExperimentHook().pages("ListTags", {}), 9))


def test_a_shared_answer_tells_the_time_of_who_asks(churn, sagemaker, monkeypatch):
    """By an older one's time a wait would sleep beyond its deadline."""

    async def old(*_):
        return Reply(now=1.0)

    async def asking():
        async with poller_of(CONNECTION) as ours:
            monkeypatch.setattr(ours._shared, "endpoint", old)
            return await ours.answer(Poll("endpoint", "churn"), delay=300, deadline=time.time() + 9)

    began = time.time()
    assert asyncio.run(asking()).now >= began


def test_while_the_list_is_unavailable_no_endpoint_is_described_for_it(
    churn, sagemaker, emulator, monkeypatch
):
    """A queue of creations would ask for each of its endpoints, and forget what it knows."""
    somebodys(sagemaker)
    shared = "airflow_shadow.triggers.shared"
    monkeypatch.setattr(f"{shared}._FRESH", -1.0)
    config = Connection("aws_default", None, None, '{"retries": {"total_max_attempts": 1}}')

    async def asking():
        async with poller_of(config) as ours:
            timing = {"delay": 0.1, "deadline": time.time() + 20}
            for question in ("endpoint", "holder"):
                await ours.answer(Poll(question, "churn"), **timing)
            emulator.faults.add(kind="throttle", operation="ListInferenceExperiments")
            emulator.faults.add(kind="access-denied", operation="DescribeEndpoint", times=None)
            during = await ours.answer(Poll("endpoint", "churn"), **timing)
            after = await ours.answer(Poll("endpoint", "churn"), **timing)
            return type(during.error), after.error

    assert (AwsUnavailableError, None) == asyncio.run(asking())


def test_a_poller_that_closes_while_its_client_is_made_is_silent(churn, sagemaker, monkeypatch):
    """Work that nobody waits for any more ends without an error in the triggerer's log."""
    asked, go_on, seen = threading.Event(), threading.Event(), []
    make = InferenceExperimentHook.get_client_type

    def slow(self, **kwargs):
        asked.set()
        assert go_on.wait(20)
        return make(self, **kwargs)

    monkeypatch.setattr(InferenceExperimentHook, "get_client_type", slow)

    async def wait():
        async with poller_of(CONNECTION) as ours:
            await ours.answer(Poll("running", "churn"), delay=1, deadline=time.time() + 20)

    async def cancelled():
        asyncio.get_running_loop().set_exception_handler(lambda _, said: seen.append(said))
        waiting = asyncio.ensure_future(wait())
        assert await asyncio.to_thread(asked.wait, 20)
        waiting.cancel()
        await asyncio.wait([waiting])
        go_on.set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
        gc.collect()

    asyncio.run(cancelled())
    assert [] == seen
