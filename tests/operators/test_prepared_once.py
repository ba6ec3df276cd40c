"""A request gets its types and is checked against the service's model once in a task."""

from __future__ import annotations

import pytest

from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.operators import (
    StopInferenceExperimentOperator,
    UpdateInferenceExperimentOperator,
)
from tests.helpers import somebodys

pytestmark = pytest.mark.usefixtures("churn")

STOP = {"model_variant_actions": {"AllTraffic": "Retain", "churn-v2": "Remove"}}


@pytest.fixture
def prepared(monkeypatch):
    """Collect the operations whose requests the hook prepares."""
    operations = []
    prepare = InferenceExperimentHook.prepare

    def record(hook, operation, values):
        operations.append(operation)
        return prepare(hook, operation, values)

    monkeypatch.setattr(InferenceExperimentHook, "prepare", record)
    return operations


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [
        (UpdateInferenceExperimentOperator, {"sampling_percentage": 50}),
        (StopInferenceExperimentOperator, STOP),
    ],
)
def test_an_update_and_a_stop_are_prepared_once(worker, sagemaker, prepared, operator, arguments):
    """The step prepares the request, and the hook sends it as it is."""
    somebodys(sagemaker)
    worker.run(operator, name="theirs", **arguments)
    assert [operator.api_operation] == prepared
