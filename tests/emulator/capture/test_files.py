"""Captures appear in S3 in AWS's layout, by the emulator's clock."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto.s3 import responses

from airflow_shadow.emulator import mocked
from airflow_shadow.emulator.capture.answers import Answers
from airflow_shadow.emulator.fleet import (
    create_answering,
    create_endpoint,
    create_model,
    data_capture,
    wait_in_service,
)
from airflow_shadow.emulator.traffic import Traffic
from tests.emulator.capture.conftest import FLAT, Captured
from tests.emulator.test_page import read
from tests.metrics import Metrics

KEY = re.compile(
    r"answers/answering/(AllTraffic|Shadow)/\d{4}/\d\d/\d\d/\d\d/"
    r"\d\d-\d\d-\d{3}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.jsonl"
)


def time_of(key):
    """Return the time that a key says, in whole seconds."""
    *_, year, month, day, hour, name = key.split("/")
    numbers = map(int, (year, month, day, hour, name[:2], name[3:5]))
    return datetime(*numbers, tzinfo=UTC)


def test_keys_have_the_layout_of_aws(answering, captured):
    """Folders are the hours in UTC, names the time of the first record and a UUID."""
    answering()
    keys = captured.keys()
    assert len(keys) in range(52, 61)
    assert [] == [key for key in keys if not KEY.fullmatch(key)]


def test_a_key_has_the_time_of_its_first_record(answering, captured):
    """What a key says is when the first request in the file came."""
    answering()
    for key, text in captured.texts("answers/answering/AllTraffic").items():
        first = json.loads(text.splitlines()[0])["eventMetadata"]["inferenceTime"]
        assert f"{time_of(key):%Y-%m-%dT%H:%M:%SZ}" == first


def test_a_line_has_the_format_of_aws(answering, captured):
    """A line has what a real one has, in its order."""
    answering(Answers(kind="json"))
    record = captured.records("AllTraffic")[0]
    sides, ids = record["captureData"], record["eventMetadata"]
    assert ["captureData", "eventMetadata", "eventVersion"] == list(record)
    assert ["endpointInput", "endpointOutput"] == list(sides)
    assert ["observedContentType", "mode", "data", "encoding"] == list(sides["endpointInput"])
    assert ["eventId", "inferenceId", "inferenceTime"] == list(ids)
    assert ("0", "INPUT", "OUTPUT") == (
        record["eventVersion"],
        sides["endpointInput"]["mode"],
        sides["endpointOutput"]["mode"],
    )
    assert ["score", "predicted_label"] == list(
        json.loads(sides["endpointOutput"]["data"])["predictions"][0]
    )


@pytest.fixture
def configured(emulator, client, s3):
    """Let an endpoint answer for half an hour with a DataCaptureConfig of one's own."""

    def run(answers=None, traffic=FLAT, **members):
        s3.create_bucket(Bucket="captured")
        create_model(client, name="m1", answers=answers)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": "m1",
            "InstanceType": "ml.m5.xlarge",
            "InitialInstanceCount": 1,
        }
        capture = data_capture("s3://captured/answers") | members
        kept = {name: value for name, value in capture.items() if value is not None}
        client.create_endpoint_config(
            EndpointConfigName="own", ProductionVariants=[variant], DataCaptureConfig=kept
        )
        create_endpoint(client, endpoint_name="answering", model_name="m1", traffic=traffic)
        client.update_endpoint(EndpointName="answering", EndpointConfigName="own")
        wait_in_service(client, endpoint_name="answering")
        emulator.clock.advance(timedelta(minutes=30))

    return run


@pytest.mark.parametrize(
    ("content_type", "types", "expected"),
    [
        ("application/json", {"JsonContentTypes": ["application/json"]}, "JSON"),
        ("application/jsonlines", {"JsonContentTypes": ["application/jsonlines"]}, "JSON"),
        ("text/csv", {"CsvContentTypes": ["text/csv"]}, "CSV"),
        ("text/csv", {"JsonContentTypes": ["application/json"]}, "BASE64"),
        ("application/json", None, "BASE64"),
    ],
)
def test_the_encoding_follows_from_the_listed_types(
    configured, captured, content_type, types, expected
):
    """Contents of a type that the capture does not list are BASE64."""
    configured(Answers(content_type=content_type), CaptureContentTypeHeader=types)
    output = captured.records("AllTraffic")[0]["captureData"]["endpointOutput"]
    text = output["data"]
    plain = base64.b64decode(text).decode() if expected == "BASE64" else text
    assert (content_type, expected) == (output["observedContentType"], output["encoding"])
    assert re.search(r"\d\.\d+", plain)


@pytest.mark.parametrize(
    ("mode", "kept"), [("Input", "endpointInput"), ("Output", "endpointOutput")]
)
def test_one_side_can_be_captured_alone(configured, captured, mode, kept):
    """CaptureOptions say which sides are captured."""
    configured(CaptureOptions=[{"CaptureMode": mode}])
    assert {kept} == {
        side for record in captured.records("AllTraffic") for side in record["captureData"]
    }


def test_a_capture_can_be_sampled(configured, captured, emulator):
    """InitialSamplingPercentage says how much is captured."""
    emulator.capture_late_seconds = 0
    traffic = Traffic(requests_per_minute=600, daily_swing=0)
    configured(traffic=traffic, InitialSamplingPercentage=20)
    assert pytest.approx(0.2 * 600 * 30, rel=0.08) == len(captured.records("AllTraffic"))


def test_nothing_is_captured_without_a_capture(emulator, client, s3, captured):
    """An endpoint without DataCaptureConfig writes nothing."""
    s3.create_bucket(Bucket="captured")
    create_endpoint(client, endpoint_name="answering", model_name="m1", traffic=FLAT)
    emulator.clock.advance(timedelta(hours=1))
    assert [] == captured.keys()


def test_files_come_minutes_late(answering, emulator, captured):
    """A minute's file is there half to one and a half times the delay after it."""
    answering(hours=0)
    emulator.clock.advance(timedelta(minutes=2))
    assert [] == captured.keys()
    emulator.clock.advance(timedelta(minutes=3))
    assert len(captured.keys()) in range(2, 9)


def test_the_delay_is_a_setting(answering, emulator, captured):
    """Captures can come at once, or hours later."""
    emulator.capture_late_seconds = 7200
    answering(hours=1)
    assert [] == captured.keys()
    emulator.capture_late_seconds = 0
    assert len(captured.keys()) in range(116, 121)


def test_a_file_is_as_old_as_its_delay_says(answering, captured, s3):
    """LastModified is when the file came by the emulator's clock."""
    answering()
    for entry in s3.list_objects_v2(Bucket="captured")["Contents"]:
        delay = entry["LastModified"] - time_of(entry["Key"]).replace(second=0)
        assert timedelta(minutes=2) <= delay <= timedelta(minutes=4)


def test_an_hour_is_made_when_it_is_looked_at(answering, emulator, captured):
    """Asking for one hour does not write the others, and asking again writes nothing anew."""
    answering(hours=30)
    [state] = emulator.account_states()
    hour = f"answers/answering/Shadow/{emulator.clock.now() - timedelta(hours=5):%Y/%m/%d/%H}/"
    texts = captured.texts(hour)
    settled = state.captures["answering"][0].written
    assert 60 == len(texts)
    assert {"Shadow": 61} == {
        name: sum(bits.bit_count() for bits in one.hours.values()) for name, one in settled.items()
    }
    assert texts == captured.texts(hour)


def test_what_is_deleted_stays_deleted(answering, captured, s3):
    """A file that a caller deletes does not come again."""
    answering()
    keys = captured.keys()
    s3.delete_object(Bucket="captured", Key=keys[0])
    assert keys[1:] == captured.keys()


def test_the_same_run_gives_the_same_files(emulator, client, s3, captured):
    """From the same time on, the same steps give the same keys and bytes."""
    runs = []
    for _ in range(2):
        emulator.reset()
        emulator.clock.advance(_until(emulator, hour=10, day=400))
        create_answering(client, s3, traffic=FLAT)
        emulator.clock.advance(timedelta(hours=1))
        runs.append(captured.texts())
    assert runs[0] == runs[1]


def _until(emulator, *, hour, day):
    """Return how long it is until a whole hour of a day that is far enough."""
    base = datetime(2026, 1, 1, tzinfo=emulator.clock.now().tzinfo)
    target = base + timedelta(
        days=day + (emulator.clock.now() - base).days // 365 * 365, hours=hour
    )
    return target - emulator.clock.now()


def test_other_seeds_give_other_files(emulator, client, s3, captured):
    """The seed of the traffic is that of the captures."""
    runs = []
    for seed in (1, 2):
        emulator.reset()
        create_answering(client, s3, traffic=Traffic(requests_per_minute=60, seed=seed))
        emulator.clock.advance(timedelta(hours=1))
        runs.append(captured.records("AllTraffic")[0]["eventMetadata"]["eventId"])
    assert runs[0] != runs[1]


def test_records_are_as_many_as_invocations(answering, emulator, captured, connect):
    """Captures and CloudWatch tell of the same requests, minute by minute."""
    emulator.capture_late_seconds = 0
    traffic = Traffic(requests_per_minute=90, late_seconds=0, seed=5, bad_request_rate=0.1)
    answering(hours=0, endpoint_name="ep", traffic=traffic)
    emulator.failed_captures = "all"
    metrics = Metrics(connect("cloudwatch"), emulator)
    emulator.clock.advance(timedelta(hours=1))
    for variant in ("AllTraffic", "Shadow"):
        invocations = metrics.values("Invocations", variant, "Sum")
        assert len(invocations) > 58
        files = captured.texts(f"answers/ep/{variant}/")
        assert invocations == [text.count("\n") for _, text in sorted(files.items())]


def test_a_bucket_that_does_not_exist_gets_nothing(emulator, client, s3, captured):
    """Captures without a bucket are lost, which the history says, and later ones arrive."""
    create_endpoint(
        client,
        endpoint_name="answering",
        model_name="m1",
        traffic=FLAT,
        capture="s3://captured/answers",
    )
    emulator.clock.advance(timedelta(hours=1))
    s3.create_bucket(Bucket="captured")
    assert [] == captured.keys()
    [lost] = [entry for entry in emulator.history() if entry["kind"] == "capture"]
    assert ("answering", "captured") == (lost["endpoint"], lost["bucket"])
    assert lost["lost_minutes"] in range(56, 61)
    emulator.clock.advance(timedelta(hours=1))
    assert len(captured.keys()) in range(56, 65)


def test_the_page_tells_what_was_lost(emulator, client, s3):
    """The emulator's page shows captures that were lost."""
    create_endpoint(
        client, endpoint_name="ep", model_name="m1", traffic=FLAT, capture="s3://captured/answers"
    )
    emulator.clock.advance(timedelta(hours=1))
    s3.create_bucket(Bucket="captured")
    assert "minutes lost, for there is no bucket captured" in read(emulator).words()


def test_other_looks_at_a_bucket_write_nothing(answering, emulator, s3):
    """Only lists and files are looks at captures; asking where a bucket is is none."""
    answering()
    s3.head_bucket(Bucket="captured")
    s3.get_bucket_location(Bucket="captured")
    [state] = emulator.account_states()
    assert {} == state.captures["answering"][0].written


def test_a_snapshot_keeps_what_was_captured(answering, emulator, captured):
    """Restoring a snapshot goes on with the captures of that time."""
    answering()
    before = captured.texts()
    kept = emulator.snapshot()
    emulator.clock.advance(timedelta(minutes=20))
    after = captured.texts()
    emulator.restore(kept)
    assert after == captured.texts()
    assert before.items() < after.items()


def test_captures_work_in_process():
    """`mocked` writes captures too, and takes itself out of moto's S3 again."""
    former = responses.S3Response
    with mocked(speed=0.0) as emulator:
        s3 = boto3.client("s3", region_name="us-east-1")
        create_answering(boto3.client("sagemaker", region_name="us-east-1"), s3, traffic=FLAT)
        emulator.clock.advance(timedelta(hours=1))
        assert len(Captured(s3).keys()) in range(110, 121)
    assert former is responses.S3Response


@pytest.mark.http
def test_captures_are_read_over_http(answering, captured):
    """A client of the server's address reads what it captured."""
    answering()
    assert captured.records("Shadow")
