"""One verdict of a stage, of its metrics and of its answers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from airflow_shadow.analysis import Verdict, join_verdicts, judge, judge_answers
from airflow_shadow.decision import read_verdict, taken_as
from airflow_shadow.exceptions import InvalidRequestError
from tests.analysis.answer_data import answer_spec, criterion, sums
from tests.analysis.data import (
    ERRORS,
    LATENCY,
    error_criterion,
    half_seen,
    latency_criterion,
    noisy,
    rates,
    seen,
)

MINUTES = 120
SPEC = answer_spec(
    error_criterion(),
    latency_criterion(),
    criterion("disagreement", comparison="absolute", tolerance=0.02),
)
GOOD = {ERRORS: rates([0.0] * MINUTES, [0.0] * MINUTES), LATENCY: noisy(MINUTES, 1.0)}
SLOW = GOOD | {LATENCY: noisy(MINUTES, 1.5)}
UNSURE = GOOD | {LATENCY: noisy(MINUTES, 1.1)}
AGREE = sums(MINUTES)
DIFFER = sums(MINUTES, disagreed=10)
LOST = sums(MINUTES, pairs=60)


def joined(series, answers, **more) -> Verdict:
    """Return the verdict of a stage whose metrics and answers were judged one after the other."""
    observations = seen(series, minutes=MINUTES, **more)
    operational = judge(SPEC, observations)
    return join_verdicts(operational, judge_answers(SPEC, replace(observations, answers=answers)))


@pytest.mark.parametrize(
    ("series", "answers", "outcome"),
    [
        (GOOD, AGREE, "PASS"),
        (SLOW, AGREE, "FAIL"),
        (GOOD, DIFFER, "FAIL"),
        (UNSURE, AGREE, "INCONCLUSIVE"),
        (GOOD, LOST, "INCONCLUSIVE"),
        (GOOD, None, "INCONCLUSIVE"),
        (UNSURE, DIFFER, "FAIL"),
    ],
)
def test_both_must_pass_and_either_fails(series, answers, outcome):
    """The joined verdict is the one that judging both at once gives."""
    verdict = joined(series, answers)
    assert outcome == verdict.outcome
    assert (outcome == "PASS") == verdict.stage_passed


@pytest.mark.parametrize("answers", [AGREE, DIFFER, LOST])
@pytest.mark.parametrize("series", [GOOD, SLOW, UNSURE])
def test_joined_is_judged_at_once(series, answers):
    """Metrics and answers judged in one go give the same outcome and the same findings."""
    observations = replace(seen(series, minutes=MINUTES), answers=answers)
    at_once, apart = judge(SPEC, observations), joined(series, answers)
    assert at_once.outcome == apart.outcome
    assert at_once.findings == apart.findings
    assert at_once.operational_only == apart.operational_only
    assert at_once.longer == apart.longer


def test_a_joined_pass_promotes_on_answers():
    """It is read back from an XCom, contradicts itself nowhere, and counts as a PASS."""
    verdict = joined(GOOD, AGREE)
    given = read_verdict(json.dumps(verdict.to_dict()), asked="a verdict")
    assert verdict == Verdict.from_dict(json.loads(json.dumps(verdict.to_dict())))
    assert "PASS" == taken_as(given, promote_on="answers")[0]
    assert "PASS (answers were compared)" == verdict.reason.split(":")[0]


def test_below_full_sampling_it_is_good_so_far():
    """What keeps each from PASS is said once."""
    half = half_seen(GOOD)
    verdict = joined(half.pop("pairs"), AGREE, **half)
    assert ("good so far", 1) == (verdict.headline, len(verdict.lacking))


def test_a_fail_says_first_what_failed():
    """What keeps a PASS back, like partial sampling, says nothing beside a FAIL."""
    half = half_seen(GOOD)
    verdict = joined(half.pop("pairs"), DIFFER, **half)
    assert ("FAIL", ()) == (verdict.outcome, verdict.lacking)
    assert verdict.reason.startswith("FAIL (answers were compared): FAIL ")


def test_a_good_candidate_gets_the_longer_time_of_both():
    """More time is told only if it would help both."""
    waits = replace(judge(SPEC, seen(UNSURE, minutes=MINUTES)), longer=600.0)
    answers = judge_answers(SPEC, replace(seen({}, minutes=MINUTES), answers=LOST))
    both = join_verdicts(waits, replace(answers, longer=900.0))
    assert (900.0, None) == (both.longer, join_verdicts(waits, answers).longer)


@pytest.mark.parametrize(
    ("field", "value"), [("start", 60.0), ("end", 1.0), ("stage", 2), ("sampling_percentage", 50.0)]
)
def test_verdicts_of_other_windows_are_not_joined(field, value):
    """Answers of one window say nothing about metrics of another."""
    observations = seen(GOOD, minutes=MINUTES)
    operational = judge(SPEC, observations)
    answers = judge_answers(SPEC, replace(observations, answers=AGREE))
    with pytest.raises(InvalidRequestError, match=field):
        join_verdicts(operational, replace(answers, **{field: value}))


def test_the_same_criterion_is_not_counted_twice():
    """Two verdicts that hold the same finding are not parts of one."""
    observations = replace(seen(GOOD, minutes=MINUTES), answers=AGREE)
    with pytest.raises(InvalidRequestError, match="both have judged"):
        join_verdicts(judge(SPEC, observations), judge_answers(SPEC, observations))
