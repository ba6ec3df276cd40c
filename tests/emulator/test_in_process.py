"""The emulator without a server: `mocked`."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from airflow_shadow.emulator import mocked
from airflow_shadow.emulator.fleet import create_endpoint, create_model, experiment_request

ONCE = Config(retries={"total_max_attempts": 1})


def _client():
    return boto3.client("sagemaker", region_name="us-east-1", config=ONCE)


def _request(name="x"):
    return experiment_request(
        name=name, endpoint_name="ep", model_name="m1", shadow_model_name="m2"
    )


@pytest.fixture
def emulated():
    """Return an emulator in process, with an endpoint and a candidate."""
    with mocked() as emulator:
        create_endpoint(_client(), endpoint_name="ep", model_name="m1")
        create_model(_client(), name="m2")
        yield emulator


def test_choices_are_arguments():
    """Settings are arguments, and an unknown value is refused with the known ones."""
    with mocked(error_samples="ones") as emulator:
        emulator.clear()
        assert "ones" == emulator.error_samples
        with pytest.raises(ValueError, match="Choose one of: zeros, ones"):
            emulator.error_samples = "twos"


def test_boto3_is_intercepted(emulated):
    """An experiment is created and runs without HTTP."""
    client = _client()
    client.create_inference_experiment(**_request())
    seen = [client.describe_inference_experiment(Name="x")["Status"] for _ in range(3)]
    assert ["Creating", "Creating", "Running"] == seen


def test_the_clock_stamps_answers_once(emulated):
    """The Date header has the emulator's time here, too."""
    emulated.clock.advance(86400 * 365)
    answer = _client().list_endpoints()
    assert str(emulated.clock.now().year) in answer["ResponseMetadata"]["HTTPHeaders"]["date"]


def test_connections_can_be_lost(emulated):
    """Botocore raises the same error as over HTTP."""
    emulated.faults.add(kind="drop-after", operation="CreateInferenceExperiment")
    with pytest.raises(ConnectionClosedError):
        _client().create_inference_experiment(**_request())
    assert "x" == _client().describe_inference_experiment(Name="x")["Name"]


def test_other_services_work(emulated):
    """All other services of moto's mock_aws work."""
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
    assert "bucket" == boto3.client("s3").list_buckets()["Buckets"][0]["Name"]


def test_nothing_stays_behind():
    """Afterwards moto is unchanged, and the next emulator is empty."""
    for _ in range(2):
        with mocked() as emulator:
            create_endpoint(_client(), endpoint_name="ep", model_name="m1")
            assert [] == _client().list_inference_experiments()["InferenceExperiments"]
            assert "InService" == emulator.history()[-1]["status"]


def test_it_can_be_nested():
    """The inner emulator answers until it ends."""
    with mocked() as outer:
        with mocked() as inner:
            create_model(_client(), name="m1")
        create_model(_client(), name="m2")
        names = [[entry["name"] for entry in one.history()] for one in (inner, outer)]
    assert [["m1"], ["m2"]] == names
