"""Intervals for rates, against published tables and independent implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from airflow_shadow.analysis import AnalysisSpec, Counts, Pair, judge
from airflow_shadow.analysis.intervals import (
    Share,
    exact_lower_difference,
    exact_lower_share,
    least_evidence,
    log_mixture,
    newcombe,
    pooled_newcombe,
    wilson,
)
from tests.analysis.data import ERRORS, error_criterion, seen, series

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
    """At the interval's end the evidence is just enough, by a search over a grid."""
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
    """No pair of rates with that difference has less evidence against it."""
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
    """Without bad requests the lower end is 0."""
    assert 0.0 == exact_lower_share(share((0, 50)), 0.05)


def test_deflating_keeps_the_rate():
    """A design effect changes the weight of a share, not its rate."""
    assert Share(bad=2.0, total=20.0) == share((6, 60)).deflated(3.0)


STAGES = st.lists(
    st.builds(
        lambda n_b, n_c, p_b, p_c: Counts(
            bad_baseline=p_b * n_b, n_baseline=n_b, bad_candidate=p_c * n_c, n_candidate=n_c
        ),
        st.floats(0.5, 1e6),
        st.floats(0.5, 1e6),
        st.floats(0, 1),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=4,
)


@given(stages=STAGES, z=st.floats(0.1, 5))
@settings(max_examples=150)
def test_pooled_stages_lie_among_the_stages(stages, z):
    """Ends in order, between those of the stages, mirrored when the variants change places."""
    lower, upper = pooled_newcombe(stages, z)
    differences = [
        one.bad_candidate / one.n_candidate - one.bad_baseline / one.n_baseline for one in stages
    ]
    assert lower <= upper
    assert lower <= max(differences) + 1e-9
    assert upper >= min(differences) - 1e-9
    ends = [
        newcombe(
            share((one.bad_baseline, one.n_baseline)),
            share((one.bad_candidate, one.n_candidate)),
            z,
        )
        for one in stages
    ]
    assert lower >= min(end[0] for end in ends) - 1e-9
    assert upper <= max(end[1] for end in ends) + 1e-9
    mirrored = [
        Counts(
            bad_baseline=one.bad_candidate,
            n_baseline=one.n_candidate,
            bad_candidate=one.bad_baseline,
            n_candidate=one.n_baseline,
        )
        for one in stages
    ]
    assert pytest.approx((-upper, -lower), abs=1e-9) == pooled_newcombe(mirrored, z)


@pytest.mark.parametrize("counts", [(0, 100, 3, 40), (5, 5, 0, 7), (2.5, 80.5, 2.5, 9)])
def test_one_stage_alone_is_newcombes(counts):
    """The pooled interval of one stage is Newcombe's."""
    bad_b, n_b, bad_c, n_c = counts
    stage = Counts(bad_baseline=bad_b, n_baseline=n_b, bad_candidate=bad_c, n_candidate=n_c)
    alone = newcombe(share((bad_b, n_b)), share((bad_c, n_c)), 2.0)
    assert pytest.approx(alone, abs=1e-9) == pooled_newcombe([stage], 2.0)


def test_equal_stages_are_one_long_one():
    """Twice the same stage is narrower than once, by about the root of two."""
    stage = Counts(bad_baseline=40, n_baseline=4e3, bad_candidate=60, n_candidate=4e3)
    one, two = (pooled_newcombe([stage] * count, 2.0) for count in (1, 2))
    assert pytest.approx(math.sqrt(2), rel=0.02) == (one[1] - one[0]) / (two[1] - two[0])


@pytest.mark.parametrize("requests", [300, 3000])
def test_errors_in_the_last_stage_only_are_no_difference(requests):
    """2 % of both variants, at 10, 50 and 100 %: within stages nothing, in plain sums a FAIL."""
    rng = np.random.default_rng(requests)
    fails = plain = 0
    for _ in range(100):
        stages = []
        for part, rate in ((0.1, 0.0), (0.5, 0.0), (1.0, 0.02)):
            asked = 115 * requests
            copied = int(part * asked)
            bad = [float(rng.binomial(n, rate)) for n in (asked, copied)]
            stages.append(
                Counts(
                    bad_baseline=bad[0], n_baseline=asked, bad_candidate=bad[1], n_candidate=copied
                )
            )
        fails += pooled_newcombe(stages, Z)[0] > 0.001
        sums = [
            share((sum(one.bad_baseline for one in stages), sum(one.n_baseline for one in stages))),
            share(
                (sum(one.bad_candidate for one in stages), sum(one.n_candidate for one in stages))
            ),
        ]
        plain += newcombe(*sums, Z)[0] > 0.001
    assert 0 == fails
    assert plain > 90


def test_a_failure_of_all_stages_together_says_so():
    """A FAIL that follows only from all stages together has a note."""
    bad = Counts(bad_baseline=10, n_baseline=30_000, bad_candidate=240, n_candidate=12_000)
    spec = AnalysisSpec(initial_delay=0, breakers=(), criteria=(error_criterion(tolerance=0.005),))
    clean = Pair(baseline=series([0.0] * 60), candidate=series([0.0] * 60))
    observed = seen({ERRORS: clean}, minutes=60, stage=3, stages=3, earlier={"errors": (bad, bad)})
    found = judge(spec, observed).findings[0]
    assert "FAIL" == found.outcome
    assert found.sentence.endswith("allowed +0.5 pp (counted together with earlier stages)")
    assert found.lower <= found.estimate <= found.upper


def test_a_rollout_does_not_fail_an_equal_candidate():
    """The same through the judge, which keeps the counts of each stage for the next."""
    rng = np.random.default_rng(2)
    spec = AnalysisSpec(initial_delay=0, breakers=(), criteria=(error_criterion(tolerance=0.001),))
    failed, worse = 0, 0
    for more in [0.0] * 20 + [0.006] * 5:
        earlier: list[Counts] = []
        outcomes = set()
        for stage, (part, rate) in enumerate(((0.1, 0.0), (0.5, 0.0), (1.0, 0.02)), 1):
            requests = (300.0, 300.0 * part)
            bad = [
                rng.binomial(int(n), each, 115).astype(float)
                for n, each in zip(requests, (rate, rate + more), strict=True)
            ]
            pair = Pair(
                baseline=series(list(bad[0]), requests[0]),
                candidate=series(list(bad[1]), requests[1]),
            )
            observed = seen(
                {ERRORS: pair},
                minutes=115,
                sampling=100 * part,
                requests=requests,
                stage=stage,
                stages=3,
                earlier={"errors": list(earlier)},
            )
            (found, _) = judge(spec, observed).findings
            earlier.append(found.counts)
            outcomes.add(found.outcome)
        failed += "FAIL" in outcomes and not more
        worse += "FAIL" in outcomes and bool(more)
    assert (0, 5) == (failed, worse)
