"""Files as they come: compressed, cut off, huge, empty, of other systems."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers import Examples, Limits, compare_files
from airflow_shadow.answers.items import local
from airflow_shadow.answers.spool import Spool
from airflow_shadow.exceptions import AnswersTooLargeError, AnswersUnreadableError
from tests.answers.captured import compared, counts, lines, record, totals

SCORE = Output(kind="score")
BOTH = [record(n, inference_id=str(n)) for n in range(3)]


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(lines(BOTH)),
        gzip.compress(lines(BOTH[:1])) + gzip.compress(lines(BOTH[1:])),
        b"\xef\xbb\xbf" + lines(BOTH),
        lines(BOTH).replace(b"\n", b"\r\n"),
        lines(BOTH).replace(b"\n", b"\n\n"),
        lines(BOTH).rstrip(b"\n"),
    ],
    ids=["gzip", "two gzips", "BOM", "CRLF", "blank lines", "no last line end"],
)
def test_files_of_any_make_are_read(tmp_path, content):
    """Compression is told by the content, not by the name; marks and line ends are heeded."""
    assert 3 == counts(compared(tmp_path, SCORE, content, lines(BOTH)))["pairs_id"]


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        (b'{"captureData": {"endpointInp', 1),
        (b"no JSON at all\n[1]\n7\nnull\n{}\n", 5),
        (b'{"captureData": 7, "eventMetadata": []}\n', 1),
        (b"\xff\xfe\x00\n", 1),
        (b'{"a":"\xff"}\n', 1),
    ],
    ids=["half a line", "other lines", "other types", "no UTF-8", "half a character"],
)
def test_lines_that_are_no_records_are_counted(tmp_path, wrong, number):
    """What cannot be read as a record is counted for its side; the others count as always."""
    sums = compared(tmp_path, SCORE, lines(BOTH), lines(BOTH) + wrong)
    assert 3 == counts(sums)["pairs_id"]
    assert {"shadow": number} == sums.notes["unreadable_lines"]


def test_empty_files_hold_nothing(tmp_path):
    """A file without bytes, and one without lines, is no error."""
    assert {"production": 3, "production_only": 3} == counts(
        compared(tmp_path, SCORE, lines(BOTH), b"")
    )
    assert {"production": 3, "production_only": 3} == counts(
        compared(tmp_path, SCORE, lines(BOTH), b"\n\n")
    )


def test_a_line_of_twenty_megabytes_is_read(tmp_path):
    """A long answer is a line like any other."""
    long = [record({"s": 1, "why": "x" * 20_000_000}, inference_id="0"), *BOTH[1:]]
    sums = compared(tmp_path, Output(answer="$.s", kind="score"), long, lines(BOTH))
    assert (3, 1) == (counts(sums)["pairs_id"], 3 - totals(sums)["production_broken"])


def test_a_cut_gzip_is_named(tmp_path):
    """A compressed file that ends too soon is an error that names it."""
    with pytest.raises(AnswersUnreadableError, match=r"shadow\.jsonl.*\n.*broken or cut off"):
        compared(tmp_path, SCORE, lines(BOTH), gzip.compress(lines(BOTH))[:-9])


def test_a_file_larger_than_the_spool_says_what_to_set(tmp_path):
    """One file that does not fit names itself, the limit, and the argument that raises it."""
    long = lines([record("x" * 1_200_000, inference_id="0")])
    with pytest.raises(AnswersTooLargeError, match=r"(?s)production\.jsonl.* 1 MB.*spool_mb"):
        compared(tmp_path, SCORE, long, b"", limits=Limits(spool_mb=1))


def test_a_bomb_is_stopped(tmp_path):
    """A compressed file that holds more than the spool is stopped while it is read."""
    bomb = gzip.compress(b" " * 5_000_000)
    with pytest.raises(AnswersTooLargeError, match=r"(?s)shadow\.jsonl.* 1 MB"):
        compared(tmp_path, SCORE, b"", bomb, limits=Limits(spool_mb=1))


@pytest.mark.parametrize(("ending", "fits"), [(".gz", True), ("", False)])
def test_compressed_files_share_the_spool(tmp_path, ending, fits):
    """Together they unpack to no more than it may hold: named as such they come one by one."""
    paths = [tmp_path / f"{n}{ending}" for n in range(8)]
    for path in paths:
        path.write_bytes(gzip.compress(b" " * 900_000))
    with Spool(1) as spool:
        batches = spool.batches([(local(path), "") for path in paths])
        sizes = (sum(each.path.stat().st_size for each in batch) for batch in batches)
        if fits:
            assert [900_000] * 8 == list(sizes)
        else:
            with pytest.raises(AnswersTooLargeError):
                list(sizes)


def test_more_files_than_the_spool_holds_go_through_it(tmp_path):
    """Files go through the spool in batches, so a test may be of any size."""
    paths = []
    for n in range(6):
        path = tmp_path / f"{n}.jsonl"
        path.write_bytes(lines([record({"s": n, "x": "x" * 400_000}, inference_id=str(n))]))
        paths.append(path)
    outputs = {"it": Output(answer="$.s", kind="score")}
    sums = compare_files(
        outputs, production=paths, shadow=paths, start=0, end=4e9, limits=Limits(spool_mb=1)
    )
    assert {"production": 6, "shadow": 6, "pairs_id": 6} == counts(sums)


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"id\n1\n", b"PAR1 but no Parquet", b"\x00\x01"]
)
def test_labels_of_another_form_are_named(tmp_path, content):
    """Labels without the columns they need are an error that names the file and the columns."""
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    output = Output(kind="label", labels="s3://bucket/x/")
    with pytest.raises(AnswersUnreadableError, match=r"(?s)labels\.csv.*id and label"):
        compared(tmp_path, output, lines(BOTH), lines(BOTH), labels={"it": [path]})


def test_files_are_left_as_they_were(tmp_path):
    """The spool links files, and removes its links only."""
    sums = compared(tmp_path, SCORE, gzip.compress(lines(BOTH)), lines(BOTH))
    assert 3 == counts(sums)["pairs_id"]
    assert lines(BOTH) == gzip.decompress((tmp_path / "production.jsonl").read_bytes())
    assert lines(BOTH) == (tmp_path / "shadow.jsonl").read_bytes()


def test_examples_are_written_on_request_only(tmp_path):
    """Some disagreements, with both answers, go to the file that is named, and nowhere else."""
    path = tmp_path / "examples.jsonl"
    production = [record({"s": n}, inference_id=str(n), at=60 * n) for n in range(5)]
    shadow = [record({"s": n + n % 2}, inference_id=str(n), at=60 * n) for n in range(5)]
    output = Output(answer="$.s", kind="score")
    compared(tmp_path, output, production, shadow)
    assert not path.exists()
    compared(tmp_path, output, production, shadow, examples=Examples(most=1, path=path))
    assert [
        {
            "output": "it",
            "time": "1970-01-01T00:01:00+00:00",
            "inferenceId": "1",
            "eventId": None,
            "production": '{"s": 1}',
            "shadow": '{"s": 2}',
        }
    ] == [json.loads(line) for line in path.read_text().splitlines()]
    assert 0o600 == path.stat().st_mode & 0o777


def test_examples_agree_within(tmp_path):
    """Answers that differ by less than `within` are no examples."""
    path = tmp_path / "examples.jsonl"
    output = Output(kind="score", within=1.0)
    production = [record(n, inference_id=str(n)) for n in range(2)]
    shadow = [record(n + 0.5 + n, inference_id=str(n)) for n in range(2)]
    compared(tmp_path, output, production, shadow, examples=Examples(most=9, path=path))
    assert ["1"] == [json.loads(line)["inferenceId"] for line in path.read_text().splitlines()]


def test_examples_go_to_no_file_of_another(tmp_path, monkeypatch):
    """A file or a link that somebody puts there meanwhile gets nothing of what both answered."""
    path, theirs = tmp_path / "examples.jsonl", tmp_path / "theirs"
    theirs.touch()
    unlink = Path.unlink

    def put_back(gone, **settings):
        unlink(gone, **settings)
        if gone == path:
            path.symlink_to(theirs)

    monkeypatch.setattr(Path, "unlink", put_back)
    both = [[record(n, inference_id="1")] for n in range(2)]
    with pytest.raises(FileExistsError):
        compared(tmp_path, Output(kind="score"), *both, examples=Examples(most=9, path=path))
    assert "" == theirs.read_text()


def test_paths_with_quotes_are_paths(tmp_path, monkeypatch):
    """A temporary folder with a quote in its name is no SQL."""
    folder = tmp_path / 'it\'s "here"'
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert 3 == counts(compared(tmp_path, SCORE, lines(BOTH), lines(BOTH)))["pairs_id"]
    assert [] == list(Path(folder).iterdir())
