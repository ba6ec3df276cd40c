"""The benchmark's second judge gives the same intervals as the first."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_shadow.analysis import AnalysisSpec, judge
from tests.analysis.data import (
    ERRORS,
    LATENCY,
    Pair,
    error_criterion,
    latency_criterion,
    seen,
    series,
)

RUNS = 12
CLOSE = {"rel": 1e-9, "abs": 1e-9}


def spec(**criterion) -> AnalysisSpec:
    """Return a specification of one criterion without warm-up."""
    return AnalysisSpec(initial_delay=0, breakers=(), **criterion)


@pytest.mark.parametrize("minutes", [31, 60, 241, 500])
@pytest.mark.parametrize("phi", [0.0, 0.7])
def test_means_agree(vector, minutes, phi):
    """Lower end, upper end and effective periods, at any look and at the scheduled one."""
    rng = np.random.default_rng(minutes)
    noise = np.zeros(RUNS)
    batches, rows = vector.Batches(), []
    for _ in range(minutes):
        noise = phi * noise + rng.standard_normal(RUNS)
        rows.append(0.05 * noise)
        batches.add(rows[-1])
    serials = vector.Serials(batches)
    down = vector.anytime_errors(serials, 0.05, 30) * serials.error
    up = {
        True: vector.fixed_errors(serials, 0.05) * serials.error,
        False: vector.anytime_errors(serials, 0.05, 30) * serials.error,
    }
    for run in range(RUNS):
        baseline = [1e5] * minutes
        candidate = [1e5 * np.exp(row[run]) for row in rows]
        pair = Pair(baseline=series(baseline), candidate=series(candidate))
        for scheduled, radius in up.items():
            found = judge(
                spec(criteria=(latency_criterion(),)),
                seen({LATENCY: pair}, minutes=minutes, scheduled=scheduled),
            ).findings[0]
            theirs = (
                np.expm1(serials.mean[run] - down[run]),
                np.expm1(serials.mean[run] + radius[run]),
                serials.effective[run],
            )
            ours = (found.lower, found.upper, found.effective_periods)
            assert pytest.approx(theirs, **CLOSE) == ours


@pytest.mark.parametrize("minutes", [40, 240])
@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.01, 0.02), (0.5, 0.45), (0.002, 0.2)])
def test_rates_agree(vector, minutes, rates):
    """Both ends of the difference of rates, and whether the exact interval lies outside."""
    rng = np.random.default_rng(minutes)
    requests, tolerance = (400, 100), 0.02
    bad = [
        rng.binomial(n, rate, (minutes, RUNS)).astype(float)
        for n, rate in zip(requests, rates, strict=True)
    ]
    batches = vector.Batches()
    for one, other in zip(*bad, strict=True):
        batches.add(other / requests[1] - one / requests[0])
    found = vector.Rates(
        baseline=bad[0].sum(axis=0),
        candidate=bad[1].sum(axis=0),
        n_baseline=requests[0] * minutes,
        n_candidate=requests[1] * minutes,
        serials=vector.Serials(batches),
    )
    lower = found.ends(vector.anytime_errors(found.serials, 0.025, 30))[0]
    upper = found.ends(vector.fixed_errors(found.serials, 0.05))[1]
    beyond = found.exact_beyond(tolerance, 0.025)
    for run in range(RUNS):
        pair = Pair(
            baseline=series(list(bad[0][:, run]), requests[0]),
            candidate=series(list(bad[1][:, run]), requests[1]),
        )
        criterion = error_criterion(tolerance=tolerance)
        ours = judge(spec(criteria=(criterion,)), seen({ERRORS: pair}, minutes=minutes)).findings[0]
        assert pytest.approx(upper[run], **CLOSE) == ours.upper
        # The exact end replaces the other where it lies higher.
        assert ours.lower >= lower[run] - 1e-9
        assert (ours.lower > tolerance) == bool(beyond[run] or lower[run] > tolerance)
