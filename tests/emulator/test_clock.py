"""The emulator's clock, and the times in its answers."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from airflow_shadow.emulator.clock import Clock


class Seconds:
    """A source of real seconds that a test turns by hand."""

    def __init__(self):
        """Start at zero."""
        self.now = 0.0

    def __call__(self):
        """Return the seconds."""
        return self.now


def test_it_runs_as_fast_as_asked():
    """At speed 600 two real seconds are 1,200 of the emulator."""
    real = Seconds()
    clock = Clock(speed=600, real=real)
    before = clock.now()
    real.now += 2
    assert timedelta(seconds=1200) == clock.now() - before


def test_a_change_of_speed_keeps_the_time():
    """A new speed holds from now on and does not move the clock."""
    real = Seconds()
    clock = Clock(speed=10, real=real)
    before = clock.now()
    real.now += 1
    clock.speed = 2
    real.now += 1
    assert timedelta(seconds=12) == clock.now() - before


@pytest.mark.parametrize("by", [90, timedelta(minutes=1, seconds=30)])
def test_it_can_be_advanced(by):
    """It is advanced by seconds or by a timedelta."""
    clock = Clock(speed=0)
    before = clock.now()
    assert timedelta(seconds=90) == clock.advance(by) - before


def test_it_does_not_go_back():
    """A negative step is refused."""
    with pytest.raises(ValueError, match="cannot go back"):
        Clock().advance(-1)


def test_it_is_aware_and_starts_now():
    """A new clock shows real time in UTC."""
    now = Clock().now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("service", "call"), [("sagemaker", "list_endpoints"), ("sts", "get_caller_identity")]
)
def test_answers_carry_its_time_once(emulator, connect, service, call):
    """Answers of every service have one Date header, with the emulator's time."""
    emulator.clock.advance(timedelta(days=3))
    answer = getattr(connect(service), call)()
    date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert emulator.clock.now().replace(microsecond=0) == parsedate_to_datetime(date)


def test_times_of_resources_come_from_it(client, emulator, experiments):
    """Models, endpoints and experiments are created at the emulator's time."""
    emulator.clock.advance(timedelta(days=100))
    experiments.create()
    client.create_model(ModelName="late", ExecutionRoleArn="role-" * 5)
    created = [
        experiments.describe()["CreationTime"],
        client.describe_model(ModelName="late")["CreationTime"],
    ]
    assert all(abs(time - emulator.clock.now()) < timedelta(seconds=1) for time in created)


def test_reset_goes_back_to_real_time(emulator):
    """After a reset the clock shows real time."""
    emulator.clock.advance(timedelta(days=100))
    emulator.reset()
    assert abs(emulator.clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
