"""What a creation or a promotion would do to production by the way is refused, or named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.experiments.promotions import PROMOTED, Promotion, parse_promotions
from airflow_shadow.operators import CreateInferenceExperimentOperator, PromoteShadowVariantOperator
from tests.conftest import client_of
from tests.helpers import CREATE, accepted, created, deploy, fails, serves, until

pytestmark = pytest.mark.usefixtures("churn")

SETTINGS = {
    "VolumeSizeInGB": 50,
    "RoutingConfig": {"RoutingStrategy": "RANDOM"},
    "EnableSSMAccess": True,
}


@pytest.fixture
def promote(tasks):
    """Run a promotion in both modes."""
    return lambda name, **arguments: tasks.run(
        PromoteShadowVariantOperator, name=name, ti={"task_id": "promote"}, **arguments
    )


@pytest.fixture
def full(create):
    """Create an experiment at full sampling; returns its name."""
    return lambda **arguments: create(sampling_percentage=100, **arguments).value


def stops(emulator):
    """Return the names that were stopped."""
    return accepted(emulator, "StopInferenceExperiment")


# --- settings that cannot be carried over ---------------------------------------------------


def test_lost_settings_are_refused(create, emulator, sagemaker):
    """Production would go on with another volume, another routing and without its shell."""
    deploy(sagemaker, "churn-v1", **SETTINGS)
    text = fails(AirflowFailException, create)
    shown = "VolumeSizeInGB (50), EnableSSMAccess (True), RoutingConfig ("
    assert all(setting in text for setting in shown.split(", "))
    names = "['EnableSSMAccess', 'RoutingConfig', 'VolumeSizeInGB']"
    assert f"allow_lost_settings={names} (or True)" in text
    assert [] == created(emulator)


@pytest.mark.parametrize("allowed", [True, list(SETTINGS), tuple(SETTINGS)])
def test_lost_settings_can_be_allowed(create, emulator, sagemaker, allowed):
    """Who names what is lost means it."""
    deploy(sagemaker, "churn-v1", **SETTINGS)
    create(allow_lost_settings=allowed)
    assert 1 == len(created(emulator))


def test_only_what_is_named_is_allowed(create, emulator, sagemaker):
    """A setting that was added to the endpoint since is a new question."""
    deploy(sagemaker, "churn-v1", **SETTINGS)
    text = fails(AirflowFailException, create, allow_lost_settings="VolumeSizeInGB")
    assert "VolumeSizeInGB (50)" not in text
    assert "EnableSSMAccess (True)" in text
    assert [] == created(emulator)


@pytest.mark.parametrize(
    ("destination", "allowed"), [("s3://bucket/endpoint", True), ("s3://bucket/else", False)]
)
def test_the_endpoints_own_capture_is_a_setting(create, emulator, sagemaker, destination, allowed):
    """The experiment's replaces it; where that writes to the same place nothing is lost."""
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://bucket/endpoint",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "churn-v1",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 2,
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName="capturing", ProductionVariants=[variant], DataCaptureConfig=capture
    )
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="capturing")
    storage = {"data_storage_config": {"Destination": destination}}
    if not allowed:
        assert "DataCaptureConfig (" in fails(AirflowFailException, create, **storage)
    else:
        create(**storage)
    assert allowed == bool(created(emulator))


def test_a_promotion_refuses_what_is_lost_only_then(full, promote, emulator, sagemaker):
    """Whether AWS keeps a setting through the test is unknown; what it kept, a promotion loses."""
    name = full()
    deploy_kept(sagemaker)
    assert "VolumeSizeInGB (50)" in fails(AirflowFailException, promote, name)
    assert [] == stops(emulator)
    promote(name, allow_lost_settings=["VolumeSizeInGB"])
    assert ["churn-v2"] == serves(sagemaker)


def deploy_kept(sagemaker):
    """Let the endpoint under test run with a setting that AWS has kept."""
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    [production] = config["ProductionVariants"]
    sagemaker.create_endpoint_config(
        EndpointConfigName="kept",
        ProductionVariants=[{**production, "VolumeSizeInGB": 50}],
        ShadowProductionVariants=config["ShadowProductionVariants"],
    )
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="kept")


# --- automatic scaling ----------------------------------------------------------------------


@pytest.fixture
def scaled(emulator):
    """Let production be scaled automatically; returns the client that does so."""
    client = client_of(emulator, "application-autoscaling")
    client.register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/churn/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=2,
        MaxCapacity=10,
    )
    return client


def test_a_creation_names_the_scalable_target(create, scaled, log):
    """Before the test costs anything the log says that it cannot end in a promotion."""
    create()
    (line,) = log.containing("is scaled automatically (2 to 10 instances)")
    assert "autoscaling='ignore'" in line


def test_a_creation_without_one_says_nothing(create, log):
    """Most endpoints have none."""
    create()
    assert [] == log.containing("scal")


def test_a_promotion_of_a_scaled_variant_is_refused(full, promote, scaled, emulator, sagemaker):
    """Before the stop: AWS removes no variant that is a target, and nothing would scale the new."""
    name = full()
    text = fails(AirflowFailException, promote, name)
    assert "variant 'AllTraffic' of endpoint 'churn' is scaled automatically" in text
    assert ([], ["churn-v1"]) == (stops(emulator), serves(sagemaker))


def test_aws_itself_refuses_it(full, promote, scaled, emulator, sagemaker):
    """Who ignores the target asks AWS, which says no."""
    name = full()
    text = fails(AirflowFailException, promote, name, autoscaling="ignore")
    assert "is a target of automatic scaling" in text
    assert ([], ["churn-v1"]) == (stops(emulator), serves(sagemaker))


def test_without_the_target_it_is_promoted(full, promote, scaled, sagemaker):
    """As the error advises."""
    name = full()
    scaled.deregister_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/churn/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
    )
    promote(name)
    assert ["churn-v2"] == serves(sagemaker)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["access-denied", "throttle"])
def test_an_unknown_target_ends_no_task(full, promote, emulator, log, kind):
    """AWS refuses by itself where there is one; the log says what could not be asked."""
    emulator.faults.add(kind=kind, operation="DescribeScalableTargets", times=None)
    name = full()
    promote(name)
    assert [name] == stops(emulator)
    assert log.containing("Whether variant 'AllTraffic' is scaled automatically is unknown.")


# --- a description that is old --------------------------------------------------------------


def tags_of_endpoint(sagemaker):
    """Return the endpoint's tags and its ARN."""
    arn = sagemaker.describe_endpoint(EndpointName="churn")["EndpointArn"]
    listed = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in listed}, arn


def promoted_at(sagemaker, moment, model="churn-v3"):
    """Tag the endpoint as a promotion that was seen to serve would, at a moment."""
    _, arn = tags_of_endpoint(sagemaker)
    proof = f"{model}@{moment.isoformat(timespec='seconds')}"
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": PROMOTED, "Value": proof}])


def test_a_promotion_leaves_what_it_saw(full, promote, sagemaker):
    """The model and AWS's time, once it serves."""
    run = promote(full())
    tags, _ = tags_of_endpoint(sagemaker)
    ended = run.experiment["CompletionTime"]
    assert f"churn-v2@{ended}" == tags[PROMOTED]


def test_a_promotion_found_done_leaves_it_too(full, promote, sagemaker):
    """The task that promoted may have died before it saw the end; a later proof stays."""
    name = full()
    promote(name, wait_for_completion=False)
    assert PROMOTED not in tags_of_endpoint(sagemaker)[0]
    ended = until(sagemaker, name, "Completed")["CompletionTime"]
    promote(name)
    [proof] = parse_promotions(tags_of_endpoint(sagemaker)[0][PROMOTED])
    assert Promotion("churn-v2", ended) == proof
    promoted_at(sagemaker, ended + timedelta(days=1))
    promote(name)
    assert "churn-v3@" in tags_of_endpoint(sagemaker)[0][PROMOTED]


def test_the_next_night_is_not_disturbed(full, promote, create, emulator):
    """What AWS describes agrees with the tag."""
    promote(full())
    run = create(ti={"run_id": "next"}, shadow_model_name="churn-v3")
    assert run.value == created(emulator)[-1]


NEXT = {"ti": {"run_id": "next"}, "shadow_model_name": "churn-v3"}


@pytest.fixture
def promoted(full, promote, emulator):
    """Promote; then so many descriptions show the endpoint as it was before the experiment."""

    def run(*, times, updates=2):
        name = full()
        emulator.clock.advance(60)
        promote(name)
        emulator.faults.add(kind="old-endpoint", about="churn", times=times, updates=updates)
        return name

    return run


def test_an_old_description_is_refused(promoted, create, emulator, log):
    """It shows the model before the promotion, which a creation would put back."""
    name = promoted(times=None)
    text = fails(AirflowException, create, **NEXT)
    assert "with model 'churn-v1', but 'churn-v2' was promoted at" in text
    assert "airflow-shadow:promoted" in text
    assert 5 == len(log.containing("reading it again."))
    assert [name] == created(emulator)


def test_an_old_description_is_looked_at_again(promoted, create, sagemaker, log):
    """Until AWS shows what serves."""
    promoted(times=3)
    name = create(**NEXT).value
    assert log.containing("reading it again.")
    variants = sagemaker.describe_inference_experiment(Name=name)["ModelVariants"]
    assert "churn-v2" == variants[0]["ModelName"]


def test_a_description_with_the_promoted_shadow_is_waited_out(promoted, create, sagemaker, log):
    """It is of the time of the experiment, which AWS shows as ended already."""
    promoted(times=2, updates=1)
    name = create(**NEXT).value
    assert log.containing("which no experiment owns; waiting, attempt 1.")
    variants = sagemaker.describe_inference_experiment(Name=name)["ModelVariants"]
    assert "churn-v2" == variants[0]["ModelName"]


def test_what_was_deployed_since_serves(create, emulator, sagemaker):
    """A person who rolls back after a promotion means it."""
    promoted_at(sagemaker, emulator.clock.now())
    emulator.clock.advance(600)
    deploy(sagemaker, "churn-v1")
    create()
    assert 1 == len(created(emulator))


def test_tags_that_may_not_be_read_end_no_task(worker, emulator, sagemaker):
    """As for the order of rollouts."""
    promoted_at(sagemaker, emulator.clock.now() + timedelta(minutes=5))
    emulator.faults.add(kind="access-denied", operation="ListTags", times=None)
    worker.run(CreateInferenceExperimentOperator, **CREATE)
    assert 1 == len(created(emulator))
