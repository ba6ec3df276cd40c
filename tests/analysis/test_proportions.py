"""Intervals for rates, against published tables and independent implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, special, stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from airflow_shadow.analysis.proportions import (
    Share,
    exact_lower_difference,
    exact_lower_share,
    least_evidence,
    log_mixture,
    newcombe,
    wilson,
)

Z = stats.norm.isf(0.025)

# Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
WILSON = {
    (81, 263): (0.2553, 0.3662),
    (15, 148): (0.0624, 0.1605),
    (0, 20): (0.0000, 0.1611),
    (1, 29): (0.0061, 0.1718),
}
# Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10: first minus second.
DIFFERENCES = {
    ((56, 70), (48, 80)): (0.0524, 0.3339),
    ((9, 10), (3, 10)): (0.1705, 0.8090),
    ((6, 7), (2, 7)): (0.0582, 0.8062),
    ((5, 56), (0, 29)): (-0.0381, 0.1926),
    ((0, 10), (0, 20)): (-0.1611, 0.2775),
    ((0, 10), (0, 10)): (-0.2775, 0.2775),
    ((10, 10), (0, 20)): (0.6791, 1.0000),
    ((10, 10), (0, 10)): (0.6075, 1.0000),
}


def share(counts: tuple[float, float]) -> Share:
    """Return a share from bad requests and all requests."""
    return Share(bad=float(counts[0]), total=float(counts[1]))


@pytest.mark.parametrize(("counts", "published"), WILSON.items())
def test_wilsons_interval_is_the_published_one(counts, published):
    """The table of Newcombe's first paper comes out."""
    assert pytest.approx(published, abs=5e-5) == wilson(share(counts), Z)


@pytest.mark.parametrize(("counts", "published"), DIFFERENCES.items())
def test_newcombes_interval_is_the_published_one(counts, published):
    """The table of Newcombe's second paper comes out."""
    first, second = counts
    assert pytest.approx(published, abs=5e-5) == newcombe(share(second), share(first), Z)


RANDOM = [
    (
        tuple(int(v) for v in (rng.integers(0, n + 1), n)),
        tuple(int(v) for v in (rng.integers(0, m + 1), m)),
    )
    for rng in [np.random.default_rng(11)]
    for n, m in rng.integers(1, 2000, (25, 2))
]


@pytest.mark.parametrize(("one", "other"), RANDOM)
def test_both_intervals_agree_with_statsmodels(one, other):
    """An independent implementation gives the same ends."""
    theirs = confint_proportions_2indep(*one, *other, compare="diff", method="newcomb")
    assert pytest.approx(theirs, abs=1e-9) == newcombe(share(other), share(one), Z)
    alone = proportion_confint(*one, method="wilson")
    assert pytest.approx(alone, abs=1e-9) == wilson(share(one), Z)


@pytest.mark.parametrize("counts", [(0, 0.5), (0, 40), (3, 40), (40, 40), (2.5, 7.25)])
@pytest.mark.parametrize("p", [0.01, 0.4])
def test_the_beta_mixture_is_closed(counts, p):
    """The closed form is the likelihood ratio integrated over Jeffreys' prior."""
    bad, total = counts
    good = total - bad
    mixed, _ = integrate.quad(
        lambda angle: (
            (math.sin(angle) ** 2 / p) ** bad
            * (math.cos(angle) ** 2 / (1 - p)) ** good
            * 2
            / math.pi
        ),
        0,
        math.pi / 2,
        epsabs=0,
        limit=400,
    )
    assert pytest.approx(math.log(mixed), rel=1e-6, abs=1e-6) == log_mixture(share(counts), p)


def test_the_beta_mixture_agrees_with_scipy_at_a_million_requests():
    """No cancellation where the counts are large."""
    bad, total, p = 2_500.0, 1e6, 0.002
    theirs = (
        special.betaln(bad + 0.5, total - bad + 0.5)
        - special.betaln(0.5, 0.5)
        - special.xlogy(bad, p)
        - special.xlog1py(total - bad, -p)
    )
    assert pytest.approx(theirs, abs=1e-6) == log_mixture(share((bad, total)), p)


@pytest.mark.parametrize("counts", [((2, 30), (9, 25)), ((0, 10), (10, 10)), ((5, 50), (5, 50))])
def test_the_exact_difference_is_the_edge_of_the_region(counts):
    """At the end the least evidence is just enough, by a search over a grid."""
    baseline, candidate = map(share, counts)
    edge = exact_lower_difference(baseline, candidate, 0.05)
    grid = np.linspace(max(0, -edge) + 1e-9, min(1, 1 - edge) - 1e-9, 20_001)
    least = min(
        log_mixture(baseline, p) + log_mixture(candidate, min(max(p + edge, 1e-12), 1 - 1e-12))
        for p in grid
    )
    assert pytest.approx(-math.log(0.05), abs=1e-3) == least


@pytest.mark.parametrize("gap", [-0.3, 0.0, 0.2])
def test_the_least_evidence_is_a_minimum(gap):
    """No pair of rates that far apart has less."""
    baseline, candidate = share((4, 60)), share((11, 40))
    found = least_evidence(baseline, candidate, gap)
    grid = np.linspace(max(0, -gap) + 1e-6, min(1, 1 - gap) - 1e-6, 5_001)
    values = [log_mixture(baseline, p) + log_mixture(candidate, p + gap) for p in grid]
    assert found <= min(values) + 1e-9
    assert pytest.approx(min(values), abs=1e-3) == found


def test_the_exact_share_is_the_edge_of_the_evidence():
    """At the lower end the evidence is just enough."""
    counts = share((9, 40))
    edge = exact_lower_share(counts, 0.01)
    assert pytest.approx(-math.log(0.01), abs=1e-6) == log_mixture(counts, edge)
    assert edge < counts.rate


def test_a_share_without_bad_requests_has_no_lower_end():
    """Nothing bad excludes no rate from below."""
    assert exact_lower_share(share((0, 50)), 0.05) == 0.0


def test_deflating_keeps_the_rate():
    """A design effect takes weight, not level."""
    assert Share(bad=2.0, total=20.0) == share((6, 60)).deflated(3.0)
