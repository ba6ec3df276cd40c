"""How records of both sides are joined: by id, by event, by input, and never by guessing."""

from __future__ import annotations

import pytest

from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.engine import Engine
from tests.answers.captured import MINUTE, TEN, compared, counts, record, totals

SCORE = Output(kind="score")


def test_records_of_one_inference_id_are_a_pair(tmp_path):
    """The caller's InferenceId joins both sides, whatever the order and the eventId."""
    production = [record(n, inference_id=f"i{n}", event_id=f"p{n}") for n in range(4)]
    shadow = [record(n + 0.5, inference_id=f"i{n}", event_id=f"s{n}") for n in range(3, -1, -1)]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert {"production": 4, "shadow": 4, "pairs_id": 4} == counts(sums)
    assert (4, 2.0) == (totals(sums)["pairs"], totals(sums)["difference"])


def test_records_of_one_event_id_are_a_pair(tmp_path):
    """Without InferenceId the eventId joins, where it is the same on both sides."""
    both = [record(n, event_id=f"e{n}", given="same") for n in range(4)]
    sums = compared(tmp_path, SCORE, both, both)
    assert {"production": 4, "shadow": 4, "pairs_event": 4} == counts(sums)
    assert {"inferenceId": 0, "eventId": 1} == sums.notes["joined_by"]


def test_equal_inputs_are_a_pair(tmp_path):
    """Without any common id the input joins, within some seconds."""
    production = [record(n, event_id=f"p{n}", given=f"row {n}") for n in range(4)]
    shadow = [record(n, event_id=f"s{n}", given=f"row {n}", at=TEN + 3) for n in range(4)]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert {"production": 4, "shadow": 4, "pairs_input": 4} == counts(sums)


def test_an_event_id_that_is_the_same_everywhere_joins_nothing(tmp_path):
    """An eventId that all records bear is none, so the input joins."""
    both = [record(n, event_id="0", given=f"row {n}") for n in range(3)]
    assert 3 == counts(compared(tmp_path, SCORE, both, both))["pairs_input"]


def test_each_way_is_told_apart(tmp_path):
    """Callers that send ids and callers that do not are counted apart."""
    production = [
        record(1, inference_id="i", event_id="p"),
        record(2, event_id="p2", given="a"),
    ]
    shadow = [record(1, inference_id="i", event_id="s"), record(2, event_id="s2", given="a")]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert {"production": 2, "shadow": 2, "pairs_id": 1, "pairs_input": 1} == counts(sums)


def test_ids_of_one_side_only_are_not_used(tmp_path):
    """If the shadow's records have no InferenceId, the input joins."""
    production = [record(1, inference_id="i", event_id="p", given="a")]
    shadow = [record(1, event_id="s", given="a")]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert {"production": 1, "shadow": 1, "pairs_input": 1} == counts(sums)


def test_other_ids_are_other_requests(tmp_path):
    """Records with InferenceIds that differ are never joined by their equal input."""
    production = [record(1, inference_id="a", given="x"), record(1, inference_id="b", given="y")]
    shadow = [record(1, inference_id="a", given="x"), record(1, inference_id="c", given="y")]
    sums = compared(tmp_path, SCORE, production, shadow)
    expected = {
        "production": 2,
        "shadow": 2,
        "pairs_id": 1,
        "production_only": 1,
        "shadow_only": 1,
    }
    assert expected == counts(sums)


def test_what_has_no_partner_is_counted(tmp_path):
    """A record that only one side has is seen, on either side."""
    production = [record(1, inference_id="a"), record(1, inference_id="b")]
    shadow = [record(1, inference_id="b"), record(1, inference_id="c"), record(1, inference_id="d")]
    sums = compared(tmp_path, SCORE, production, shadow)
    expected = {
        "production": 2,
        "shadow": 3,
        "pairs_id": 1,
        "production_only": 1,
        "shadow_only": 2,
    }
    assert expected == counts(sums)


def test_a_chain_of_one_input_is_not_guessed(tmp_path):
    """Sixty requests of one input every two seconds are no pairs, and all are accounted for."""
    production = [record(1, event_id=f"p{n}", given="x", at=TEN + 2 * n) for n in range(60)]
    shadow = [record(1, event_id=f"s{n}", given="x", at=TEN + 2 * n) for n in range(60)]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert {"production": 60, "shadow": 60, "repeated": 120, "ambiguous": 120} == counts(sums)


def test_an_input_that_comes_again_later_is_joined_each_time(tmp_path):
    """The same input every minute is a request of its own each time."""
    production = [record(1, event_id=f"p{n}", given="x", at=TEN + 60 * n) for n in range(60)]
    shadow = [record(1, event_id=f"s{n}", given="x", at=TEN + 60 * n + 1) for n in range(60)]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert {"production": 60, "shadow": 60, "pairs_input": 60} == counts(sums)


def test_an_input_repeated_on_one_side_is_not_guessed(tmp_path):
    """Two requests of one input, one of whose shadow's records was lost, are no pair."""
    production = [record(1, event_id=f"p{n}", given="x", at=TEN + n) for n in range(2)]
    shadow = [record(1, event_id="s", given="x")]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert {"production": 2, "shadow": 1, "repeated": 2, "ambiguous": 3} == counts(sums)


def test_an_input_between_two_is_not_guessed(tmp_path):
    """A production record that is near two of the shadow's, which are far apart, is no pair."""
    production = [record(1, event_id="p", given="x", at=TEN + 4)]
    shadow = [record(1, event_id=f"s{n}", given="x", at=TEN + 8 * n) for n in range(2)]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert {"production": 1, "shadow": 2, "ambiguous": 3} == {
        name: number for name, number in counts(sums).items() if name != "repeated"
    }


def test_a_reused_id_is_not_guessed(tmp_path):
    """An InferenceId that several requests have multiplies no pairs and joins none."""
    production = [record(n, inference_id="i", event_id=f"p{n}", at=TEN + n) for n in range(3)]
    shadow = [record(n, inference_id="i", event_id=f"s{n}", at=TEN + n) for n in range(3)]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert {"production": 3, "shadow": 3, "repeated": 4, "ambiguous": 6} == counts(sums)


def test_a_reused_id_counts_in_its_own_minutes(tmp_path):
    """Each record of a reused id counts in its own minute, so that no hour loses it."""
    production = [record(1, inference_id="i", event_id=f"p{n}", at=TEN + 60 * n) for n in range(3)]
    shadow = [record(1, inference_id="i", event_id="s", at=TEN)]
    records = compared(tmp_path, SCORE, production, shadow, start=TEN + 60).records
    assert ([MINUTE + 1, MINUTE + 2], [1, 1]) == (records["minute"], records["ambiguous"])


@pytest.mark.parametrize("given", ["", "x"])
@pytest.mark.parametrize("inference_id", [None, "i"])
def test_a_record_that_is_delivered_twice_is_one(tmp_path, given, inference_id):
    """The same record in two files, which its eventId tells, is one of a pair."""
    twice = [record(1, inference_id=inference_id, event_id="e", given=given)] * 2
    other = [record(1, inference_id=inference_id, event_id="e", given=given)]
    sums = compared(tmp_path, SCORE, twice, other)
    found = counts(sums)
    pairs = sum(number for name, number in found.items() if name.startswith("pairs_"))
    assert (2, 1, 1, 1) == (found["production"], found["shadow"], pairs, found["repeated"])


def test_a_record_without_id_and_input_is_alone(tmp_path):
    """What cannot be joined in any way counts on its side, in its own minute."""
    production = [record(1), record(1, at=TEN + 60)]
    sums = compared(tmp_path, SCORE, production, [record(1)])
    assert {"production": 2, "shadow": 1, "production_only": 2, "shadow_only": 1} == counts(sums)
    assert [1, 1] == sums.records["production_only"]


def test_every_record_is_accounted_for(tmp_path):
    """What comes in is in pairs, alone, ambiguous, or delivered twice."""
    production = [
        record(1, inference_id=f"i{n % 7}", event_id=f"p{n}", at=TEN + 9 * n) for n in range(11)
    ] + [record(1, event_id=f"q{n}", given=f"x{n % 5}", at=TEN + n) for n in range(12)]
    shadow = [
        record(1, inference_id=f"i{n}", event_id=f"s{n}", at=TEN + 9 * n) for n in range(9)
    ] + [record(1, event_id=f"t{n}", given=f"x{n}", at=TEN + n + 3) for n in range(6)]
    found = compared(tmp_path, SCORE, production, shadow).records
    total = {name: sum(numbers) for name, numbers in found.items()}
    pairs = total["pairs_id"] + total["pairs_event"] + total["pairs_input"]
    alone = total["production_only"] + total["shadow_only"] + total["ambiguous"]
    assert total["production"] + total["shadow"] == 2 * pairs + alone


def test_a_pair_counts_in_the_minute_of_production(tmp_path):
    """A pair that straddles two minutes is one of the first; each record counts in its own."""
    production = [record(1, inference_id="i", at=TEN + 59)]
    shadow = [record(2, inference_id="i", at=TEN + 61)]
    sums = compared(tmp_path, SCORE, production, shadow)
    assert [MINUTE, MINUTE + 1] == sums.records["minute"]
    assert ([1, 0], [0, 1], [1, 0]) == (
        sums.records["production"],
        sums.records["shadow"],
        sums.records["pairs_id"],
    )
    assert ([MINUTE], [1]) == (sums.outputs["it"]["minute"], sums.outputs["it"]["pairs"])


def test_only_records_between_start_and_end_count(tmp_path):
    """The start counts, the end does not."""
    both = [record(1, inference_id=f"i{n}", at=TEN + n) for n in range(-2, 3)]
    sums = compared(tmp_path, SCORE, both, both, start=TEN - 1, end=TEN + 1)
    assert {"production": 2, "shadow": 2, "pairs_id": 2} == counts(sums)


def test_a_side_without_records_is_no_error(tmp_path):
    """A test whose production was not captured has no pairs, and says what there is."""
    sums = compared(tmp_path, SCORE, [], [record(1, inference_id="i")])
    assert {"shadow": 1, "shadow_only": 1} == counts(sums)
    assert {} == counts(compared(tmp_path, SCORE, [], []))


@pytest.mark.parametrize(
    "name", ["jürgen", "\U0001f600" * 16, "'; DROP TABLE keyed; --", "a\\b", "\u202e"]
)
def test_ids_may_be_anything(tmp_path, name):
    """Ids in any language, and those that look like SQL, join as they are."""
    both = [record(1, inference_id=name), record(2, inference_id=f"{name}2")]
    assert 2 == counts(compared(tmp_path, SCORE, both, both))["pairs_id"]


@pytest.mark.parametrize(
    ("written", "minute"),
    [
        ("2026-03-02T10:00:00Z", MINUTE),
        ("2026-03-02T10:00:00.123456Z", MINUTE),
        ("2026-03-02T12:00:00+02:00", MINUTE),
        ("2026-03-02T10:00:00", MINUTE),
    ],
)
def test_times_are_in_utc(tmp_path, written, minute):
    """A zone is heeded; a time without one is in UTC."""
    both = [record(1, inference_id="i", time=written)]
    assert [minute] == compared(tmp_path, SCORE, both, both).records["minute"]


@pytest.mark.parametrize("written", ["", "yesterday", "infinity", "2026-13-45T10:00:00Z"])
def test_a_record_without_a_time_is_unreadable(tmp_path, written):
    """A record whose time cannot be read is counted as an unreadable line."""
    wrong = [record(1, inference_id="i", time=written)]
    sums = compared(tmp_path, SCORE, wrong, [])
    assert ({}, {"production": 1}) == (counts(sums), sums.notes["unreadable_lines"])


def mixed(side):
    """Return records of all ways to be joined, alone, repeated, ambiguous and broken."""
    name = side[0]
    ids = [record(n, inference_id=f"i{n}", event_id=f"{name}{n}") for n in range(40)]
    again = [record(1, inference_id="again", event_id=f"{name}a{n}", at=TEN + n) for n in range(3)]
    events = [record(n, event_id=f"e{n}", given="same") for n in range(40, 70)]
    inputs = [record(n, event_id=f"{name}{n}", given=f"row {n}") for n in range(70, 100)]
    crowd = [record(1, event_id=f"{name}c{n}", given="crowd") for n in range(4)]
    alone = [record(1, inference_id=f"only {name}{n}", event_id=f"{name}o{n}") for n in range(5)]
    twice = [record(1, inference_id="twice", event_id=f"{name}t")] * 2
    return [*ids, *again, *events, *inputs, *crowd, *alone, *twice, record("no", given="broken")]


@pytest.mark.parametrize("most", [1, 7, 100])
def test_slices_change_nothing(tmp_path, monkeypatch, most):
    """Records that are joined in slices are the same pairs."""
    sides = mixed("production"), mixed("shadow")
    whole = compared(tmp_path, SCORE, *sides)
    looked = []

    def few(engine):
        looked.append(engine)
        return most

    monkeypatch.setattr(Engine, "most_records", property(few, lambda *_: None), raising=False)
    assert whole.to_dict() == compared(tmp_path, SCORE, *sides).to_dict()
    assert looked
    assert {"pairs_id", "pairs_event", "pairs_input", "ambiguous", "repeated"} < set(counts(whole))
