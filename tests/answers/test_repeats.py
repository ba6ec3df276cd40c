"""How often production disagrees with itself: its own requests that have an equal input."""

from __future__ import annotations

import pytest

from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.engine import Engine
from tests.answers.captured import MINUTE, TEN, compared, record, totals

SCORE = Output(kind="score", noise="repeats")


def asked(*answers, given="same", since=TEN, side="p"):
    """Return records of answers to one input, a second apart."""
    return [
        record(each, event_id=f"{side}{given}{n}", inference_id=f"{given}{n}", given=given, at=at)
        for n, each in enumerate(answers)
        for at in [since + n]
    ]


def repeats(sums):
    """Return production's own pairs that were compared, and those that disagreed."""
    found = totals(sums)
    return found["repeats"], found["repeats_disagreed"]


def test_equal_inputs_are_pairs_two_by_two(tmp_path):
    """Each request is in one pair at most, in the order of time; one that is left over in none."""
    production = [*asked(1, 1, 2, 3, 4), *asked(5, given="alone"), *asked(7, 8, given="other")]
    sums = compared(tmp_path, SCORE, production, asked(1, side="s"))
    assert (3, 2) == repeats(sums)
    assert (1, 0) == (totals(sums)["pairs"], totals(sums)["disagreed"])


def test_the_shadows_own_requests_are_none(tmp_path):
    """What the shadow says twice is no noise of production."""
    sums = compared(tmp_path, SCORE, asked(1), asked(1, 2, 3, 4, side="s"))
    assert (0, 0) == repeats(sums)


def test_without_the_noise_nothing_is_counted(tmp_path):
    """Who does not ask for production's own pairs does not pay for them."""
    sums = compared(tmp_path, Output(kind="score"), asked(1, 2), asked(1, 2, side="s"))
    assert not {"repeats", "repeats_disagreed"} & set(sums.outputs["it"])


def test_scores_agree_up_to_within(tmp_path):
    """What agrees between variants agrees within production, too; broken answers do not count."""
    output = Output(kind="score", noise="repeats", within=0.5)
    production = [*asked(1, 1.4), *asked(1, 2, given="far"), *asked(1, "x", given="broken")]
    assert (2, 1) == repeats(compared(tmp_path, output, production, []))


def test_places_of_a_batch_are_compared_one_by_one(tmp_path):
    """Rows of two equal batches; batches of other lengths say nothing."""
    output = Output(answer="$[*]", kind="label", noise="repeats")
    production = [*asked([1, 2, 3], [1, 5, 3]), *asked([1], [1, 2], given="other")]
    assert (3, 1) == repeats(compared(tmp_path, output, production, []))


def test_what_was_delivered_twice_is_no_pair(tmp_path):
    """One record that came twice is one request; a request without an eventId is left out."""
    twice = asked(1) * 2
    nameless = [record(n, given="nameless") for n in range(4)]
    assert (0, 0) == repeats(compared(tmp_path, SCORE, twice + nameless, []))


def test_pairs_count_in_the_minute_of_the_first(tmp_path):
    """Also where nothing of both variants is compared, and only inside the window."""
    production = [
        *asked(1, 2, given="late", since=TEN + 59),
        *asked(1, 2, given="before", since=TEN - 1),
        *asked(1, 2, given="empty minute", since=TEN + 300),
    ]
    shadow = asked(1, given="late", since=TEN + 59, side="s")
    sums = compared(tmp_path, SCORE, production, shadow, start=TEN, end=TEN + 3600)
    table = sums.outputs["it"]
    assert [MINUTE, MINUTE + 5] == table["minute"]
    assert ([1, 1], [1, 0]) == (table["repeats"], table["pairs"])


@pytest.mark.parametrize("most", [1, 7, 100])
def test_slices_change_nothing(tmp_path, monkeypatch, most):
    """Inputs that are looked through in slices are the same pairs."""
    production = [each for n in range(30) for each in asked(*range(n % 5), given=f"row {n}")]
    whole = compared(tmp_path, SCORE, production, [])
    few = property(lambda _: most, lambda *_: None)
    monkeypatch.setattr(Engine, "most_records", few, raising=False)
    assert whole.to_dict() == compared(tmp_path, SCORE, production, []).to_dict()
    assert (24, 24) == repeats(whole)
