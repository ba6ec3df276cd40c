"""What AWS does not document of captures, and what is lost of them, can be chosen."""

import json
from datetime import datetime, timedelta

import pytest

from airflow_shadow.emulator.behaviour import Behaviour
from airflow_shadow.emulator.behaviour import environment as behaviour_environment
from airflow_shadow.emulator.capture.answers import Answers
from airflow_shadow.emulator.fleet import (
    create_endpoint,
    create_model,
    data_storage,
    experiment_request,
)
from airflow_shadow.emulator.traffic import Traffic
from tests.emulator.capture.conftest import FLAT
from tests.metrics import Metrics

pytestmark = pytest.mark.thorough

MANY = Traffic(requests_per_minute=100, daily_swing=0, late_seconds=0)


def events(records):
    """Return the eventIds by the caller's id."""
    ids = [record["eventMetadata"] for record in records]
    return {one["inferenceId"]: one["eventId"] for one in ids}


@pytest.mark.parametrize(("switch", "equal"), [("own", 0), ("shared", 1)])
def test_event_ids_differ_or_not(answering, emulator, captured, switch, equal):
    """Both records of a request have an eventId of their own, or the same one."""
    emulator.event_ids = switch
    answering()
    production, shadow = (events(captured.records(one)) for one in ("AllTraffic", "Shadow"))
    common = set(production) & set(shadow)
    assert len(common) > 1500
    assert {equal} == {int(production[name] == shadow[name]) for name in common}


@pytest.mark.parametrize("given", [0.0, 0.3, 1.0])
def test_callers_give_ids_or_not(answering, captured, given):
    """A share of the callers gives an InferenceId, which both records then have."""
    answering(traffic=Traffic(requests_per_minute=100, daily_swing=0, inference_ids=given))
    for variant in ("AllTraffic", "Shadow"):
        records = captured.records(variant)
        found = sum("inferenceId" in record["eventMetadata"] for record in records)
        assert pytest.approx(given, abs=0.02) == found / len(records)


def test_records_are_lost_as_declared(answering, emulator, captured):
    """A variant loses its own share of records, independently of the other."""
    emulator.capture_late_seconds = 0
    answering(Answers(), Answers(capture_loss=0.2), traffic=MANY)
    ids = [set(events(captured.records(variant))) for variant in ("AllTraffic", "Shadow")]
    assert pytest.approx(0.8, abs=0.03) == len(ids[1]) / len(ids[0])


@pytest.mark.parametrize("seconds", [3600.0, -90.0])
def test_clocks_can_differ(answering, captured, seconds):
    """A variant whose clock is wrong writes wrong times, into the folders of those hours."""
    answering(Answers(), Answers(clock_seconds=seconds))
    times = [
        {
            one["inferenceId"]: datetime.fromisoformat(one["inferenceTime"]).timestamp()
            for one in (record["eventMetadata"] for record in captured.records(variant))
        }
        for variant in ("AllTraffic", "Shadow")
    ]
    common = set(times[0]) & set(times[1])
    ahead = {times[1][name] - times[0][name] for name in common}
    assert {seconds, seconds + 1} >= ahead
    assert seconds in ahead


@pytest.fixture
def failing(emulator, client, s3, connect):
    """Let two models that fail sometimes answer for two hours; return CloudWatch's numbers."""

    def run():
        s3.create_bucket(Bucket="captured")
        rates = Behaviour(error_rate=0.1, client_error_rate=0.05, model_error_rate=0.05)
        for name in ("m1", "m2"):
            create_model(client, name=name, environment=behaviour_environment(rates))
        emulator.capture_late_seconds = 0
        create_endpoint(
            client,
            endpoint_name="ep",
            model_name="m1",
            shadow_model_name="m2",
            traffic=MANY,
            capture="s3://captured/answers",
        )
        metrics = Metrics(connect("cloudwatch"), emulator)
        emulator.clock.advance(timedelta(hours=1))
        return metrics

    return run


def test_failed_requests_are_not_captured(failing, captured):
    """By default there are as many records as requests that did not fail."""
    metrics = failing()
    for variant in ("AllTraffic", "Shadow"):
        good = sum(metrics.values("Invocations", variant)) - sum(
            metrics.values("InvocationModelErrors", variant)
        )
        assert good == len(captured.records(variant, endpoint="ep"))


def test_failed_requests_can_be_captured(failing, emulator, captured):
    """All requests are captured, with an error as answer, or with none."""
    emulator.failed_captures = "all"
    metrics = failing()
    records = captured.records("Shadow", endpoint="ep")
    outputs = [record["captureData"].get("endpointOutput") for record in records]
    errors = [one for one in outputs if one and "error" in json.loads(one["data"])]
    expected = {
        name: sum(metrics.values(name, "Shadow"))
        for name in ("Invocations", "Invocation5XXErrors", "Invocation4XXErrors")
    }
    assert expected["Invocations"] == len(records)
    assert expected["Invocation5XXErrors"] + expected["Invocation4XXErrors"] == len(errors)
    lost = sum(metrics.values("InvocationModelErrors", "Shadow")) - len(errors)
    assert lost == outputs.count(None) > 0


def test_switches_are_checked(emulator):
    """A value that does not exist is refused."""
    for name, value in (("event_ids", "none"), ("capture_late_seconds", -1)):
        with pytest.raises(ValueError, match=name):
            setattr(emulator, name, value)


def test_reset_restores_the_switches(emulator):
    """After a reset captures are as at the start."""
    emulator.event_ids, emulator.capture_late_seconds = "shared", 5
    emulator.reset()
    assert ("own", 120.0) == (emulator.event_ids, emulator.capture_late_seconds)


@pytest.fixture
def tested(emulator, client, s3):
    """Run an experiment with a capture on an endpoint with one of its own; return the client."""
    for bucket in ("captured", "own"):
        s3.create_bucket(Bucket=bucket)
    emulator.capture_late_seconds = 0
    create_model(client, name="m2")
    create_endpoint(
        client,
        endpoint_name="answering",
        model_name="m1",
        traffic=FLAT,
        capture="s3://own/all",
    )
    emulator.clock.advance(timedelta(hours=1))
    request = experiment_request(
        name="x",
        endpoint_name="answering",
        model_name="m1",
        shadow_model_name="m2",
        sampling_percentage=25,
        DataStorageConfig=data_storage("s3://captured/answers"),
    )
    client.create_inference_experiment(**request)
    _until(client, "Running")
    emulator.clock.advance(timedelta(hours=2))
    return client


def _until(client, status):
    while client.describe_inference_experiment(Name="x")["Status"] != status:
        pass


def test_an_experiment_captures_in_place_of_its_endpoint(tested, captured, s3):
    """While it runs, the endpoint's own capture gets nothing."""
    own = s3.list_objects_v2(Bucket="own")["KeyCount"]
    assert own in range(59, 63)
    assert len(captured.keys("answers/answering/AllTraffic/")) in range(119, 123)


def test_the_shadow_captures_what_it_gets(tested, captured):
    """At 25 % sampling the shadow has a quarter of the records, all of requests of production."""
    production, shadow = (events(captured.records(one)) for one in ("AllTraffic", "Shadow"))
    assert pytest.approx(0.25, abs=0.02) == len(shadow) / len(production)
    assert set(shadow) < set(production)


@pytest.mark.parametrize(
    ("actions", "left"),
    [
        ({"AllTraffic": "Retain", "Shadow": "Remove"}, "AllTraffic"),
        ({"AllTraffic": "Remove", "Shadow": "Promote"}, "Shadow"),
    ],
)
def test_the_capture_ends_with_the_experiment(tested, emulator, s3, actions, left):
    """Afterwards the endpoint's own capture goes on, of the variant that stays."""
    tested.stop_inference_experiment(
        Name="x", ModelVariantActions=actions, DesiredState="Completed"
    )
    _until(tested, "Completed")
    # The last minute is over.
    emulator.clock.advance(timedelta(minutes=1))
    before = _keys(s3, "captured")
    emulator.clock.advance(timedelta(hours=1))
    assert before == _keys(s3, "captured")
    keys = _keys(s3, "own", Prefix=f"all/answering/{left}/")
    assert len(keys) in (range(119, 126) if left == "AllTraffic" else range(59, 63))


def _keys(s3, bucket, **members):
    found = s3.list_objects_v2(Bucket=bucket, **members)
    return [entry["Key"] for entry in found["Contents"]]


def test_folders_are_those_of_the_variants_clock(answering, captured, emulator):
    """An hour is found in the folder that its variant's clock says."""
    answering(Answers(), Answers(clock_seconds=3 * 3600.0), hours=0.2)
    hour = emulator.clock.now() + timedelta(hours=3) - timedelta(minutes=6)
    assert captured.keys(f"answers/answering/Shadow/{hour:%Y/%m/%d/%H}/")
