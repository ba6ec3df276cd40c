"""The audit of a life finds what must not be."""

from __future__ import annotations

import pytest

from tests.lives.audit import Served, audit_life

ENDPOINT = "churn"
PASSED, EARLIER, LATER = "2026-03-01T03:00", "2026-03-01T02:00", "2026-03-01T04:00"
CONFIGS = {
    "first": Served(model="v1"),
    "tested": Served(model="v1", shadow="v2"),
    "promoted": Served(model="v2"),
    "given back": Served(model="v1"),
    "hotfix": Served(model="v3"),
    "hotfix tested": Served(model="v3", shadow="v2"),
}


def call(operation, name="one", at=LATER, **request):
    """Return the entry of an accepted call."""
    return {"kind": "call", "operation": operation, "name": name, "request": request, "at": at}


def creation(name="one", generation="3"):
    """Return the entry of a creation by a task."""
    tags = {"airflow-shadow:task": "dag/run/create/-1", "airflow-shadow:generation": generation}
    return call(
        "CreateInferenceExperiment",
        name,
        Name=name,
        EndpointName=ENDPOINT,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        ModelVariants=[{"ModelName": "v1"}, {"ModelName": "v2"}],
    )


def stop(*, promotes=False, name="one", at=LATER):
    """Return the entry of a stop."""
    actions = ("Remove", "Promote") if promotes else ("Retain", "Remove")
    both = dict(zip(("old", "new"), actions, strict=True))
    return call("StopInferenceExperiment", name, at, ModelVariantActions=both)


def becomes(status, name="one"):
    """Return the entry of a change of status."""
    return {"kind": "status", "name": name, "to": status}


def runs(config, cause="one"):
    """Return the entry of a deployment."""
    facts = {"endpoint": ENDPOINT, "changed": ["config"], "config": config, "cause": cause}
    return {"kind": "endpoint", **facts}


BEGUN = [runs("first", "CreateEndpoint"), creation(), runs("tested"), becomes("Running")]
PROMOTED = [*BEGUN, stop(promotes=True), runs("promoted"), becomes("Completed")]
REMOVED = [*BEGUN, stop(), runs("given back"), becomes("Cancelled")]
DEPLOYED = [*BEGUN, runs("hotfix", "UpdateEndpoint")]


def examine(history, passed_at=PASSED):
    """Audit a history."""
    audit_life(history, endpoint=ENDPOINT, configs=CONFIGS, passed_at=passed_at)


@pytest.mark.parametrize(
    "history",
    [
        PROMOTED,
        REMOVED,
        [*BEGUN, becomes("Stopping"), runs("given back"), becomes("Completed")],
        [*PROMOTED, runs("hotfix", "UpdateEndpoint")],
        [*DEPLOYED, stop(), runs("given back"), becomes("Cancelled")],
        [creation(), becomes("Cancelled"), call("DeleteInferenceExperiment"), *REMOVED],
    ],
    ids=["promoted", "removed", "expired", "hotfix after", "hotfix and removed", "made anew"],
)
def test_what_may_be(history):
    """Histories in which nothing went wrong give no complaint."""
    examine(history)


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([*REMOVED, creation("two", "7"), becomes("Cancelled", "two")], "2 experiments instead"),
        ([runs("first", "CreateEndpoint")], "0 experiments instead of one"),
        ([*REMOVED, stop()], "was stopped 2 times"),
        (BEGUN, "experiments that go on"),
        ([*BEGUN, runs("given back"), runs("tested"), becomes("Cancelled")], "a shadow is left"),
        ([*BEGUN, runs("promoted")], "production serves v2, not one of"),
        ([*BEGUN, stop(), runs("promoted")], "production serves v2, not one of"),
        ([*DEPLOYED, runs("tested")], "production serves v1, not one of"),
        ([*DEPLOYED, stop(promotes=True), runs("promoted")], "production serves v2, not one of"),
        ([*PROMOTED, runs("first", "nobody")], "a change that nobody caused"),
    ],
    ids=[
        "two experiments",
        "none",
        "two stops",
        "goes on",
        "shadow left",
        "promoted by nobody",
        "promoted by a removal",
        "put back over a hotfix",
        "promoted over a hotfix",
        "deployed by nobody",
    ],
)
def test_what_may_not_be(history, says):
    """Each kind of fault in a history is reported with what it concerns."""
    with pytest.raises(AssertionError, match=says):
        examine(history)


@pytest.mark.parametrize(
    ("passed_at", "stopped_at"), [(None, LATER), (PASSED, EARLIER)], ids=["no PASS", "before it"]
)
def test_a_promotion_without_a_pass(passed_at, stopped_at):
    """A promotion is a fault where there was no PASS, or only a later one."""
    history = [*BEGUN, stop(promotes=True, at=stopped_at), runs("promoted"), becomes("Completed")]
    with pytest.raises(AssertionError, match="production serves v2, not one of"):
        examine(history, passed_at)
