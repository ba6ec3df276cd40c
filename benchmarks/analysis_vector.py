"""The judge's intervals for many runs at once, in numpy: arrays of `runs x periods`.

Written a second time, without the first one's code for estimates and errors, so that tens of
thousands of runs can be counted. A test holds it against the judge itself, to 1e-9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from airflow_shadow.analysis.autocorrelation import (
    BATCHES,
    FREEDOM_WEIGHT,
    MAX_CORRELATION,
    MAX_DEPENDENCE,
    SKEWNESS_WEIGHT,
)
from airflow_shadow.analysis.critical_values import fixed_critical, moving_critical

Array = np.ndarray
HALVINGS = 46
EDGE = 1e-12
#: Squares below this part of the largest are rounding.
FLAT = 1e-24


@dataclass
class Summaries:
    """Hold :class:`airflow_shadow.analysis.autocorrelation.Summary` of many runs."""

    count: int
    deviation: Array
    inflation: Array
    skewness: Array

    @property
    def effective(self) -> Array:
        """Return the effective periods."""
        return self.count / self.inflation

    @property
    def error(self) -> Array:
        """Return the standard error of the mean."""
        return self.deviation * np.sqrt(self.inflation / self.count)

    @property
    def freedom(self) -> Array:
        """Return the degrees of freedom of the long-run variance."""
        return 1 / (1 / self.count + FREEDOM_WEIGHT / self.effective)

    def radius(self, z: Array, side: int) -> Array:
        """Return the distance of an end, above (1) or below (-1), at `z` standard errors."""
        root = math.sqrt(self.count)
        skewness = self.skewness * (1 + SKEWNESS_WEIGHT * np.abs(self.skewness) / root)
        shift = self.error * skewness * (1 + 2 * z * z) / (6 * root)
        return z * self.error + np.maximum(side * shift, 0.0)


def summarise(values: Array) -> Summaries:
    """Return dependence and spread of series whose mean is zero."""
    summaries = autoregressive(values)
    size = summaries.count // BATCHES
    if size >= 2:  # noqa: PLR2004 - as in the judge
        part = values[:, summaries.count % size :]
        means = part.reshape(len(values), -1, size).mean(axis=2)
        plain = np.maximum(summaries.deviation**2 / summaries.count, 1e-300)
        summaries.inflation = np.maximum(
            summaries.inflation, autoregressive(means).error ** 2 / plain
        )
    return summaries


def autoregressive(values: Array) -> Summaries:
    """Return the larger of the first and the second order."""
    count = values.shape[1]
    rest = values - values.mean(axis=1, keepdims=True)
    square = (rest * rest).sum(axis=1)
    flat = square <= FLAT
    safe = np.where(flat, 1.0, square)
    one, other = (
        np.clip(
            (rest[:, lag:] * rest[:, :-lag]).sum(axis=1) / (count - lag) * count / safe,
            -MAX_CORRELATION,
            MAX_CORRELATION,
        )
        for lag in (1, 2)
    )
    phi = np.clip(one + (1 + 3 * one) / count, 0.0, MAX_DEPENDENCE)
    first = (1 + phi) / (1 - phi)
    a, b = one * (1 - other) / (1 - one**2), (other - one**2) / (1 - one**2)
    a, b = a + (1 + a + b) / count, b + (2 + 4 * b) / count
    b = np.clip(b, -MAX_DEPENDENCE, MAX_DEPENDENCE)
    a = np.minimum(a, MAX_DEPENDENCE - b)
    second = (1 + b) * (1 - b + a) / ((1 - b) * (1 - a - b))
    larger = second > first
    a, b = np.where(larger, a, phi), np.where(larger, b, 0.0)
    inflation = np.where(flat, 1.0, np.maximum(np.maximum(first, second), 1.0))
    new = rest[:, 2:] - a[:, None] * rest[:, 1:-1] - b[:, None] * rest[:, :-2]
    new = new - new.mean(axis=1, keepdims=True)
    variance = np.maximum((new**2).mean(axis=1), 1e-150)
    return Summaries(
        count=count,
        deviation=np.where(flat, 0.0, np.sqrt(square / np.maximum(count - inflation, 1.0))),
        inflation=inflation,
        skewness=np.where(flat, 0.0, (new**3).mean(axis=1) / variance**1.5),
    )


def student(z: float, freedom: Array) -> Array:
    """Return Student's critical values with the tail of a normal one."""
    scaled = z * (8 * freedom + 3) / (8 * freedom + 1)
    return np.sqrt(freedom * np.expm1(np.minimum(scaled**2 / freedom, 60.0)))


def passing(summaries: Summaries, alpha: float) -> Array:
    """Return the standard errors of a planned look."""
    return student(fixed_critical(alpha), summaries.freedom)


def failing(summaries: Summaries, level: float, first: float, last: float) -> Array:
    """Return the standard errors of a look at any moment."""
    return student(moving_critical(level, summaries.count, first, last), summaries.freedom)


@dataclass
class Means:
    """Hold relative criteria: the logarithms of the ratios of means over requests."""

    change: Array
    summaries: Summaries

    @classmethod
    def of(cls, baseline: Array, asked: Array, candidate: Array, answered: Array) -> Means:
        """Return the evidence of latencies and requests of both variants."""
        (one, ones), (other, others) = _mean(baseline, asked), _mean(candidate, answered)
        added = others / other[:, None] - ones / one[:, None]
        return cls(change=np.log(other / one), summaries=summarise(added))

    def upper(self, alpha: float) -> Array:
        """Return the upper end for a PASS at a planned look."""
        return self.change + self.summaries.radius(passing(self.summaries, alpha), 1)

    def lower(self, level: float, first: float, last: float) -> Array:
        """Return the lower end for a FAIL at any look."""
        return self.change - self.summaries.radius(failing(self.summaries, level, first, last), -1)


def _mean(values: Array, requests: Array) -> tuple[Array, Array]:
    """Return means over requests, and what each period adds to their error."""
    requests = np.broadcast_to(requests, values.shape)
    total = requests.sum(axis=1)
    mean = (values * requests).sum(axis=1) / total
    each = total / values.shape[1]
    return mean, requests * (values - mean[:, None]) / each[:, None]


def wilson(bad: Array, total: Array, z: Array) -> tuple[Array, Array]:
    """Return Wilson's intervals."""
    p = bad / total
    centre = p + z * z / (2 * total)
    spread = z * np.sqrt(np.maximum(p * (1 - p), 0.0) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return np.maximum((centre - spread) / scale, 0.0), np.minimum((centre + spread) / scale, 1.0)


@dataclass
class Rates:
    """Hold differences of rates: bad requests and requests of both variants."""

    baseline: Array
    candidate: Array
    n_baseline: Array
    n_candidate: Array
    summaries: Summaries

    @classmethod
    def of(cls, baseline: Array, asked: Array, candidate: Array, answered: Array) -> Rates:
        """Return the evidence of counts, period by period."""
        counts = [
            (bad, np.broadcast_to(total, bad.shape))
            for bad, total in ((baseline, asked), (candidate, answered))
        ]
        sums = [(bad.sum(axis=1), total.sum(axis=1)) for bad, total in counts]
        ones, others = (
            (bad - (k / n)[:, None] * total) / (n / bad.shape[1])[:, None]
            for (bad, total), (k, n) in zip(counts, sums, strict=True)
        )
        return cls(
            baseline=sums[0][0],
            candidate=sums[1][0],
            n_baseline=sums[0][1],
            n_candidate=sums[1][1],
            summaries=summarise(others - ones),
        )

    @property
    def difference(self) -> Array:
        """Return candidate minus baseline."""
        return self.candidate / self.n_candidate - self.baseline / self.n_baseline

    @property
    def effect(self) -> Array:
        """Return the design effects."""
        one, other = self.baseline / self.n_baseline, self.candidate / self.n_candidate
        binomial = one * (1 - one) / self.n_baseline + other * (1 - other) / self.n_candidate
        safe = np.where(binomial > 0, binomial, 1.0)
        return np.where(binomial > 0, np.maximum(1.0, self.summaries.error**2 / safe), 1.0)

    def upper(self, alpha: float, tolerance: float) -> Array:
        """Return the upper end for a PASS at a planned look."""
        error = np.sqrt(np.maximum(self.summaries.error**2, tolerance / self.n_candidate))
        radius = passing(self.summaries, alpha) * error + 0.5 / self.n_candidate
        return np.minimum(self.difference + radius, 1.0)

    def lower(self, z: Array) -> Array:
        """Return Newcombe's lower ends of the deflated counts."""
        return newcombe_lower(self.deflated, z)

    @property
    def deflated(self) -> tuple[Array, Array, Array, Array]:
        """Return the counts divided by their design effects."""
        effect = self.effect
        counts = (self.baseline, self.n_baseline, self.candidate, self.n_candidate)
        return tuple(each / effect for each in counts)

    def exact_beyond(self, gap: float, level: float) -> Array:
        """Tell in which runs the exact interval lies above `gap`.

        The evidence against one pair of rates bounds the least one, so few runs need the search.
        """
        needed = -math.log(level)
        beyond = np.zeros(self.difference.shape, dtype=bool)
        maybe = np.flatnonzero(self.difference > gap)
        parts = [each[maybe] for each in self.deflated]
        baseline, candidate = parts[:2], parts[2:]
        pooled = (baseline[0] + candidate[0] - gap * candidate[1]) / (baseline[1] + candidate[1])
        near = np.clip(pooled, EDGE, 1 - gap - EDGE)
        bound = log_mixture(*baseline, near) + log_mixture(*candidate, inside(near + gap))
        left = bound >= needed
        chosen = [tuple(part[left] for part in each) for each in (baseline, candidate)]
        beyond[maybe[left]] = least_evidence(*chosen, gap) >= needed
        return beyond


def newcombe_lower(counts: tuple[Array, Array, Array, Array], z: Array) -> Array:
    """Return the lower ends of candidate minus baseline."""
    bad_b, n_b, bad_c, n_c = counts
    low_c, high_b = wilson(bad_c, n_c, z)[0], wilson(bad_b, n_b, z)[1]
    lower = bad_c / n_c - bad_b / n_b - np.hypot(bad_c / n_c - low_c, high_b - bad_b / n_b)
    return np.maximum(lower, -1.0)


def pooled_lower(stages: list[tuple[Array, Array, Array, Array]], z: Array) -> Array:
    """Return the lower ends of the differences within stages, weighted and added up."""
    weights = [n_b * n_c / (n_b + n_c) for _, n_b, _, n_c in stages]
    whole = sum(weights)
    estimate, squares = 0.0, 0.0
    for counts, weight in zip(stages, weights, strict=True):
        difference = counts[2] / counts[3] - counts[0] / counts[1]
        estimate = estimate + weight / whole * difference
        squares = squares + (weight / whole * (difference - newcombe_lower(counts, z))) ** 2
    return estimate - np.sqrt(squares)


def least_evidence(
    baseline: tuple[Array, Array], candidate: tuple[Array, Array], gap: float
) -> Array:
    """Return the smallest log evidence against any pair of rates that lie `gap` apart."""
    low = np.full(baseline[0].shape, max(0.0, -gap) + EDGE)
    high = np.full(baseline[0].shape, min(1.0, 1.0 - gap) - EDGE)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rising = slope(*baseline, middle) + slope(*candidate, inside(middle + gap)) > 0
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
    return log_mixture(*baseline, inside(low)) + log_mixture(*candidate, inside(low + gap))


def slope(bad: Array, total: Array, p: Array) -> Array:
    """Return the slope of the log evidence."""
    return (total - bad) / (1 - p) - bad / p


def inside(p: Array) -> Array:
    """Keep a rate away from 0 and 1."""
    return np.clip(p, EDGE, 1 - EDGE)


def log_mixture(bad: Array, total: Array, p: Array) -> Array:
    """Return the log of the beta-mixture martingale against the rate `p`."""
    good = total - bad
    prior = gammaln(bad + 0.5) + gammaln(good + 0.5) - gammaln(total + 1) - math.log(math.pi)
    return prior - bad * np.log(p) - good * np.log1p(-p)
