"""An endpoint whose production and shadow answer and are captured, and readers of what is."""

import json
from collections import defaultdict
from datetime import timedelta

import pytest

from airflow_shadow.emulator.fleet import create_answering
from airflow_shadow.emulator.traffic import Traffic

FLAT = Traffic(requests_per_minute=60, daily_swing=0, seed=3)


class Captured:
    """Reads a bucket as any caller does."""

    def __init__(self, s3, bucket="captured"):
        self.s3, self.bucket = s3, bucket

    def keys(self, prefix=""):
        """Return the keys with a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def text(self, key):
        """Return a file's content."""
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode()

    def texts(self, prefix=""):
        """Return the contents of all files with a prefix, by key."""
        return {key: self.text(key) for key in self.keys(prefix)}

    def records(self, variant, endpoint="answering", prefix="answers"):
        """Return the records of a variant."""
        texts = self.texts(f"{prefix}/{endpoint}/{variant}/").values()
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def rows(self, variant):
        """Return the rows that a variant answered in JSON, by the caller's id."""
        return {
            record["eventMetadata"]["inferenceId"]: json.loads(answer_of(record))["predictions"]
            for record in self.records(variant)
        }

    def pairs(self, member):
        """Return what both variants answered to the same rows."""
        both = self.rows("AllTraffic"), self.rows("Shadow")
        return [
            (one[member], other[member])
            for name in sorted(set(both[0]) & set(both[1]))
            for one, other in zip(both[0][name], both[1][name], strict=True)
        ]


def answer_of(record):
    """Return the text of a captured answer."""
    return record["captureData"]["endpointOutput"]["data"]


@pytest.fixture
def s3(connect):
    """Return an S3 client."""
    return connect("s3")


@pytest.fixture
def captured(s3):
    """Return a reader of the bucket."""
    return Captured(s3)


@pytest.fixture
def answering(emulator, client, s3):
    """Let production and a shadow answer for some time, and be captured."""

    def run(production=None, candidate=None, *, hours=0.5, **members):
        members = {"traffic": FLAT, **members}
        create_answering(client, s3, production=production, candidate=candidate, **members)
        # Whatever is late has come, and nothing of the time after it is read.
        emulator.clock.advance(timedelta(hours=hours))

    return run


@pytest.fixture
def labels(captured):
    """Read labels in SageMaker's format: what was right, by the id."""

    def read(prefix="truth/"):
        found = defaultdict(list)
        for text in captured.texts(prefix).values():
            for line in text.splitlines():
                one = json.loads(line)
                found[one["eventMetadata"]["eventId"]].append(one["groundTruthData"]["data"])
        return found

    return read
