"""What is summed of pairs: disagreements, differences, broken places, labels and own numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_shadow.analysis.outputs import Output
from tests.answers.captured import CSV, MINUTE, TEN, compared, lines, record, totals

PLACE = "s3://bucket/folder/"


def batches(*answers, **settings):
    """Return a record of each answer; their ids are their places."""
    return [record(each, inference_id=str(n), **settings) for n, each in enumerate(answers)]


def test_scores_disagree_by_more_than_within(tmp_path):
    """Scores agree up to `within`, which floating point does not move."""
    found = totals(
        compared(
            tmp_path,
            Output(kind="score", within=0.05),
            batches(0.80, 0.30, 0.5, 1000.05),
            batches(0.75, 0.35, 0.56, 1000.0),
        )
    )
    assert (4, 4, 1) == (found["values"], found["compared"], found["disagreed"])


def test_scores_are_summed(tmp_path):
    """Sums and squares of differences are of shadow minus production, over compared places."""
    found = totals(
        compared(tmp_path, Output(kind="score"), batches(1, 2, "x", 5), batches(1.5, 1, 3, "y"))
    )
    assert {
        "pairs": 4,
        "values": 4,
        "compared": 2,
        "production_broken": 1,
        "shadow_broken": 1,
        "disagreed": 2,
        "production_sum": 3.0,
        "shadow_sum": 2.5,
        "difference": -0.5,
        "difference_squared": 1.25,
    } == found


def test_labels_are_equal_however_a_number_is_written(tmp_path):
    """The classes 1 and 1.0 are one, "1" too; 1 and 01 are not."""
    found = compared(
        tmp_path,
        Output(answer="$.c", kind="label"),
        [record({"c": each}, inference_id=str(n)) for n, each in enumerate([1, "1", "01", -0.0])],
        [record({"c": each}, inference_id=str(n)) for n, each in enumerate([1.0, 1.0, 1, "0"])],
    )
    assert (4, 1) == (totals(found)["compared"], totals(found)["disagreed"])


def test_places_of_a_batch_are_compared_one_by_one(tmp_path):
    """Each row of a batch is a place; one that cannot be read leaves the others in theirs."""
    production = batches({"p": [{"s": 1}, {"s": 2}, {"s": 3}]})
    shadow = batches({"p": [{"s": 1}, {}, {"s": 4}]})
    found = totals(compared(tmp_path, Output(answer="$.p[*].s", kind="score"), production, shadow))
    assert (1, 3, 2, 1, 0, 1) == (
        found["pairs"],
        found["values"],
        found["compared"],
        found["shadow_broken"],
        found["production_broken"],
        found["disagreed"],
    )


@pytest.mark.parametrize(
    ("production", "shadow", "expected"),
    [
        ([1, 2, 3], [1, 2], (3, 0, 3)),
        ([1, 2], [1, 2, 3], (2, 0, 2)),
        ([], [1, 2], (2, 2, 0)),
        ([1, 2], [], (2, 0, 2)),
        ([], [], (1, 1, 1)),
    ],
)
def test_other_lengths_are_broken(tmp_path, production, shadow, expected):
    """A batch of another length is broken in the shadow, an empty one where it is empty."""
    found = totals(
        compared(
            tmp_path,
            Output(answer="$[*]", kind="score"),
            batches(production),
            batches(shadow),
        )
    )
    assert expected == (found["values"], found["production_broken"], found["shadow_broken"])


def test_rows_of_csv_are_compared_one_by_one(tmp_path):
    """A column by its number or its header, with quotes and either line end."""
    by_number = compared(
        tmp_path,
        Output(answer="1", kind="score"),
        batches('"a,b",1\r\nc,2\r\n', kind=CSV),
        batches('"a,""b",1\nc,3', kind=CSV),
    )
    by_header = compared(
        tmp_path,
        Output(answer="the score", kind="score"),
        batches("x,the score\na,1\nc,2\n", kind=CSV),
        batches("the score,x\n1,a\n3,c\n", kind=CSV),
    )
    for found in (totals(by_number), totals(by_header)):
        assert (2, 2, 1) == (found["values"], found["compared"], found["disagreed"])


def test_several_outputs_are_summed_apart(tmp_path):
    """Each named output has a table of its own, of the same pairs."""
    from airflow_shadow.answers import compare_files  # noqa: PLC0415 - beside its only use

    path = tmp_path / "both.jsonl"
    path.write_bytes(lines(batches({"a": 1, "b": "x"}, {"a": 2})))
    outputs = {"a": Output(answer="$.a", kind="score"), "b": Output(answer="$.b", kind="label")}
    sums = compare_files(outputs, production=[path], shadow=[path], start=0, end=4e9)
    assert (2, 1) == (totals(sums, "a")["compared"], totals(sums, "b")["compared"])


@pytest.mark.parametrize("number", ["1e30", "-1e30"])
def test_sums_of_the_largest_scores_are_finite(tmp_path, number):
    """The largest number that counts leaves all sums finite."""
    other = number.removeprefix("-") if "-" in number else f"-{number}"
    found = compared(tmp_path, Output(kind="score"), batches(number), batches(other))
    assert 4e60 == pytest.approx(totals(found)["difference_squared"])
    assert "Infinity" not in json.dumps(found.to_dict())


def truth(*rows: tuple[str, str], encoding: str = "CSV") -> bytes:
    """Return labels as SageMaker's model monitor has them."""
    return lines(
        {
            "groundTruthData": {"data": data, "encoding": encoding},
            "eventMetadata": {"eventId": name},
            "eventVersion": "0",
        }
        for name, data in rows
    )


def with_labels(folder: Path, output: Output, production, shadow, *files: bytes):
    """Return the sums with some files of labels."""
    paths = [folder / f"labels-{n}" for n in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    return compared(folder, output, production, shadow, labels={"it": paths})


LABEL = Output(kind="label", labels=PLACE)


def test_labels_say_which_side_was_right(tmp_path):
    """McNemar's counts: right on both sides, on one, and on none."""
    sums = with_labels(
        tmp_path,
        LABEL,
        batches('"a"', '"a"', '"b"', '"b"', '"c"'),
        batches('"a"', '"b"', '"a"', '"c"', '"c"'),
        truth(("0", "a"), ("1", "a"), ("2", "a"), ("3", "a"), ("9", "a")),
    )
    found = totals(sums)
    names = ("labelled", "production_right", "shadow_right")
    only = ("production_right_only", "shadow_right_only")
    assert [4, 2, 2, 1, 1] == [found[name] for name in (*names, *only)]
    assert {
        "read": 5,
        "unreadable": 0,
        "contradictory": 0,
        "usable": 5,
        "matched": 4,
        "other_length": 0,
    } == sums.notes["labels"]["it"]


def test_a_label_names_productions_event_where_there_is_no_other_id(tmp_path):
    """Without InferenceId the label bears production's eventId."""
    production = [record("1", event_id="p", given="x")]
    shadow = [record("2", event_id="s", given="x")]
    found = totals(with_labels(tmp_path, LABEL, production, shadow, truth(("p", "1"), ("s", "2"))))
    assert (1, 1, 0) == (found["labelled"], found["production_right"], found["shadow_right"])


def test_the_inference_id_wins(tmp_path):
    """A label that names the InferenceId counts before one that names the eventId."""
    both = [record("1", inference_id="i", event_id="e")]
    found = totals(with_labels(tmp_path, LABEL, both, both, truth(("e", "2"), ("i", "1"))))
    assert (1, 1) == (found["labelled"], found["production_right"])


def test_labels_of_a_batch_may_be_cells(tmp_path):
    """In CSV the label of a batch is one quoted cell."""
    both = [record({"p": [1, 0]}, inference_id="a")]
    output = Output(answer="$.p[*]", kind="label", labels=PLACE)
    found = totals(with_labels(tmp_path, output, both, both, b'id,label\na,"1,1"\n'))
    assert (2, 1) == (found["labelled"], found["production_right"])


@pytest.mark.parametrize(
    "content", [b"id,label\n0,1\n1,0\n", b"\xef\xbb\xbfid,label\r\n0,1\r\n1,0\r\n"]
)
def test_labels_may_be_csv(tmp_path, content):
    """Labels as CSV have the columns id and label."""
    found = totals(with_labels(tmp_path, LABEL, batches("1", "1"), batches("0", "0"), content))
    assert (2, 1, 1) == (found["labelled"], found["production_right"], found["shadow_right"])


def test_labels_may_be_parquet(tmp_path):
    """Labels as Parquet have the columns id and label, of any type."""
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "labels.parquet"
    duckdb.sql("SELECT 0 AS id, 1.0 AS label UNION ALL SELECT 1, 0.0").write_parquet(str(path))
    found = totals(
        with_labels(tmp_path, LABEL, batches("1", "1"), batches("0", "0"), path.read_bytes())
    )
    assert (2, 1, 1) == (found["labelled"], found["production_right"], found["shadow_right"])


@pytest.mark.parametrize("label", ["1\n1\n1\n", "1,1,1", "1,1,1\r\n", '"1","1.0",1'])
def test_labels_of_a_batch_are_matched_place_by_place(tmp_path, label):
    """A label holds a line, a field or an item for each row; another number labels nothing."""
    both = [
        record({"p": [1, 0, 1]}, inference_id="a"),
        record({"p": [1, 0]}, inference_id="b"),
        record({"p": [1, 0]}, inference_id="c"),
    ]
    content = truth(("a", label), ("c", "1")) + truth(("b", "[1, null]"), encoding="JSON")
    output = Output(answer="$.p[*]", kind="label", labels=PLACE)
    sums = with_labels(tmp_path, output, both, both, content)
    found = totals(sums)
    assert (7, 4, 3) == (found["compared"], found["labelled"], found["production_right"])
    assert 1 == sums.notes["labels"]["it"]["other_length"]


def test_a_label_that_contradicts_itself_is_not_used(tmp_path):
    """A label that is given twice counts once if it is the same, and not at all if it differs."""
    same = truth(("0", "1"), ("0", "1.0"), ("1", "1"), ("1", "0"), ("2", " "))
    sums = with_labels(tmp_path, LABEL, batches("1", "1", "1"), batches("1", "1", "1"), same)
    assert 1 == totals(sums)["labelled"]
    notes = sums.notes["labels"]["it"]
    assert (5, 1, 1, 1) == tuple(
        notes[each] for each in ("read", "unreadable", "contradictory", "usable")
    )


def test_broken_answers_have_no_label(tmp_path):
    """Accuracy and error are of places that both sides answered."""
    content = truth(("0", "1"), ("1", "1"))
    output = Output(kind="score", labels=PLACE)
    found = totals(with_labels(tmp_path, output, batches("1", "x"), batches("x", "1"), content))
    assert 0 == found["labelled"]


def test_errors_of_scores_are_summed(tmp_path):
    """The squared error is Brier's; a threshold makes labels of scores."""
    content = truth(("0", "1"), ("1", "0"))
    output = Output(kind="score", labels=PLACE, threshold=0.5)
    found = totals(with_labels(tmp_path, output, batches(0.75, 0.5), batches(0.5, 0.25), content))
    assert {
        "labelled": 2,
        "production_right": 1,
        "shadow_right": 2,
        "production_right_only": 0,
        "shadow_right_only": 1,
        "production_loss": 0.0625 + 0.25,
        "shadow_loss": 0.25 + 0.0625,
        "loss_difference": 0.0,
        "loss_difference_squared": 2 * 0.1875**2,
    } == {name: number for name, number in found.items() if "right" in name or "loss" in name} | {
        "labelled": found["labelled"]
    }


def test_the_error_may_be_absolute(tmp_path):
    """`loss: absolute` sums the distance; without a threshold nothing is right or wrong."""
    output = Output(kind="score", labels=PLACE, loss="absolute")
    found = totals(with_labels(tmp_path, output, batches(3), batches(-1), truth(("0", "1.5"))))
    assert (1.5, 2.5, 1.0) == (
        found["production_loss"],
        found["shadow_loss"],
        found["loss_difference"],
    )
    assert "production_right" not in found


def test_own_numbers_are_paired(tmp_path):
    """Own numbers of both variants are summed; those of one variant only are left out."""
    rows = [
        ("0", "AllTraffic", "cosine", "0.5"),
        ("0", "shadow-7", "cosine", "0.75"),
        ("1", "production", "cosine", "1"),
        ("1", "SHADOW", "cosine", "0"),
        ("2", "AllTraffic", "cosine", "1"),
        ("0", "AllTraffic", "ndcg", "NaN"),
        ("0", "shadow-7", "ndcg", "1"),
        ("0", "another", "cosine", "1"),
        ("0", "AllTraffic", "no name", "1"),
    ]
    path = tmp_path / "own.csv"
    path.write_text("id,variant,name,value\n" + "\n".join(map(",".join, rows)))
    sums = compared(
        tmp_path,
        Output(kind="text", values=PLACE),
        batches("a", "b", "c"),
        batches("a", "b", "c"),
        values={"it": [path]},
        variants=("AllTraffic", "shadow-7"),
    )
    assert {
        "value.cosine.n": 2,
        "value.cosine.production": 1.5,
        "value.cosine.shadow": 0.75,
        "value.cosine.difference": -0.75,
        "value.cosine.difference_squared": 1.0625,
    } == {name: number for name, number in totals(sums).items() if name.startswith("value.")}
    assert {"read": 9, "unreadable": 3, "contradictory": 0, "usable": 6} == sums.notes["values"][
        "it"
    ]


def test_own_numbers_may_be_json_lines(tmp_path):
    """Own numbers as JSON lines have the same names, and their numbers need no quotes."""
    path = tmp_path / "own.jsonl"
    rows = [
        {"id": "0", "variant": side, "name": "judge", "value": n}
        for n, side in enumerate(("production", "shadow"))
    ]
    path.write_bytes(lines(rows))
    output = Output(kind="text", values=PLACE)
    sums = compared(tmp_path, output, batches("a"), batches("b"), values={"it": [path]})
    assert (1, 1.0) == (totals(sums)["value.judge.n"], totals(sums)["value.judge.difference"])


def test_minutes_are_those_of_production(tmp_path):
    """Each minute with a pair has one entry, in the order of time."""
    production = [record(n, inference_id=str(n), at=TEN + 60 * n) for n in (2, 0, 5)]
    sums = compared(tmp_path, Output(kind="score"), production, production)
    assert [MINUTE, MINUTE + 2, MINUTE + 5] == sums.outputs["it"]["minute"]
