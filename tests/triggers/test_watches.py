"""Which waits hear of their experiments, and when: many at once, and odd answers of AWS."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.exceptions import AwsUnavailableError
from airflow_shadow.experiments.summary import summary_of
from airflow_shadow.hooks.base import CallingHook
from airflow_shadow.hooks.responses import to_plain
from airflow_shadow.triggers import client, watches
from airflow_shadow.triggers.client import Connection
from airflow_shadow.triggers.poller import poller_of
from airflow_shadow.triggers.watches import Watches
from airflow_shadow.waiters import Poll, UpdateApplied, condition_to_dict
from tests.helpers import described, stop, until
from tests.triggers.test_poller import (
    DELAY,
    DESCRIBE,
    LIST,
    event_of,
    left_by_a_worker,
    passes,
    wait_until,
)

CONNECTION = Connection("aws_default", None, None, "null")
DAY = 86_400.0


def waiting(sagemaker, names, **arguments):
    """Return triggers whose deadline is far, so that none ends because of it."""
    far = {"deadline": time.time() + DAY, **arguments}
    return [left_by_a_worker(sagemaker, name, **far) for name in names]


def run(triggers, *meanwhile):
    """Run triggers side by side, do things in a thread meanwhile; return the ends, or errors."""

    async def together():
        tasks = [asyncio.ensure_future(event_of(trigger)) for trigger in triggers]
        async with asyncio.timeout(60):
            for work in meanwhile:
                await asyncio.to_thread(work)
            return await asyncio.gather(*tasks, return_exceptions=True)

    return [getattr(end, "event", end) for end in asyncio.run(together())]


def stop_all(sagemaker, names):
    """Return a function that stops experiments."""
    return lambda: [stop(sagemaker, name) for name in names]


def known(sagemaker, name):
    """Return what a wait knows of an experiment as it is now."""
    return summary_of(to_plain(described(sagemaker, name)))


def resample(sagemaker, name, percentage):
    """Change what share of the requests an experiment copies, and wait until it is changed."""
    mode = described(sagemaker, name)["ShadowModeConfig"]
    mode["ShadowModelVariants"][0]["SamplingPercentage"] = percentage
    sagemaker.update_inference_experiment(Name=name, ShadowModeConfig=mode)
    until(sagemaker, name, "Running")
    return {"ShadowModeConfig": mode}


@pytest.fixture
def altered(monkeypatch):
    """Let a function alter the answers of AWS, by operation."""
    alterations, ask = {}, CallingHook.ask

    def altering(hook, operation, params, **more):
        answer = ask(hook, operation, params, **more)
        return alterations.get(operation, lambda same, _: same)(answer, params)

    monkeypatch.setattr(CallingHook, "ask", altering)
    return alterations


def rows_altered(alter):
    """Return an alteration of all rows of a list."""

    def altering(answer, _):
        rows = [alter(dict(row)) for row in answer["InferenceExperiments"]]
        return {**answer, "InferenceExperiments": rows}

    return altering


def more_exact(row):
    """Return a row whose time has fractions that the description lacks."""
    return {**row, "LastModifiedTime": row["LastModifiedTime"] + timedelta(milliseconds=100)}


@pytest.mark.thorough
def test_a_wait_that_comes_late_hears_what_others_have_heard(running, sagemaker, calls, altered):
    """Its worker saw the experiment before a change that the poller has described already."""
    names = running(5)
    altered[LIST] = rows_altered(more_exact)
    late = waiting(sagemaker, names[:1])[0]
    expected = {}

    def change():
        passes(calls, LIST, 2)()
        expected.update(resample(sagemaker, names[0], 77))
        passes(calls, LIST, 4)()

    async def together():
        tasks = [asyncio.ensure_future(event_of(one)) for one in waiting(sagemaker, names)]
        await asyncio.to_thread(change)
        late.goal = condition_to_dict(UpdateApplied(names[0], expected))
        heard = asyncio.ensure_future(event_of(late))
        await asyncio.to_thread(passes(calls, LIST, 8))
        is_heard = heard.done()
        await asyncio.to_thread(stop_all(sagemaker, names))
        await asyncio.gather(heard, *tasks, return_exceptions=True)
        return is_heard

    assert asyncio.run(together())


@pytest.mark.thorough
def test_a_change_of_status_costs_one_description(running, sagemaker, calls, altered):
    """Its row in the list of the old status is not looked for any more."""
    altered[LIST] = rows_altered(more_exact)
    *names, planned = running(6)
    stop(sagemaker, planned)
    request = {"name": "planned", "endpoint_name": planned, "model_name": "v1"}
    request = fleet.experiment_request(**request, shadow_model_name="v2")
    start = datetime.now(UTC) + timedelta(days=1)
    sagemaker.create_inference_experiment(**request, Schedule={"StartTime": start})
    until(sagemaker, "planned", "Created")
    names.append("planned")
    before = {}

    def change():
        passes(calls, LIST, 2)()
        sagemaker.start_inference_experiment(Name="planned")
        until(sagemaker, "planned", "Running")
        passes(calls, LIST, 6)()
        before.update(calls)
        passes(calls, LIST, 20)()
        before["after"] = calls[DESCRIBE]

    ends = run(waiting(sagemaker, names), change, stop_all(sagemaker, names))
    assert ["reached"] * 6 == ends
    assert before["after"] - before[DESCRIBE] < 3


@pytest.mark.thorough
def test_a_reason_that_the_list_does_not_show_costs_one_description(
    running, sagemaker, calls, altered
):
    """What a row leaves out tells nothing, so it is no news at each poll."""
    names = running(5)
    altered[DESCRIBE] = lambda answer, _: {**answer, "StatusReason": "as planned"}
    altered[LIST] = rows_altered(lambda row: {**row, "LastModifiedTime": None})
    before = {}

    def note():
        passes(calls, LIST, 8)()
        before.update(calls)
        passes(calls, LIST, 8)()
        before["after"] = calls[DESCRIBE]

    ends = run(waiting(sagemaker, names), note, stop_all(sagemaker, names))
    assert ["reached"] * 5 == ends
    assert before["after"] == before[DESCRIBE]


@pytest.mark.thorough
def test_experiments_without_a_creation_time_fail_nobody(running, sagemaker, calls, altered):
    """AWS's model promises none; without it experiments are described, not listed."""
    names = running(6)
    triggers = waiting(sagemaker, names)
    for trigger in triggers:
        trigger.progress["described"]["CreationTime"] = None
    altered[DESCRIBE] = lambda answer, _: {**answer, "CreationTime": None}
    ends = run(triggers, passes(calls, DESCRIBE, 12), stop_all(sagemaker, names))
    assert ["reached"] * 6 == ends


@pytest.mark.thorough
def test_an_error_that_nobody_foresaw_fails_only_the_wait_it_is_about(
    running, sagemaker, calls, altered
):
    """A description that cannot be read is that of one experiment."""
    names = running(6)

    def unreadable(answer, params):
        return 1 / 0 if params["Name"] == names[0] else answer

    altered[DESCRIBE] = unreadable
    ends = run(
        waiting(sagemaker, names),
        passes(calls, LIST, 3),
        stop_all(sagemaker, names),
    )
    assert ZeroDivisionError is type(ends[0])
    assert ["reached"] * 5 == ends[1:]


def test_a_poller_goes_on_after_an_error_that_nobody_foresaw(running, sagemaker, monkeypatch):
    """A wait that asks later is answered, though the polling had ended with an error."""
    [name] = running(1)
    hook, errors = client.Client.hook, [ZeroDivisionError()]

    async def failing(self, **metrics):
        if errors:
            raise errors.pop()
        return await hook(self, **metrics)

    monkeypatch.setattr(client.Client, "hook", failing)

    async def ask_twice():
        async with poller_of(CONNECTION) as ours:
            timing = {"delay": DELAY, "deadline": time.time() + 20}
            with pytest.raises(ZeroDivisionError):
                await ours.answer(Poll("experiment", name), **timing)
            return await ours.answer(Poll("experiment", name), **timing)

    assert name == asyncio.run(ask_twice()).description["Name"]


def test_a_wait_may_end_while_the_list_is_read(running, sagemaker, emulator, altered):
    """What the list shows of it, and is of no interest any more, fails none of the others."""
    names = running(5)
    altered[LIST] = rows_altered(more_exact)
    shown = [known(sagemaker, name) for name in names]

    async def together():
        async with poller_of(CONNECTION) as ours:
            timing = {"delay": DELAY, "deadline": time.time() + DAY}
            emulator.faults.add(kind="hold-before", operation=LIST)
            asked = [
                asyncio.ensure_future(ours.answer(Poll("experiment", name, known=one), **timing))
                for name, one in zip(names, shown, strict=True)
            ]
            await asyncio.to_thread(wait_until, emulator.holds.held, what="call that is held")
            asked[0].cancel()
            await asyncio.wait(asked[:1])
            ours._sum_up()
            await asyncio.to_thread(resample, sagemaker, names[1], 77)
            emulator.holds.let_go()
            async with asyncio.timeout(60):
                heard = await asked[1]
            for one in asked:
                one.cancel()
            return heard

    assert names[1] == asyncio.run(together()).description["Name"]


def test_who_comes_while_a_poll_is_under_way_is_polled_next(running, sagemaker, emulator):
    """A slow call puts nobody off who was not polled with it."""
    names = running(2)

    async def together():
        async with poller_of(CONNECTION) as ours, asyncio.timeout(30):
            emulator.faults.add(kind="hold-before", operation=DESCRIBE)
            timing = {"delay": DAY, "deadline": time.time() + DAY}
            first = asyncio.ensure_future(ours.answer(Poll("experiment", names[0]), **timing))
            await asyncio.to_thread(wait_until, emulator.holds.held, what="call that is held")
            second = asyncio.ensure_future(ours.answer(Poll("experiment", names[1]), **timing))
            await asyncio.sleep(0)
            emulator.holds.let_go()
            return [reply.description["Name"] for reply in await asyncio.gather(first, second)]

    assert names == asyncio.run(together())


def test_who_comes_back_while_a_poll_goes_on_is_not_polled_again_at_once(
    running, sagemaker, emulator, calls, monkeypatch
):
    """Else each that is described once an hour would be described twice, and upset the rhythm."""
    monkeypatch.setattr(watches, "_DESCRIBE_SECONDS", 0.0)
    names = running(3)
    back, held, late = (Poll("experiment", name) for name in names)
    back = replace(back, known=known(sagemaker, names[0]))
    before = calls[DESCRIBE]

    async def together():
        async with poller_of(CONNECTION) as ours, asyncio.timeout(30):
            emulator.faults.add(kind="hold-before", operation=DESCRIBE, about=names[1])
            timing = {"delay": DAY, "deadline": time.time() + DAY}
            asked = [asyncio.ensure_future(ours.answer(one, **timing)) for one in (back, held)]
            await asyncio.to_thread(wait_until, emulator.holds.held, what="call that is held")
            await asked[0]
            again = asyncio.ensure_future(ours.answer(back, **timing))
            await asyncio.sleep(0)
            emulator.holds.let_go()
            await asked[1]
            await ours.answer(late, **timing)
            again.cancel()

    asyncio.run(together())
    assert 3 == calls[DESCRIBE] - before


def test_the_last_poll_comes_before_half_an_interval_if_the_deadline_does(running, sagemaker):
    """A wait whose deadline is nearer than the next common poll is answered by AWS all the same."""
    [name] = running(1)
    shown = known(sagemaker, name)

    async def ask_twice():
        async with poller_of(CONNECTION) as ours:
            for _ in range(2):  # the second comes after the poll that answers the first
                await ours.answer(Poll("experiment", name), delay=DAY, deadline=time.time() + DAY)
            poll, soon = Poll("experiment", name, known=shown), time.time() + 0.1
            return await ours.answer(poll, delay=DAY, deadline=soon)

    assert name == asyncio.run(ask_twice()).description["Name"]


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["throttle", "server-error"])
def test_where_list_alone_is_unavailable_each_is_described(running, sagemaker, emulator, kind):
    """After a few attempts, and only while Describe is answered."""
    names = running(6)
    emulator.faults.add(kind=kind, operation=LIST, times=None)
    polls = [Poll("experiment", name, known=known(sagemaker, name)) for name in names]
    stop_all(sagemaker, names)()
    connection = Connection("aws_default", None, None, '{"retries": {"total_max_attempts": 1}}')

    async def ask():
        async with poller_of(connection) as ours, asyncio.timeout(30):
            timing = {"delay": DELAY, "deadline": time.time() + DAY}
            first = await asyncio.gather(*(ours.answer(poll, **timing) for poll in polls))
            then = await asyncio.gather(*(ours.answer(poll, **timing) for poll in polls))
            return {reply.error is None for reply in first}, {reply.error for reply in then}

    assert ({False}, {None}) == asyncio.run(ask())


@pytest.mark.thorough
def test_many_waits_for_one_experiment_cost_one_description(running, sagemaker, calls):
    """What counts are the experiments, not the waits."""
    [name] = running(1)
    triggers = waiting(sagemaker, [name] * 8)
    assert ["reached"] * 8 == run(triggers, passes(calls, DESCRIBE, 4), stop_all(sagemaker, [name]))
    assert 0 == calls[LIST]


def test_one_that_cannot_be_described_slows_down_no_other(running, sagemaker, monkeypatch):
    """Only what AWS did not answer for is polled half as often."""
    broken, sound = running(2)
    is_broken, ask, put_off = threading.Event(), CallingHook.ask, Watches._put_off
    pauses = {broken: [], sound: []}

    def asking(hook, operation, params, **more):
        if operation == DESCRIBE and params["Name"] == broken and is_broken.is_set():
            raise AwsUnavailableError(asked=operation, found="no answer")
        return ask(hook, operation, params, **more)

    def putting_off(self):
        polled = [watch for watch in self._watches if watch.due == math.inf]
        put_off(self)
        for watch in polled:
            pauses[watch.name].append(round((watch.due - self._polled) / DELAY))

    triggers = waiting(sagemaker, [broken, sound])
    monkeypatch.setattr(CallingHook, "ask", asking)
    monkeypatch.setattr(Watches, "_put_off", putting_off)
    is_broken.set()

    def repair():
        wait_until(lambda: min(map(len, pauses.values())) >= 3, what="polls")
        is_broken.clear()

    ends = run(triggers, repair, stop_all(sagemaker, [broken, sound]))
    assert ["reached"] * 2 == ends
    assert ({2}, {1}) == (set(pauses[broken][:3]), set(pauses[sound][:3]))
