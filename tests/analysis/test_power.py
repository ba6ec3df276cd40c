"""About how much longer a window would have to be."""

from __future__ import annotations

import pytest

from airflow_shadow.analysis import AnalysisSpec, Verdict, judge
from tests.analysis.data import (
    ERRORS,
    LATENCY,
    error_criterion,
    latency_criterion,
    noisy,
    rates,
    seen,
)

ERRORS_ONLY = AnalysisSpec(
    initial_delay=0, breakers=(), min_duration=0, criteria=(error_criterion(tolerance=0.005),)
)
LATENCY_ONLY = AnalysisSpec(
    initial_delay=0, breakers=(), min_duration=0, criteria=(latency_criterion(),)
)


def errors(minutes: int, requests: float) -> Verdict:
    """Return the verdict on so many requests a minute without any error."""
    none = [0.0] * minutes
    observed = seen(
        {ERRORS: rates(none, none, requests)}, minutes=minutes, requests=(requests, requests)
    )
    return judge(ERRORS_ONLY, observed)


def test_too_few_requests_say_how_long_enough_would_take():
    """The finding has the time to a PASS, and a window of that length passes."""
    found = errors(60, 8.0)
    assert "INCONCLUSIVE" == found.outcome
    assert 3600 < found.longer < 3 * 3600
    assert "PASS" == errors(60 + round(found.longer / 60) + 1, 8.0).outcome
    assert "more would decide" in found.reason


def latency(minutes: int, ratio: float, spread: float = 0.3) -> Verdict:
    """Return the verdict on noisy latencies."""
    observed = seen({LATENCY: noisy(minutes, ratio, spread=spread)}, minutes=minutes)
    return judge(LATENCY_ONLY, observed)


def test_noise_says_how_long_its_mean_would_take():
    """The finding has the time to a PASS, and a window of that length passes in most cases."""
    passed = told = 0
    for seed in range(20):
        pairs = {LATENCY: noisy(60, 1.0, spread=0.3, seed=seed)}
        found = judge(LATENCY_ONLY, seen(pairs, minutes=60))
        if found.longer is None:
            continue
        told += 1
        minutes = 60 + round(found.longer / 60) + 1
        again = {LATENCY: noisy(minutes, 1.0, spread=0.3, seed=seed + 100)}
        passed += judge(LATENCY_ONLY, seen(again, minutes=minutes)).outcome == "PASS"
    assert told >= 8
    assert passed >= 0.4 * told


@pytest.mark.parametrize("ratio", [1.0, 1.04])
def test_a_longer_time_for_more_noise(ratio):
    """Twice the noise takes longer."""
    less, more = (latency(60, ratio, spread=spread).longer for spread in (0.3, 0.6))
    assert less is None or more is None or less < more


@pytest.mark.parametrize("ratio", [1.3, 2.0])
def test_time_does_not_help_a_slow_candidate(ratio):
    """A FAIL, or an estimate beyond the tolerance, has no time to a PASS."""
    assert latency(60, ratio).longer is None


def test_a_verdict_waits_for_its_slowest_criterion():
    """The verdict's time is the longest of its criteria's, and unknown if one is unknown."""
    spec = AnalysisSpec(
        initial_delay=0,
        breakers=(),
        min_duration=0,
        criteria=(error_criterion(tolerance=0.005), latency_criterion(min_samples=4000)),
    )
    none = [0.0] * 60
    pairs = {ERRORS: rates(none, none, 8.0), LATENCY: noisy(60, 1.0)}
    pairs[LATENCY] = type(pairs[LATENCY])(
        baseline=_eight(pairs[LATENCY].baseline), candidate=_eight(pairs[LATENCY].candidate)
    )
    found = judge(spec, seen(pairs, minutes=60, requests=(8.0, 8.0)))
    one, other, unanswered = (finding.longer for finding in found.findings)
    assert max(one, other, unanswered) == found.longer
    missing = judge(spec, seen({ERRORS: pairs[ERRORS]}, minutes=60, requests=(8.0, 8.0)))
    assert missing.longer is None


def _eight(series):
    return type(series)(times=series.times, values=series.values, samples=[8.0] * 60)


def test_a_pass_waits_for_nothing():
    """Neither a PASS nor a FAIL has a time to a PASS."""
    assert errors(60, 300.0).longer is None
    assert latency(120, 1.0, spread=0.05).longer is None
