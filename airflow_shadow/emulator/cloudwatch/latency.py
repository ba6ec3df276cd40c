"""Latencies of many requests as counts in classes, drawn so that all statistics are consistent.

A request's latency is log-normal. Drawing each one of millions would take minutes. Instead one
multinomial draw says how many of a minute's n requests fall into each of 36 classes. So the mean,
the percentiles and the counts above a limit come from the same requests, with the noise of n
requests: the standard error of a mean is proportional to one over the square root of n.

If the slowest requests are never answered, the distribution and the classes end at a quantile.
"""

import math
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

from airflow_shadow.emulator.cloudwatch.samples import Classes
from airflow_shadow.emulator.random_draws import binomial, long_random

_NORMAL = NormalDist()
# A week has a million classes: exact counts above this variance would take half of the time.
_ENOUGH = 9.0
# Borders of the classes, in standard deviations of the logarithm.
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
    """Return for each class its share of the requests that are in no lower class."""
    shares = _shares(_end(unanswered))
    rests = (sum(shares[number:]) for number in range(len(shares)))
    return [
        min(1.0, share / rest) if rest else 1.0 for share, rest in zip(shares, rests, strict=True)
    ]


@lru_cache(maxsize=256)
def classes(spread: float, unanswered: float = 0.0) -> Classes:
    """Return the classes of a log-normal distribution with mean 1.

    The mean of each class is exact, so that counts in classes have the mean of the distribution.
    spread: the standard deviation of the logarithm.
    unanswered: the share of the slowest requests that is missing.
    """
    end = _end(unanswered)
    ends = [min(edge, end) for edge in (_LOWEST, *_EDGES, _HIGHEST)]
    edges = [math.exp(spread * edge - spread**2 / 2) for edge in ends]
    lows, highs = edges[:-1], edges[1:]
    # A class beyond the end is empty; its mean is that end.
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
