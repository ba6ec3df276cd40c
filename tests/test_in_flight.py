"""Tasks that were deferred by an earlier version are resumed by this one."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from airflow_shadow._compat import import_string
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    StopInferenceExperimentOperator,
    UpdateInferenceExperimentOperator,
)
from airflow_shadow.sensors import InferenceExperimentSensor
from tests.helpers import CREATE, serves, somebodys
from tests.tasks import Tasks

#: Triggers as the version of November 2026 wrote them into Airflow's database.
RECORDED = json.loads(Path(__file__).with_name("in_flight.json").read_text())
REMOVE = {"AllTraffic": "Retain", "churn-v2": "Remove"}
#: Each with its task's arguments, and how the experiment ends: its status, the model that serves.
CASES = {
    "create": (CreateInferenceExperimentOperator, CREATE, ("Running", "churn-v1")),
    "update": (
        UpdateInferenceExperimentOperator,
        {"name": "theirs", "sampling_percentage": 50},
        ("Running", "churn-v1"),
    ),
    "promote": (PromoteShadowVariantOperator, {"name": "theirs"}, ("Completed", "churn-v2")),
    "remove": (RemoveShadowVariantOperator, {"name": "theirs"}, ("Cancelled", "churn-v1")),
    "stop": (
        StopInferenceExperimentOperator,
        {"name": "theirs", "model_variant_actions": REMOVE},
        ("Cancelled", "churn-v1"),
    ),
    "sensor": (
        InferenceExperimentSensor,
        {"name": "theirs", "target_statuses": ["Completed"], "poke_interval": 0.01},
        ("Completed", "churn-v1"),
    ),
}


def test_all_that_was_recorded_is_resumed():
    """Every recorded trigger is used by a test."""
    assert {*RECORDED} == {*CASES}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("churn")
def test_a_task_in_flight_goes_on(sagemaker, case):
    """A recorded trigger of an earlier version is read, and its task goes on to the end."""
    operator, arguments, ends = CASES[case]
    recorded = RECORDED[case]
    mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    name = recorded["arguments"]["goal"]["name"]
    somebodys(sagemaker, name, ShadowModeConfig=mode)
    if case == "update":
        half = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=50)
        sagemaker.update_inference_experiment(Name=name, ShadowModeConfig=half)
    if case == "sensor":
        sagemaker.stop_inference_experiment(
            Name=name, ModelVariantActions=REMOVE, DesiredState="Completed"
        )
    trigger = import_string(recorded["path"])(
        **{**recorded["arguments"], "deadline": time.time() + 60}
    )
    run = Tasks("deferred").run(operator, in_flight=trigger, **arguments)
    assert ends == (run.experiment["Status"], *serves(sagemaker))
