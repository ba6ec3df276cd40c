"""The calls of AWS that a creation makes: each costs time, and a share of the account's rate."""

from __future__ import annotations

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.hooks.base import CallingHook
from tests.helpers import fails, somebodys, stop

BEFORE = [
    "DescribeInferenceExperiment",  # is there one of ours already?
    "DescribeModel",  # does the candidate exist?
    "DescribeEndpoint",  # is it free, and what does it run?
    "DescribeEndpointConfig",
    "DescribeModel",  # production's: is it still what runs, and may it be tested?
    "ListTags",  # the endpoint's: is a newer run's model in production?
    "DescribeScalableTargets",  # will a promotion be refused?
    "DescribeEndpoint",  # has somebody deployed since?
    "CreateInferenceExperiment",
]


@pytest.fixture
def calls(monkeypatch):
    """Collect the operations that the task calls, in their order."""
    made = []
    ask = CallingHook.ask

    def record(hook, operation, params, **more):
        made.append(operation)
        return ask(hook, operation, params, **more)

    monkeypatch.setattr(CallingHook, "ask", record)
    return made


def test_a_creation_on_a_free_endpoint_makes_nine_calls(once, churn, calls, emulator):
    """After them it only polls the experiment until that is Running."""
    emulator.reads = 2
    once()
    assert [*BEFORE, *["DescribeInferenceExperiment"] * 3] == calls


def test_the_candidate_is_described_again_after_a_wait(once, churn, sagemaker, calls, log):
    """It may have been deleted while another experiment held the endpoint."""
    somebodys(sagemaker)
    log.when("is busy with experiment", lambda: stop(sagemaker, "theirs"))
    once()
    models = [call for call in calls if call == "DescribeModel"]
    assert 3 == len(models)


def test_a_candidate_that_is_deleted_during_the_wait_is_refused(once, churn, sagemaker, log):
    """Production is not touched for a test that could not begin."""
    somebodys(sagemaker)

    def delete():
        stop(sagemaker, "theirs")
        sagemaker.delete_model(ModelName="churn-v2")

    log.when("is busy with experiment", delete)
    text = fails(AirflowFailException, once)
    assert "no model named 'churn-v2'" in text


def test_a_deleted_production_model_is_refused(once, churn, sagemaker):
    """AWS would deploy production anew from it."""
    sagemaker.delete_model(ModelName="churn-v1")
    assert "no model named 'churn-v1'" in fails(AirflowFailException, once)
