"""A pause that fits an emulator is noticed before it polls an account."""

from __future__ import annotations

import json
import os

import pytest

from airflow_shadow.operators import CreateInferenceExperimentOperator
from airflow_shadow.sensors import InferenceExperimentSensor
from tests.helpers import CREATE, somebodys

HASTY = "This wait polls AWS every"


@pytest.fixture
def at_aws(churn, emulator, monkeypatch):
    """Let the connection lead to AWS's address, and the calls to the emulator by way of a proxy."""
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    connection["extra"] |= {"endpoint_url": "http://sagemaker.us-east-1.amazonaws.com"}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    return {"botocore_config": {"proxies": {"http": emulator.url}}}


@pytest.mark.parametrize(("delay", "warned"), [(0.01, True), ("9s", True), (10, False)])
def test_a_hasty_wait_at_aws_is_warned_once(worker, log, at_aws, delay, warned):
    """A create waits once; that it is answered at its first poll makes no difference."""
    create = {**CREATE, "waiter_delay": delay, "waiter_max_attempts": 1}
    with pytest.raises(Exception, match="1 polls ran out"):
        worker.run(CreateInferenceExperimentOperator, **create, **at_aws)
    assert (1 if warned else 0) == len(log.containing(HASTY))


def test_a_hasty_sensor_at_aws_is_warned(worker, log, at_aws, sagemaker):
    """A sensor's pause is its `poke_interval`."""
    somebodys(sagemaker)
    watch = {"name": "theirs", "target_statuses": ["Running"], "poke_interval": 0.5}
    worker.run(InferenceExperimentSensor, **watch, **at_aws)
    assert 1 == len(log.containing(HASTY))


def test_an_emulator_may_be_polled_as_often_as_one_likes(worker, log, churn):
    """It has no quota that others share."""
    worker.run(CreateInferenceExperimentOperator, **CREATE)
    assert [] == log.containing(HASTY)
