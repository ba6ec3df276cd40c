"""Spark and DuckDB find the same in the same files: counts exactly, sums to 1e-12."""

from __future__ import annotations

import gzip
import json
import random
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers import FolderStore, compare_captures, compare_files
from airflow_shadow.answers.on_spark import on_spark
from airflow_shadow.answers.spark import main
from airflow_shadow.exceptions import ShadowError
from tests.answers.captured import CSV, JSON, TEN, lines, record
from tests.answers.nasty import DEEP, TEXTS, VALUES

#: Columns that are sums of floating point; all others are counts.
SUMS = ("sum", "difference", "squared", "loss", "production", "shadow")
PLACE = "s3://bucket/folder/"
LINES = "application/jsonlines"
#: Forms in which a nasty value, and a whole nasty text, is answered.
FORMS = (
    ('{"s":%s,"p":[{"s":%s},{"s":1}]}', JSON),
    ("x,%s\ny,%s", CSV),
    ('{"s":%s}\n{"s":2}', LINES),
    ("%s", "text/plain"),
)
OUTPUTS = {
    "score": Output(answer="$.s", kind="score", within=0.05),
    "scores": Output(answer="$.p[*].s", kind="score"),
    "label": Output(answer="$.s", kind="label"),
    "json": Output(answer="$.s", kind="json"),
    "column": Output(answer="1", kind="score"),
    "whole": Output(kind="text"),
}


def same(one, other):
    """Return the columns in which two sums differ."""
    tables = {"records": (one.records, other.records)}
    tables |= {name: (one.outputs[name], other.outputs[name]) for name in one.outputs}
    return [
        f"{name}.{column}"
        for name, (mine, yours) in tables.items()
        for column in mine
        if not all(map(_close if _is_sum(name, column) else _equal, mine[column], yours[column]))
        or len(mine[column]) != len(yours[column])
    ]


def _is_sum(name, column):
    return name != "records" and column.endswith(SUMS)


def _equal(one, other):
    return one == other


def _close(one, other):
    return abs(one - other) <= 1e-12 * max(1, abs(one))


def on_both(session, folder, outputs, sides, **settings):
    """Return the sums of DuckDB and of Spark on the same files."""
    paths = []
    for name, records in zip(("production", "shadow"), sides, strict=True):
        path = folder / f"{name}.jsonl"
        path.write_bytes(records if isinstance(records, bytes) else lines(records))
        paths.append(path)
    given = {"production": paths[:1], "shadow": paths[1:], "start": 0, "end": 4e9, **settings}
    return (
        compare_files(outputs, **given),
        compare_files(outputs, on=on_spark(session), **given),
    )


def nasty():
    """Return records of nasty answers, and the same answers each a place further."""
    answers = [(form.replace("%s", value), kind) for form, kind in FORMS for value in VALUES]
    answers += [(text, kind) for text in TEXTS for kind in (JSON, CSV, LINES, "text/plain")]
    answers += [(text, JSON) for text in DEEP]
    beside = answers[1:] + answers[:1]
    return [
        [
            record(text, inference_id=f"{n}", at=n * 60, kind=kind)
            for n, (text, kind) in enumerate(side)
        ]
        for side in (answers, beside)
    ]


def test_nasty_answers(session, tmp_path):
    """What is broken, and what agrees, is the same on both."""
    one, other = on_both(session, tmp_path, OUTPUTS, nasty())
    assert ([], one.notes) == (same(one, other), other.notes)
    assert all(sum(table["shadow_broken"]) for table in one.outputs.values())
    assert all(sum(table["disagreed"]) for table in one.outputs.values())


def mixed(draw, count=600):
    """Return one side's records of all kinds: with ids and without, repeated, late and twice."""
    records = []
    for n in range(count):
        again = n % 7 if draw.random() < 0.1 else n
        ids = {
            "id": {
                "inference_id": f"i{again}",
                "event_id": f"{draw.random()}",
                "given": f"{n % 90}",
            },
            "event": {"event_id": f"e{n}"},
            "input": {"given": f"row {again}"},
            "none": {},
        }[("id", "id", "event", "input", "input", "none")[n % 6]]
        score = [draw.random(), draw.random()]
        at = TEN + 2 * n + draw.choice([0, 0, 0, 1, 30])
        records.append(record({"s": score}, at=at, **ids))
        if draw.random() < 0.05:
            records.append(records[-1])
    return [each for each in records if draw.random() > 0.05]


def test_each_way_of_pairing(session, tmp_path):
    """Ids, events, inputs, what repeats and what is alone; labels and own numbers."""
    draw = random.Random(7)
    sides = [mixed(random.Random(5)), mixed(random.Random(6))]
    truth = [
        {
            "groundTruthData": {"data": f"{draw.random()},1", "encoding": "CSV"},
            "eventMetadata": {"eventId": f"{draw.choice('ie')}{n}"},
        }
        for n in range(600)
    ]
    (tmp_path / "labels").write_bytes(lines(truth))
    own = [f"i{n},{side},cosine,{draw.random()}" for n in range(300) for side in ("A", "B")]
    (tmp_path / "own").write_text("\n".join(["id,variant,name,value", *own]))
    output = Output(
        answer="$.s[*]", kind="score", within=0.3, labels=PLACE, values=PLACE, noise="repeats"
    )
    one, other = on_both(
        session,
        tmp_path,
        {"it": output},
        sides,
        labels={"it": [tmp_path / "labels"]},
        values={"it": [tmp_path / "own"]},
        variants=("A", "B"),
    )
    assert ([], one.notes) == (same(one, other), other.notes)
    assert [] == [column for column, numbers in one.records.items() if not any(numbers)]
    assert [] == [
        column
        for column, numbers in one.outputs["it"].items()
        if not any(numbers)
        if "broken" not in column
    ]


def captured(folder):
    """Write captures of two hours as SageMaker does; some pairs straddle them."""
    for variant, late in (("AllTraffic", 0), ("Shadow-01", 2)):
        for minute in range(40, 80):
            at = TEN + 60 * minute
            made = [
                record({"s": 1 / (n + minute)}, inference_id=f"{minute}-{n}", at=at + 59 + late)
                for n in range(5)
            ]
            place = folder / "churn" / variant / f"{datetime.fromtimestamp(at, UTC):%Y/%m/%d/%H}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{minute % 60:02d}-59-000-x.jsonl").write_bytes(lines(made))


class NothingToRead:
    """A comparison that would have nothing to read from."""

    outputs: ClassVar = {"it": OUTPUTS["score"]}

    def apart(self):
        """Return that nothing is known."""
        return {}


@contextmanager
def reading_nothing(outputs, variants, limits, examples):
    """Yield a comparison that cannot read."""
    yield NothingToRead(), None


@pytest.mark.usefixtures("session")
def test_hours_are_kept_where_a_task_finds_them(tmp_path):
    """The job fills `results` as a task would, and the task reads no hour again."""
    captured(tmp_path / "captures")
    document = {
        "captures": str(tmp_path / "captures"),
        "endpoint": "churn",
        "production": "AllTraffic",
        "shadow": "Shadow-01",
        "start": "2026-03-02T10:30:00Z",
        "end": "2026-03-02T12:00:00Z",
        "answers": {"it": {"answer": "$.s", "kind": "score", "within": 0.05}},
        "results": str(tmp_path / "kept"),
        "sums": str(tmp_path / "sums.json"),
    }
    assert 0 == main([json.dumps(document)])
    store = FolderStore(tmp_path / "captures", endpoint="churn")
    window = {"start": TEN + 1800, "end": TEN + 7200}
    given = {"production": "AllTraffic", "shadow": "Shadow-01", **window}
    fresh = compare_captures(store, NothingToRead.outputs, **given)
    kept = compare_captures(
        store,
        NothingToRead.outputs,
        **given,
        results=str(tmp_path / "kept"),
        on=reading_nothing,
    )
    assert ([], 200) == (same(fresh, kept), sum(kept.records["pairs_id"]))
    assert kept.to_dict() == json.loads((tmp_path / "sums.json").read_text())


def test_a_broken_file_is_told_as_by_duckdb(session, tmp_path):
    """The error of a task of Spark comes back as ours, with the file and none of its content."""
    cut = gzip.compress(lines([record("secret", inference_id="1")] * 1000))[:-20]
    errors = []
    for on in (None, on_spark(session)):
        path = tmp_path / "cut.jsonl.gz"
        path.write_bytes(cut)
        with pytest.raises(ShadowError) as caught:
            compare_files(OUTPUTS, production=[path], shadow=[], start=0, end=4e9, on=on)
        errors.append((type(caught.value), str(caught.value)))
    assert errors[0] == errors[1]
    assert "secret" not in errors[1][1]


def test_what_spark_cannot_do_is_said_by_us(session, tmp_path):
    """Spark's own words, which may quote, are in no error of ours."""
    settings = {"production": [], "shadow": [], "start": 0, "end": 4e9}
    with (
        on_spark(session)(OUTPUTS, ("A", "B"), None, None) as (comparison, _),
        pytest.raises(ShadowError) as caught,
    ):
        comparison._engine.run("SELECT CAST('secret' AS INT) + RAISE_ERROR('secret')")
    assert "secret" not in str(caught.value)
    assert {} == {
        k: v
        for k, v in compare_files(OUTPUTS, on=on_spark(session), **settings).records.items()
        if v
    }


def test_a_document_that_is_none_is_refused(capsys):
    """The job says which fields it needs."""
    assert (1, 1, 1) == (main([]), main(["{}"]), main(["/nowhere"]))
    assert "captures" in capsys.readouterr().err


def test_no_airflow_is_needed():
    """A cluster has no Airflow."""
    assert "airflow" not in sys.modules
