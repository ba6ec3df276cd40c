"""A creation that captures what both variants answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from moto.core.botocore_stubber import MockRawResponse

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.emulator import fleet, mocked
from airflow_shadow.hooks.capture import CaptureHook
from tests.conftest import REGION, client_of
from tests.helpers import created, described, fails, redeploy, somebodys

pytestmark = pytest.mark.usefixtures("churn")

PAGE = Path(__file__).parents[2] / "docs" / "answers.md"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TEXT = {
    "CsvContentTypes": ["text/csv"],
    "JsonContentTypes": ["application/json", "application/jsonlines"],
}


@pytest.fixture
def s3(emulator):
    """Return a client of the emulator's S3, which has a bucket."""
    client = client_of(emulator, "s3")
    client.create_bucket(Bucket="captures")
    return client


@pytest.fixture
def own_capture(churn, sagemaker):
    """Let the endpoint capture for itself, and a schedule monitor that."""
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://captures/monitored",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    name = sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    sagemaker.create_endpoint_config(
        EndpointConfigName="capturing",
        ProductionVariants=config["ProductionVariants"],
        DataCaptureConfig=capture,
    )
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="capturing")
    fleet.wait_in_service(sagemaker, endpoint_name="churn")
    monitor(sagemaker, "drift-of-churn", "churn")
    monitor(sagemaker, "drift-of-others", "others")


def monitor(sagemaker: Any, name: str, endpoint_name: str) -> None:
    """Schedule a monitoring of what an endpoint captures."""
    place = {"LocalPath": "/opt/ml/processing/input"}
    sagemaker.create_monitoring_schedule(
        MonitoringScheduleName=name,
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            "MonitoringJobDefinition": {
                "MonitoringInputs": [{"EndpointInput": {"EndpointName": endpoint_name, **place}}],
                "MonitoringOutputConfig": {
                    "MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://captures/reports", **place}}]
                },
                "MonitoringResources": {
                    "ClusterConfig": {
                        "InstanceCount": 1,
                        "InstanceType": "ml.m5.large",
                        "VolumeSizeInGB": 20,
                    }
                },
                "MonitoringAppSpecification": {"ImageUri": fleet.IMAGE},
                "RoleArn": fleet.ROLE_ARN,
            },
        },
    )


def storage(sagemaker: Any, run: Any) -> dict[str, Any]:
    """Return where the experiment of a run captures to."""
    return dict(described(sagemaker, run.value)["DataStorageConfig"])


# --- what is sent


@pytest.mark.usefixtures("s3")
def test_one_word_captures(create, sagemaker, log):
    """The destination, with the content types that are written as text."""
    run = create(capture="s3://captures/churn/")
    assert {"Destination": "s3://captures/churn", "ContentType": TEXT} == storage(sagemaker, run)
    assert not log.containing("Answers cannot be compared as asked")


@pytest.mark.usefixtures("s3")
def test_a_template_says_where_to(once, sagemaker):
    """Each run may have a prefix of its own."""
    run = once(capture="s3://captures/{{ day }}", context={"day": "2026-03-01"})
    assert "s3://captures/2026-03-01" == storage(sagemaker, run)["Destination"]


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("key", [KEY, "alias/captures", "1234abcd-12ab-34cd-56ef-1234567890ab"])
def test_a_key_encrypts_what_is_captured(once, sagemaker, key):
    """The key of the volumes is another one."""
    run = once(capture="s3://captures/churn", capture_kms_key=key)
    assert key == storage(sagemaker, run)["KmsKey"]


# --- what is refused before AWS is asked


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (
            {"capture": "s3://captures", "data_storage_config": {"Destination": "s3://captures"}},
            "two places for one capture",
        ),
        (
            {"capture": "s3://b-1", "config": {"DataStorageConfig": {"Destination": "s3://b-2"}}},
            "two places for one capture",
        ),
        ({"capture_kms_key": "alias/captures"}, "Found: no capture"),
        ({"capture": "/captured"}, "capture='/captured' is not like s3://bucket/prefix"),
        ({"capture": "https://bucket/captured"}, "is not like s3://bucket/prefix"),
        ({"capture": "{{ '' }}"}, "a template or an XCom that rendered to nothing"),
        (
            {"capture": "s3://captures", "capture_kms_key": "{{ none }}"},
            "a template or an XCom that rendered to nothing",
        ),
        (
            {"capture": "s3://captures", "capture_kms_key": "arn:aws:iam::123456789012:role/r"},
            "is not the ARN of a key or an alias of KMS",
        ),
        (
            {"capture": "s3://captures", "capture_kms_key": KEY.replace("us-east-1", "eu-west-1")},
            "is not in the experiment's region, us-east-1",
        ),
    ],
)
def test_a_capture_that_cannot_be_meant_is_refused(once, emulator, arguments, found):
    """Nothing is created, and the error says which argument is wrong."""
    assert found in fails(AirflowFailException, once, **arguments)
    assert [] == created(emulator)


# --- the bucket


def test_a_missing_bucket_is_refused(create, emulator):
    """AWS would accept the experiment, and capture nothing."""
    text = fails(AirflowFailException, create, capture="s3://nowhere/churn")
    assert "no bucket named 'nowhere' in us-east-1" in text
    assert [] == created(emulator)


def test_a_bucket_of_another_region_is_refused(once, s3, emulator):
    """SageMaker writes to its own region alone."""
    place = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="far-away", CreateBucketConfiguration=place)
    text = fails(AirflowFailException, once, capture="s3://far-away/churn")
    assert "bucket 'far-away' is in eu-west-1, the experiment in us-east-1" in text
    assert [] == created(emulator)


def test_a_bucket_is_looked_at_before_anything_is_waited_for(once, sagemaker):
    """A busy endpoint may be waited for all day."""
    somebodys(sagemaker)
    assert "no bucket named" in fails(AirflowFailException, once, capture="s3://nowhere/churn")


@pytest.mark.usefixtures("s3")
def test_a_caller_who_may_not_look_is_only_warned(once, sagemaker, log, denied):
    """The role writes, and the caller need not."""
    run = once(capture="s3://captures/churn")
    assert "s3://captures/churn" == storage(sagemaker, run)["Destination"]
    assert log.containing("Whether bucket 'captures' exists is unknown")


@pytest.fixture
def denied(monkeypatch):
    """Let S3 answer HeadBucket as it does to somebody without the permission."""
    session = CaptureHook.get_session

    def refuse(request, **_):
        return AWSResponse(request.url, 403, {}, MockRawResponse(b""))

    def with_refusal(hook, *args, **kwargs):
        made = session(hook, *args, **kwargs)
        made._session.register("before-send.s3.HeadBucket", refuse)
        return made

    monkeypatch.setattr(CaptureHook, "get_session", with_refusal)


# --- the endpoint's own capture


@pytest.mark.usefixtures("s3", "own_capture")
def test_the_endpoints_own_capture_is_not_replaced_by_accident(create, emulator):
    """Who monitors production finds nothing during the test, so it is refused and named."""
    text = fails(AirflowFailException, create, capture="s3://captures/churn")
    assert "DataCaptureConfig (" in text
    assert "monitoring schedules that find nothing then: drift-of-churn." in text
    assert "allow_lost_settings=['DataCaptureConfig']" in text
    assert [] == created(emulator)


@pytest.mark.usefixtures("s3", "own_capture")
def test_a_replacement_that_is_allowed_is_logged(create, emulator, log):
    """Whoever reads the log later learns why production's monitoring has a gap."""
    create(capture="s3://captures/churn", allow_lost_settings=["DataCaptureConfig"])
    assert 1 == len(created(emulator))
    [line] = log.containing("Production loses, as allow_lost_settings allows")
    assert "monitoring schedules that find nothing then: drift-of-churn" in line


@pytest.mark.usefixtures("s3", "own_capture")
def test_schedules_that_may_not_be_listed_are_unknown(once, emulator):
    """The refusal is the same, and says what it does not know."""
    emulator.faults.add(kind="access-denied", operation="ListMonitoringSchedules")
    text = fails(AirflowFailException, once, capture="s3://captures/churn")
    assert "which monitoring schedules read it is unknown (AccessDeniedException" in text


# --- what is active


@pytest.mark.usefixtures("s3")
def test_a_capture_that_is_not_active_is_said(create, sagemaker, log):
    """A warning, because a failure would end an experiment that serves other purposes, too."""
    run = create(capture="s3://captures/churn")
    redeploy(sagemaker, model_name="churn-v1")
    assert run.value == create(capture="s3://captures/churn").value
    assert log.containing("Answers cannot be compared as asked: the endpoint captures nothing")


def test_the_examples_of_the_page_run(monkeypatch):
    """docs/answers.md shows a caller that gives its id, and what captures and compares."""
    pytest.importorskip("airflow.sdk", reason="Airflow 2.11 has its DAG elsewhere")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    names: dict[str, Any] = {}
    with mocked():
        for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
            exec(compile(code, PAGE.name, "exec"), names)
    assert "s3://captures/churn" == names["create"].capture
    assert "s3://kept/sums" == names["compare"].results
