"""S3 with captures in it, and answers of S3 that a test can choose."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from airflow_shadow.answers import CaptureStore, compare_captures
from airflow_shadow.emulator import Emulator
from tests.answers.captured import TEN, lines

BUCKET, ENDPOINT = "captures", "churn"
VARIANTS = {"production": "AllTraffic", "shadow": "Shadow-01"}


class _Raw(io.BytesIO):
    """A body as urllib3 has it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield all of it."""
        yield self.read()


class Captures:
    """A bucket of captures, which counts what it is asked and fails on request."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.asked: Counter[str] = Counter()
        self.fail: Callable[[str, str], AWSResponse | None] = lambda operation, key: None
        self.store = CaptureStore(client, destination=f"s3://{BUCKET}/capture", endpoint=ENDPOINT)
        client.create_bucket(Bucket=BUCKET)
        client.meta.events.register("before-send.s3", self._on_send)

    def _on_send(self, request: Any, **_: Any) -> AWSResponse | None:
        operation = "list" if "list-type" in request.url else request.method.lower()
        self.asked[operation] += 1
        return self.fail(operation, request.url)

    def put(self, key: str, content: bytes) -> None:
        """Put an object."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def write(
        self, side: str, records: Sequence[Mapping[str, Any]], *, at: float = TEN, name: str = "a"
    ) -> str:
        """Write records of a side as SageMaker would at a time, and return the key."""
        moment = datetime.fromtimestamp(at, tz=UTC)
        key = f"capture/{ENDPOINT}/{VARIANTS[side]}/{moment:%Y/%m/%d/%H/%M-%S-000-}{name}.jsonl"
        self.put(key, lines(records))
        return key

    def compare(self, outputs: Any, **settings: Any) -> Any:
        """Compare an hour from ten o'clock."""
        span = {"start": TEN, "end": TEN + 3600} | settings
        return compare_captures(self.store, outputs, **VARIANTS, **span)


def answer(
    status: int, code: str, body: bytes | None = None, length: int = 0, etag: str = ""
) -> AWSResponse:
    """Return an answer of S3: an error, or a body that is shorter than it says."""
    content = body
    if content is None:
        content = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    headers = {"Content-Length": str(length or len(content))} | ({"ETag": etag} if etag else {})
    return AWSResponse("https://s3", status, headers, _Raw(content))


@pytest.fixture
def captures(emulator: Emulator) -> Captures:
    """Give a test an empty bucket, and a client that gives up soon."""
    client = boto3.client(
        "s3",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 2},
            s3={"addressing_style": "path"},
        ),
    )
    return Captures(client)
