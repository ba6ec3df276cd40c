"""Requests that the shadow never answered, and those that it only reports late."""

from __future__ import annotations

import random

import pytest

from airflow_shadow.analysis import AnalysisSpec, Finding, Observations, Pair, judge
from airflow_shadow.analysis.judge_unanswered import judge_unanswered
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.traffic import Traffic
from tests.analysis.data import LATENCY, latency_criterion, noisy, seen, series

SPEC = AnalysisSpec(initial_delay=0)


def found(
    production: list, shadow: list, sampling: float = 100.0, *, end: int | None = None
) -> Finding:
    """Return the finding for requests a minute; None is an absent minute."""
    ones, others = (
        series([None if count is None else 1.0 for count in counts], counts)
        for counts in (production, shadow)
    )
    at = 60.0 * (end or len(production))
    look = Look(
        SPEC,
        Observations(
            start=0.0,
            end=at,
            sampling_percentage=sampling,
            looks=(at,),
            invocations=Pair(baseline=ones, candidate=others),
        ),
    )
    return judge_unanswered(look, Traffic(look))


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (300.0, "PASS"),
        (299.7, "PASS"),
        (298.5, "INCONCLUSIVE"),
        (285.3, "FAIL"),
        (240.0, "FAIL"),
        (400.0, "INCONCLUSIVE"),
    ],
)
def test_what_is_lost_is_held_against_the_tolerance(answered, expected):
    """Half a percentage point may stay unanswered; more requests than there were are no sign."""
    assert expected == found([300.0] * 120, [answered] * 120).outcome


@pytest.mark.parametrize("late", range(5, 31, 5))
@pytest.mark.parametrize("part", [None, 0.0, 150.0])
def test_a_shadow_that_reports_late_never_fails(late, part):
    """Silent, zero or half filled, at any look of two hours."""
    outcomes = {
        found([300.0] * end, [300.0] * (end - late) + [part] * late, end=end).outcome
        for end in range(31, 121)
    }
    assert "FAIL" not in outcomes


def test_the_newest_minutes_are_late_and_not_lost():
    """Not yet filled, a quarter of an hour is too much of an hour for a PASS; of six it is not."""
    hour, day = (
        found([300.0] * minutes, [300.0] * (minutes - 15) + [100.0] * 15) for minutes in (60, 360)
    )
    assert ("INCONCLUSIVE", "PASS") == (hour.outcome, day.outcome)
    assert "the shadow has not reported 15 periods in full" in hour.sentence


@pytest.mark.parametrize(("silent", "expected"), [(5, "PASS"), (6, "INCONCLUSIVE")])
def test_few_silent_minutes_keep_nothing_back(silent, expected):
    """Up to five per cent of the others."""
    shadow = [300.0] * 50 + [None] * silent + [300.0] * (65 - silent)
    assert expected == found([300.0] * 115, shadow).outcome


@pytest.mark.parametrize(("part", "expected"), [(0.45, "INCONCLUSIVE"), (0.65, "FAIL")])
def test_a_shortfall_must_persist_to_fail(part, expected):
    """In more than half of the minutes, however large."""
    draw = random.Random(2)
    short = [200.0 if draw.random() < part else 300.0 for _ in range(240)]
    assert expected == found([300.0] * 240, short).outcome


@pytest.mark.parametrize("silent", [None, 0.0])
def test_a_shadow_that_starts_late_does_not_fail(silent):
    """It could not answer while it was deployed; what it misses is no reason for a PASS either."""
    assert "INCONCLUSIVE" == found([300.0] * 90, [silent] * 50 + [300.0] * 40).outcome


@pytest.mark.parametrize("sampling", [10.0, 100.0])
@pytest.mark.parametrize(("silent", "expected"), [(0, "PASS"), (3, "PASS"), (4, "INCONCLUSIVE")])
def test_the_period_in_which_the_shadow_begins_is_not_whole(silent, expected, sampling):
    """A window that begins while the shadow is deployed loses a little, and nothing was unanswered.

    More than five per cent before the first whole period keep a PASS back, and that is said.
    """
    whole = 300.0 * sampling / 100
    begun = [None] * silent + [whole / 3] * bool(silent)
    window = found([300.0] * 100, begun + [whole] * (100 - len(begun)), sampling)
    assert expected == window.outcome
    assert (silent == 4) == ("being deployed" in window.sentence)


@pytest.mark.parametrize(
    ("production", "shadow"),
    [([300.0] * 60, [None] * 60), ([None] * 60, [300.0] * 60), ([None] * 60, [None] * 60)],
)
@pytest.mark.parametrize("sampling", [10.0, 100.0])
def test_a_silent_variant_is_no_evidence(production, shadow, sampling):
    """Whoever is silent, nothing passes and nothing fails."""
    assert "INCONCLUSIVE" == found(production, shadow, sampling).outcome


def test_too_few_requests_do_not_pass():
    """Five must be expected at the tolerance."""
    assert "960 of 1,000 requests needed" in found([16.0] * 60, [16.0] * 60).sentence


@pytest.mark.parametrize(
    ("got", "sampling", "expected"),
    [
        (150.0, 50.0, "PASS"),
        (30.0, 10.0, "PASS"),
        (3.0, 1.0, "PASS"),
        (240.0, 50.0, "INCONCLUSIVE"),
        (60.0, 10.0, "INCONCLUSIVE"),
        (144.0, 50.0, "INCONCLUSIVE"),
        (145.0, 50.0, "PASS"),
    ],
)
def test_below_full_sampling_the_share_is_a_check_only(got, sampling, expected):
    """Beyond four standard errors of the sampling it is open, and it never fails."""
    assert expected == found([300.0] * 60, [got] * 60, sampling).outcome


@pytest.mark.parametrize("late", [5, 15])
def test_below_full_sampling_the_newest_minutes_are_late_too(late):
    """What is not reported yet is no smaller share."""
    assert "PASS" == found([300.0] * 60, [150.0] * (60 - late) + [None] * late, 50.0).outcome


def test_below_full_sampling_a_shadow_that_is_long_silent_is_open():
    """Half an hour of one is more than late."""
    assert "INCONCLUSIVE" == found([300.0] * 60, [150.0] * 30 + [None] * 30, 50.0).outcome


@pytest.mark.parametrize("sampling", [1.0, 10.0, 50.0])
def test_sampling_noise_is_no_deviation(sampling):
    """Each request drawn by itself, the check holds in nearly every run."""
    passed = 0
    for seed in range(40):
        draw = random.Random(seed)
        drawn = [float(sum(draw.random() * 100 < sampling for _ in range(20))) for _ in range(60)]
        passed += found([20.0] * 60, [n or None for n in drawn], sampling).outcome == "PASS"
    assert passed >= 39


@pytest.mark.parametrize("sampling", [0.0, -5.0])
def test_an_impossible_sampling_is_no_evidence(sampling):
    """A percentage that cannot be leaves the verdict open."""
    assert "INCONCLUSIVE" == found([300.0] * 60, [300.0] * 60, sampling).outcome


def latency(answered: float, p99: float | None, ratio: float = 1.0) -> Finding:
    """Return the finding on mean latency (100 ms) of a shadow that loses some of 300 a minute."""
    criterion = latency_criterion()
    pair = noisy(120, ratio)
    counted = Pair(
        baseline=series(list(pair.baseline.values), 300.0),
        candidate=series(list(pair.candidate.values), answered),
    )
    percentiles = {} if p99 is None else {"ModelLatency": ({"p99": p99}, {})}
    observed = seen(
        {LATENCY: counted}, minutes=120, requests=(300.0, answered), percentiles=percentiles
    )
    spec = AnalysisSpec(initial_delay=0, breakers=(), criteria=(criterion,))
    return judge(spec, observed).findings[0]


@pytest.mark.parametrize(
    ("answered", "p99", "expected"),
    [
        (300.0, None, "PASS"),
        (299.0, 2e5, "PASS"),
        (299.0, 40e5, "INCONCLUSIVE"),
        (299.0, None, "INCONCLUSIVE"),
        (299.0, float("nan"), "INCONCLUSIVE"),
    ],
)
def test_what_is_lost_counts_as_slow(answered, p99, expected):
    """A mean passes only if it also does with the lost counted at production's p99."""
    assert expected == latency(answered, p99).outcome


def test_what_is_lost_moves_the_upper_end_alone():
    """0.33 % at 4 s add 13 % to 100 ms; estimate and lower end say what was measured."""
    whole, lost = latency(300.0, None), latency(299.0, 40e5)
    assert pytest.approx(whole.estimate) == lost.estimate
    assert pytest.approx(whole.lower) == lost.lower
    assert pytest.approx(0.13, abs=0.02) == lost.upper - whole.upper


def test_an_unknown_p99_is_said():
    """With how many requests are missing."""
    assert "118 requests are unanswered and production's p99 is unknown" in (
        latency(299.0, None).sentence
    )


def test_silence_in_busy_minutes_counts_by_its_requests():
    """Five silent minutes of two hours are few, but not if half of the requests fall into them."""
    silent = range(40, 45)
    production = [6000.0 if minute in silent else 300.0 for minute in range(120)]
    shadow = [None if minute in silent else 300.0 for minute in range(120)]
    assert "INCONCLUSIVE" == found(production, shadow).outcome


def test_only_what_time_mends_says_how_long():
    """A shadow that counts more requests than there were would do so for ever."""
    at = 7200.0
    pair = Pair(baseline=series([1.0] * 120, 300.0), candidate=series([1.0] * 120, 330.0))
    observations = Observations(
        start=0.0, end=at, sampling_percentage=100.0, looks=(at,), invocations=pair
    )
    (finding,) = (
        one for one in judge(SPEC, observations).findings if one.name == "unanswered requests"
    )
    assert ("INCONCLUSIVE", None) == (finding.outcome, finding.longer)
