"""The finding on how many of the shadow's requests are pairs of captured answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_shadow.analysis import Finding, Pair, judge_answers
from tests.analysis.answer_data import answer_spec, criterion, observed, sums
from tests.analysis.data import rates

MINUTES = 120
SPEC = answer_spec(criterion("broken", comparison="difference", tolerance=0.005))


def coverage(answers, *, errors: dict | None = None, **more) -> Finding:
    """Return the finding on coverage, with error metrics if some are known."""
    observations = replace(observed(answers, minutes=MINUTES, **more), series=errors or {})
    verdict = judge_answers(SPEC, observations)
    assert "answer coverage" == verdict.findings[-1].name
    return verdict.findings[-1]


@pytest.mark.parametrize(("pairs", "outcome"), [(100, "PASS"), (95, "PASS"), (94, "INCONCLUSIVE")])
def test_below_95_per_cent_nothing_passes(pairs, outcome):
    """Coverage is pairs over the requests that the shadow answered."""
    found = coverage(sums(MINUTES, pairs=pairs))
    assert (outcome, "critical") == (found.outcome, found.severity)
    assert f"{pairs} %" in found.sentence


def test_it_says_which_side_lacks_how_many():
    """The sentence tells records without a partner on either side, and those that left no trace."""
    answers = sums(MINUTES, pairs=80, records_production_only=12, records_shadow_only=5)
    assert (
        "answer coverage: 9,600 pairs for 12,000 requests that the shadow answered, 80 %, at least "
        "95 % needed; 600 records of the shadow have none of production; 1,440 of production have "
        "none of the shadow; 360 requests have no record that tells them"
    ) == coverage(answers).sentence


@pytest.mark.parametrize("captured", [True, False])
@pytest.mark.parametrize("metric", ["Invocation5XXErrors", "InvocationModelErrors"])
def test_failed_requests_are_taken_out_whether_captured_or_not(metric, captured):
    """AWS does not say whether it captures them; where it does not, they are no loss."""
    errors = {(metric, "rate"): rates([0.0] * MINUTES, [10.0] * MINUTES)}
    found = coverage(sums(MINUTES, pairs=100 if captured else 90), errors=errors)
    assert ("PASS", 10_800) == (found.outcome, found.n_baseline)


def test_callers_errors_fail_in_both_variants():
    """A bad request is taken out once, not for each variant."""
    errors = {("Invocation4XXErrors", "rate"): rates([10.0] * MINUTES, [10.0] * MINUTES)}
    assert 10_800 == coverage(sums(MINUTES, pairs=90), errors=errors).n_baseline


def test_productions_errors_count_by_the_sampling():
    """At half the sampling half of production's failures are among the shadow's requests."""
    errors = {("Invocation5XXErrors", "rate"): rates([20.0] * MINUTES, [0.0] * MINUTES)}
    found = coverage(sums(MINUTES, pairs=90), errors=errors, sampling=50.0, requests=(200.0, 100.0))
    assert ("PASS", 10_800) == (found.outcome, found.n_baseline)


def test_below_full_sampling_production_has_more_records():
    """What was not sampled is no loss and is not told as one."""
    answers = sums(MINUTES, records_production_only=100)
    found = coverage(answers, sampling=50.0, requests=(200.0, 100.0))
    assert ("PASS", False) == (found.outcome, "of production" in found.sentence)


def test_nothing_captured_is_said():
    """No record of either variant is INCONCLUSIVE, with that as the reason."""
    for answers in (None, sums(0), sums(MINUTES, pairs=0)):
        found = coverage(answers)
        assert "no record of either variant was captured in the window" in found.sentence
        assert "INCONCLUSIVE" == found.outcome


def test_pairs_without_counted_requests_prove_nothing():
    """Without Invocations nobody knows what the pairs stand for."""
    observations = replace(observed(sums(MINUTES)), invocations=Pair())
    found = judge_answers(SPEC, observations).findings[-1]
    assert ("INCONCLUSIVE", True) == (found.outcome, "no answered requests" in found.sentence)


def test_joins_repeats_and_ambiguous_keys_are_told():
    """What was not joined by inferenceId, repeats or is ambiguous is counted in the sentence."""
    answers = sums(
        MINUTES,
        records_pairs_id=60,
        records_pairs_input=40,
        records_repeated=3,
        records_ambiguous=1,
    )
    assert (
        "answer coverage: 12,000 pairs for 12,000 requests that the shadow answered, 100 %; joined "
        "7,200 by inferenceId, 4,800 by equal input; 360 records repeat a key or an input; 120 "
        "records have an ambiguous key and are in no pair"
    ) == coverage(answers).sentence


def test_more_pairs_than_requests_are_no_more_than_all():
    """Captured failures may make more pairs than answered requests."""
    found = coverage(sums(MINUTES, pairs=120))
    assert ("PASS", True) == (found.outcome, "100 %" in found.sentence)
