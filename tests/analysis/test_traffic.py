"""The candidate's share of the requests against the sampling percentage."""

from __future__ import annotations

import random

import pytest
from airflow_shadow.analysis.traffic import judge_traffic, requests

from airflow_shadow.analysis import AnalysisSpec, Observations, Pair
from airflow_shadow.analysis.align import Window
from tests.analysis.data import series

SPEC = AnalysisSpec()
WINDOW = Window(start=0.0, end=7200.0, period=60)


def outcome(baseline: list, candidate: list, sampling: float) -> str:
    """Return the traffic's outcome for requests a minute; None is an absent minute."""
    ones = [None if count is None else 1.0 for count in baseline]
    others = [None if count is None else 1.0 for count in candidate]
    invocations = Pair(baseline=series(ones, baseline), candidate=series(others, candidate))
    observed = Observations(
        start=0.0, end=7200.0, sampling_percentage=sampling, scheduled=True, invocations=invocations
    )
    return judge_traffic(SPEC, sampling, requests(observed, WINDOW)).outcome


@pytest.mark.parametrize(
    ("candidate", "sampling", "expected"),
    [
        (300.0, 100.0, "PASS"),
        (290.0, 100.0, "PASS"),
        (150.0, 50.0, "PASS"),
        (30.0, 10.0, "PASS"),
        (3.0, 1.0, "PASS"),
        (240.0, 100.0, "FAIL"),
        (240.0, 50.0, "INCONCLUSIVE"),
        (60.0, 10.0, "INCONCLUSIVE"),
        (100.0, 50.0, "INCONCLUSIVE"),
        (400.0, 100.0, "INCONCLUSIVE"),
    ],
)
def test_the_share_is_held_against_the_sampling(candidate, sampling, expected):
    """Only a shortfall at full sampling, period after period, is the candidate's own fault."""
    assert expected == outcome([300.0] * 60, [candidate] * 60, sampling)


def test_a_short_gap_is_no_lack_of_capacity():
    """Ten silent minutes at full sampling leave the verdict open, they fail nothing."""
    assert "INCONCLUSIVE" == outcome([300.0] * 60, [300.0] * 50 + [None] * 10, 100.0)


@pytest.mark.parametrize("silent", [None, 0.0])
@pytest.mark.parametrize(("answered", "expected"), [(300.0, "INCONCLUSIVE"), (240.0, "FAIL")])
def test_a_shadow_that_comes_late_is_no_lack_of_capacity(silent, answered, expected):
    """It could not answer while it was deployed; what it misses is no reason for a PASS either."""
    assert expected == outcome([300.0] * 90, [silent] * 50 + [answered] * 40, 100.0)


@pytest.mark.parametrize(
    ("baseline", "candidate"),
    [([300.0] * 60, [None] * 60), ([None] * 60, [300.0] * 60), ([None] * 60, [None] * 60)],
)
def test_a_silent_variant_is_no_evidence(baseline, candidate):
    """Whoever is silent, nothing passes and nothing fails."""
    assert "INCONCLUSIVE" == outcome(baseline, candidate, 100.0)


@pytest.mark.parametrize("sampling", [0.0, -5.0, 130.0])
def test_an_impossible_sampling_is_no_evidence(sampling):
    """A percentage that cannot be leaves the verdict open."""
    assert "INCONCLUSIVE" == outcome([300.0] * 60, [300.0] * 60, sampling)


def test_traffic_that_nobody_counted_is_no_evidence():
    """Without the invocations the share is unknown."""
    observed = Observations(start=0.0, end=7200.0, sampling_percentage=100.0, scheduled=True)
    found = judge_traffic(SPEC, 100.0, requests(observed, WINDOW))
    assert ("INCONCLUSIVE", None) == (found.outcome, found.ratio)


@pytest.mark.parametrize("sampling", [1.0, 10.0, 50.0])
def test_sampling_noise_is_no_deviation(sampling):
    """Each request drawn by itself, the check holds in nearly every run."""
    passed = 0
    for seed in range(40):
        draw = random.Random(seed)
        drawn = [float(sum(draw.random() * 100 < sampling for _ in range(20))) for _ in range(60)]
        counted = [count or None for count in drawn]
        passed += outcome([20.0] * 60, counted, sampling) == "PASS"
    assert passed >= 39
