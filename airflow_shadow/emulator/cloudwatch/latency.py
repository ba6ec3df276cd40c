"""Latencies of many requests as counts in classes, drawn so that every statistic fits the others.

A request's latency is log-normal. Drawing each one of millions would take minutes; what is drawn is
how many of a minute's n requests fall into each of 36 classes (one multinomial draw), so that the
mean, the percentiles and the counts above a limit all come from the same requests, with the noise
that n requests have: the standard error of a mean goes with one over the root of n.

Where the slowest requests are never answered, the distribution ends at a quantile, as do classes.
"""

import math
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

from airflow_shadow.emulator.cloudwatch.samples import Classes
from airflow_shadow.emulator.random_draws import binomial, long_random

_NORMAL = NormalDist()
# A week has a million classes to fill: exact counts above this variance would take half the time.
_ENOUGH = 9.0
# Borders in standard deviations of the logarithm; the outer classes reach to the last ones.
_EDGES = [number / 5 for number in range(-14, 21)]
_LOWEST, _HIGHEST = -4.0, 5.0


def _end(unanswered: float) -> float:
    """Return where the distribution ends, in standard deviations of the logarithm."""
    return _NORMAL.inv_cdf(1 - unanswered) if unanswered else math.inf


def _shares(end: float, shift: float = 0.0) -> list[float]:
    """Return the probability of each class of a shifted normal distribution, up to its end."""
    below = [0.0, *(_NORMAL.cdf(min(edge, end) - shift) for edge in (*_EDGES, math.inf))]
    return [high - low for low, high in pairwise(below)]


@lru_cache(maxsize=256)
def _conditional(unanswered: float) -> list[float]:
    """Return, of the requests that fall into no lower class, the share that falls into each."""
    shares = _shares(_end(unanswered))
    rests = (sum(shares[number:]) for number in range(len(shares)))
    return [
        min(1.0, share / rest) if rest else 1.0 for share, rest in zip(shares, rests, strict=True)
    ]


@lru_cache(maxsize=256)
def classes(spread: float, unanswered: float = 0.0) -> Classes:
    """Return the classes of a log-normal distribution of mean 1 and a spread of its logarithm.

    The mean of each class is exact, so that counts in classes have the mean of the distribution.
    unanswered: the share of the slowest that lacks; no class reaches beyond the rest.
    """
    end = _end(unanswered)
    ends = [min(edge, end) for edge in (_LOWEST, *_EDGES, _HIGHEST)]
    edges = [math.exp(spread * edge - spread**2 / 2) for edge in ends]
    lows, highs = edges[:-1], edges[1:]
    # A class beyond the end holds nothing, and its mean is that end.
    means = (
        weight / share if share else high
        for weight, share, high in zip(_shares(end, spread), _shares(end), highs, strict=True)
    )
    return Classes(lows=tuple(lows), highs=tuple(highs), means=tuple(means))


@lru_cache(maxsize=1 << 16)
def counts(key: str, requests: int, unanswered: float = 0.0) -> tuple[int, ...]:
    """Return how many requests fall into each class: one multinomial draw for a key."""
    random, left, drawn = long_random(key), requests, []
    for share in _conditional(unanswered):
        count = binomial(random, left, share, normal_from=_ENOUGH) if left else 0
        drawn.append(count)
        left -= count
    return tuple(drawn)
