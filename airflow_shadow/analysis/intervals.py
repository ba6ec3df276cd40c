"""Confidence intervals for rates, and for the difference of two."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from airflow_shadow.analysis.critical_values import HALVINGS
from airflow_shadow.analysis.observations import Counts

#: Lower and upper end.
Interval = tuple[float, float]
#: Smallest distance from 0 and 1 at which a likelihood is evaluated.
EDGE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Share:
    """Hold a variant's bad requests among all of them; both are fractional once deflated."""

    bad: float
    total: float

    @property
    def rate(self) -> float:
        """Return the share of bad requests."""
        return self.bad / self.total

    @property
    def variance(self) -> float:
        """Return the binomial variance of the rate."""
        return self.rate * (1 - self.rate) / self.total

    def deflated(self, effect: float) -> Share:
        """Return the share with the weight of its requests divided by a design effect.

        Rao and Scott (1992, Biometrics 48, 577-585): clustered counts, so divided, may be treated
        as binomial.
        """
        return Share(bad=self.bad / effect, total=self.total / effect)


def wilson(share: Share, z: float) -> Interval:
    """Return Wilson's score interval (1927, JASA 22, 209-212) at `z` standard errors."""
    n, p = share.total, share.rate
    centre = p + z * z / (2 * n)
    spread = z * math.sqrt(max(p * (1 - p), 0.0) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0)


def newcombe(baseline: Share, candidate: Share, z: float) -> Interval:
    """Return the hybrid score interval of candidate minus baseline.

    Newcombe (1998, Statistics in Medicine 17, 873-890), method 10: it holds at rates near zero,
    where Wald's interval would have no width.
    """
    difference = candidate.rate - baseline.rate
    low_b, high_b = wilson(baseline, z)
    low_c, high_c = wilson(candidate, z)
    lower = difference - math.hypot(candidate.rate - low_c, high_b - baseline.rate)
    upper = difference + math.hypot(high_c - candidate.rate, baseline.rate - low_b)
    return max(lower, -1.0), min(upper, 1.0)


def pooled_newcombe(stages: Sequence[Counts], z: float) -> Interval:
    """Return the interval of the mean difference within stages, candidate minus baseline.

    The weights are ``n_b n_c / (n_b + n_c)`` (Mantel and Haenszel 1959). Rates summed over stages
    would count a rate that moved between stages as a difference. The distances from the estimates
    to the stages' own ends are added in squares (MOVER: Zou and Donner 2008, Statistics in
    Medicine 27, 1693-1702).
    """
    weights = [
        one.n_baseline * one.n_candidate / (one.n_baseline + one.n_candidate) for one in stages
    ]
    whole = math.fsum(weights)
    estimate = below = above = 0.0
    for one, weight in zip(stages, weights, strict=True):
        baseline = Share(bad=one.bad_baseline, total=one.n_baseline)
        candidate = Share(bad=one.bad_candidate, total=one.n_candidate)
        difference = candidate.rate - baseline.rate
        lower, upper = newcombe(baseline, candidate, z)
        estimate += weight / whole * difference
        below += (weight / whole * (difference - lower)) ** 2
        above += (weight / whole * (upper - difference)) ** 2
    return estimate - math.sqrt(below), estimate + math.sqrt(above)


def log_mixture(share: Share, p: float) -> float:
    """Return the log of the beta-mixture martingale against the rate `p`.

    Robbins' method of mixtures with Jeffreys' prior beta(1/2, 1/2) on the rate: the evidence of all
    requests so far that their rate is not `p`, valid at any look.
    """
    good = share.total - share.bad
    return (
        math.lgamma(share.bad + 0.5)
        + math.lgamma(good + 0.5)
        - math.lgamma(share.total + 1)
        - math.log(math.pi)
        - share.bad * math.log(p)
        - good * math.log1p(-p)
    )


def exact_lower_share(share: Share, level: float) -> float:
    """Return the lower end of an exact interval of a rate, for any look.

    It ever exceeds the true rate with probability `level` at most, at any sample size (Ville's
    inequality on :func:`log_mixture`).
    """
    needed = -math.log(level)
    return _last_rejected(lambda p: log_mixture(share, _inside(p)) >= needed, 0.0, share.rate)


def exact_lower_difference(baseline: Share, candidate: Share, level: float) -> float:
    """Return the lower end of an exact interval of candidate minus baseline, for any look.

    The region of all pairs of rates that the product of both martingales does not reject,
    projected on the difference (the product of independent martingales is a martingale).
    """
    needed = -math.log(level)
    return _last_rejected(
        lambda gap: least_evidence(baseline, candidate, gap) >= needed,
        -1 + 2 * EDGE,
        candidate.rate - baseline.rate,
    )


def least_evidence(baseline: Share, candidate: Share, gap: float) -> float:
    """Return the smallest log evidence against a pair of rates with the difference `gap`.

    It is convex in the baseline's rate, so the root of its slope is the minimum.
    """
    low, high = max(0.0, -gap) + EDGE, min(1.0, 1.0 - gap) - EDGE
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _slope(baseline, _inside(middle)) + _slope(candidate, _inside(middle + gap)) > 0:
            high = middle
        else:
            low = middle
    return log_mixture(baseline, _inside(low)) + log_mixture(candidate, _inside(low + gap))


def _slope(share: Share, p: float) -> float:
    return (share.total - share.bad) / (1 - p) - share.bad / p


def _inside(p: float) -> float:
    return min(max(p, EDGE), 1 - EDGE)


def _last_rejected(rejected: Callable[[float], bool], low: float, high: float) -> float:
    """Return the largest rejected value between `low` and `high`, by bisection."""
    if not rejected(low):
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low
