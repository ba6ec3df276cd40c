"""How tasks of Spark read their share of the files, and what a job's document says."""

from __future__ import annotations

import json

import pytest

from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.job import ComparisonJob
from airflow_shadow.answers.shares import SHARE_MB, File, Reading, shares_of
from airflow_shadow.exceptions import InvalidRequestError, error_from_dict
from tests.answers.captured import TEN, record
from tests.conftest import PASSWORD, REGION

OUTPUTS = {"it": Output(kind="score")}
MEGABYTE = 1 << 20
DOCUMENT = {
    "captures": "s3://captures/capture",
    "endpoint": "churn",
    "production": "AllTraffic",
    "shadow": "Shadow-01",
    "start": TEN,
    "end": "2026-03-02T11:00:00Z",
    "answers": {"it": {"kind": "score"}},
}


def reading(**changed):
    """Return how captures are read."""
    given = {"what": "captures", "outputs": OUTPUTS, "variants": ("AllTraffic", "Shadow-01")}
    return Reading(**{**given, "spool_mb": 64, "memory_mb": 128, **changed})


@pytest.fixture
def rights(emulator, monkeypatch):
    """Let a machine have rights of its own, as a cluster's role gives them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", emulator.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


def test_files_are_shared_by_their_size():
    """Small files go together, a large one alone."""
    sizes = [1, 1, SHARE_MB * MEGABYTE, 5, 10 * SHARE_MB * MEGABYTE]
    files = [File(address=str(n), version="", size=size) for n, size in enumerate(sizes)]
    assert [["0", "1"], ["2"], ["3"], ["4"]] == [
        [file.address for file in share] for share in shares_of(files)
    ]


@pytest.mark.usefixtures("rights")
def test_a_task_reads_s3_with_its_own_rights(captures):
    """Each record is a row, after a column without a problem."""
    key = captures.write("shadow", [record(0.5, inference_id="i", given="x")])
    tag = captures.client.head_object(Bucket="captures", Key=key)["ETag"]
    file = File(address=f"s3://captures/{key}", version=tag, size=100, side="shadow")
    [row] = reading().rows([[file]])
    columns = [each.split()[0] for each in reading().schema.split(", ")]
    found = dict(zip(columns, row, strict=True))
    assert found.pop("input_key").isdigit()
    assert {
        "problem": None,
        "side": "shadow",
        "inference_id": "i",
        "event_id": None,
        "at_ms": TEN * 1000,
        "answer_0": "0.5",
        "shape_0": None,
    } == found


@pytest.mark.usefixtures("rights")
def test_what_a_task_cannot_read_is_a_row(captures):
    """An exception would come back as text, so our error travels in a row."""
    gone = File(address="s3://captures/gone", version="1", size=1, side="shadow")
    [[problem, *nothing]] = reading().rows([[gone]])
    error = error_from_dict(json.loads(problem))
    assert ("gone" in error.asked, {None}) == (True, {*nothing})


@pytest.mark.usefixtures("rights")
def test_a_job_keeps_what_a_task_finds(captures):
    """Sums of the document's window are in its folder, and the same as a task's."""
    for side in ("production", "shadow"):
        captures.write(side, [record(0.5, inference_id="i")])
    sums = ComparisonJob.read(
        json.dumps({**DOCUMENT, "results": "s3://captures/kept", "sums": "s3://captures/sums.json"})
    ).run()
    asked = captures.asked["get"]
    again = captures.compare(OUTPUTS, start=float(TEN), results="s3://captures/kept")
    assert ([1], again) == (sums.outputs["it"]["compared"], sums)
    written = captures.client.get_object(Bucket="captures", Key="sums.json")["Body"].read()
    assert sums.to_dict() == json.loads(written)
    # One for the hour and one for the notes: no captured file was read.
    assert asked + 3 >= captures.asked["get"]


def test_a_name_follows_from_the_files(captures):
    """New files, or other arguments, are another job; no files are none."""
    job = ComparisonJob.read(json.dumps(DOCUMENT))
    names = [job.name(captures.store)]
    captures.write("production", [record(0.5, inference_id="i")])
    names += [
        job.name(captures.store),
        job.name(captures.store),
        job.name(captures.store, {"a": 1}),
    ]
    captures.write("shadow", [record(0.5, inference_id="i")])
    names.append(job.name(captures.store))
    assert None is names[0]
    assert (names[1], 4) == (names[2], len({*names}))
    assert names[1].startswith("churn-")


def test_a_document_is_read_back():
    """What a task writes is what a job reads."""
    job = ComparisonJob.read(json.dumps(DOCUMENT))
    assert (job, TEN + 3600) == (ComparisonJob.read(job.text()), job.end)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", json.dumps({**DOCUMENT, "more": 1}), json.dumps({**DOCUMENT, "start": "x"})],
)
def test_what_is_no_document_is_refused(text):
    """The error names the fields."""
    with pytest.raises(InvalidRequestError, match="captures"):
        ComparisonJob.read(text)
