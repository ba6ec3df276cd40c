"""AWS may show for a while what was before a change of ours."""

from __future__ import annotations

import pytest

from airflow_shadow._compat import AirflowException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    StopInferenceExperimentOperator,
    UpdateInferenceExperimentOperator,
)
from tests.helpers import CREATE, accepted, bears_a_shadow, created, fails, serves, somebodys, stop

CREATION = "CreateInferenceExperiment"
ONE_TRY = {"botocore_config": {"retries": {"total_max_attempts": 1}}}


@pytest.fixture
def create(tasks, churn):
    """Create an experiment."""
    return lambda **more: tasks.run(CreateInferenceExperimentOperator, **{**CREATE, **more})


def test_a_creation_that_is_not_shown_yet_is_waited_for(create, emulator):
    """Not found means not yet, while our own call is minutes old."""
    emulator.faults.add(kind="lag", operation=CREATION, reads=5)
    assert [create().value] == created(emulator)


def test_without_waiting_it_is_shown_all_the_same(create, emulator):
    """The description is what later tasks read."""
    emulator.faults.add(kind="lag", operation=CREATION, reads=5)
    assert create(wait_for_completion=False).value == created(emulator)[0]


@pytest.mark.parametrize("config", [{}, ONE_TRY])
@pytest.mark.parametrize("name", [{}, {"name": "mine"}])
def test_a_lost_answer_and_a_lag_create_once(create, emulator, config, name):
    """Whatever AWS shows, the experiment that stands there is ours, with the tags to come."""
    emulator.faults.add(kind="lag", operation=CREATION, reads=4, drop=True)
    assert [create(**config, **name).value] == created(emulator)


def test_the_record_before_it_is_not_taken_for_it(create, emulator, sagemaker):
    """A given name was borne before, by an experiment that was stopped."""
    create(name="mine")
    stop(sagemaker, "mine")
    emulator.faults.add(kind="lag", operation="DeleteInferenceExperiment", reads=6)
    run = create(name="mine", ti={"max_tries": 1})
    assert "Running" == run.experiment["Status"]


def test_a_removal_looks_twice(tasks, churn, sagemaker, emulator):
    """What a task created seconds ago may not be shown yet, and would run for days."""
    emulator.faults.add(kind="lag", operation=CREATION, reads=1)
    sagemaker.create_inference_experiment(
        **fleet.experiment_request(
            name="mine",
            endpoint_name="churn",
            model_name="churn-v1",
            shadow_model_name="churn-v2",
        )
    )
    tasks.run(RemoveShadowVariantOperator, name="mine", missing_ok=True)
    assert ["mine"] == accepted(emulator, "StopInferenceExperiment")
    assert not bears_a_shadow(sagemaker)


def test_an_update_that_rolls_back_twice_fails_twice(tasks, churn, sagemaker, emulator):
    """The second FailureReason may read as the first: the time of the change tells them."""
    somebodys(sagemaker, "mine")
    for _ in range(2):
        emulator.faults.add(kind="fail-update", rollback=True, reason="No capacity.")
        raised = {"name": "mine", "sampling_percentage": 50, "waiter_timeout": 5}
        text = fails(AirflowException, tasks.run, UpdateInferenceExperimentOperator, **raised)
        assert "is Running with its old values.\nAWS says: No capacity." in text


PROMOTIONS = {
    PromoteShadowVariantOperator: {},
    StopInferenceExperimentOperator: {
        "model_variant_actions": {"AllTraffic": "Remove", "churn-v2": "Promote"}
    },
}


@pytest.mark.parametrize("reads", [1, 4])
@pytest.mark.parametrize("promotion", PROMOTIONS)
@pytest.mark.usefixtures("churn")
def test_a_promotion_that_is_not_shown_yet_is_no_change_of_production(
    tasks, sagemaker, emulator, reads, promotion
):
    """Its answer was lost, and the endpoint serves the candidate before the experiment ends."""
    mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    somebodys(sagemaker, "mine", ShadowModeConfig=mode)
    operation = "StopInferenceExperiment"
    emulator.reads = 1
    emulator.faults.add(kind="lag", operation=operation, reads=reads, drop=True)
    run = tasks.run(promotion, name="mine", **PROMOTIONS[promotion], **ONE_TRY)
    assert ("Completed", ["churn-v2"]) == (run.experiment["Status"], serves(sagemaker))
    assert ["mine"] == accepted(emulator, operation)


def test_an_experiment_that_breaks_twice_is_made_a_third_time(create, emulator):
    """The endpoint's FailureReason stood there before with the same text, but it is the cause."""
    for number in (1, 2):
        emulator.faults.add(kind="fail-creation", reason="No capacity.")
        fails(AirflowException, create, ti={"try_number": number})
    run = create(ti={"try_number": 3})
    assert ("Running", 3) == (run.experiment["Status"], len(created(emulator)))
