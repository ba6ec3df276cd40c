"""Somebody deploys while a task is about to change something: production is what they say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow._compat import AirflowFailException, AirflowSkipException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    StartInferenceExperimentOperator,
    StopInferenceExperimentOperator,
    UpdateInferenceExperimentOperator,
)
from tests.helpers import (
    CLEARED,
    accepted,
    bears_a_shadow,
    created,
    deploy,
    described,
    fails,
    meanwhile,
    redeploy,
    serves,
    somebodys,
    until,
)

pytestmark = pytest.mark.usefixtures("churn")

NAME = "theirs"


@pytest.fixture
def promote(tasks):
    """Run a promotion in both modes."""
    return lambda **arguments: tasks.run(
        PromoteShadowVariantOperator, **{"name": NAME, **arguments}
    )


@pytest.fixture
def promoting_stop(tasks):
    """Run a stop that promotes in both modes."""
    promotion = {"AllTraffic": "Remove", "churn-v2": "Promote"}
    return lambda: tasks.run(
        StopInferenceExperimentOperator, name=NAME, model_variant_actions=promotion
    )


@pytest.fixture
def running(sagemaker, emulator):
    """Let an experiment run at full sampling for two hours."""
    mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    schedule = {"EndTime": emulator.clock.now() + timedelta(hours=2)}
    return somebodys(sagemaker, NAME, ShadowModeConfig=mode, Schedule=schedule)


def in_service(sagemaker):
    """Wait until a deployment has ended."""
    fleet.wait_in_service(sagemaker, endpoint_name="churn")


def resize(sagemaker, count):
    """Begin to change how many instances production has."""
    capacity = {"VariantName": "AllTraffic", "DesiredInstanceCount": count}
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn", DesiredWeightsAndCapacities=[capacity]
    )


def scale(sagemaker):
    """Let automatic scaling bring production to nine instances."""
    resize(sagemaker, 9)
    in_service(sagemaker)


def production_of(sagemaker, name):
    """Return the model that an experiment puts on production."""
    return described(sagemaker, name)["ModelVariants"][0]["ModelName"]


# --- creation -----------------------------------------------------------------------------


def test_a_deployment_that_ends_before_the_creation_stays(create, sagemaker, log):
    """It showed the old model when the task read it, which must not come back."""
    log.when(
        "Endpoint 'churn' is InService and free", lambda: deploy(sagemaker, "churn-v3", wait=False)
    )
    log.when("Creating experiment 'churn-", lambda: in_service(sagemaker))
    name = create().value
    assert (["churn-v3"], "churn-v3") == (serves(sagemaker), production_of(sagemaker, name))


def test_a_deployment_between_reading_and_creating_stays(create, sagemaker, emulator, log):
    """All that was checked is read again right before the call."""
    log.when("Creating experiment 'churn-", lambda: deploy(sagemaker, "churn-v3"))
    name = create().value
    assert (["churn-v3"], "churn-v3") == (serves(sagemaker), production_of(sagemaker, name))
    assert [name] == created(emulator)
    assert 1 == len(log.containing("Somebody is changing endpoint 'churn'"))


def test_a_deployment_under_way_is_waited_for(create, sagemaker, emulator, log):
    """Whoever deploys at that moment is not disturbed, and what they deploy is tested against."""
    emulator.reads = 5
    log.when("Creating experiment 'churn-", lambda: deploy(sagemaker, "churn-v3", wait=False))
    name = create().value
    assert (["churn-v3"], "churn-v3") == (serves(sagemaker), production_of(sagemaker, name))
    assert log.containing("Endpoint 'churn' is Updating; waiting")


def test_scaling_meanwhile_is_taken_over(create, sagemaker, log):
    """The count of the moment of the call is the one that production keeps."""
    log.when("Creating experiment 'churn-", lambda: scale(sagemaker))
    create()
    [production] = sagemaker.describe_endpoint(EndpointName="churn")["ProductionVariants"]
    assert 9 == production["DesiredInstanceCount"]


def test_production_that_became_the_candidate_is_not_tested(create, sagemaker, log):
    """What somebody deployed meanwhile is checked like what was there before."""
    log.when("Creating experiment 'churn-", lambda: deploy(sagemaker, "churn-v2"))
    with pytest.raises(AirflowSkipException, match=r"serves 'churn-v2' on ml.m5.xlarge already"):
        create()
    assert not bears_a_shadow(sagemaker)


# --- promotion ----------------------------------------------------------------------------


def test_a_deployment_under_way_at_a_promotion_stays(promote, running, emulator, sagemaker):
    """The candidate was tested against the model before it, which still shows."""
    emulator.faults.add(kind="hold-before", operation="AddTags")
    with meanwhile(emulator, lambda: deploy(sagemaker, "churn-v3", wait=False)):
        text = fails(AirflowFailException, promote)
    assert "production runs 'churn-v3' now" in text
    assert (["churn-v3"], []) == (serves(sagemaker), accepted(emulator, "StopInferenceExperiment"))


def test_a_deployment_between_reading_and_promoting_stays(promote, running, emulator, sagemaker):
    """All that was checked is read again right before the call."""
    emulator.faults.add(kind="hold-before", operation="AddTags")
    with meanwhile(emulator, lambda: deploy(sagemaker, "churn-v3")):
        text = fails(AirflowFailException, promote)
    assert "production runs 'churn-v3' now" in text
    assert (["churn-v3"], []) == (serves(sagemaker), accepted(emulator, "StopInferenceExperiment"))


def test_a_stop_that_promotes_puts_nothing_over_a_deployment(
    promoting_stop, running, emulator, sagemaker
):
    """What was tested against the model before it is no better for being promoted by a stop."""
    redeploy(sagemaker, model_name="churn-v3")
    text = fails(AirflowFailException, promoting_stop)
    assert "production runs 'churn-v3' now" in text
    assert (["churn-v3"], []) == (serves(sagemaker), accepted(emulator, "StopInferenceExperiment"))


def test_a_stop_that_promotes_waits_for_a_deployment_under_way(
    promoting_stop, running, emulator, sagemaker, log
):
    """It still shows the model that it is about to replace."""
    emulator.reads = 6
    deploy(sagemaker, "churn-v3", wait=False)
    text = fails(AirflowFailException, promoting_stop)
    assert "production runs 'churn-v3' now" in text
    assert log.containing("Somebody is changing endpoint 'churn'; waiting.")
    assert (["churn-v3"], []) == (serves(sagemaker), accepted(emulator, "StopInferenceExperiment"))


def test_scaling_between_reading_and_promoting_is_taken_over(promote, running, emulator, sagemaker):
    """The candidate gets as many instances as production has at the moment of the call."""
    emulator.faults.add(kind="hold-before", operation="AddTags")
    with meanwhile(emulator, lambda: scale(sagemaker)):
        promote()
    [production] = sagemaker.describe_endpoint(EndpointName="churn")["ProductionVariants"]
    assert 9 == production["DesiredInstanceCount"]


def test_a_deployment_right_after_a_promotion_is_no_failure(promote, running, sagemaker, log):
    """AWS's record proves the promotion; what serves since then is somebody else's."""

    def act():
        until(sagemaker, NAME, "Completed")
        deploy(sagemaker, "churn-v3", VariantName="churn-v2")

    log.when("Waiting for endpoint 'churn' to serve", act)
    run = promote(waiter_timeout=20)
    assert ("Completed", ["churn-v3"]) == (run.experiment["Status"], serves(sagemaker))


# --- what else changes an experiment ------------------------------------------------------


def scheduled(sagemaker, emulator):
    """Let an experiment wait for its start in five hours."""
    start = {"StartTime": emulator.clock.now() + timedelta(hours=5)}
    return somebodys(sagemaker, NAME, rests="Created", Schedule=start)


REMOVAL = {"AllTraffic": "Retain", "churn-v2": "Remove"}
CHANGES = {
    RemoveShadowVariantOperator: ({}, "Cancelled"),
    StopInferenceExperimentOperator: ({"model_variant_actions": REMOVAL}, "Cancelled"),
    UpdateInferenceExperimentOperator: ({"sampling_percentage": 50}, "Running"),
    StartInferenceExperimentOperator: ({}, "Running"),
}


@pytest.mark.parametrize("operator", CHANGES)
def test_whoever_deploys_is_waited_for(tasks, sagemaker, emulator, operator):
    """A deployment takes minutes, and AWS changes no experiment meanwhile."""
    arguments, ends = CHANGES[operator]
    if operator is StartInferenceExperimentOperator:
        scheduled(sagemaker, emulator)
    else:
        somebodys(sagemaker, NAME)
    emulator.reads = 12
    resize(sagemaker, 1)
    run = tasks.run(operator, name=NAME, waiter_timeout=20, **arguments)
    assert ends == run.experiment["Status"]


def test_whoever_deploys_is_waited_for_by_a_creation_that_replaces(create, sagemaker, emulator):
    """A clear with other arguments ends the experiment before it."""
    first = create().value
    emulator.reads = 12
    resize(sagemaker, 1)
    second = create(sampling_percentage=20, ti=CLEARED, waiter_timeout=20).value
    assert ([first, second], "Cancelled") == (
        created(emulator),
        described(sagemaker, first)["Status"],
    )


# --- what deploys production as the experiment has it ---------------------------------------


@pytest.fixture
def raise_sampling(tasks):
    """Run an update of the sampling in both modes."""
    return lambda **more: tasks.run(
        UpdateInferenceExperimentOperator, **{"name": NAME, "sampling_percentage": 50, **more}
    )


@pytest.fixture
def start(tasks):
    """Run a start in both modes."""
    return lambda: tasks.run(StartInferenceExperimentOperator, name=NAME)


def test_another_sampling_does_not_put_back_what_was_replaced(
    raise_sampling, running, emulator, sagemaker
):
    """AWS deploys production anew with the model that the experiment began with."""
    redeploy(sagemaker, model_name="churn-v3")
    text = fails(AirflowFailException, raise_sampling)
    assert "model 'churn-v3' would become 'churn-v1'" in text
    assert ["churn-v3"] == serves(sagemaker)
    assert [] == accepted(emulator, "UpdateInferenceExperiment")


def test_another_sampling_waits_for_a_deployment_under_way(
    raise_sampling, running, emulator, sagemaker, log
):
    """It still shows the model that it is about to replace."""
    emulator.reads = 6
    deploy(sagemaker, "churn-v3", wait=False)
    text = fails(AirflowFailException, raise_sampling)
    assert "model 'churn-v3' would become 'churn-v1'" in text
    assert log.containing("Somebody is changing endpoint 'churn'; waiting.")
    assert (["churn-v3"], []) == (
        serves(sagemaker),
        accepted(emulator, "UpdateInferenceExperiment"),
    )


def test_scaling_is_no_reason_to_keep_the_sampling(raise_sampling, running, sagemaker):
    """An update keeps the counts."""
    scale(sagemaker)
    raise_sampling()
    [production] = sagemaker.describe_endpoint(EndpointName="churn")["ProductionVariants"]
    assert 9 == production["DesiredInstanceCount"]


def test_another_end_deploys_nothing(raise_sampling, running, emulator, sagemaker):
    """So it is no matter what somebody has deployed."""
    redeploy(sagemaker, model_name="churn-v3")
    raise_sampling(sampling_percentage=None, duration="3h")
    assert ["churn-v3"] == serves(sagemaker)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda sm: deploy(sm, "churn-v3"), "model 'churn-v3' would become 'churn-v1'"),
        (scale, "9 instances would become"),
        (
            lambda sm: [
                sm.delete_model(ModelName="churn-v1"),
                fleet.create_model(sm, name="churn-v1"),
            ],
            "deleted and created again",
        ),
    ],
)
def test_a_start_does_not_put_back_what_was_replaced(start, emulator, sagemaker, change, told):
    """Between a creation and its start may lie days."""
    scheduled(sagemaker, emulator)
    change(sagemaker)
    before = sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"]
    assert told in fails(AirflowFailException, start)
    after = sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"]
    assert (before, []) == (after, accepted(emulator, "StartInferenceExperiment"))
