"""A creation on endpoints that will not do, and on busy ones."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta

import pytest

import airflow_shadow.steps.base
from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
)
from airflow_shadow.triggers import inference_experiment as trigger_module
from tests.helpers import (
    CREATE,
    accepted,
    another,
    created,
    deploy,
    explicit,
    fails,
    somebodys,
)

pytestmark = pytest.mark.usefixtures("churn")


# --- endpoints that will not do


NO_INSTANCES = {"InstanceType": None, "InitialInstanceCount": None}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}, **NO_INSTANCES}
ASYNC = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}}
CONTAINER = {"Image": fleet.IMAGE}


@pytest.mark.parametrize(
    ("variants", "members", "reason"),
    [
        ([SERVERLESS], {}, "it is serverless"),
        ([{}], ASYNC, "it is asynchronous"),
        ([{"ModelName": None}], {}, "it hosts inference components"),
        ([{"InstanceType": "ml.inf1.xlarge"}], {}, "it runs on Inf1 instances"),
        ([{}, {"VariantName": "B"}], {}, "it has 2 production variants"),
        ([{"ModelName": "two-containers"}], {}, "'two-containers' has 2 containers"),
        ([{"ModelName": "many-models"}], {}, "'many-models' is a multi-model container"),
        ([{"InstanceType": "ml.inf1.xlarge"}], ASYNC, "it is asynchronous; it runs on Inf1"),
    ],
)
def test_an_unsupported_endpoint_is_refused(once, sagemaker, variants, members, reason):
    """Each kind of endpoint that shadow tests exclude is refused before the call, with why."""
    role = fleet.ROLE_ARN
    sagemaker.create_model(
        ModelName="two-containers", ExecutionRoleArn=role, Containers=[CONTAINER, CONTAINER]
    )
    sagemaker.create_model(
        ModelName="many-models",
        ExecutionRoleArn=role,
        PrimaryContainer={**CONTAINER, "Mode": "MultiModel"},
    )
    another(sagemaker, *variants, **members)
    text = fails(AirflowFailException, once, endpoint_name="other")
    assert reason in text
    assert [] == sagemaker.list_inference_experiments()["InferenceExperiments"]


def test_a_shadow_without_an_experiment_is_refused(create, sagemaker):
    """A shadow that nobody owns never goes by itself, so waiting for it would be in vain."""
    shadow = {
        "VariantName": "old-shadow",
        "ModelName": "churn-v2",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 1,
    }
    another(sagemaker, ShadowProductionVariants=[shadow])
    text = fails(AirflowFailException, create, endpoint_name="other")
    assert "endpoint 'other' has shadow variant 'old-shadow', which no experiment owns" in text
    assert "Remove the shadow" in text


def test_a_missing_endpoint_is_refused(create):
    """An endpoint that does not exist does not come by waiting."""
    text = fails(AirflowFailException, create, endpoint_name="nowhere")
    assert "no endpoint named 'nowhere'" in text


def test_a_failed_endpoint_is_refused(create, sagemaker, emulator):
    """An endpoint that failed does not mend by waiting."""
    emulator.faults.add(kind="fail-endpoint", reason="No image.")
    with pytest.raises(RuntimeError, match="other failed"):
        another(sagemaker)
    text = fails(AirflowFailException, create, endpoint_name="other")
    assert "endpoint 'other' is Failed.\nAWS says: No image." in text


def test_a_missing_candidate_is_refused(once, emulator):
    """A candidate that does not exist is noticed before production is touched."""
    text = fails(AirflowFailException, once, shadow_model_name="churn-v9")
    assert "no model named 'churn-v9'" in text
    assert [] == created(emulator)


# --- a busy endpoint


def gone(sagemaker, name):
    """Delete an experiment that has not started."""
    return lambda: sagemaker.delete_inference_experiment(Name=name)


def test_a_running_experiment_of_others_is_waited_for(create, sagemaker, emulator, log):
    """A shadow on the endpoint means a wait, with the holder and its end in the log."""
    shown = somebodys(sagemaker, Schedule={"EndTime": emulator.clock.now() + timedelta(hours=2)})
    until = shown["Schedule"]["EndTime"].astimezone(UTC).isoformat()
    holder = f"Endpoint 'churn' is busy with experiment 'theirs' (Running) until {until}"
    busy = f"{holder}; waiting, attempt 1."
    log.when(busy, lambda: emulator.clock.advance(3 * 3600))
    assert ["theirs", create().value] == created(emulator)
    assert [busy] == log.containing(holder)


@pytest.mark.parametrize("code", ["ResourceInUse", "ConflictException", "ValidationException"])
def test_a_scheduled_experiment_of_others_is_waited_for(create, sagemaker, emulator, log, code):
    """The endpoint shows nothing of it, so AWS's refusal is looked into, whatever its code."""
    emulator.busy_code = code
    start = emulator.clock.now() + timedelta(hours=5)
    somebodys(sagemaker, rests="Created", Schedule={"StartTime": start})
    log.when("is busy with experiment 'theirs' (Created)", gone(sagemaker, "theirs"))
    assert ["theirs", create().value] == created(emulator)
    assert 1 == len(log.containing("AWS refused the creation"))


@pytest.mark.parametrize("code", ["ResourceInUse", "ConflictException", "ValidationException"])
def test_two_tasks_that_ask_at_once(create, sagemaker, emulator, log, code):
    """Who comes second at the same moment waits for the first."""
    emulator.busy_code = code
    schedule = {"StartTime": emulator.clock.now() + timedelta(hours=5)}
    log.when(
        "Creating experiment 'churn-",
        lambda: somebodys(sagemaker, rests="Created", Schedule=schedule),
    )
    log.when("is busy with experiment 'theirs'", gone(sagemaker, "theirs"))
    assert ["theirs", create().value] == created(emulator)


def test_two_copies_of_a_task_create_one_experiment(create, worker, emulator, log):
    """A task that Airflow runs twice finds its own experiment under the name it was refused."""
    log.when(
        "Creating experiment 'churn-",
        lambda: worker.run(CreateInferenceExperimentOperator, **CREATE),
    )
    assert [create().value] == created(emulator)


def test_an_endpoint_that_is_updating_is_waited_for(create, sagemaker, emulator, log):
    """Somebody else's update of the endpoint ends by itself."""
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="churn-config")
    assert [create().value] == created(emulator)
    assert "Endpoint 'churn' is Updating; waiting, attempt 1." in log.lines


@pytest.fixture
def killed_while_busy(tasks, sagemaker, monkeypatch, log):
    """Mark a creation failed while it waits for somebody's experiment; return what it left."""

    def kill():
        for module in (airflow_shadow.steps.base, trigger_module):
            monkeypatch.setattr(module, "task_state", lambda _: "failed")
        waiting = []

        class Waiting(CreateInferenceExperimentOperator):
            def execute(self, context):
                waiting.append((self, context["ti"]))
                return super().execute(context)

        def on_kill():
            waiting[0][0].on_kill()

        log.when("Endpoint 'churn' is busy", on_kill)
        # In the worker the wait has to end by itself; a deferral must come before any deadline.
        patience = 0.2 if tasks.mode == "worker" else 3600
        arguments = {**CREATE, "on_kill_action": "stop", "endpoint_timeout": patience}
        if tasks.mode == "worker":
            fails(AirflowException, tasks.run, Waiting, **arguments)
        else:
            run = tasks.run(Waiting, **arguments, until_deferred=True)
            asyncio.run(run.trigger.on_kill())
        return waiting[0][1].xcoms

    return kill


@pytest.mark.parametrize("name", ["theirs", "churn"])
def test_the_holders_experiment_is_not_ours(killed_while_busy, sagemaker, emulator, name):
    """A task that waits for a busy endpoint neither links to what holds it nor stops it.

    Also if that bears the endpoint's name.
    """
    somebodys(sagemaker, name)
    assert {} == killed_while_busy()
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_the_endpoint_has_a_deadline_of_its_own(create, sagemaker):
    """`endpoint_timeout` bounds the wait for the endpoint, and a retry may go on with it."""
    somebodys(sagemaker)
    text = fails(AirflowException, create, endpoint_timeout=0.05)
    assert "to be InService and free of other experiments" in text
    assert "endpoint 'churn' is busy with experiment 'theirs' (Running)" in text


def test_no_patience_with_the_endpoint(create, sagemaker):
    """A timeout of 0 looks once and does not mean the default."""
    somebodys(sagemaker)
    text = fails(AirflowException, create, endpoint_timeout=0)
    assert "when the deadline ran out" in text


def test_a_refusal_that_nothing_explains_is_raised(create, emulator):
    """Where the endpoint is free and the name too, AWS's own words are shown."""
    emulator.faults.add(kind="quota", operation="CreateInferenceExperiment")
    text = fails(AirflowFailException, create)
    assert "AWS says: ResourceLimitExceeded: The quota is used up" in text


def test_a_repeated_refusal_is_raised(create, emulator):
    """A validation that fails on a free endpoint is asked for twice and not for ever."""
    text = fails(AirflowFailException, create, duration="30m")
    assert "AWS says: ValidationException" in text


# --- names that stand for something else by now


def create_again(emulator, sagemaker, model):
    """Delete a model and create it under its name, as a pipeline that knows one name does."""
    emulator.clock.advance(60)
    sagemaker.delete_model(ModelName=model)
    fleet.create_model(sagemaker, name=model)


def test_a_shadow_that_bears_productions_name_is_refused(create, emulator, sagemaker):
    """A fixed name is production's after the first promotion, and would look up its model."""
    deploy(sagemaker, "churn-v1", VariantName="candidate")
    text = fails(AirflowFailException, create, shadow_variant_name="candidate")
    assert "production's variant has the name 'candidate'" in text
    assert "Leave shadow_variant_name out" in text
    assert [] == created(emulator)


def test_production_under_the_shadows_name_in_full_is_refused(create, emulator):
    """Also where both variants are given in full."""
    arguments = explicit()
    mode = {**arguments["shadow_mode_config"], "SourceModelVariantName": "Candidate"}
    text = fails(AirflowFailException, create, **{**arguments, "shadow_mode_config": mode})
    assert "production's variant has the name 'Candidate'" in text
    assert [] == created(emulator)


@pytest.mark.parametrize("candidate", ["churn-v1", "churn-v2"])
def test_production_whose_model_was_exchanged_is_refused(create, emulator, sagemaker, candidate):
    """It serves the old artefact, and a creation would deploy one that nobody has tested."""
    create_again(emulator, sagemaker, "churn-v1")
    text = fails(AirflowFailException, create, shadow_model_name=candidate)
    assert "model 'churn-v1', deleted and created again since production was deployed" in text
    assert [] == created(emulator)


def test_an_exchanged_model_can_be_meant(create, emulator, sagemaker):
    """Who allows production to change can test the new artefact under the old name."""
    create_again(emulator, sagemaker, "churn-v1")
    create(shadow_model_name="churn-v1", allow_production_change=True)
    assert 1 == len(created(emulator))


def test_a_candidate_that_was_exchanged_before_is_tested(create, emulator, sagemaker):
    """What does not serve may be created as often as one likes."""
    create_again(emulator, sagemaker, "churn-v2")
    create()
    assert 1 == len(created(emulator))


@pytest.mark.parametrize("denied", [False, True])
def test_a_candidate_that_was_exchanged_is_not_promoted(create, tasks, emulator, sagemaker, denied):
    """What would serve is not what was tested; where models may not be described AWS decides."""
    name = create(sampling_percentage=100).value
    create_again(emulator, sagemaker, "churn-v2")
    if denied:
        emulator.faults.add(kind="access-denied", operation="DescribeModel", times=None)
        tasks.run(PromoteShadowVariantOperator, name=name)
    else:
        text = fails(AirflowFailException, tasks.run, PromoteShadowVariantOperator, name=name)
        assert "model 'churn-v2' was created after the experiment" in text
    assert [name] * denied == accepted(emulator, "StopInferenceExperiment")
