"""Sums of compared answers: read, checked, and added over hours."""

from __future__ import annotations

import json
import math

import pytest

from airflow_shadow.analysis.answer_sums import OUTPUT_COLUMNS, RECORD_COLUMNS, AnswerSums
from airflow_shadow.exceptions import InvalidRequestError


def document(**output):
    """Return a document of two minutes and one output, with some columns of it replaced."""
    records = {**{name: [5, 5] for name in RECORD_COLUMNS}, "minute": [100, 101]}
    columns = {**{name: [4, 4] for name in OUTPUT_COLUMNS}, "minute": [100, 101], **output}
    return {"version": 2, "records": records, "outputs": {"churn": columns}, "notes": {"bad": 1}}


def test_a_document_is_read_back():
    """What was written as JSON is read as the same sums."""
    sums = AnswerSums.from_dict(document(difference=[-0.5, 0.25]))
    again = AnswerSums.from_dict(json.loads(json.dumps(sums.to_dict())))
    assert sums == again


def test_hours_are_added():
    """Minutes of two hours are joined, those in both are added, an absent column is zero."""
    one = AnswerSums.from_dict(document(labelled=[3, 3]))
    late = {**document(), "outputs": {"churn": {**document()["outputs"]["churn"]}}}
    late["records"] = {**late["records"], "minute": [101, 102]}
    late["outputs"]["churn"]["minute"] = [101, 102]
    both = one + AnswerSums.from_dict(late)
    assert [100, 101, 102] == both.records["minute"]
    assert [5, 10, 5] == both.records["production"]
    assert [4, 8, 4] == both.outputs["churn"]["pairs"]
    assert [3, 3, 0] == both.outputs["churn"]["labelled"]
    assert {"bad": 2} == both.notes


def test_no_hour_adds_nothing():
    """The sum of no hours is empty, and adding it changes nothing."""
    sums = AnswerSums.from_dict(document())
    assert AnswerSums() == AnswerSums.merged([])
    assert sums == sums + AnswerSums()


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ("[]", "which is no structure"),
        ({"version": 1}, "version 1"),
        ({"version": True}, "version True"),
        ({"records": {}}, "version None"),
        ({**document(), "text": "secret"}, "unknown"),
        ({**document(), "records": []}, "no structure"),
        ({**document(), "records": {"minute": [1]}}, "production: is missing"),
        (document(secret=[1, 2]), "'secret': is unknown"),
        (document(pairs=[1]), "no list as long"),
        (document(pairs="12"), "no list as long"),
        (document(pairs=[1, math.nan]), "nan is not a number"),
        (document(pairs=[1, math.inf]), "inf is not a number"),
        (document(pairs=[1, -1]), "-1 is not a number from 0 on"),
        (document(pairs=[1, None]), "None is not a number"),
        (document(pairs=[1, True]), "True is not a number"),
        (document(minute=[1, 1]), "a minute is there twice"),
        (document(minute=[1.5, 2]), "no whole minute"),
        (document(disagreed=[5, 0]), "disagreed: exceeds compared"),
        (document(shadow_right=[1, 1]), "labelled: is missing"),
        (document(**{"value.cosine.mode": [1, 1]}), "is unknown"),
    ],
)
def test_a_broken_document_is_one_clear_error(found, why):
    """What no engine of this version writes is refused, and the error says what is wrong."""
    with pytest.raises(InvalidRequestError) as caught:
        AnswerSums.from_dict(found)
    assert why in caught.value.found
    assert "Compare the answers again" in caught.value.next_step


def test_own_numbers_have_columns():
    """The user's own numbers are columns of the output, whatever their names are."""
    columns = {f"value.ndcg.{part}": [1, 2] for part in ("n", "production", "difference_squared")}
    table = AnswerSums.from_dict(document(**columns)).outputs["churn"]
    assert [1, 2] == table["value.ndcg.n"]
