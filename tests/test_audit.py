"""The audit of the scenarios' history finds what must not be."""

from __future__ import annotations

import pytest

from tests.e2e.audit import audit, created

ENDPOINT = "churn"


def call(operation, name, **request):
    """Return the entry of an accepted call."""
    return {"kind": "call", "operation": operation, "name": name, "request": request}


def creation(name="one", *, task="dag/run/create/-1", generation="1"):
    """Return the entry of an experiment's creation, by a person if there is no task."""
    given = {"airflow-shadow:task": task, "airflow-shadow:generation": generation}
    tags = [{"Key": key, "Value": value} for key, value in given.items()] if task else []
    return call("CreateInferenceExperiment", name, Name=name, EndpointName=ENDPOINT, Tags=tags)


def becomes(status, name="one"):
    """Return the entry of a change of status."""
    return {"kind": "status", "name": name, "to": status}


def configured(cause="one"):
    """Return the entry of a change of the endpoint's configuration."""
    return {"kind": "endpoint", "endpoint": ENDPOINT, "changed": ["config"], "cause": cause}


def stop(name="one"):
    """Return the entry of a stop."""
    return call("StopInferenceExperiment", name)


def delete(name="one"):
    """Return the entry of a deletion."""
    return call("DeleteInferenceExperiment", name)


ROLLOUT = [
    configured("CreateEndpoint"),
    creation(),
    configured(),
    becomes("Running"),
    stop(),
    configured(),
    becomes("Completed"),
]


@pytest.mark.parametrize(
    "history",
    [
        ROLLOUT,
        [*ROLLOUT, creation("two", generation="2")],
        [creation(), becomes("Cancelled"), delete(), creation()],
        [creation("churn-x", task="")],
    ],
    ids=["one", "two generations", "broken, and made anew", "a person's"],
)
def test_what_may_be(history):
    """Histories in which nothing went wrong give no complaint."""
    audit(history, endpoints=[ENDPOINT])


def test_what_a_person_may_deploy():
    """A deployment by hand is no fault where the scenario says that it deploys."""
    audit([configured("UpdateEndpoint")], endpoints=[ENDPOINT], deployed=[ENDPOINT])


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([creation(), creation("two", generation="2")], "live on churn at once"),
        ([*ROLLOUT, creation("two")], "more than one experiment for"),
        ([*ROLLOUT, delete(), creation("two")], "more than one experiment for"),
        ([*ROLLOUT, stop()], "one was stopped 2 times"),
        ([*ROLLOUT, configured()], "a change that nobody caused"),
        ([configured("UpdateEndpoint")], "a change that nobody caused"),
        ([creation(task="")], "experiments of nobody: "),
    ],
)
def test_what_may_not_be(history, says):
    """Each kind of fault in a history is reported with what it concerns."""
    with pytest.raises(AssertionError, match=says):
        audit(history, endpoints=[ENDPOINT])


def test_who_created_what():
    """Creations are listed in order by their tag, one without our tags by its name."""
    history = [*ROLLOUT, creation("stray", task="")]
    assert [("dag/run/create/-1", "1"), ("stray", "")] == created(history, ENDPOINT)
