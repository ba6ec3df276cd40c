"""S3's calls fail on request, with S3's codes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.triggers.watching import wait_until


@pytest.fixture
def bucket(s3):
    """Create a bucket with a file."""
    s3.create_bucket(Bucket="captured")
    s3.put_object(Bucket="captured", Key="a/b", Body=b"body")


def code(call, **arguments):
    """Return the code of a call that fails."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("throttle", "SlowDown"),
        ("server-error", "InternalError"),
        ("access-denied", "AccessDenied"),
        ("expired-token", "ExpiredToken"),
    ],
)
def test_reading_is_refused(emulator, s3, bucket, kind, expected):
    """A list and a file are refused with S3's code, and then not any more."""
    for operation, call, arguments in (
        ("ListObjectsV2", s3.list_objects_v2, {}),
        ("GetObject", s3.get_object, {"Key": "a/b"}),
    ):
        emulator.faults.add(kind=kind, operation=operation)
        assert expected == code(call, Bucket="captured", **arguments)
        call(Bucket="captured", **arguments)


def test_a_fault_is_about_a_key(emulator, s3, bucket):
    """Other keys are read."""
    s3.put_object(Bucket="captured", Key="c", Body=b"")
    emulator.faults.add(kind="access-denied", operation="GetObject", about="captured/a")
    s3.get_object(Bucket="captured", Key="c")
    assert "AccessDenied" == code(s3.get_object, Bucket="captured", Key="a/b")


def test_faults_of_any_operation_leave_s3_alone(emulator, s3, client, bucket):
    """They are meant for SageMaker and CloudWatch."""
    emulator.faults.add(kind="throttle")
    s3.list_objects_v2(Bucket="captured")
    assert "ThrottlingException" == code(client.list_endpoints)


def test_a_slow_answer_comes(emulator, s3, bucket):
    """A slow call is answered in the end."""
    emulator.faults.add(kind="slow", operation="GetObject", seconds=0)
    assert b"body" == s3.get_object(Bucket="captured", Key="a/b")["Body"].read()


@pytest.mark.parametrize("way", ["in process", pytest.param("http", marks=pytest.mark.http)])
def test_connections_are_lost(emulator, s3, bucket, way):
    """The connection is closed without an answer."""
    emulator.faults.add(kind="drop-before", operation="GetObject")
    with pytest.raises(ConnectionClosedError):
        s3.get_object(Bucket="captured", Key="a/b")


@pytest.mark.parametrize(
    ("kind", "is_written"),
    [("drop-before", False), ("drop-after", True), ("hold-before", False), ("hold-after", True)],
)
def test_a_connection_is_lost_before_or_after_s3_has_written(
    emulator, s3, bucket, kind, is_written
):
    """A call that is held goes on as it is let go: here it is dropped."""
    emulator.faults.add(kind=kind, operation="PutObject", about="captured/new")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(s3.put_object, Bucket="captured", Key="new", Body=b"")
        wait_until(lambda: writing.done() or emulator.holds.held(), what="call that is held")
        let_go = emulator.holds.let_go(drop=True)
        assert isinstance(writing.exception(), ConnectionClosedError)
    assert kind.startswith("hold") == bool(let_go)
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="captured")["Contents"]]
    assert is_written == ("new" in keys)


def test_a_page_of_a_proxy_looks_like_an_answer(emulator, s3, bucket):
    """Botocore takes it for a list of nothing, and for the content of a file."""
    for operation in ("ListObjectsV2", "GetObject"):
        emulator.faults.add(kind="garbage", operation=operation)
    assert "Contents" not in s3.list_objects_v2(Bucket="captured")
    assert s3.get_object(Bucket="captured", Key="a/b")["Body"].read().startswith(b"<html>")
