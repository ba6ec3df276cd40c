"""The bars of docs/analysis.md, with fewer runs: an hour, looked at every minute."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

RUNS = 4000


@pytest.mark.parametrize(("phi", "power"), [(0.0, 0.95), (0.5, 0.55), (0.8, 0.05)])
def test_an_hours_errors_stay_below_five_per_cent(bench, phi, power):
    """False PASS and false FAIL exactly at the tolerance, false FAIL without a difference."""
    noise = bench.noise.autoregressive(np.random.default_rng(5), RUNS, 60, phi)
    seen = {
        effect: outcome
        for _, effect, outcome in bench.runs.watch_ratios(noise, (0, 0.05, 0.1), (60,))
    }
    assert seen[0.1].anytime.mean() < 0.05
    assert seen[0.1].failed.mean() < 0.05
    assert seen[0.1].scheduled.mean() < 0.055
    assert seen[0].failed.mean() < 0.01
    assert seen[0.05].anytime.mean() > power


@pytest.mark.parametrize("base", [0.0, 0.01])
def test_error_rates_at_the_tolerance_rarely_pass(bench, base):
    """One look at four hours with ten requests a minute, the candidate exactly at +1 pp."""
    rng = np.random.default_rng(6)
    counts = (
        tuple(rng.binomial(10, rate, RUNS).astype(float) for rate in (base, base + 0.01))
        for _ in range(240)
    )
    seen = dict(bench.runs.watch_rates(counts, (10, 10), 0.01, (240,)))
    assert seen[240].scheduled.mean() < 0.055
    assert seen[240].failed.mean() < 0.05


def test_the_rivals_statistics_are_scipys(bench):
    """What users have instead is not made worse than it is."""
    rng = np.random.default_rng(9)
    baseline, candidate = np.exp(0.1 * rng.standard_normal((2, 40, 1)))
    wins = (candidate[:, None, 0] > baseline[None, :, 0]).sum()
    assert stats.mannwhitneyu(candidate[:, 0], baseline[:, 0]).statistic == wins
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
    assert exact.statistic == walsh
    assert pytest.approx(exact.pvalue) == stats.norm.sf(bench.rivals._wilcoxon(walsh, 40))


def test_a_share_is_printed_with_its_bound(bench):
    """Ten of 400 are 2.5 %, and 4.14 % at most with 95 % confidence."""
    hits = np.arange(400) < 10
    assert " 2.50 (<=  4.14)" == bench.runs.share(hits)
