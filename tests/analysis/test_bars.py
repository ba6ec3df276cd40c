"""The bars of docs/analysis.md, with fewer runs: wide enough not to fail by chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

RUNS = 1500
EDGE, HALF = 1.10, 1.05
#: Three standard errors above 5 %, or the 6 % that exceptions are not.
BOUND = 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)


def once(bench, values: np.ndarray, change: float) -> float:
    """Return how often a candidate passes at a single planned look."""
    means = bench.vector.Means.of(np.ones_like(values), 1.0, change * values, 1.0)
    return float(bench.runs.passes(means).mean())


def gaussian(bench, minutes: int, *phis: float, seed: int = 5) -> np.ndarray:
    """Return ratios with 7 % of noise a minute."""
    rng = np.random.default_rng(seed)
    return bench.noise.ratios(bench.noise.autoregressive(rng, RUNS, minutes, *phis))


@pytest.mark.parametrize(
    ("phis", "minutes", "power_at_half", "power_at_none"),
    [
        ((0.0,), 60, 0.97, 0.99),
        ((0.5,), 60, 0.72, 0.95),
        ((0.5,), 115, 0.94, 0.99),
        ((0.8,), 115, 0.15, 0.42),
        ((0.5, 0.3), 115, 0.10, 0.37),
    ],
)
def test_dependent_minutes(bench, phis, minutes, power_at_half, power_at_none):
    """False PASS exactly at the tolerance, and what is left of the power."""
    values = gaussian(bench, minutes, *phis)
    assert once(bench, values, EDGE) < BOUND
    assert once(bench, values, HALF) > power_at_half
    assert once(bench, values, 1.0) > power_at_none


@pytest.mark.parametrize("sigma", [0.6, 1.0])
@pytest.mark.parametrize("phi", [0.0, 0.5])
@pytest.mark.parametrize("minutes", [60, 115, 240])
def test_skewed_minutes(bench, sigma, phi, minutes):
    """Log-normal innovations, the mean exactly at the tolerance."""
    draw = bench.noise.lognormal(sigma)
    rng = np.random.default_rng(6)
    values = 1 + 0.07 * bench.noise.autoregressive(rng, RUNS, minutes, phi, draw=draw)
    assert once(bench, values, EDGE) < BOUND
    if minutes >= 115:
        assert once(bench, values, HALF) > 0.75


def test_stalls_that_the_window_shows(bench):
    """2 % of the minutes three times as slow: none of 240 has less than 1 %."""
    rng = np.random.default_rng(7)
    values = bench.noise.stalls(rng, gaussian(bench, 240, 0.5), 0.02, 3)
    assert once(bench, values, EDGE) < BOUND


@pytest.mark.parametrize("change", [1.0, EDGE])
def test_false_failures_at_any_look(bench, change):
    """Looked at every five minutes of two hours."""
    values = change * gaussian(bench, 115, 0.5)
    assert bench.runs.ever_fails(np.ones_like(values), values).mean() < (
        0.01 if change == 1.0 else BOUND
    )


def test_a_regression_is_found(bench):
    """Twenty per cent more, two hours."""
    values = 1.2 * gaussian(bench, 115, 0.5)
    assert bench.runs.ever_fails(np.ones_like(values), values).mean() > 0.5


def test_no_length_is_a_cliff(bench):
    """From 60 to 240 minutes in steps of one, the same runs: no figure moves by five points.

    A change moves the end of the interval, and not its width.
    """
    values = gaussian(bench, 240, 0.5, 0.3)[:200]
    shares = []
    for end in range(60, 241):
        part = values[:, :end]
        means = bench.vector.Means.of(np.ones_like(part), 1.0, part, 1.0)
        room = math.log(EDGE) - means.upper(0.05)
        shares.append([(room > math.log(change)).mean() for change in (EDGE, HALF, 1.0)])
    assert np.abs(np.diff(shares, axis=0)).max() <= 0.05


@pytest.mark.parametrize("base", [0.0, 0.01])
def test_error_rates_at_the_tolerance_rarely_pass(bench, base):
    """One look at four hours with ten requests a minute, the candidate exactly at +1 pp."""
    rng = np.random.default_rng(6)
    counts = tuple(
        rng.binomial(10, rate, (RUNS // 5, 240)).astype(float) for rate in (base, base + 0.01)
    )
    total = np.full((RUNS // 5, 240), 10.0)
    found = bench.runs.watch_rates(counts, (total, total), 0.01)
    assert found.passed.mean() < 0.09
    assert found.failed.mean() < 0.09


@pytest.mark.parametrize("more", [0.0, 0.005])
@pytest.mark.parametrize("requests", [30, 100])
def test_errors_that_both_variants_share_cancel(bench, requests, more):
    """2 % of the requests fail in both: equal passes, half a point more hardly ever."""
    rng = np.random.default_rng(8)
    asked = rng.poisson(requests, (RUNS // 3, 115))
    both = rng.binomial(asked, 0.02)
    other = both + rng.binomial(asked - both, more / 0.98)
    total = asked.astype(float)
    found = bench.runs.watch_rates((both.astype(float), other.astype(float)), (total, total), 0.005)
    assert found.passed.mean() < 0.08 if more else found.passed.mean() > 0.9
    assert found.failed.mean() < 0.08


@pytest.mark.parametrize("traffic", [30, 300])
def test_a_tenth_of_the_requests_at_the_tolerance_rarely_pass(bench, traffic):
    """Log-normal requests (0.8), 10 % sampling, exactly +10 %."""
    runs, minutes = 400, {30: 480, 300: 115}[traffic]
    world = bench.noise.World(traffic=traffic, sampling=0.1, sigma=0.8, change=0.1)
    found = world.draw(np.random.default_rng(9), runs, minutes)
    means = bench.vector.Means.of(found.production, found.asked, found.shadow, found.answered)
    assert bench.runs.passes(means).mean() < 0.10


@pytest.mark.parametrize(
    ("traffic", "minutes", "part", "times"),
    [(2, 1440, 0.01, 21), (5, 1440, 0.005, 41), (10, 115, 0.01, 21)],
)
def test_few_requests_that_are_very_slow_do_not_pass(bench, traffic, minutes, part, times):
    """The candidate takes 20 % more in all, in one or two of hundred requests."""
    rng = np.random.default_rng(10)
    found = bench.noise.World(traffic=traffic, sigma=0.3, own=0.1).draw(rng, 200, minutes)
    slow = rng.binomial(found.answered.astype(int), part)
    each = 1 + (times - 1) * slow / np.maximum(found.answered, 1)
    means = bench.vector.Means.of(
        found.production, found.asked, found.shadow * each, found.answered
    )
    enough = found.answered.sum(axis=1) >= 1000
    assert (bench.runs.passes(means) & enough).mean() < 0.09


def test_the_rivals_statistics_are_scipys(bench):
    """What users have instead is not made worse than it is."""
    rng = np.random.default_rng(9)
    baseline, candidate = np.exp(0.1 * rng.standard_normal((2, 40, 1)))
    wins = (candidate[:, None, 0] > baseline[None, :, 0]).sum()
    assert wins == stats.mannwhitneyu(candidate[:, 0], baseline[:, 0]).statistic
    ours = stats.norm.sf(bench.rivals._mann_whitney(wins, 40))
    theirs = stats.mannwhitneyu(
        candidate[:, 0],
        baseline[:, 0],
        alternative="greater",
        use_continuity=False,
        method="asymptotic",
    ).pvalue
    assert pytest.approx(theirs) == ours
    difference = np.log(candidate / baseline)[:, 0]
    walsh = sum((difference[: t + 1] > -difference[t]).sum() for t in range(40))
    exact = stats.wilcoxon(difference, alternative="greater", method="asymptotic")
    assert walsh == exact.statistic
    assert pytest.approx(exact.pvalue) == stats.norm.sf(bench.rivals._wilcoxon(walsh, 40))


def test_a_share_is_printed_with_its_bound(bench):
    """Ten of 400 are 2.5 %, and 4.14 % at most with 95 % confidence."""
    hits = np.arange(400) < 10
    assert " 2.50 (<=  4.14)" == bench.runs.share(hits)
