"""Captures in S3: which files are read, how often, and what becomes of S3's errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from botocore.awsrequest import AWSResponse

from airflow_shadow.analysis.answer_sums import AnswerSums
from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers import CaptureStore, FolderStore, Limits, compare_captures
from airflow_shadow.answers.results import Results
from airflow_shadow.answers.spool import Spool
from airflow_shadow.exceptions import (
    AnswersTooLargeError,
    AnswersUnreadableError,
    AwsAccessDeniedError,
    AwsRefusedError,
    AwsUnavailableError,
    InvalidRequestError,
)
from tests.answers.captured import HOUR, TEN, counts, record, totals
from tests.answers.conftest import BUCKET, ENDPOINT, VARIANTS, answer

SCORE = {"it": Output(kind="score")}
RESULTS = f"s3://{BUCKET}/results/"


def one(n: int, at: float = TEN, **settings):
    """Return a record, named by its number."""
    return record(n, inference_id=str(n), event_id=str(n), at=at, **settings)


@pytest.fixture(autouse=True)
def spool(tmp_path, monkeypatch) -> Path:
    """Let the spool be in a folder of the test, where its end can be seen."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def pair(captures) -> str:
    """Write a pair at ten o'clock, and return the key of its shadow's file."""
    captures.write("production", [one(1)])
    return captures.write("shadow", [one(1)])


def test_captures_of_both_variants_are_compared(captures, pair, spool):
    """Files of the hour and of both variants are read once each, and the spool is removed."""
    captures.asked.clear()
    assert {"production": 1, "shadow": 1, "pairs_id": 1} == counts(captures.compare(SCORE))
    assert 2 == captures.asked["get"]
    assert [] == list(spool.iterdir())


def test_an_hour_without_captures_is_no_error(captures):
    """What nobody captured is nothing, and is not an error here."""
    assert {} == counts(captures.compare(SCORE))


def test_pairs_may_straddle_an_hour(captures):
    """A pair on both sides of the hour counts once, in production's minute."""
    captures.write("production", [one(1, at=TEN + 3599)], at=TEN + 3599)
    captures.write("shadow", [one(1, at=TEN + 3601)], at=TEN + 3601)
    sums = captures.compare(SCORE, end=TEN + 7200)
    assert {"production": 1, "shadow": 1, "pairs_id": 1} == counts(sums)
    assert {"production": 1, "pairs_id": 1} == counts(captures.compare(SCORE))
    assert {"shadow": 1} == counts(captures.compare(SCORE, start=TEN + 3600, end=TEN + 7200))


def test_files_with_other_names_are_read_with_both_hours(captures):
    """A file whose name tells no minute is read for the hours around its own, too."""
    captures.write("production", [one(1, at=TEN + 3599)], at=TEN + 3599)
    key = f"capture/{ENDPOINT}/{VARIANTS['shadow']}/2026/03/02/11/part-0.jsonl"
    captures.put(key, json.dumps(one(1, at=TEN + 3600)).encode())
    assert 1 == counts(captures.compare(SCORE, end=TEN + 7200))["pairs_id"]


def test_each_file_is_read_once_over_hours(captures):
    """Files near the end of an hour serve the next one from memory."""
    for n in range(12):
        at = TEN + 300 + n * 600
        captures.write("production", [one(n, at=at)], at=at)
        captures.write("shadow", [one(n, at=at)], at=at)
    captures.asked.clear()
    assert 12 == counts(captures.compare(SCORE, end=TEN + 7200))["pairs_id"]
    assert 24 == captures.asked["get"]


def test_other_endpoints_and_variants_are_left_alone(captures, pair):
    """A variant whose name begins with the shadow's, or another endpoint, is another one."""
    captures.put(f"capture/{ENDPOINT}/Shadow-010/2026/03/02/10/00-00-000-a.jsonl", b"nothing")
    captures.put("capture/churn2/Shadow-01/2026/03/02/10/00-00-000-a.jsonl", b"nothing")
    assert {} == captures.compare(SCORE).notes["unreadable_lines"]


def test_clocks_an_hour_apart_are_told(captures):
    """Records of one id in different hours are no pairs, and the notes say how far they stand."""
    twenty = TEN + 1200
    for n in range(3):
        captures.write("production", [one(n, at=twenty + n)], at=twenty, name=str(n))
        captures.write("shadow", [one(n, at=twenty + n + 3600)], at=twenty + 3600, name=str(n))
    captures.write("shadow", [one(9)])
    captures.write("production", [one(8, at=twenty + 3600)], at=twenty + 3600)
    sums = captures.compare(SCORE, end=TEN + 7200)
    assert "pairs_id" not in counts(sums)
    assert {"ids": 3, "seconds": 3600.0} == sums.notes["clocks_apart"]


def test_a_second_run_reads_only_what_is_new(captures, pair):
    """Hours whose files are the same are not read again, and count the same."""
    first = captures.compare(SCORE, results=RESULTS)
    captures.asked.clear()
    again = captures.compare(SCORE, results=RESULTS)
    assert first.to_dict() == again.to_dict()
    # Only the kept sums, and the kept counts of labels, are read.
    assert 2 == captures.asked["get"]


def test_an_hour_is_read_again_when_files_still_come(captures, pair):
    """A late file makes its hour anew, and nothing counts twice."""
    captures.compare(SCORE, results=RESULTS)
    captures.write("production", [one(2)], name="late")
    sums = captures.compare(SCORE, results=RESULTS)
    assert {"production": 2, "shadow": 1, "pairs_id": 1, "production_only": 1} == counts(sums)


@pytest.mark.parametrize("kept", [{"results": RESULTS}, {"known": {}}])
def test_repeated_inputs_of_an_hour_that_is_read_again_count_once(captures, kept):
    """A late file pairs its hour's equal inputs anew; those of two hours are no pair."""
    outputs = {"it": Output(kind="score", noise="repeats")}
    for n, at in enumerate([TEN + 3000, TEN + 3590, TEN + 3595, TEN + 3601]):
        same = [record(n, event_id=str(n), given="same", at=at)]
        captures.write("production", same, at=at, name=str(n))
    first = captures.compare(outputs, end=TEN + 7200, **kept)
    late = [record(5, event_id="5", given="same", at=TEN + 3599)]
    captures.write("production", late, at=TEN + 3599, name="late")
    again = captures.compare(outputs, end=TEN + 7200, **kept)
    assert [1, 2] == [totals(each)["repeats"] for each in (first, again)]
    assert again.to_dict() == captures.compare(outputs, end=TEN + 7200).to_dict()


def test_a_process_reads_only_what_is_new(captures, pair):
    """While files still come, a process that reads again knows the hours that stayed the same."""
    known: dict[str, AnswerSums] = {}
    first = captures.compare(SCORE, end=TEN + 10_800, known=known)
    captures.write("production", [one(2, at=TEN + 9000)], at=TEN + 9000)
    captures.write("shadow", [one(2, at=TEN + 9000)], at=TEN + 9000)
    captures.asked.clear()
    again = captures.compare(SCORE, end=TEN + 10_800, known=known)
    assert (1, 2, 2) == (
        counts(first)["pairs_id"], counts(again)["pairs_id"], captures.asked["get"]
    )  # fmt: skip
    assert again.to_dict() == captures.compare(SCORE, end=TEN + 10_800).to_dict()


def test_another_specification_is_another_result(captures, pair):
    """Sums that were kept for other outputs, variants or times are not used."""
    captures.compare(SCORE, results=RESULTS)
    other = captures.compare({"it": Output(kind="text")}, results=RESULTS)
    assert "difference" not in other.outputs["it"]
    assert {} == counts(captures.compare(SCORE, results=RESULTS, start=TEN + 60))


@pytest.mark.parametrize("content", [b'{"version": 0}', b"{", b"[" * 1_000_000])
def test_a_broken_result_is_made_again(captures, pair, content):
    """A result that is no JSON, of another version or nested without end counts as none."""
    captures.compare(SCORE, results=RESULTS)
    for entry in captures.client.list_objects_v2(Bucket=BUCKET, Prefix="results/")["Contents"]:
        captures.put(entry["Key"], content)
    assert 1 == counts(captures.compare(SCORE, results=RESULTS))["pairs_id"]


def test_results_may_be_in_a_folder(captures, pair, tmp_path):
    """A local folder keeps the same."""
    captures.compare(SCORE, results=str(tmp_path / "kept"))
    captures.asked.clear()
    assert 1 == counts(captures.compare(SCORE, results=str(tmp_path / "kept")))["pairs_id"]
    assert 0 == captures.asked["get"]


def test_two_tasks_keep_the_same_sums_at_once(captures, tmp_path, monkeypatch):
    """Each writes a file of its own before it becomes the result, so none takes the other's."""
    mine, other = (Results(str(tmp_path / "kept"), captures.store) for _ in range(2))
    replace = Path.replace

    def overtaken(part, target):
        monkeypatch.setattr(Path, "replace", replace)
        other.put("key", AnswerSums())
        return part.replace(target)

    monkeypatch.setattr(Path, "replace", overtaken)
    mine.put("key", AnswerSums())
    assert AnswerSums() == mine.get("key")
    assert ["key.json"] == [path.name for path in (tmp_path / "kept").iterdir()]


@pytest.mark.parametrize("place", ["capture", "capture/", "capture/churn/results/"])
def test_results_inside_the_captures_are_refused(captures, place):
    """Results among the captures would be read as such."""
    with pytest.raises(InvalidRequestError, match="outside the captures"):
        captures.compare(SCORE, results=f"s3://{BUCKET}/{place}")


def labelled(captures, key: str, *rows: tuple[str, str]) -> None:
    """Put labels into the bucket."""
    text = "id,label\n" + "\n".join(map(",".join, rows))
    captures.put(f"truth/{key}", text.encode())


def test_labels_collected_since_the_start_are_read(captures, pair):
    """Labels may come days later, and folders of an earlier hour are left out."""
    output = {"it": Output(kind="label", labels=f"s3://{BUCKET}/truth/")}
    labelled(captures, "2026/03/02/09/a.csv", ("1", "0"))
    labelled(captures, "2026/03/09/00/a.csv", ("1", "1"))
    labelled(captures, "all.csv", ("7", "1"))
    sums = captures.compare(output)
    assert (1, 1) == (totals(sums)["labelled"], totals(sums)["shadow_right"])
    notes = sums.notes["labels"]["it"]
    assert (2, 2, 1) == (notes["read"], notes["usable"], notes["matched"])


def test_new_labels_make_hours_anew(captures, pair):
    """Labels that come after a first run are used by the second."""
    output = {"it": Output(kind="label", labels=f"s3://{BUCKET}/truth/")}
    assert 0 == totals(captures.compare(output, results=RESULTS))["labelled"]
    labelled(captures, "all.csv", ("1", "1"))
    sums = captures.compare(output, results=RESULTS)
    assert 1 == totals(sums)["labelled"]
    assert sums.notes == captures.compare(output, results=RESULTS).notes


def test_an_hour_larger_than_the_spool_goes_through_it(captures):
    """Of an hour only ids and values stay; its files go through the spool in batches."""
    for n in range(5):
        for side in VARIANTS:
            captures.write(side, [one(n, given="x" * 400_000)], name=str(n))
    sums = captures.compare(SCORE, limits=Limits(spool_mb=1))
    assert {"production": 5, "shadow": 5, "pairs_id": 5} == counts(sums)


def test_a_file_larger_than_the_spool_is_named(captures, pair, spool):
    """One file that does not fit is an error with its key and the argument to raise."""
    key = captures.write("production", [one(2, given="x" * 1_200_000)], name="large")
    with pytest.raises(AnswersTooLargeError, match=rf"(?s){key}.*spool_mb"):
        captures.compare(SCORE, limits=Limits(spool_mb=1))
    assert [] == list(spool.iterdir())


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", AwsAccessDeniedError),
        (503, "SlowDown", AwsUnavailableError),
        (500, "InternalError", AwsUnavailableError),
        (400, "ExpiredToken", AwsUnavailableError),
        (404, "NoSuchKey", AnswersUnreadableError),
        (403, "InvalidObjectState", AwsRefusedError),
        (400, "KMS.DisabledException", AwsRefusedError),
    ],
)
def test_an_object_that_s3_refuses_is_named(captures, pair, status, code, error):
    """Each error of S3 in the middle names the object, and leaves nothing behind."""
    captures.fail = lambda operation, url: answer(status, code) if "Shadow-01/2" in url else None
    with pytest.raises(error, match=pair) as raised:
        captures.compare(SCORE)
    assert error is type(raised.value)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", AwsAccessDeniedError),
        (503, "SlowDown", AwsUnavailableError),
        (404, "NoSuchBucket", AwsRefusedError),
    ],
)
def test_a_list_that_s3_refuses_is_named(captures, status, code, error):
    """Where captures may not be listed, the error names operation and prefix."""
    captures.fail = lambda operation, url: answer(status, code) if operation == "list" else None
    with pytest.raises(error, match=f"ListObjectsV2 s3://{BUCKET}/capture/{ENDPOINT}/AllTraffic"):
        captures.compare(SCORE)


@pytest.mark.parametrize("operation", ["list", "get", "put"])
@pytest.mark.parametrize(
    "page", [b"<?xml version='1.0'?><html><body>Sign in</body></html>", b"<html><p>Sign in", b""]
)
def test_a_proxys_page_is_no_answer_of_s3(captures, pair, operation, page):
    """A page with status 200 is neither an empty list nor a file nor a kept result."""
    captures.fail = lambda asked, url: answer(200, "", page) if asked == operation else None
    with pytest.raises(AwsUnavailableError):
        captures.compare(SCORE, results=RESULTS if operation == "put" else None)


def test_an_object_that_was_replaced_is_not_read(captures, pair, tmp_path):
    """What is kept for an ETag is made of the object that had it."""
    [item] = captures.store.captured(VARIANTS["shadow"], HOUR)
    captures.put(pair, b"other")
    with pytest.raises(AwsUnavailableError, match=f"(?s){pair}.*another object"):
        item.save(tmp_path / "copy")


def test_throttling_that_passes_is_waited_for(captures, pair):
    """Botocore repeats what S3 throttles, as the connection says."""
    refused = iter([answer(503, "SlowDown")])
    captures.fail = lambda operation, url: next(refused, None) if operation == "get" else None
    assert 1 == counts(captures.compare(SCORE))["pairs_id"]


def test_a_transfer_that_breaks_off_is_repeated(captures, pair):
    """A body that ends too soon is fetched again, and an error only if that goes on."""
    [item] = captures.store.captured(VARIANTS["production"], HOUR)

    def cut(operation: str, url: str) -> AWSResponse | None:
        is_the_file = operation == "get" and VARIANTS["production"] in url
        return answer(200, "", b"{", length=99, etag=item.version) if is_the_file else None

    once = iter([True])
    captures.fail = lambda *asked: cut(*asked) if cut(*asked) and next(once, False) else None
    assert 1 == counts(captures.compare(SCORE))["pairs_id"]
    captures.fail = cut
    with pytest.raises(AwsUnavailableError, match="broke off"):
        captures.compare(SCORE)


def test_hours_that_are_done_stay_done(captures, pair):
    """After an error in the third hour, another try reads the first two from the results."""
    later = captures.write("shadow", [one(3, at=TEN + 7200)], at=TEN + 7200)
    captures.write("production", [one(2, at=TEN + 3600)], at=TEN + 3600)
    captures.fail = lambda operation, url: answer(403, "AccessDenied") if later in url else None
    with pytest.raises(AwsAccessDeniedError):
        captures.compare(SCORE, end=TEN + 10_800, results=RESULTS)
    captures.fail = lambda operation, url: None
    captures.asked.clear()
    sums = captures.compare(SCORE, end=TEN + 10_800, results=RESULTS)
    assert {
        "production": 2,
        "shadow": 2,
        "pairs_id": 1,
        "production_only": 1,
        "shadow_only": 1,
    } == (counts(sums))


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_a_kill_leaves_nothing_behind(captures, pair, spool, end):
    """However the task ends, the spool is removed."""

    def fail(operation, url):
        if operation == "get":
            assert [] != list(spool.iterdir())
            raise end

    captures.fail = fail
    with pytest.raises(end):
        captures.compare(SCORE)
    assert [] == list(spool.iterdir())


def test_what_a_killed_process_left_is_removed_by_the_next(spool):
    """A process that is ended at once leaves requests on disk; that of a live one stays."""
    dying = (
        "import os, signal; from airflow_shadow.answers.spool import Spool; spool = Spool(1); "
        "(spool.folder / '0').write_text('a request'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    where = {**os.environ, "TMPDIR": str(spool)}
    subprocess.run([sys.executable, "-c", dying], check=False, env=where)
    with Spool(1) as live:
        for lock in spool.glob("*/lock"):
            os.utime(lock, (0, 0))
        assert 2 == len(list(spool.iterdir()))
        with Spool(1) as other:
            assert {live.folder, other.folder} == {*spool.iterdir()}
    assert [] == list(spool.iterdir())


@pytest.mark.parametrize("destination", ["", "bucket/x", "http://bucket/x", "s3://", "/tmp"])
def test_a_destination_is_an_address_in_s3(captures, destination):
    """Anything else is refused before S3 is asked."""
    with pytest.raises(InvalidRequestError, match="s3://bucket/folder/"):
        CaptureStore(captures.client, destination=destination, endpoint=ENDPOINT)


def test_a_folder_of_the_same_layout_is_read(tmp_path):
    """A job's local copy of the captures gives the same sums."""
    for variant in VARIANTS.values():
        file = tmp_path / "copy" / ENDPOINT / variant / "2026/03/02/10/00-00-000-a.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(one(1)))
    store = FolderStore(tmp_path / "copy", endpoint=ENDPOINT)
    span = {"start": HOUR * 3600, "end": HOUR * 3600 + 3600}
    assert 1 == counts(compare_captures(store, SCORE, **VARIANTS, **span))["pairs_id"]
    with pytest.raises(InvalidRequestError, match="outside the captures"):
        compare_captures(
            store, SCORE, **VARIANTS, **span, results=str(tmp_path / "copy" / ENDPOINT / "x")
        )
    with pytest.raises(InvalidRequestError, match="local folder"):
        compare_captures(store, SCORE, **VARIANTS, **span, results=RESULTS)
