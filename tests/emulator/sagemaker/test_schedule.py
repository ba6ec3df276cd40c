"""The start and the end of a schedule, which always follow the clock."""

from datetime import timedelta

import pytest

from airflow_shadow.emulator.fleet import create_model

WEEK = timedelta(days=7)


def test_without_a_schedule_a_test_lasts_a_week(emulator, experiments):
    """Without Schedule an experiment starts now and ends after seven days."""
    now = emulator.clock.now().replace(microsecond=0)
    experiments.create()
    schedule = experiments.describe()["Schedule"]
    assert {
        "StartTime": now,
        "EndTime": now + WEEK,
    } == {name: time.replace(microsecond=0) for name, time in schedule.items()}


def test_a_future_start_waits_in_created(scheduled, experiments):
    """A scheduled experiment shows Creating, then Created, and leaves the endpoint alone."""
    scheduled()
    endpoint = experiments.endpoint()
    assert ("Created", False) == (experiments.status(), "ShadowProductionVariants" in endpoint)


def test_it_starts_when_its_time_comes(emulator, experiments, scheduled):
    """It goes from Created to Starting to Running at its StartTime."""
    scheduled(hours=2)
    emulator.clock.advance(timedelta(hours=2, seconds=1))
    assert ["Starting", "Starting", "Running"] == experiments.seen_until("Running")


def test_start_begins_early_and_keeps_the_end(client, emulator, experiments, scheduled):
    """StartInferenceExperiment moves the start to now and keeps the end."""
    schedule = scheduled(hours=2)
    now = emulator.clock.now()
    client.start_inference_experiment(Name="x")
    seen = experiments.seen_until("Running")
    shown = experiments.describe()["Schedule"]
    assert ["Starting", "Starting", "Running"] == seen
    assert abs(shown["StartTime"] - now) < timedelta(seconds=1)
    assert abs(shown["EndTime"] - schedule["EndTime"]) < timedelta(seconds=1)


def test_start_early_shortens_what_would_last_too_long(client, emulator, experiments, scheduled):
    """An end later than thirty days after the new start is moved to then."""
    scheduled(hours=48, days=30)
    now = emulator.clock.now()
    client.start_inference_experiment(Name="x")
    end = experiments.describe()["Schedule"]["EndTime"]
    assert abs(end - now - timedelta(days=30)) < timedelta(seconds=1)


def test_it_expires_through_stopping_to_completed(emulator, experiments):
    """At EndTime it is Stopping, then Completed without a reason."""
    experiments.running()
    emulator.clock.advance(WEEK)
    assert ["Stopping", "Stopping", "Completed"] == experiments.seen_until("Completed")
    assert "StatusReason" not in experiments.describe()


def test_expiry_gives_the_endpoint_back(client, emulator, experiments):
    """The endpoint has a configuration equal to the former one, without a shadow."""
    former = client.describe_endpoint_config(EndpointConfigName="ep-config")
    experiments.running()
    emulator.clock.advance(WEEK)
    experiments.seen_until("Completed")
    endpoint = experiments.endpoint()
    config = client.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    assert former["ProductionVariants"] == config["ProductionVariants"]
    assert "ShadowProductionVariants" not in endpoint


def test_an_end_alone_starts_now(emulator, experiments):
    """A schedule without StartTime starts at once."""
    experiments.create(Schedule={"EndTime": emulator.clock.now() + timedelta(days=1)})
    assert "Running" == experiments.seen_until("Running")[-1]


def test_a_start_in_the_past_means_now(emulator, experiments):
    """Describe shows the real start."""
    now = emulator.clock.now()
    past = now - timedelta(days=2)
    experiments.create(Schedule={"StartTime": past, "EndTime": now + timedelta(days=1)})
    assert abs(experiments.describe()["Schedule"]["StartTime"] - now) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(None, timedelta(hours=-1), id="end in the past"),
        pytest.param(timedelta(hours=2), timedelta(hours=1), id="end before start"),
        pytest.param(timedelta(hours=1), timedelta(minutes=90), id="half an hour"),
        pytest.param(None, timedelta(days=31), id="31 days"),
    ],
)
def test_impossible_windows_are_refused(client, emulator, experiments, start, end):
    """A schedule in the past, reversed, too short or too long is a ValidationException."""
    now = emulator.clock.now()
    schedule = {"EndTime": now + end} | ({"StartTime": now + start} if start else {})
    request = experiments.request(Schedule=schedule)
    refusal = experiments.refusal(client.create_inference_experiment, **request)
    assert "ValidationException" == refusal.code


def test_a_start_whose_endpoint_is_gone_is_cancelled(client, emulator, experiments, scheduled):
    """An experiment that cannot start is Cancelled with a reason."""
    scheduled()
    client.delete_endpoint(EndpointName="ep")
    emulator.clock.advance(timedelta(hours=3))
    description = experiments.describe()
    assert ("Cancelled", True) == (description["Status"], "StatusReason" in description)


def test_an_endpoint_update_under_way_does_not_stop_the_schedule(
    client, emulator, experiments, scheduled
):
    """The scheduled start finishes the endpoint's own update first."""
    scheduled()
    create_model(client, name="m3")
    variant = {"VariantName": "AllTraffic", "ModelName": "m3", "InitialInstanceCount": 1}
    client.create_endpoint_config(
        EndpointConfigName="c3", ProductionVariants=[variant | {"InstanceType": "ml.m5.xlarge"}]
    )
    client.update_endpoint(EndpointName="ep", EndpointConfigName="c3")
    emulator.clock.advance(timedelta(hours=3))
    assert "Running" == experiments.seen_until("Running")[-1]
