"""InferenceExperimentEventTrigger: asset events for what becomes of experiments."""

from __future__ import annotations

import json

import pytest

from tests.helpers import described, somebodys, stop
from tests.triggers.watching import Store, told, watcher


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


def test_a_restart_repeats_nothing_where_airflow_keeps_state(ended, sagemaker):
    """The state is written one poll after the event, which Airflow has by then."""
    store = Store()
    assert ["theirs"] == [event["name"] for event in told(watcher(store), kept=store)]
    assert [] == told(watcher(store), count=0)
    somebodys(sagemaker, name="later")
    stop(sagemaker, "later")
    assert ["later"] == [event["name"] for event in told(watcher(store))]


def test_a_restart_without_state_repeats_the_last_hour(ended):
    """At least once: `key` tells a repetition."""
    first, second = told(watcher()), told(watcher())
    assert first == second
    assert 1 == len(first)
