"""The judge's intervals for many runs at once, one look after the other, in numpy.

Written a second time, with running sums instead of lists, so that tens of thousands of runs can be
looked at every minute. A test holds it against the judge itself, to 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.special import gammaln

from airflow_shadow.analysis.boundary import anytime_critical, fixed_critical
from airflow_shadow.analysis.criterion import ANYTIME_WEIGHT
from airflow_shadow.analysis.serial import MAX_AUTOCORRELATION, MIN_BATCHES

Array = np.ndarray
HALVINGS = 46
EDGE = 1e-12


@dataclass
class Sums:
    """Keep what mean, variance and autocorrelation of a growing series need."""

    count: int = 0
    total: Array | float = 0.0
    squares: Array | float = 0.0
    products: Array | float = 0.0
    first: Array | None = None
    last: Array | None = None

    def add(self, values: Array) -> None:
        """Take the next period of all runs."""
        if self.first is None:
            self.first = values
        else:
            self.products = self.products + values * self.last
        self.count += 1
        self.total = self.total + values
        self.squares = self.squares + values * values
        self.last = values


@dataclass
class Batches:
    """Keep the sums of a series and of the means of its batches of 2, 4, 8, ... periods."""

    sums: Sums = field(default_factory=Sums)
    half: Array | None = None
    above: Batches | None = None

    def add(self, values: Array) -> None:
        """Take the next period of all runs."""
        self.sums.add(values)
        if self.half is None:
            self.half = values
            return
        if self.above is None:
            self.above = Batches()
        self.above.add((self.half + values) / 2)
        self.half = None

    def larger(self) -> Iterator[Sums]:
        """Yield the sums of larger batches, as long as there are enough of them."""
        above = self.above
        while above is not None and above.sums.count >= MIN_BATCHES:
            yield above.sums
            above = above.above


@dataclass
class Regression:
    """Hold the first-order autoregression of many runs."""

    sums: Sums
    mean: Array = field(init=False)
    deviation: Array = field(init=False)
    inflation: Array = field(init=False)

    def __post_init__(self) -> None:
        """Derive the moments around the mean."""
        sums, n = self.sums, self.sums.count
        self.mean = sums.total / n
        square = sums.squares - n * self.mean**2
        flat = square <= 1e-12 * np.maximum(sums.squares, 1e-300)
        lagged = (
            sums.products
            - self.mean * (2 * sums.total - sums.first - sums.last)
            + (n - 1) * self.mean**2
        )
        raw = np.divide(lagged, square, out=np.zeros_like(lagged), where=~flat)
        phi = np.where(flat, 0.0, np.clip(raw + (1 + 4 * raw) / n, 0.0, MAX_AUTOCORRELATION))
        self.inflation = (1 + phi) / (1 - phi)
        spread = np.where(flat, 0.0, square) / np.maximum(n - self.inflation, 1.0)
        self.deviation = np.sqrt(spread)

    @property
    def error(self) -> Array:
        """Return the standard error of the mean."""
        return self.deviation * np.sqrt(self.inflation / self.sums.count)


class Serials(Regression):
    """Hold :class:`airflow_shadow.analysis.serial.Serial` of many runs."""

    def __init__(self, batches: Batches) -> None:
        super().__init__(batches.sums)
        plain = self.deviation**2 / self.sums.count
        for sums in batches.larger():
            error = Regression(sums).error
            ratio = np.divide(error**2, plain, out=np.ones_like(plain), where=plain > 0)
            self.inflation = np.maximum(self.inflation, ratio)

    @property
    def effective(self) -> Array:
        """Return the effective periods."""
        return self.sums.count / self.inflation

    def freedom(self, weight: float) -> Array:
        """Return the degrees of freedom of the long-run variance."""
        return 1 / (1 / self.sums.count + weight / self.effective)


def student(z: float, freedom: Array) -> Array:
    """Return Student's critical values with the tail of a normal one."""
    scaled = z * (8 * freedom + 3) / (8 * freedom + 1)
    return np.sqrt(freedom * np.expm1(np.minimum(scaled**2 / freedom, 60.0)))


def fixed_errors(serials: Serials, alpha: float) -> Array:
    """Return the standard errors of a single look."""
    return student(fixed_critical(alpha), serials.freedom(2.0))


def anytime_errors(serials: Serials, level: float, min_periods: int) -> Array:
    """Return the standard errors of a look at any moment."""
    z = anytime_critical(level, serials.sums.count / min_periods)
    return student(z, serials.freedom(ANYTIME_WEIGHT))


def wilson(bad: Array, total: Array, z: Array) -> tuple[Array, Array]:
    """Return Wilson's intervals."""
    p = bad / total
    centre = p + z * z / (2 * total)
    spread = z * np.sqrt(np.maximum(p * (1 - p), 0.0) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return np.maximum((centre - spread) / scale, 0.0), np.minimum((centre + spread) / scale, 1.0)


@dataclass
class Rates:
    """Hold the counts of many runs so far; every period has the same number of requests.

    :param baseline: bad requests of the baseline
    :param candidate: bad requests of the candidate
    :param n_baseline: requests of the baseline in all periods together
    :param n_candidate: requests of the candidate in all periods together
    :param serials: of the differences of the periods' rates
    """

    baseline: Array
    candidate: Array
    n_baseline: float
    n_candidate: float
    serials: Serials

    @property
    def difference(self) -> Array:
        """Return candidate minus baseline."""
        return self.candidate / self.n_candidate - self.baseline / self.n_baseline

    @property
    def effect(self) -> Array:
        """Return the design effects."""
        one, other = self.baseline / self.n_baseline, self.candidate / self.n_candidate
        binomial = one * (1 - one) / self.n_baseline + other * (1 - other) / self.n_candidate
        some = binomial > 0
        ratio = np.divide(self.serials.error**2, binomial, out=np.ones_like(one), where=some)
        return np.maximum(1.0, ratio)

    def ends(self, z: Array) -> tuple[Array, Array]:
        """Return Newcombe's intervals of the deflated counts."""
        effect, difference = self.effect, self.difference
        one, other = self.baseline / self.n_baseline, self.candidate / self.n_candidate
        low_b, high_b = wilson(self.baseline / effect, self.n_baseline / effect, z)
        low_c, high_c = wilson(self.candidate / effect, self.n_candidate / effect, z)
        lower = difference - np.hypot(other - low_c, high_b - one)
        upper = difference + np.hypot(high_c - other, one - low_b)
        return np.maximum(lower, -1.0), np.minimum(upper, 1.0)

    def exact_beyond(self, gap: float, level: float) -> Array:
        """Tell in which runs the exact interval lies above `gap`.

        The evidence against one pair of rates bounds the least one, so few runs need the search.
        """
        needed = -math.log(level)
        beyond = np.zeros(self.difference.shape, dtype=bool)
        maybe = np.flatnonzero(self.difference > gap)
        effect = self.effect[maybe]
        baseline = self.baseline[maybe] / effect, self.n_baseline / effect
        candidate = self.candidate[maybe] / effect, self.n_candidate / effect
        pooled = (baseline[0] + candidate[0] - gap * candidate[1]) / (baseline[1] + candidate[1])
        near = np.clip(pooled, EDGE, 1 - gap - EDGE)
        bound = log_mixture(*baseline, near) + log_mixture(*candidate, inside(near + gap))
        left = bound >= needed
        chosen = [tuple(part[left] for part in each) for each in (baseline, candidate)]
        beyond[maybe[left]] = least_evidence(*chosen, gap) >= needed
        return beyond


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
