"""Criteria on answers: what passes, what fails, and what is too little to say."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from airflow_shadow.analysis import AnswerSums, judge, judge_answers, text_table
from tests.analysis.answer_data import (
    LABELS,
    answer_finding,
    answer_spec,
    criterion,
    observed,
    sums,
)

MINUTES = 120
SCORE, LABEL = {"kind": "score"}, {"kind": "label", "labels": LABELS}
DISAGREEMENT = criterion("disagreement", comparison="absolute", tolerance=0.02)
BROKEN = criterion("broken", comparison="difference", tolerance=0.005)
SHIFT = criterion("shift", comparison="difference", direction="either", tolerance=0.01)
ACCURACY = criterion("accuracy", comparison="difference", direction="decrease", tolerance=0.01)
ERROR = criterion("error", comparison="relative", tolerance=0.05)


def hits(share: float, *, pairs: int = 100, minutes: int = MINUTES, seed: int = 1) -> list[int]:
    """Return how many of each minute's pairs a share hits."""
    draw = random.Random(seed)
    return [sum(draw.random() < share for _ in range(pairs)) for _ in range(minutes)]


def scores(change: float, *, spread: float = 0.1, minutes: int = MINUTES) -> dict[str, list[float]]:
    """Return sums of scores of 100 pairs a minute that differ by a change and noise."""
    draw = random.Random(2)
    rows = [[draw.gauss(change, spread) for _ in range(100)] for _ in range(minutes)]
    return {
        "production_sum": [30.0] * minutes,
        "shadow_sum": [30.0 + sum(row) for row in rows],
        "difference": [sum(row) for row in rows],
        "difference_squared": [sum(each * each for each in row) for row in rows],
    }


def right(only_production: float, only_shadow: float, *, labelled: int = 100) -> dict[str, list]:
    """Return what was right, where each variant alone is right in a share of the labelled."""
    ours = hits(only_production, pairs=labelled, seed=3)
    drawn = hits(only_shadow, pairs=labelled, seed=4)
    theirs = [min(other, labelled - one) for one, other in zip(ours, drawn, strict=True)]
    both = [(labelled - one - other) // 2 for one, other in zip(ours, theirs, strict=True)]
    return {
        "labelled": [labelled] * MINUTES,
        "production_right": list(map(sum, zip(both, ours, strict=True))),
        "shadow_right": list(map(sum, zip(both, theirs, strict=True))),
        "production_right_only": ours,
        "shadow_right_only": theirs,
    }


def losses(ratio: float, *, labelled: int = 100) -> dict[str, list]:
    """Return sums of squared errors, those of the shadow larger by a ratio."""
    draw = random.Random(5)
    rows = [[draw.gauss(0, 0.3) ** 2 for _ in range(labelled)] for _ in range(MINUTES)]
    change = [[(ratio - 1) * each for each in row] for row in rows]
    return {
        "labelled": [labelled] * MINUTES,
        "production_loss": list(map(sum, rows)),
        "shadow_loss": [ratio * sum(row) for row in rows],
        "loss_difference": list(map(sum, change)),
        "loss_difference_squared": [sum(each * each for each in row) for row in change],
    }


@pytest.mark.parametrize(
    ("share", "outcome"), [(0.0, "PASS"), (0.01, "PASS"), (0.02, "INCONCLUSIVE"), (0.04, "FAIL")]
)
def test_disagreement_is_one_share_against_its_limit(share, outcome):
    """The interval of the share of pairs that differ is within the limit, or beyond it."""
    found = answer_finding(DISAGREEMENT, sums(MINUTES, disagreed=hits(share)), output={})
    assert (outcome, None) == (found.outcome, found.baseline)


@pytest.mark.parametrize(
    ("change", "outcome"), [(0, "PASS"), (0.01, "INCONCLUSIVE"), (0.03, "FAIL")]
)
def test_a_shift_is_the_difference_of_mean_scores(change, outcome):
    """What moves all scores by as much as the tolerance is undecided, by more a FAIL."""
    found = answer_finding(SHIFT, sums(MINUTES, **scores(change)), output=SCORE)
    assert outcome == found.outcome
    assert found.estimate == pytest.approx(change, abs=0.003)


def test_negative_scores_are_numbers_like_others():
    """Scores may be negative, as logits are, unlike CloudWatch's metrics."""
    columns = scores(0.0)
    below = {**columns, "production_sum": [-30.0] * MINUTES}
    below["shadow_sum"] = [value - 60.0 for value in columns["shadow_sum"]]
    found = answer_finding(SHIFT, sums(MINUTES, **below), output=SCORE)
    assert ("PASS", -0.3) == (found.outcome, pytest.approx(found.baseline))


def test_the_same_model_passes():
    """Equal answers leave no doubt, although nothing varies: each pair was seen."""
    same = sums(MINUTES, **scores(0.0, spread=0.0), **right(0, 0))
    assert "PASS" == answer_finding(SHIFT, same, output=SCORE).outcome
    assert "PASS" == answer_finding(ACCURACY, same, output=LABEL).outcome
    assert "PASS" == answer_finding(BROKEN, same, output={}).outcome


@pytest.mark.parametrize(
    ("ours", "theirs", "outcome"),
    [
        (0.05, 0.05, "PASS"),
        (0.02, 0.08, "PASS"),
        (0.055, 0.045, "INCONCLUSIVE"),
        (0.07, 0.03, "FAIL"),
    ],
)
def test_accuracy_is_what_only_one_variant_has_right(ours, theirs, outcome):
    """Where both are right or both are wrong nothing is learned; the rest decides."""
    found = answer_finding(ACCURACY, sums(MINUTES, **right(ours, theirs)), output=LABEL)
    assert (outcome, 12_000) == (found.outcome, found.n_candidate)
    assert " pp [" in found.sentence


@pytest.mark.parametrize(("ratio", "outcome"), [(1.0, "PASS"), (1.02, "PASS"), (1.2, "FAIL")])
def test_an_error_is_compared_as_a_ratio(ratio, outcome):
    """A relative tolerance needs no knowledge of the unit of a loss."""
    found = answer_finding(
        ERROR, sums(MINUTES, **losses(ratio)), output={**SCORE, "labels": LABELS}
    )
    assert outcome == found.outcome


def test_errors_of_zero_have_no_ratio():
    """Two models without any error cannot be compared as a ratio, and the finding says so."""
    found = answer_finding(ERROR, sums(MINUTES, **losses(0.0)), output={**SCORE, "labels": LABELS})
    assert ("INCONCLUSIVE", True) == (found.outcome, "no ratio" in found.sentence)


@pytest.mark.parametrize(("ours", "outcome"), [(0.05, "INCONCLUSIVE"), (0.9, "INCONCLUSIVE")])
def test_too_few_labels_decide_nothing(ours, outcome):
    """Below `min_labelled` there is neither PASS nor FAIL, and the sentence says how many."""
    few = sums(MINUTES, **right(ours, 0.05, labelled=2))
    found = answer_finding(ACCURACY, few, output=LABEL)
    assert (outcome, True) == (
        found.outcome,
        "240 of 500 labelled answers needed" in found.sentence,
    )


def test_the_output_says_how_many_labels_are_enough():
    """`min_labelled` of the output, or `min_samples` of the criterion, is what counts."""
    few = sums(MINUTES, **right(0.3, 0.05, labelled=2))
    assert "FAIL" == answer_finding(ACCURACY, few, output={**LABEL, "min_labelled": 100}).outcome
    more = replace(ACCURACY, min_samples=1000)
    found = answer_finding(more, few, output={**LABEL, "min_labelled": 100})
    assert "240 of 1,000 labelled answers needed" in found.sentence


def test_no_label_at_all_says_so():
    """Without any label the sentence has the number that is needed, whatever else is known."""
    for answers in (sums(MINUTES), sums(MINUTES, **right(0, 0, labelled=0)), AnswerSums(), None):
        found = judge_answers(answer_spec(ACCURACY, **LABEL), observed(answers)).findings[0]
        assert "accuracy: 0 of 500 labelled answers needed" == found.sentence


def test_labels_of_one_minute_decide_nothing():
    """All labels in one minute are one moment, however many they are."""
    columns = {name: [50_000 if row == 7 else 0 for row in range(MINUTES)] for name in right(0, 0)}
    columns["production_right_only"] = [0] * MINUTES
    columns["shadow_right_only"] = [0] * MINUTES
    found = answer_finding(ACCURACY, sums(MINUTES, pairs=50_000, **columns), output=LABEL)
    assert ("INCONCLUSIVE", True) == (found.outcome, "1 of 30 periods needed" in found.sentence)


@pytest.mark.parametrize(("measure", "bad"), [("cosine", 0.02), ("ndcg", -0.02)])
def test_own_numbers_are_compared_in_pairs(measure, bad):
    """A value that somebody else computed is a difference of means, and its direction is given."""
    columns = {
        f"value.{measure}.{name.removesuffix('_sum')}": values
        for name, values in scores(bad, spread=0.02).items()
    }
    direction = "increase" if bad > 0 else "decrease"
    item = criterion(
        f"values.{measure}", comparison="difference", direction=direction, tolerance=0.01
    )
    found = answer_finding(
        item, sums(MINUTES, **{f"value.{measure}.n": 100}, **columns), output={"values": LABELS}
    )
    assert "FAIL" == found.outcome


def grades(change: float, judged: int) -> dict[str, list[float]]:
    """Return a judge's grades of so many pairs, one a minute, that differ by a change and noise."""
    draw = random.Random(8)
    differences = [change + draw.choice([-1, 0, 0, 0, 1]) for _ in range(judged)]
    columns = {
        "n": [1] * judged,
        "production": [3] * judged,
        "shadow": [3 + each for each in differences],
        "difference": differences,
        "difference_squared": [each * each for each in differences],
    }
    rest = [0] * (300 - judged)
    return {f"value.grade.{name}": values + rest for name, values in columns.items()}


@pytest.mark.parametrize(
    ("change", "judged", "least", "outcome"),
    [
        (0.0, 290, 250, "PASS"),
        (0.0, 290, None, "INCONCLUSIVE"),
        (-1.0, 290, 250, "FAIL"),
        (-1.0, 290, None, "INCONCLUSIVE"),
    ],
)
def test_the_output_says_how_many_own_numbers_are_enough(change, judged, least, outcome):
    """Below `min_values`, 1,000 by default, nothing is decided, and the sentence says how many."""
    item = criterion("values.grade", comparison="difference", direction="decrease", tolerance=0.25)
    output = {"values": LABELS} | ({} if least is None else {"min_values": least})
    found = answer_finding(item, sums(300, **grades(change, judged)), minutes=300, output=output)
    says = "290 of 1,000 pairs with this number needed" in found.sentence
    assert (outcome, least is None) == (found.outcome, says)


def test_no_own_number_at_all_says_so():
    """Without any number the sentence has how many are needed."""
    item = criterion("values.grade", comparison="difference", tolerance=0.25)
    found = answer_finding(item, sums(MINUTES), output={"values": LABELS, "min_values": 300})
    assert "values.grade: 0 of 300 pairs with this number needed" == found.sentence


@pytest.mark.parametrize(
    ("better", "outcome"), [(0.0, "FAIL"), (0.01, "INCONCLUSIVE"), (0.04, "PASS")]
)
def test_a_negative_tolerance_asks_for_an_improvement(better, outcome):
    """With -0.01 the candidate must be better by at least a point; an equal one fails."""
    item = replace(ACCURACY, tolerance=-0.01)
    found = answer_finding(item, sums(MINUTES, **right(0.02, 0.02 + better)), output=LABEL)
    assert (outcome, True) == (found.outcome, "better by at least 1 pp" in found.sentence)


def test_few_pairs_an_hour_make_longer_periods():
    """Fifty pairs an hour leave most minutes empty, and a day of them can pass all the same."""
    draw = random.Random(6)
    pairs = [int(draw.random() < 50 / 60) for _ in range(1440)]
    found = answer_finding(DISAGREEMENT, sums(1440, pairs=pairs), minutes=1440, output={})
    assert ("PASS", 48) == (found.outcome, found.periods)


def test_few_pairs_are_not_enough():
    """Two hours of fifty pairs an hour say too little, and how much longer it would take."""
    pairs = [1 if row % 6 else 0 for row in range(MINUTES)]
    found = answer_finding(DISAGREEMENT, sums(MINUTES, pairs=pairs), output={})
    assert ("INCONCLUSIVE", True) == (found.outcome, "100 of 250 pairs needed" in found.sentence)
    assert 2 * 3600 < found.longer < 6 * 3600


def test_a_batch_counts_as_one_answer():
    """The rows of one broken batch are one event, not a thousand."""
    one = {"values": 1000, "compared": 1000, "pairs": 1}
    batch = sums(MINUTES, **one, shadow_broken=[1000 if row == 60 else 0 for row in range(MINUTES)])
    found = answer_finding(BROKEN, batch, output={})
    assert ("INCONCLUSIVE", 120) == (found.outcome, found.n_candidate)


def test_what_only_the_shadow_lacks_is_broken():
    """At full sampling requests that production answered and the shadow did not count, too."""
    lacking = sums(MINUTES, records_production_only=2)
    whole = answer_finding(BROKEN, lacking, output={}, requests=(102.0, 102.0))
    part = answer_finding(BROKEN, lacking, output={}, requests=(204.0, 102.0), sampling=50.0)
    both = sums(MINUTES, records_production_only=2, records_shadow_only=2)
    even = answer_finding(BROKEN, both, output={}, requests=(102.0, 102.0))
    assert ("FAIL", "PASS", "PASS") == (whole.outcome, part.outcome, even.outcome)


def test_what_production_lacks_excuses_no_broken_answer():
    """Lost files of production are no broken answers of it, beside which the shadow's look few."""
    lost = sums(MINUTES, shadow_broken=3, records_shadow_only=4)
    found = answer_finding(BROKEN, lost, output={}, requests=(104.0, 104.0))
    assert ("FAIL", 0) == (found.outcome, found.baseline)


@pytest.mark.parametrize(("broken", "outcome"), [(4, "PASS"), (25, "INCONCLUSIVE")])
def test_many_broken_answers_need_a_criterion_of_their_own(broken, outcome):
    """What is broken in the shadow is not compared, so the other measures do not speak for it."""
    one = sums(MINUTES, compared=100 - broken, shadow_broken=broken, **scores(0.0))
    assert outcome == answer_finding(SHIFT, one, output=SCORE).outcome
    bounded = answer_spec(SHIFT, replace(BROKEN, tolerance=0.5), **SCORE)
    assert "PASS" == judge_answers(bounded, observed(one)).findings[0].outcome


def test_lost_files_are_not_the_candidates_fault():
    """Below 95 % coverage missing records are no broken answers: nothing was seen of them."""
    lost = sums(MINUTES, pairs=50, records_production_only=50)
    assert "PASS" == answer_finding(BROKEN, lost, output={}).outcome
    assert "INCONCLUSIVE" == judge_answers(answer_spec(BROKEN), observed(lost)).outcome


@pytest.mark.parametrize("item", [DISAGREEMENT, BROKEN, SHIFT, ACCURACY, ERROR])
def test_nothing_compared_is_no_evidence(item):
    """All sums zero, or none, are INCONCLUSIVE for every measure."""
    output = {"kind": "score", "labels": LABELS, "threshold": 0.5}
    empty = dict.fromkeys((*scores(0), *right(0, 0), *losses(1)), 0)
    for answers in (sums(MINUTES, pairs=0, **empty), sums(MINUTES, pairs=0), AnswerSums()):
        assert "INCONCLUSIVE" == answer_finding(item, answers, output=output).outcome


def test_minutes_outside_the_window_are_not_read():
    """Hours around the window may be in the sums; what belongs to them is not counted."""
    spec = replace(answer_spec(DISAGREEMENT), initial_delay=600)
    answers = sums(MINUTES + 60, disagreed=[100] * 10 + [0] * MINUTES + [100] * 50)
    found = judge_answers(spec, observed(answers, minutes=MINUTES + 10)).findings[0]
    assert ("PASS", 12_000) == (found.outcome, found.n_candidate)


def test_with_answers_the_judge_judges_both():
    """Given answers, one verdict holds metrics and answers; without them only metrics."""
    spec = answer_spec(DISAGREEMENT)
    names = [
        [finding.name for finding in judge(spec, observed(answers)).findings]
        for answers in (None, sums(MINUTES))
    ]
    assert [
        ["unanswered requests"],
        ["unanswered requests", "disagreement", "answer coverage"],
    ] == (names)


def test_a_decision_on_answers_ends_operational_only():
    """Only a critical finding on answers that decided on data makes it more than operational."""
    warning = replace(DISAGREEMENT, severity="warning")
    cases = {
        "decided": (answer_spec(DISAGREEMENT), sums(MINUTES)),
        "warned": (answer_spec(warning, BROKEN), sums(0)),
        "only readable": (answer_spec(warning, BROKEN), sums(MINUTES)),
        "unreadable": (answer_spec(warning, BROKEN), sums(MINUTES, shadow_broken=hits(0.1))),
        "undecided": (answer_spec(DISAGREEMENT), sums(MINUTES, disagreed=hits(0.02))),
        "nothing": (answer_spec(DISAGREEMENT), None),
    }
    only = {
        name: judge_answers(spec, observed(seen)).operational_only
        for name, (spec, seen) in cases.items()
    }
    assert {
        "decided": False,
        "warned": True,
        "only readable": True,
        "unreadable": False,
        "undecided": True,
        "nothing": True,
    } == only


def test_the_table_reads_like_the_others():
    """A verdict on answers is printed as one on metrics, in points and per cent."""
    spec = answer_spec(ACCURACY, **LABEL)
    verdict = judge_answers(spec, observed(sums(MINUTES, **right(0.05, 0.05))))
    table = text_table(verdict)
    assert "PASS (answers were compared)" == table.splitlines()[0]
    assert "accuracy" in table
    assert "-1 pp" in table
    assert "12,000 / 12,000" in table


@pytest.mark.parametrize("item", [DISAGREEMENT, BROKEN])
def test_a_wrong_path_passes_nothing(item):
    """Where both variants' answers cannot be read they are equally broken, which proves nothing."""
    unread = sums(MINUTES, compared=0, production_broken=100, shadow_broken=100)
    found = answer_finding(item, unread, output={})
    assert "INCONCLUSIVE" == found.outcome
    assert "100 % of production's own answers are broken: is the path right?" in found.sentence


def test_a_few_broken_answers_of_production_are_normal():
    """What production cannot answer either is no fault of the candidate."""
    even = sums(MINUTES, compared=90, production_broken=10, shadow_broken=10)
    assert "PASS" == answer_finding(BROKEN, even, output={}).outcome


def test_answers_that_are_only_not_broken_are_noted():
    """A PASS on readable answers alone says that nothing compared what they say."""
    readable = judge_answers(answer_spec(), observed(sums(MINUTES, disagreed=100)))
    compared = judge_answers(answer_spec(DISAGREEMENT), observed(sums(MINUTES)))
    assert ("PASS", 1) == (readable.outcome, len(readable.notes))
    assert "compares what the answers say" in readable.notes[0]
    assert ("PASS", ()) == (compared.outcome, compared.notes)
