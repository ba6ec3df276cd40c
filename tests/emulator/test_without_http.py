"""Clients of this process reach a serving emulator without HTTP, and snapshots."""

import urllib.request
from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from airflow_shadow.emulator import Emulator, without_http


@pytest.fixture
def sockets(server):
    """Return the list of requests that arrived at the server's socket."""
    came, serving = [], server._running()
    process = serving.process_request
    serving.process_request = lambda request, address: (came.append(1), process(request, address))
    yield came
    del serving.process_request


def test_calls_take_no_socket(emulator, client, sockets):
    """Answers are the server's, including the Date, without a connection."""
    emulator.clock.advance(timedelta(days=400))
    answer = client.list_endpoints()
    assert str(emulator.clock.now().year) in answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert [] == sockets


@pytest.mark.http
def test_calls_go_over_http_else(emulator, client, sockets):
    """Without the shortcut the same address is called over HTTP."""
    client.list_endpoints()
    assert [1] == sockets


def test_others_use_the_address_as_ever(emulator, client, sockets):
    """Only botocore's requests take the shortcut."""
    with urllib.request.urlopen(f"{emulator.url}/shadow-api/clock") as answer:
        assert 200 == answer.status
    assert [1] == sockets


def test_connections_are_lost_as_over_http(emulator, fleet, experiments):
    """The call happened, but its answer was lost."""
    emulator.faults.add(kind="drop-after", operation="CreateInferenceExperiment")
    with pytest.raises(ConnectionClosedError):
        experiments.create()
    assert "Creating" == experiments.status()


def test_bodies_and_paths_of_other_services_arrive(emulator):
    """S3's binary bodies, and names in its paths, arrive unchanged."""
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    s3 = boto3.client("s3", endpoint_url=emulator.url, region_name="us-east-1", **keys)
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="a folder/é", Body=b"\x00\xff")
    assert b"\x00\xff" == s3.get_object(Bucket="bucket", Key="a folder/é")["Body"].read()


def test_two_emulators_are_told_apart(client):
    """Emulators are distinguished by their addresses."""
    with Emulator() as other, without_http(other):
        found = boto3.client("sagemaker", "us-east-1", endpoint_url=other.url).list_models()
    assert [] == found["Models"]


def test_a_snapshot_brings_back_what_was_kept(emulator, fleet, experiments, client):
    """Endpoints, models, experiments, tags and history are restored, repeatedly."""
    arn = experiments.create(Tags=[{"Key": "team", "Value": "a"}])["InferenceExperimentArn"]
    kept, history = emulator.snapshot(), emulator.history()
    for _ in range(2):
        emulator.reset()
        emulator.restore(kept)
        assert history == emulator.history()
        assert ["Creating", "Creating", "Running"] == experiments.seen_until("Running")
        assert [{"Key": "team", "Value": "a"}] == client.list_tags(ResourceArn=arn)["Tags"]
        client.delete_model(ModelName="m2")


def test_a_snapshot_forgets_what_came_later(emulator, fleet, experiments):
    """What was created after the snapshot is gone."""
    kept = emulator.snapshot()
    experiments.create()
    emulator.restore(kept)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        experiments.describe()


def test_the_clock_is_never_behind_a_snapshot(emulator):
    """Otherwise its experiments would be in the future."""
    emulator.clock.advance(timedelta(days=1))
    kept, then = emulator.snapshot(), emulator.clock.now()
    emulator.reset()
    emulator.restore(kept)
    assert then <= emulator.clock.now()
