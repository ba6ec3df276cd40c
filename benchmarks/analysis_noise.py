"""Endpoints as they are simulated: autocorrelated minutes, stalls, bursts, requests one by one.

All arrays are `runs x periods`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Draw = Callable[[np.random.Generator, tuple[int, int]], Array]
#: Standard deviation of a minute's log ratio.
SPREAD = 0.07
#: The load that both variants share: its spread and the dependence of its minutes.
LOAD_SPREAD, LOAD_DEPENDENCE = 0.10, 0.9
DAY = 1440
BURN_IN = 200
#: From so many requests a minute on their sum is drawn, not each.
MANY = 30


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Draw normal innovations."""
    return rng.standard_normal(shape)


def student(freedom: float) -> Draw:
    """Return heavy-tailed innovations of variance one."""
    scale = math.sqrt(freedom / (freedom - 2))
    return lambda rng, shape: rng.standard_t(freedom, shape) / scale


def lognormal(sigma: float) -> Draw:
    """Return skewed innovations of mean zero and variance one."""
    mean = math.exp(sigma**2 / 2)
    deviation = mean * math.sqrt(math.expm1(sigma**2))
    return lambda rng, shape: (np.exp(sigma * rng.standard_normal(shape)) - mean) / deviation


def autoregressive(
    rng: np.random.Generator,
    runs: int,
    periods: int,
    *phis: float,
    draw: Draw = normal,
) -> Array:
    """Return stationary noise of variance one.

    :param phis: coefficients of the last period and the one before
    """
    a, b = (*phis, 0.0, 0.0)[:2]
    new = draw(rng, (runs, periods + BURN_IN))
    noise = np.zeros_like(new)
    for t in range(new.shape[1]):
        noise[:, t] = new[:, t]
        if t >= 2:  # noqa: PLR2004 - two coefficients
            noise[:, t] += a * noise[:, t - 1] + b * noise[:, t - 2]
    variance = (1 - b) / ((1 + b) * ((1 - b) ** 2 - a**2))
    return noise[:, BURN_IN:] / math.sqrt(variance)


def ratios(noise: Array, spread: float = SPREAD) -> Array:
    """Return log-normal ratios of mean one."""
    return np.exp(spread * noise - spread**2 / 2)


def stalls(rng: np.random.Generator, values: Array, part: float, times: float) -> Array:
    """Return values of which some minutes are so many times as large, the mean as before."""
    stalled = np.where(rng.random(values.shape) < part, times, 1.0)
    return values * stalled / (1 + part * (times - 1))


def latencies(rng: np.random.Generator, runs: int, periods: int, phi: float) -> tuple[Array, Array]:
    """Return mean latencies of both variants without a difference.

    They share the load; each has noise of its own, so that the log ratio has the spread
    :data:`SPREAD` and the dependence `phi`.
    """
    load = autoregressive(rng, runs, periods, LOAD_DEPENDENCE)
    own = [autoregressive(rng, runs, periods, phi) for _ in range(2)]
    one, other = (np.exp(LOAD_SPREAD * load + SPREAD / math.sqrt(2) * noise) for noise in own)
    return one, other


def daily(periods: int) -> Array:
    """Return a wave of one day and standard deviation one."""
    return math.sqrt(2) * np.sin(2 * math.pi * np.arange(periods) / DAY)


def burst(noise: Array, spread: float) -> Array:
    """Return log-normal intensities of mean one."""
    return np.exp(spread * noise - spread * spread / 2)


@dataclass(frozen=True, kw_only=True)
class World:
    """Requests to an endpoint with a shadow.

    Each has a size that both variants see; each variant's minutes have noise, and both share the
    load.

    :param traffic: requests a minute, Poisson
    :param sampling: part of them that the shadow gets
    :param sigma: spread of the logarithm of a request's size
    :param own: spread of what a variant adds to each request
    :param noise: spread of the logarithm of a variant's minutes
    :param phi: dependence of that noise
    :param change: the candidate's latency more, 0.1 is +10 %
    :param errors: share of requests that fail in either variant, independently
    :param more_errors: share more that fail in the candidate
    :param lost: share of requests, the slowest, that the shadow never answers
    """

    traffic: float
    sampling: float = 1.0
    sigma: float = 0.6
    own: float = 0.15
    noise: float = 0.05
    phi: float = 0.5
    change: float = 0.0
    errors: float = 0.001
    more_errors: float = 0.0

    def draw(self, rng: np.random.Generator, runs: int, periods: int) -> Minutes:
        """Return what CloudWatch would show of some runs."""
        asked = rng.poisson(self.traffic, (runs, periods))
        copied = rng.binomial(asked, self.sampling) if self.sampling < 1 else asked
        seen = self._sums(rng, copied)
        rest = self._sums(rng, asked - copied) if self.sampling < 1 else np.zeros(asked.shape)
        load = np.exp(LOAD_SPREAD * autoregressive(rng, runs, periods, LOAD_DEPENDENCE))
        one, other = (
            load * ratios(autoregressive(rng, runs, periods, self.phi), self.noise)
            for _ in range(2)
        )
        return Minutes(
            asked=asked.astype(float),
            answered=copied.astype(float),
            production=_mean(one * (self._own(rng, seen, copied) + rest), asked),
            shadow=_mean((1 + self.change) * other * self._own(rng, seen, copied), copied),
            failed=rng.binomial(asked, self.errors).astype(float),
            failed_too=rng.binomial(copied, self.errors + self.more_errors).astype(float),
        )

    def _sums(self, rng: np.random.Generator, counts: Array) -> Array:
        """Return sums of log-normal sizes of mean one; of many, a gamma of the same variance."""
        square = math.expm1(self.sigma**2)
        many = rng.gamma(np.maximum(counts, 1) / square, square)
        few = counts < MANY
        sums = np.where(counts > 0, many, 0.0)
        if few.any():
            numbers = counts[few]
            sizes = np.exp(self.sigma * rng.standard_normal(int(numbers.sum())) - self.sigma**2 / 2)
            owner = np.repeat(np.arange(len(numbers)), numbers)
            sums[few] = np.bincount(owner, weights=sizes, minlength=len(numbers))
        return sums

    def _own(self, rng: np.random.Generator, sums: Array, counts: Array) -> Array:
        """Return sums with what a variant adds to each request by itself."""
        each = math.expm1(self.own**2) * math.exp(self.sigma**2)
        return sums * (1 + np.sqrt(each / np.maximum(counts, 1)) * rng.standard_normal(sums.shape))


@dataclass(frozen=True, kw_only=True)
class Minutes:
    """What CloudWatch shows: requests, mean latencies and failures of both variants."""

    asked: Array
    answered: Array
    production: Array
    shadow: Array
    failed: Array
    failed_too: Array

    def until(self, end: int) -> Minutes:
        """Return the first periods."""
        return Minutes(**{name: values[:, :end] for name, values in vars(self).items()})

    def of(self, runs: Array | Sequence[int]) -> Minutes:
        """Return some of the runs."""
        return Minutes(**{name: values[runs] for name, values in vars(self).items()})


def _mean(sums: Array, counts: Array) -> Array:
    return sums / np.maximum(counts, 1)
