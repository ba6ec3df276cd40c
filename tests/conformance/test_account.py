"""Faults of AWS on the way, and things that somebody else put in the run's place."""

from __future__ import annotations

import pytest

from airflow_shadow.conformance import account
from airflow_shadow.emulator import fleet
from tests.conformance.conftest import RUN, left


@pytest.mark.parametrize("kind", ["throttle", "server-error", "expired-token", "drop-before"])
def test_a_fault_that_stays_ends_the_run(conformance, emulator, sagemaker, monkeypatch, kind):
    """With a clean-up and four clear lines; what was not looked at is said to be so."""
    monkeypatch.setattr(account, "PATIENCE", 0.2)
    emulator.faults.add(kind=kind, operation="UpdateInferenceExperiment", times=None, about="sched")
    done = conformance()
    assert (1, []) == (done.code, left(sagemaker))
    assert "Next: " in done.err
    assert done.record["ended"].startswith("with an error")
    assert "the run ended before" == done.seen["desired-state"]


@pytest.mark.parametrize("operation", ["CreateEndpoint", "CreateInferenceExperiment"])
@pytest.mark.parametrize("kind", ["drop-after", "throttle"])
def test_a_fault_that_passes_is_survived(conformance, emulator, sagemaker, kind, operation):
    """Even where AWS has acted and only its answer was lost."""
    emulator.faults.add(kind=kind, operation=operation, times=1)
    done = conformance("--only", "busy-code")
    assert ([], set()) == (left(sagemaker), set(done.outcomes.values()) & {"differs"})


@pytest.mark.parametrize("operation", ["CreateEndpoint", "UpdateEndpoint", "ListTags"])
def test_a_missing_right_is_named(conformance, emulator, sagemaker, operation):
    """What needs it could not be seen, the rest goes on; nothing is left that may be deleted."""
    emulator.faults.add(kind="access-denied", operation=operation, times=None)
    done = conformance()
    assert "access denied" in str(done.seen)
    assert "as assumed" == done.outcomes["unknown-name"]
    if operation == "ListTags":  # nothing proves whose it is
        assert (1, True) == (done.code, "access denied" in done.err)
    else:
        assert [] == left(sagemaker)


def test_what_somebody_else_put_in_its_place_stays(conformance, emulator, sagemaker, at_call):
    """An endpoint that lost the run's tag, made anew by another, is neither tested nor deleted."""

    def replace() -> None:
        sagemaker.delete_endpoint(EndpointName=RUN)
        sagemaker.create_endpoint(EndpointName=RUN, EndpointConfigName=f"{RUN}-config")

    at_call(26, replace)
    done = conformance()
    calls = [one for one in emulator.history() if one["kind"] == "call" and one["name"] == RUN]
    assert (1, True) == (done.code, RUN in left(sagemaker))
    assert "it has no tag of the run; it was not touched" in done.err
    assert ["CreateEndpoint", "DeleteEndpoint", "CreateEndpoint"] == [
        one["operation"] for one in calls
    ]


def test_an_endpoint_of_the_runs_name_is_not_touched(conformance, emulator, sagemaker):
    """The creation is refused, and what is there stays."""
    fleet.create_endpoint(sagemaker, endpoint_name=RUN, model_name="model-a")
    sagemaker.delete_endpoint_config(EndpointConfigName=f"{RUN}-config")
    before = sagemaker.describe_endpoint(EndpointName=RUN)
    conformance()
    after = sagemaker.describe_endpoint(EndpointName=RUN)
    assert before["LastModifiedTime"] == after["LastModifiedTime"]
    assert [RUN] == left(sagemaker)
