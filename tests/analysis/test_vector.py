"""The benchmark's second judge gives the same intervals as the first."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_shadow.analysis import AnalysisSpec, Counts, Finding, judge
from airflow_shadow.analysis.critical_values import shares
from tests.analysis.data import (
    ERRORS,
    Pair,
    error_criterion,
    latency_criterion,
    seen,
    series,
)

RUNS = 6
CLOSE = {"rel": 1e-9, "abs": 1e-9}
#: Of the verdict's alpha: one critical criterion and the unanswered requests can fail.
FAILING = 0.05 / 2


def finding(criterion, pair: Pair, minutes: int, **more) -> Finding:
    """Return what the judge finds without warm-up."""
    spec = AnalysisSpec(initial_delay=0, breakers=(), criteria=(criterion,))
    observed = seen({criterion.key: pair}, minutes=minutes, invocations=None, **more)
    return judge(spec, observed).findings[0]


def pair_of(columns: list, run: int) -> Pair:
    """Return one run's values and requests of both variants."""
    one, asked, other, answered = (list(map(float, column[run])) for column in columns)
    return Pair(baseline=series(one, asked), candidate=series(other, answered))


@pytest.mark.parametrize("minutes", [31, 60, 241, 500])
@pytest.mark.parametrize("phi", [0.0, 0.8])
def test_means_agree(bench, minutes, phi):
    """Both ends, the estimate and the effective periods, requests different in each minute."""
    rng = np.random.default_rng(minutes)
    one, other = (
        1e5 * np.exp(0.2 * bench.noise.autoregressive(rng, RUNS, minutes, phi)) for _ in range(2)
    )
    asked, answered = (rng.integers(1, 90, (RUNS, minutes)).astype(float) for _ in range(2))
    theirs = bench.vector.Means.of(one, asked, other, answered)
    upper, lower = theirs.upper(0.05), theirs.lower(FAILING, minutes, minutes)
    for run in range(RUNS):
        ours = finding(latency_criterion(), pair_of([one, asked, other, answered], run), minutes)
        assert pytest.approx(
            (
                np.expm1(theirs.change[run]),
                np.expm1(lower[run]),
                np.expm1(upper[run]),
                theirs.summaries.effective[run],
            ),
            **CLOSE,
        ) == (ours.estimate, ours.lower, ours.upper, ours.effective_periods)


@pytest.mark.parametrize("minutes", [40, 240])
@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.01, 0.02), (0.5, 0.45), (0.002, 0.2)])
def test_rates_agree(bench, minutes, rates):
    """Both ends of the difference of rates, and whether the exact interval lies outside."""
    rng = np.random.default_rng(minutes)
    tolerance, level = 0.02, FAILING / 2
    shape = (RUNS, minutes)
    asked, answered = rng.integers(200, 400, shape), rng.integers(50, 100, shape)
    one, other = (
        rng.binomial(n, rate).astype(float)
        for n, rate in zip((asked, answered), rates, strict=True)
    )
    theirs = bench.vector.Rates.of(one, asked, other, answered)
    z = bench.vector.failing(theirs.summaries, level, minutes, minutes)
    lower, upper = theirs.lower(z), theirs.upper(0.05, tolerance)
    beyond = theirs.exact_beyond(tolerance, level)
    for run in range(RUNS):
        criterion = error_criterion(tolerance=tolerance)
        ours = finding(criterion, pair_of([one, asked, other, answered], run), minutes)
        assert pytest.approx(upper[run], **CLOSE) == ours.upper
        # The exact end replaces the other where it lies higher.
        assert ours.lower >= min(lower[run], ours.estimate) - 1e-9
        assert (ours.lower > tolerance) == bool(beyond[run] or lower[run] > tolerance)


def test_pooled_stages_agree(bench):
    """The differences within stages, weighted; the lower end of the last of three stages."""
    rng = np.random.default_rng(3)
    minutes, shape = 60, (RUNS, 60)
    asked = np.full(shape, 300.0)
    stages, counts = [], []
    for part in (30, 150, 300):
        answered = np.full(shape, float(part))
        one, other = (
            rng.binomial(int(n), rate, shape).astype(float)
            for n, rate in ((300, 0.002), (part, 0.012))
        )
        rates = bench.vector.Rates.of(one, asked, other, answered)
        stages.append(rates.deflated)
        counts.append([one, asked, other, answered])
    level = 0.05 * shares(3)[2] / 2 / 3
    z = bench.vector.failing(rates.summaries, level, minutes, minutes)
    lower = bench.vector.pooled_lower(stages, z)
    alone = rates.lower(z)
    for run in range(RUNS):
        earlier = [
            Counts(
                bad_baseline=one[run],
                n_baseline=n_one[run],
                bad_candidate=other[run],
                n_candidate=n_other[run],
            )
            for one, n_one, other, n_other in stages[:2]
        ]
        ours = finding(
            error_criterion(tolerance=0.005),
            pair_of(counts[2], run),
            minutes,
            stage=3,
            stages=3,
            earlier={"errors": earlier},
        )
        assert pytest.approx(min(max(lower[run], alone[run]), ours.estimate), **CLOSE) == ours.lower


def test_the_second_judge_finds_what_is_unanswered(bench):
    """The benchmark's judge agrees on unanswered requests."""
    rng = np.random.default_rng(4)
    shape = (RUNS, 120)
    asked = rng.integers(50, 300, shape).astype(float)
    lost = rng.binomial(asked.astype(int), 0.002).astype(float)
    theirs = bench.vector.Rates.of(np.zeros(shape), asked, lost, asked)
    upper = theirs.upper(0.05, 0.005)
    spec = AnalysisSpec(initial_delay=0, breakers=(), criteria=(error_criterion(tolerance=0.005),))
    for run in range(RUNS):
        one, other = (series(list(n), list(n)) for n in (asked[run], (asked - lost)[run]))
        traffic = Pair(baseline=one, candidate=other)
        verdict = judge(spec, seen({ERRORS: Pair()}, minutes=120, invocations=traffic))
        assert pytest.approx(upper[run], **CLOSE) == verdict.findings[-1].upper


def test_latencies_without_spread_agree(bench):
    """Both judges take constant latencies without a division by zero."""
    flat = np.full((1, 60), 1e5)
    theirs = bench.vector.Means.of(flat, 1.0, flat, 1.0)
    assert (0.0, 0.0) == (theirs.upper(0.05)[0], theirs.summaries.error[0])
    assert finding(latency_criterion(), pair_of([flat] * 4, 0), 60).upper is None
