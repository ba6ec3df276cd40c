"""What is broken is said by us: the engine agrees with strict readers on every nasty answer."""

from __future__ import annotations

import json

import pytest

from airflow_shadow.analysis.outputs import Output
from tests.answers.captured import compared, record, totals
from tests.answers.nasty import DEEP, TEXTS, VALUES
from tests.answers.oracle import places

pytestmark = pytest.mark.thorough

#: Where a nasty value stands: alone, in an object, in a list, in lines, in a cell.
AROUND = (
    ("", "%s", "application/json"),
    ("$.s", '{"s":%s}', "application/json; charset=utf-8"),
    ("$.p[*].s", '{"p":[{"s":%s},{"s":1}]}', "Application/JSON"),
    ("$[1]", "[0,%s]", "application/json"),
    ("$.s", '{"s":%s}\n{"s":2}', "application/jsonlines"),
    ("1", "x,%s", "text/csv"),
    ("s", "r,s\n1,%s\n2,3\n", "text/csv; header=present"),
    ("", "%s", "text/plain"),
    ("$.s", '{"s":%s}', "application/octet-stream"),
)
WHOLE = (
    ("", "application/json"),
    ("$.s", "application/json"),
    ("$[*].s", "application/json"),
    ("$.s[*]", "application/json"),
    ("$.s", "application/jsonlines"),
    ("$.s", "text/csv"),
    ("0", "text/csv"),
    ("s", "text/csv"),
    ("0", "application/json"),
    ("0", "application/x-recordio"),
    ("", "text/csv"),
    ("", "application/jsonlines"),
    ("", ""),
)
KINDS = ("score", "label", "text", "json")


def judged(folder, output, answers, content_type):
    """Return the places of each answer and how many are broken, as the engine counts them."""
    both = [
        record(answer, inference_id=str(n), at=n * 60, kind=content_type)
        for n, answer in enumerate(answers)
    ]
    table = compared(folder, output, both, both).outputs["it"]
    assert table["production_broken"] == table["shadow_broken"]
    return list(zip(table["values"], table["production_broken"], strict=True))


def expected(output, answers, content_type):
    """Return the same, as strict readers count them."""
    found = [places(answer, output, content_type) for answer in answers]
    return [(len(each), each.count(None)) for each in found]


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("path", "around", "content_type"), AROUND)
def test_nasty_values_are_broken_as_strict_readers_say(tmp_path, path, around, content_type, kind):
    """A nasty value in each place is broken, or not, for the engine as for Python."""
    output = Output(answer=path, kind=kind)
    answers = [around.replace("%s", value) for value in VALUES]
    found = judged(tmp_path, output, answers, content_type)
    assert [] == differing(expected(output, answers, content_type), found, answers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("path", "content_type"), WHOLE)
def test_nasty_texts_are_broken_as_strict_readers_say(tmp_path, path, content_type, kind):
    """A nasty answer is broken, or not, for the engine as for Python."""
    output = Output(answer=path, kind=kind)
    found = judged(tmp_path, output, TEXTS, content_type)
    assert [] == differing(expected(output, TEXTS, content_type), found, TEXTS)


def differing(one, other, answers):
    """Return the answers on which two disagree."""
    return [
        (answer[:60], mine, yours)
        for answer, mine, yours in zip(answers, one, other, strict=True)
        if mine != yours
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_equal_nasty_values_agree_and_others_do_not(tmp_path, kind):
    """Each nasty value beside the next one agrees where strict readers read the same of both."""
    output = Output(answer="$.s", kind=kind)
    answers = [f'{{"s":{value}}}' for value in VALUES]
    beside = answers[1:] + answers[:1]
    sides = [
        [record(answer, inference_id=str(n), at=n * 60) for n, answer in enumerate(side)]
        for side in (answers, beside)
    ]
    table = compared(tmp_path, output, *sides).outputs["it"]
    meant = [
        (places(one, output, "application/json"), places(other, output, "application/json"))
        for one, other in zip(answers, beside, strict=True)
    ]
    differ = [
        int(None not in {*one, *other} and not same(one, other, kind)) for one, other in meant
    ]
    assert [] == differing(differ, table["disagreed"], answers)


def same(one, other, kind):
    """Tell whether two read places are equal."""
    if kind != "score":
        return one == other
    return [float(each) for each in one] == [float(each) for each in other]


@pytest.mark.parametrize("path", ["", "$.s"])
def test_answers_that_are_nested_without_end_are_broken(tmp_path, path):
    """One such answer is broken, and the others are compared as always."""
    given = [*DEEP, '{"s":1}']
    both = [record(text, inference_id=str(n)) for n, text in enumerate(given)]
    plain = [record('{"s":1}', inference_id=str(n)) for n in range(len(given))]
    found = totals(compared(tmp_path, Output(answer=path, kind="json"), plain, both))
    assert (len(DEEP), 1) == (found["shadow_broken"], found["compared"])


def test_base64_is_strict(tmp_path):
    """Encoded answers are decoded; what is no base64, or no text behind it, is broken."""
    good = record("0.5", inference_id="a", kind="x/y", encoding="BASE64")
    wrong = []
    for n, data in enumerate(["MC41", "MC4", "MC41\n", "/w==", "M*C4", "=", ""]):
        each = record("", inference_id=str(n), kind="x/y", encoding="BASE64")
        each["captureData"]["endpointOutput"]["data"] = data
        wrong.append(each)
    found = totals(compared(tmp_path, Output(kind="score"), [good, *wrong], [good, *wrong]))
    assert (8, 2, 6) == (found["values"], found["compared"], found["production_broken"])


def test_content_types_may_be_mixed(tmp_path):
    """An endpoint that answers in the form that is asked for is read by each record's own."""
    both = [
        record('{"s": 1}', inference_id="a"),
        record('{"s": 2}\n{"s": 3}\n', inference_id="b", kind="application/jsonlines"),
        record("4", inference_id="c", kind="text/csv"),
        record('{"s": 5}', inference_id="d", kind="application/json", encoding="BASE64"),
    ]
    found = totals(compared(tmp_path, Output(answer="$.s", kind="score"), both, both))
    assert (5, 4, 11.0) == (found["values"], found["compared"], found["production_sum"])


def test_an_answer_may_be_missing(tmp_path):
    """Records without an output, without data or with a number for data are broken, not lost."""
    both = [record("1", inference_id=str(n)) for n in range(4)]
    del both[0]["captureData"]["endpointOutput"]
    del both[1]["captureData"]["endpointOutput"]["data"]
    both[2]["captureData"]["endpointOutput"]["data"] = {"a": [1]}
    found = totals(compared(tmp_path, Output(kind="score"), both, both))
    assert (4, 4, 1) == (found["pairs"], found["values"], found["compared"])


def test_shapes_tell_types_and_lengths_only(tmp_path):
    """What broken answers look like is told without a word of them, not even a name."""
    secret = json.dumps({"secret": [1, 2], "patient-7": "secret", "x": None})
    sums = compared(
        tmp_path,
        Output(answer="$.score", kind="score"),
        [record(secret, inference_id="a"), record("secret", inference_id="b")],
        [record(1, inference_id="a"), record("[{}]", inference_id="b")],
    )
    assert {
        "production": {
            "an object of 3: an array of 2, a text, null": 1,
            "text of 1 line(s), no JSON": 1,
        },
        "shadow": {"a number": 1, "an array of 1, first an object": 1},
    } == sums.notes["shapes"]["it"]
    assert "secret" not in json.dumps(sums.to_dict())
