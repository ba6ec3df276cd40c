"""Counts against each other: what a metric covers of the requests, and how it counts them."""

from __future__ import annotations

import pytest

from airflow_shadow.analysis import AnalysisSpec, Finding, Pair, Series, judge
from tests.analysis.data import ERRORS, LATENCY, error_criterion, latency_criterion, noisy, seen
from tests.analysis.data import series as minutely

MINUTES = 120
ASKED = 300.0


def finding(criterion, pairs: dict, **more) -> Finding:
    """Return what is found about a criterion at 300 requests a minute."""
    spec = AnalysisSpec(initial_delay=0, breakers=(), criteria=(criterion,))
    given = {"requests": (ASKED, ASKED)} | more
    return judge(spec, seen(pairs, minutes=MINUTES, **given)).findings[0]


def latency(ratio: float, one: float, other: float) -> dict:
    """Return latencies that cover so many requests a minute of either variant."""
    pair = noisy(MINUTES, ratio)
    return {
        LATENCY: Pair(
            baseline=minutely(list(pair.baseline.values), one),
            candidate=minutely(list(pair.candidate.values), other),
        )
    }


def errors(one: float, other: float, covered: float = ASKED) -> Pair:
    """Return so many failures a minute, counted among so many requests."""
    return Pair(
        baseline=minutely([one] * MINUTES, covered), candidate=minutely([other] * MINUTES, covered)
    )


@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_a_metric_that_covers_too_few_requests_decides_nothing(ratio):
    """Neither PASS nor FAIL, and both numbers are said."""
    found = finding(latency_criterion(), latency(ratio, ASKED, 120.0))
    assert "INCONCLUSIVE" == found.outcome
    assert "the metric covers 14,400 of the 36,000 requests of the shadow" in found.sentence


@pytest.mark.parametrize(("covered", "outcome"), [(286.0, "PASS"), (284.0, "INCONCLUSIVE")])
def test_ninety_five_per_cent_are_enough(covered, outcome):
    """A metric that covers 95 % of the requests of both variants decides."""
    assert outcome == finding(latency_criterion(), latency(1.0, covered, covered)).outcome


def test_latencies_that_cover_different_parts_cannot_be_compared():
    """The two per cent that one of them lacks may be its slowest."""
    found = finding(latency_criterion(), latency(1.0, ASKED, 294.0))
    assert "INCONCLUSIVE" == found.outcome
    assert (
        "the metric covers 100.0 % of production and 98.0 % of the shadow, which cannot be compared"
        in found.sentence
    )


@pytest.mark.parametrize("bad", [0.0, 25.0])
def test_error_metrics_are_held_against_the_requests_too(bad):
    """30 of 300 requests with an error sample say nothing of the others."""
    found = finding(error_criterion(), {ERRORS: errors(0.0, bad, 30.0)})
    assert "INCONCLUSIVE" == found.outcome
    assert "the metric covers 3,600 of the 36,000 requests of production" in found.sentence


def test_what_failed_need_not_have_a_latency():
    """A latency of the 291 that did not fail covers them all."""
    failed = {ERRORS: errors(9.0, 9.0)}
    pairs = latency(1.0, 291.0, 291.0) | failed
    assert "PASS" == finding(latency_criterion(), pairs).outcome
    unequal = latency(1.0, ASKED, 291.0) | {ERRORS: errors(0.0, 9.0)}
    assert "PASS" == finding(latency_criterion(), unequal).outcome


@pytest.mark.parametrize(("minutes", "outcome"), [(5, "PASS"), (12, "INCONCLUSIVE")])
def test_minutes_that_a_metric_lacks_are_missing_counts(minutes, outcome):
    """They may be those that matter; up to 5 % of the requests may be unseen."""
    pair = latency(1.0, ASKED, ASKED)[LATENCY]
    first = [None] * minutes + list(pair.candidate.values)[minutes:]
    found = finding(
        latency_criterion(),
        {LATENCY: Pair(baseline=pair.baseline, candidate=minutely(first, ASKED))},
    )
    assert outcome == found.outcome


def test_unknown_traffic_is_not_held_against_a_metric():
    """A metric may pass without Invocations; the finding on unanswered requests may not."""
    found = finding(latency_criterion(), latency(1.0, ASKED, 120.0), invocations=None)
    assert "PASS" == found.outcome


def test_a_metric_of_the_users_own_is_not_counted_by_requests():
    """A gauge has as many samples as instances."""
    criterion = latency_criterion(metric="CPUUtilization")
    pair = latency(1.0, 2.0, 2.0)[LATENCY]
    assert "PASS" == finding(criterion, {criterion.key: pair}).outcome


def only_failures(every: int, bad: float) -> Series:
    """Return a counter that reports in every n-th minute only, and counts itself only."""
    return minutely([None if minute % every else bad for minute in range(MINUTES)], [bad] * MINUTES)


def test_a_counter_without_zeros_is_divided_by_the_invocations():
    """With count='invocations' a rate is divided by Invocations, and the finding says so."""
    criterion = error_criterion(count="invocations", missing="zero")
    pair = Pair(baseline=only_failures(10, 3.0), candidate=only_failures(10, 3.0))
    found = finding(criterion, {ERRORS: pair})
    assert ("PASS", 0.001, 36_000.0) == (found.outcome, found.baseline, found.n_candidate)
    assert "divided by Invocations" in found.sentence
    assert "invocations" == found.divided_by
    plain = finding(error_criterion(), {ERRORS: pair})
    assert ("INCONCLUSIVE", 1.0) == (plain.outcome, plain.baseline)


def test_silence_is_zero_where_it_was_said_to_be():
    """With missing='zero' a counter that never reported means no errors, else no data."""
    silent, unknown = (
        finding(error_criterion(missing=missing), {ERRORS: Pair()})
        for missing in ("zero", "unknown")
    )
    assert ("PASS", 0.0, 36_000.0) == (silent.outcome, silent.candidate, silent.n_candidate)
    assert ("INCONCLUSIVE", None) == (unknown.outcome, unknown.candidate)


def test_silence_without_requests_is_no_zero():
    """Missing data are zero only where requests were counted."""
    found = finding(error_criterion(missing="zero"), {ERRORS: Pair()}, invocations=None)
    assert ("INCONCLUSIVE", 0) == (found.outcome, found.periods)


def test_a_counter_that_fails_in_the_shadow_alone_fails():
    """A counter that only the shadow reported is compared with zero, and fails."""
    criterion = error_criterion(count="invocations", missing="zero")
    pair = Pair(candidate=only_failures(1, 18.0))
    found = finding(criterion, {ERRORS: pair})
    assert ("FAIL", 0.06) == (found.outcome, found.estimate)


def test_an_absolute_criterion_must_cover_the_shadows_requests():
    """Thirty good minutes of a day say nothing of the others."""
    criterion = latency_criterion(comparison="absolute", tolerance=2e5)
    pair = latency(1.0, ASKED, ASKED)[LATENCY]
    few = [value if index < 40 else None for index, value in enumerate(pair.candidate.values)]
    found = finding(criterion, {LATENCY: Pair(candidate=minutely(few, ASKED))})
    assert "INCONCLUSIVE" == found.outcome
    assert "requests of the shadow" in found.sentence


def test_silence_that_counts_as_zero_is_said():
    """The finding says that missing data were counted as zero."""
    criterion = error_criterion(missing="zero", count="invocations")
    found = finding(criterion, {})
    assert "missing data counted as zero" in found.sentence
