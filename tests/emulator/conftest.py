"""An emulator whose clock stands still until a test moves it, and endpoints to test on."""

from datetime import timedelta
from functools import cache
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_shadow.emulator import Emulator
from airflow_shadow.emulator.fleet import create_endpoint, create_model, experiment_request
from tests.conftest import transport

PROMOTE = {"AllTraffic": "Remove", "Shadow": "Promote"}
REMOVE = {"AllTraffic": "Retain", "Shadow": "Remove"}
RETAIN = {"AllTraffic": "Retain", "Shadow": "Retain"}


@pytest.fixture(scope="session")
def server():
    """Serve one emulator, whose clock stands still, for all tests."""
    with Emulator(speed=0.0) as emulator:
        yield emulator


@pytest.fixture
def emulator(server, request):
    """Return the emulator, reset."""
    server.reset()
    with transport(request, server):
        yield server


@cache
def _client(*, service, url, region, key, secret, token):
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def connect(emulator):
    """Make a client that does not retry."""

    def make(service="sagemaker", region="us-east-1", key="key", secret="secret", token=None):
        return _client(
            service=service,
            url=emulator.url,
            region=region,
            key=key,
            secret=secret,
            token=token,
        )

    return make


@pytest.fixture
def client(connect):
    """A SageMaker client of the default account in us-east-1."""
    return connect()


@pytest.fixture
def fleet(client):
    """Create endpoint "ep" that runs model "m1", and a candidate, model "m2"."""
    create_endpoint(client, endpoint_name="ep", model_name="m1")
    create_model(client, name="m2", image="candidate:2")


class Experiments:
    """Shorthand for the calls that most tests make."""

    promote, remove, retain = PROMOTE, REMOVE, RETAIN

    def __init__(self, client):
        self.client = client

    def request(self, **members):
        """Return a valid request, with the members that a test changes."""
        return experiment_request(
            **{
                "name": "x",
                "endpoint_name": "ep",
                "model_name": "m1",
                "shadow_model_name": "m2",
                **members,
            }
        )

    def create(self, **members):
        """Create an experiment, by default "x" on "ep"."""
        return self.client.create_inference_experiment(**self.request(**members))

    def describe(self, name="x"):
        """Describe an experiment, which counts as a read."""
        return self.client.describe_inference_experiment(Name=name)

    def status(self, name="x"):
        """Read an experiment's status."""
        return self.describe(name)["Status"]

    def endpoint(self, name="ep"):
        """Describe an endpoint."""
        return self.client.describe_endpoint(EndpointName=name)

    def seen_until(self, status, name="x"):
        """Read until a status shows, and return all statuses that were read."""
        seen = []
        while len(seen) < 20:
            seen.append(self.status(name))
            if seen[-1] == status:
                return seen
        raise AssertionError(f"{status} never came: {seen}")

    def running(self, name="x", **members):
        """Create an experiment and read until it runs."""
        self.create(name=name, **members)
        self.seen_until("Running", name)

    def stop(self, actions=None, name="x", state="Completed", **members):
        """Stop an experiment, by default removing its shadow."""
        return self.client.stop_inference_experiment(
            Name=name, ModelVariantActions=actions or REMOVE, DesiredState=state, **members
        )

    def ended(self, actions=None, name="x", state="Completed", **members):
        """Stop an experiment and read until it has ended."""
        self.stop(actions, name, state, **members)
        self.seen_until(state, name)

    def refusal(self, call, **arguments):
        """Return the error of a call that is refused."""
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        return SimpleNamespace(
            code=caught.value.response["Error"]["Code"],
            message=caught.value.response["Error"]["Message"],
            status=caught.value.response["ResponseMetadata"]["HTTPStatusCode"],
        )


@pytest.fixture
def experiments(client, fleet):
    """Return shorthand for calls, with endpoint and models created."""
    return Experiments(client)


@pytest.fixture
def scheduled(emulator, experiments):
    """Return a factory of experiments that start in `hours` and are Created until then."""

    def make(name="x", hours=2, days=7, **members):
        start = emulator.clock.now() + timedelta(hours=hours)
        schedule = {"StartTime": start, "EndTime": start + timedelta(days=days)}
        experiments.create(name=name, Schedule=schedule, **members)
        experiments.seen_until("Created", name)
        return schedule

    return make
