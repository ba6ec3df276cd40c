"""CreateInferenceExperimentOperator on a free endpoint; see the files beside this one too."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    PromoteShadowVariantOperator,
)
from tests.helpers import (
    another,
    created,
    described,
    explicit,
    fails,
    statuses,
)

pytestmark = pytest.mark.usefixtures("churn")


def infrastructure(variant):
    """Return what a variant runs on."""
    uses = variant["InfrastructureConfig"]["RealTimeInferenceConfig"]
    return uses["InstanceCount"], uses["InstanceType"]


# --- waiting


def test_creates_and_waits_until_running(create, tasks, emulator):
    """A creation ends when the experiment runs, and returns its name."""
    run = create()
    assert [run.value] == created(emulator)
    assert ["Creating", "Running"] == statuses(emulator, run.value)
    assert "Running" == run.experiment["Status"]
    assert (tasks.mode == "deferred") == bool(run.deferrals)


def test_without_waiting_it_returns_at_once(create, emulator):
    """With `wait_for_completion=False` the task ends while AWS still works, and never defers."""
    run = create(wait_for_completion=False)
    assert ("Creating", 0) == (run.experiment["Status"], run.deferrals)


def test_a_start_in_the_future_waits_for_created(create, emulator):
    """A scheduled experiment need not have begun for the task to end."""
    start = emulator.clock.now() + timedelta(hours=5)
    run = create(start_time=start.isoformat())
    assert ["Creating", "Created"] == statuses(emulator, run.value)
    assert "Created" == run.experiment["Status"]


def test_a_timeout_says_what_was_seen(create, emulator):
    """A creation that takes too long may be retried, and the text says where it stood."""
    emulator.pace = "time"
    text = fails(AirflowException, create, waiter_timeout=0.05)
    assert "Found: Creating, when the deadline ran out." in text


def test_attempts_bind_too(create, emulator):
    """`waiter_max_attempts` ends a wait before its deadline."""
    emulator.pace = "time"
    text = fails(AirflowException, create, waiter_max_attempts=3)
    assert "Found: Creating, when 3 polls ran out." in text


# --- production stays


def test_shadow_gets_what_production_has(once, sagemaker):
    """The candidate is tested on production's instance type and count, as AWS advises."""
    variants = once().experiment["ModelVariants"]
    expected = [("AllTraffic", "churn-v1"), ("churn-v2", "churn-v2")]
    assert expected == [(v["VariantName"], v["ModelName"]) for v in variants]
    assert [(2, "ml.m5.xlarge")] * 2 == [infrastructure(v) for v in variants]


def test_the_desired_count_wins_over_the_configuration(once, sagemaker):
    """An endpoint that was scaled keeps its size, whatever its configuration began with."""
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 7}],
    )
    fleet.wait_in_service(sagemaker, endpoint_name="churn")
    variants = once().experiment["ModelVariants"]
    assert [(7, "ml.m5.xlarge")] * 2 == [infrastructure(v) for v in variants]


def test_explicit_variants_are_sent_as_they_are(once):
    """Who gives both variants in full gets these."""
    experiment = once(**explicit()).experiment
    shadow = experiment["ShadowModeConfig"]["ShadowModelVariants"][0]
    assert {"ShadowModelVariantName": "Candidate", "SamplingPercentage": 33} == shadow


def test_more_instances_than_now_are_no_harm(once):
    """Production may be given more instances without leave."""
    variants = once(**explicit(instance_count=3)).experiment["ModelVariants"]
    assert (3, "ml.m5.xlarge") == infrastructure(variants[0])


@pytest.mark.parametrize(
    ("production", "difference"),
    [
        ({"model_name": "churn-v3"}, "model 'churn-v1' would become 'churn-v3'"),
        ({"instance_count": 1}, "2 instances would become 1"),
        (
            {"instance_type": "ml.m5.2xlarge"},
            "instance type 'ml.m5.xlarge' would become 'ml.m5.2xlarge'",
        ),
        ({"variant_name": "Main"}, "variant 'AllTraffic' would become 'Main'"),
    ],
)
def test_a_change_of_production_is_refused(once, emulator, production, difference):
    """CreateInferenceExperiment redeploys production, so a wrong entry must not get through."""
    text = fails(AirflowFailException, once, **explicit(**production))
    assert difference in text
    assert "allow_production_change=True" in text
    assert [] == created(emulator)


def test_a_change_of_production_can_be_allowed(once):
    """Who means it says so."""
    run = once(**explicit(model_name="churn-v3"), allow_production_change=True)
    assert "churn-v3" == run.experiment["ModelVariants"][0]["ModelName"]


def test_the_key_of_the_volumes_is_kept(once, sagemaker):
    """Without its key the redeployed endpoint would lose the encryption of its volumes."""
    key = "arn:aws:kms:us-east-1:123456789012:key/volumes"
    another(sagemaker, KmsKeyId=key)
    assert key == once(endpoint_name="other").experiment["KmsKey"]


def test_another_key_wins(once, sagemaker):
    """A key that is given is sent."""
    another(sagemaker, KmsKeyId="old-key")
    assert "new-key" == once(endpoint_name="other", kms_key="new-key").experiment["KmsKey"]


def test_the_next_night_has_another_variant_name(once, worker, emulator):
    """After a promotion production bears the last shadow's name, so a fixed one would collide."""
    name = once(sampling_percentage=100).value
    worker.run(PromoteShadowVariantOperator, name=name)
    again = once(name="again", allow_serving=True).experiment
    expected = ["churn-v2", "churn-v2-shadow"]
    assert expected == [v["VariantName"] for v in again["ModelVariants"]]


# --- lost answers and crowds

#: One call is one try, so that a test sees our own patience and not botocore's.
NO_RETRIES = {"botocore_config": {"retries": {"total_max_attempts": 1}}}


@pytest.mark.parametrize("kind", ["drop-after", "drop-before"])
@pytest.mark.parametrize("config", [NO_RETRIES, {}])
def test_a_lost_answer_creates_once(create, emulator, kind, config):
    """Whether or not AWS acted before the connection broke, there is one experiment."""
    emulator.faults.add(kind=kind, operation="CreateInferenceExperiment")
    assert [create(**config).value] == created(emulator)


@pytest.mark.parametrize("kind", ["throttle", "server-error", "expired-token"])
def test_a_bad_spell_of_aws_is_waited_out(create, emulator, kind):
    """Throttling, 5xx and expired credentials are asked again, in calls and in waits."""
    emulator.faults.add(kind=kind, operation="CreateInferenceExperiment", times=3)
    emulator.faults.add(kind=kind, operation="DescribeInferenceExperiment", times=2)
    emulator.faults.add(kind=kind, operation="DescribeEndpoint", times=2)
    assert [create(**NO_RETRIES).value] == created(emulator)


# --- results


def test_the_description_is_pushed_as_json(create, sagemaker):
    """Later tasks read the XCom `experiment`: plain values and ISO times, as AWS shows them."""
    run = create()
    shown = described(sagemaker, run.value)
    assert shown["CreationTime"] == datetime.fromisoformat(run.experiment["CreationTime"])
    assert shown["EndpointMetadata"] == run.experiment["EndpointMetadata"]
    assert "ResponseMetadata" not in run.experiment


def test_nothing_is_pushed_if_so_asked(create):
    """`do_xcom_push=False` is about the description too."""
    assert {} == create(do_xcom_push=False).ti.xcoms


def test_the_plan_is_logged(once, log):
    """Before it costs anything, the log says what will run until when."""
    once()
    [plan] = log.containing("Creating experiment 'churn-")
    assert "on endpoint 'churn': copies 10 % of the requests to model 'churn-v2' until 20" in plan
    assert "up to 4 instance-hours of ml.m5.xlarge." in plan
