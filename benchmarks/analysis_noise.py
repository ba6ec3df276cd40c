"""Noise as endpoints make it: autocorrelated minutes, bursts of errors, heavy tails, a day."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

Array = np.ndarray
#: Standard deviation of a minute's log ratio.
SPREAD = 0.07
#: The load that both variants share: its spread and the dependence of its minutes.
LOAD_SPREAD, LOAD_DEPENDENCE = 0.10, 0.9
DAY = 1440


def autoregressive(
    rng: np.random.Generator, runs: int, periods: int, phi: float, *, tail: float = math.inf
) -> Iterator[Array]:
    """Yield stationary noise of variance one, period after period, for all runs.

    :param phi: correlation of neighbouring periods
    :param tail: degrees of freedom of Student's distribution of the innovations
    """
    scale = math.sqrt(1 - phi * phi)
    state = _innovation(rng, runs, tail)
    for _ in range(periods):
        yield state
        state = phi * state + scale * _innovation(rng, runs, tail)


def _innovation(rng: np.random.Generator, runs: int, tail: float) -> Array:
    if math.isinf(tail):
        return rng.standard_normal(runs)
    return rng.standard_t(tail, runs) / math.sqrt(tail / (tail - 2))


def latencies(rng: np.random.Generator, runs: int, periods: int, phi: float) -> tuple[Array, Array]:
    """Return mean latencies of both variants without a difference, `periods x runs`.

    They share the load; each has noise of its own, so that the log ratio has the spread
    :data:`SPREAD` and the dependence `phi`.
    """
    load = np.array(list(autoregressive(rng, runs, periods, LOAD_DEPENDENCE)))
    own = [np.array(list(autoregressive(rng, runs, periods, phi))) for _ in range(2)]
    one, other = (np.exp(LOAD_SPREAD * load + SPREAD / math.sqrt(2) * noise) for noise in own)
    return one, other


def daily(period: int) -> float:
    """Return a wave of one day and standard deviation one."""
    return math.sqrt(2) * math.sin(2 * math.pi * period / DAY)


def burst(noise: Array, spread: float) -> Array:
    """Return log-normal intensities of mean one."""
    return np.exp(spread * noise - spread * spread / 2)
