"""InferenceExperimentEventTrigger: asset events for what becomes of experiments."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from airflow_shadow.triggers.events import InferenceExperimentEventTrigger
from tests.helpers import described, somebodys, stop

LIST = "ListInferenceExperiments"


class Store:
    """What Airflow 3.3 keeps of an asset, as its triggerer gives it to a watcher."""

    def __init__(self):
        self.values = {}

    async def aget(self, key, default=None):
        """Return a value."""
        return self.values.get(key, default)

    async def aset(self, key, value):
        """Keep a value; Airflow keeps JSON."""
        self.values[key] = json.loads(json.dumps(value))


def watcher(store=None, **arguments):
    """Return a trigger as the triggerer makes it from what was serialised."""
    trigger = InferenceExperimentEventTrigger(waiter_delay=0.05, **arguments)
    _, kwargs = trigger.serialize()
    again = InferenceExperimentEventTrigger(**json.loads(json.dumps(kwargs)))
    again.asset_state_store = store
    return again


def told(trigger, *meanwhile, count=1, polls=3):
    """Run a trigger, do things meanwhile; return its first events, and none more that come soon."""

    async def events():
        found = []
        async with aclosing(trigger.run()) as stream:
            for work in meanwhile:
                await asyncio.to_thread(work)
            found.extend([(await anext(stream)).payload for _ in range(count)])
            try:
                async with asyncio.timeout(polls * 0.05):
                    found.append((await anext(stream)).payload)
            except TimeoutError:
                pass
        return found

    return asyncio.run(events())


@pytest.fixture
def ended(churn, sagemaker):
    """Set up an experiment that somebody stopped."""
    somebodys(sagemaker)
    stop(sagemaker, "theirs", Reason="Not needed any more.")
    return described(sagemaker, "theirs")


def test_an_event_tells_what_became_of_an_experiment(ended):
    """Name, status, endpoint, reason and times, each as plain text, and a key of its own."""
    [event] = told(watcher())
    assert ("theirs", "Cancelled", "churn") == (event["name"], event["status"], event["endpoint"])
    assert "Not needed any more." == event["reason"]
    assert f"theirs {event['created']} Cancelled" == event["key"]
    assert event == json.loads(json.dumps(event))


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "other-*"},
        {"statuses": ["Completed"]},
        {"tags": {"team": "churn"}},
        {"lookback": 0},
    ],
)
def test_what_is_not_asked_for_is_not_told(ended, emulator, arguments):
    """Another name, status or tag, and what happened before the poll back, give no event."""
    emulator.clock.advance(400)
    assert [] == told(watcher(**arguments), count=0)


def test_tags_choose_the_experiments_of_a_team(ended, sagemaker):
    """All tags that are asked for must be there, whatever else is."""
    tags = [{"Key": "team", "Value": "churn"}, {"Key": "stage", "Value": "test"}]
    sagemaker.add_tags(ResourceArn=ended["Arn"], Tags=tags)
    [event] = told(watcher(tags={"team": "churn"}, name="th*"))
    assert "theirs" == event["name"]


def test_trouble_ends_no_watcher(ended, emulator):
    """Airflow would start at once, and without a pause, what returns or raises."""
    emulator.faults.add(kind="throttle", operation=LIST, times=2)
    emulator.faults.add(kind="access-denied", operation=LIST, times=2)
    config = {"retries": {"total_max_attempts": 1}}
    [event] = told(watcher(botocore_config=config))
    assert "theirs" == event["name"]


def test_a_restart_repeats_nothing_where_airflow_keeps_state(ended, sagemaker):
    """The state is written one poll after the event, which Airflow has by then."""
    store = Store()
    assert ["theirs"] == [event["name"] for event in told(watcher(store))]
    assert [] == told(watcher(store), count=0)
    somebodys(sagemaker, name="later")
    stop(sagemaker, "later")
    assert ["later"] == [event["name"] for event in told(watcher(store))]


def test_a_restart_without_state_repeats_the_last_hour(ended):
    """At least once: `key` tells a repetition."""
    first, second = told(watcher()), told(watcher())
    assert first == second
    assert 1 == len(first)
