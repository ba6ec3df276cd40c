"""The emulator whose clock moves when somebody polls."""

from datetime import timedelta

import boto3
import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.time_lapse import TimeLapse


@pytest.fixture(scope="module")
def served():
    """Serve one for all tests, whose clock stands still otherwise."""
    with TimeLapse(speed=0.0, pace="time") as emulator:
        yield emulator


@pytest.fixture
def lapse(served):
    """Give a test a fresh one."""
    served.reset()
    return served


@pytest.fixture
def client(lapse):
    """Return a client of it, with two models."""
    made = boto3.client(
        "sagemaker",
        "us-east-1",
        endpoint_url=lapse.url,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    for name in ("churn-1", "churn-2"):
        fleet.create_model(made, name=name)
    return made


def passed(emulator, *calls):
    """Return how far the clock has moved at each call."""
    moved = []
    for call in calls:
        before = emulator.clock.now()
        call()
        moved.append(int((emulator.clock.now() - before).total_seconds()))
    return moved


def test_a_poll_moves_the_clock_and_a_first_read_does_not(lapse, client):
    """Only what repeats an earlier read is a poll: reading different things takes no time."""
    one, two = (lambda name=name: client.describe_model(ModelName=name) for name in models())
    assert [0, 0, 300, 300] == passed(lapse, one, two, one, two)


def models():
    """Return the names of the models."""
    return ["churn-1", "churn-2"]


def test_a_change_begins_anew(lapse, client):
    """After a change the first read takes no time again: somebody looks what has become of it."""
    read = client.list_models
    assert [0, 300] == passed(lapse, read, read)
    client.delete_model(ModelName="churn-2")
    assert [0, 300] == passed(lapse, read, read)


def test_a_long_wait_goes_faster_and_faster(lapse, client):
    """A week takes some three hundred polls, not two thousand."""
    start, polls = lapse.clock.now(), 0
    while lapse.clock.now() - start < timedelta(days=7):
        client.list_models()
        polls += 1
    assert 290 < polls < 310


def test_a_test_can_move_it_by_hand_alone(lapse, client):
    """With `seconds_per_poll = 0` nothing but the speed and `advance` moves the clock."""
    lapse.seconds_per_poll = 0.0
    read = client.list_models
    assert [0, 0, 0] == passed(lapse, read, read, read)
    lapse.reset()
    assert 300.0 == lapse.seconds_per_poll


def test_an_experiment_ends_while_it_is_watched(lapse, client):
    """Creation, two hours and the end take a few dozen polls, and leave the endpoint as it was."""
    fleet.create_endpoint(client, endpoint_name="churn", model_name="churn-1")
    request = fleet.experiment_request(
        name="mine", endpoint_name="churn", model_name="churn-1", shadow_model_name="churn-2"
    )
    end = lapse.clock.now() + timedelta(hours=2)
    client.create_inference_experiment(**request, Schedule={"EndTime": end})
    polls = 0
    while client.describe_inference_experiment(Name="mine")["Status"] != "Completed":
        polls += 1
    assert polls < 40
