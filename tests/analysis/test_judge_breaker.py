"""Circuit breakers: M of N periods beyond a hard limit."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_shadow.analysis import AnalysisSpec, Breaker, BreakerFinding, Observations, Pair, judge
from airflow_shadow.analysis.judge_breaker import judge_breaker
from airflow_shadow.analysis.look import Look
from tests.analysis.data import LATENCY, noisy, rates, seen, series
from tests.helpers import by_turns

ERRORS = Breaker(metric="Invocation5XXErrors", limit=0.5)
SLOW = Breaker(metric="ModelLatency", statistic="Average", limit=4e5, datapoints=(2, 2))


def found(breaker: Breaker, pair: Pair, **more) -> BreakerFinding:
    """Return what a breaker says of an hour without warm-up."""
    given = {"series": {breaker.key: pair}, "looks": (3600.0,)} | more
    observed = Observations(start=0.0, end=3600.0, sampling_percentage=100.0, **given)
    return judge_breaker(Look(AnalysisSpec(initial_delay=0), observed), breaker)


@pytest.mark.parametrize(
    ("bad", "at"),
    [
        ([60, 60, 60, 0, 0], 120.0),
        ([60, 0, 60, 0, 60], None),
        ([60, 60, 0, 60, 60], None),
        ([0, 0, 60, 60, 60], 240.0),
        ([50, 50, 50, 50, 50], None),
        ([60, 60, None, 60, 0], None),
    ],
)
def test_three_of_three(bad, at):
    """Three neighbouring periods beyond half of the requests trip it, at the third."""
    one = found(ERRORS, rates([0.0] * 5, bad))
    assert (at is not None, at) == (one.tripped, one.at)


@pytest.mark.parametrize(
    ("bad", "at"), [([60, 0, 60, 0, 0], 120.0), ([60, 0, 0, 60, 0], None), ([60, None, 60], 120.0)]
)
def test_two_of_three(bad, at):
    """Two of three neighbouring periods trip it, a missing one between them or not."""
    breaker = Breaker(metric="Invocation5XXErrors", limit=0.5, datapoints=(2, 3))
    assert at == found(breaker, rates([0.0] * len(bad), bad)).at


def test_a_relative_limit_follows_the_baseline():
    """Three times a slow minute of the baseline is no trip."""
    breaker = Breaker(
        metric="ModelLatency", statistic="Average", relative_limit=3.0, datapoints=(2, 2)
    )
    pair = Pair(
        baseline=series([1e5, 4e5, 4e5, 1e5, 1e5]), candidate=series([1e5, 4e5, 4e5, 4e5, 4e5])
    )
    assert 240.0 == found(breaker, pair).at


def test_a_multiple_of_nothing_is_no_limit():
    """A relative limit trips nothing where the baseline is zero."""
    breaker = Breaker(
        metric="ModelLatency", statistic="Average", relative_limit=3.0, datapoints=(1, 1)
    )
    assert not found(breaker, Pair(baseline=series([0.0] * 5), candidate=series([9e5] * 5))).tripped


def test_a_period_with_few_requests_does_not_count():
    """One failed request of one does not trip a breaker."""
    breaker = Breaker(metric="Invocation5XXErrors", limit=0.5, datapoints=(1, 1))
    assert not found(breaker, rates([0.0] * 3, [4.0] * 3, 4.0)).tripped


@pytest.mark.parametrize(("production", "tripped"), [(26.0, False), (25.0, True), (None, True)])
def test_a_limit_is_for_what_only_the_candidate_does(production, tripped):
    """A limit trips only while production is below half of it, or silent."""
    one = found(ERRORS, rates([production] * 5, [80.0] * 5))
    assert tripped == one.tripped
    if not tripped:
        assert (
            "Invocation5XXErrors rate was never above 50 % in 3 of 3 periods, of 5 observed; "
            "production was above it, too, in 5" == one.sentence
        )


@pytest.mark.parametrize(("production", "tripped"), [(3e5, False), (1e5, True)])
def test_a_limit_on_a_mean_is_held_against_production_too(production, tripped):
    """400 ms, where production takes 300 or 100."""
    pair = Pair(baseline=series([production] * 5), candidate=series([6e5] * 5))
    assert tripped == found(SLOW, pair).tripped


def test_the_minutes_of_both_do_not_join_those_of_one():
    """Two of the candidate alone, one of both between them: no three in a row."""
    pair = rates([0, 80, 0, 0], [80, 80, 80, 0])
    assert not found(ERRORS, pair).tripped


def test_no_data_is_said_as_no_data():
    """A breaker without data says "no data" and not "never above"."""
    one = found(ERRORS, Pair())
    assert ("Invocation5XXErrors rate: no data", 0, False) == (
        one.sentence,
        one.periods,
        one.tripped,
    )
    alone = found(ERRORS, rates([0.0] * 7, [None] * 7))
    assert "Invocation5XXErrors rate: no data" == alone.sentence


def test_a_breaker_says_how_many_periods_it_saw():
    """A breaker's sentence has the number of observed periods."""
    one = found(ERRORS, rates([0.0] * 3, [0.0] * 3))
    assert "Invocation5XXErrors rate was never above 50 % in 3 of 3 periods, of 3 observed" == (
        one.sentence
    )


@pytest.mark.parametrize(("covered", "tripped"), [(30.0, False), (290.0, True)])
def test_a_metric_that_covers_too_few_requests_does_not_trip(covered, tripped):
    """All of 30 error samples failed, of 300 requests: the others are unknown."""
    traffic = series([1.0] * 5, 300.0)
    one = found(
        ERRORS,
        rates([0.0] * 5, [covered] * 5, covered),
        invocations=Pair(baseline=traffic, candidate=traffic),
    )
    assert tripped == one.tripped


@pytest.mark.parametrize(
    ("datapoints", "periods", "tripped"),
    [
        ((3, 3), 1, False),
        ((3, 3), 2, True),
        ((5, 5), 1, False),
        ((5, 5), 2, True),
        ((15, 20), 3, False),
        ((15, 20), 4, True),
    ],
)
def test_datapoints_scale_with_widened_periods(datapoints, periods, tripped):
    """One minute can make a whole five-minute period of an old window, so one more is needed."""
    breaker = Breaker(metric="Invocation5XXErrors", limit=0.5, datapoints=datapoints)
    columns = [
        type(one)(times=[300.0 * index for index in range(8)], values=bad, samples=[500.0] * 8)
        for one, bad in (
            (series([]), [0.0] * 8),
            (series([]), [400.0] * periods + [0.0] * (8 - periods)),
        )
    ]
    pair = Pair(baseline=columns[0], candidate=columns[1])
    assert tripped == found(breaker, pair, period=300).tripped


def test_a_silent_counter_may_be_zero():
    """A production that reports only failures is healthy where it says nothing."""
    breaker = Breaker(metric="Invocation5XXErrors", limit=0.5, count="invocations", missing="zero")
    traffic = series([1.0] * 5, 100.0)
    one = found(
        breaker,
        Pair(candidate=series([80.0] * 5, 80.0)),
        invocations=Pair(baseline=traffic, candidate=traffic),
    )
    assert one.tripped


@pytest.mark.parametrize(("requests", "together"), by_turns([30, 300], [False, True]))
def test_both_failing_for_five_minutes_fails_nothing(requests, together):
    """80 % of the requests, the same ones or not, looked at every ten minutes of two hours."""
    failed, runs, minutes = 0, 15, 120
    keys = [key for key in AnalysisSpec().needs if "Error" in key[0]]
    rng = np.random.default_rng(requests)
    for run in range(runs):
        rate = np.where((np.arange(minutes) >= 50) & (np.arange(minutes) < 55), 0.8, 0.001)
        one = rng.binomial(requests, rate).astype(float)
        other = one if together else rng.binomial(requests, rate).astype(float)
        pair = rates(list(one), list(other), float(requests))
        latency = noisy(minutes, 1.0, seed=run)
        counted = Pair(
            baseline=series(list(latency.baseline.values), float(requests)),
            candidate=series(list(latency.candidate.values), float(requests)),
        )
        pairs = {**dict.fromkeys(keys, pair), LATENCY: counted}
        outcomes = {
            judge(
                AnalysisSpec(),
                seen(pairs, minutes=end, looks=(7200.0,), requests=(requests, requests)),
            ).outcome
            for end in range(56, minutes + 1, 32)
        }
        failed += "FAIL" in outcomes
    assert failed <= 1
