"""Latencies of many requests as counts in classes, drawn so that every statistic fits the others.

A request's latency is log-normal. Drawing each one of millions would take minutes; what is drawn is
how many of a minute's n requests fall into each of 36 classes (one multinomial draw), so that the
mean, the percentiles and the counts above a limit all come from the same requests, with the noise
that n requests have: the standard error of a mean goes with one over the root of n.
"""

import math
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

from airflow_shadow.emulator.draws import binomial, many
from airflow_shadow.emulator.samples import Classes

_NORMAL = NormalDist()
# A week has a million classes to fill: exact counts above this variance would take half the time.
_ENOUGH = 9.0
# Borders in standard deviations of the logarithm; the outer classes reach to the last ones.
_EDGES = [number / 5 for number in range(-14, 21)]
_LOWEST, _HIGHEST = -4.0, 5.0


def _probabilities() -> list[float]:
    below = [0.0, *(_NORMAL.cdf(edge) for edge in _EDGES), 1.0]
    return [high - low for low, high in pairwise(below)]


_SHARES = _probabilities()
# Of the requests that fall into no lower class, the share that falls into this one.
_CONDITIONAL = [min(1.0, share / sum(_SHARES[number:])) for number, share in enumerate(_SHARES)]


@lru_cache(maxsize=256)
def classes(spread: float) -> Classes:
    """Return the classes of a log-normal distribution of mean 1 and a spread of its logarithm.

    The mean of each class is exact, so that counts in classes have the mean of the distribution.
    """
    below = [0.0, *(_NORMAL.cdf(edge - spread) for edge in _EDGES), 1.0]
    means = (
        (high - low) / share for (low, high), share in zip(pairwise(below), _SHARES, strict=True)
    )
    edges = [math.exp(spread * edge - spread**2 / 2) for edge in (_LOWEST, *_EDGES, _HIGHEST)]
    return Classes(lows=tuple(edges[:-1]), highs=tuple(edges[1:]), means=tuple(means))


@lru_cache(maxsize=1 << 16)
def counts(key: str, requests: int) -> tuple[int, ...]:
    """Return how many requests fall into each class: one multinomial draw for a key."""
    random, left, drawn = many(key), requests, []
    for share in _CONDITIONAL:
        count = binomial(random, left, share, normal_from=_ENOUGH) if left else 0
        drawn.append(count)
        left -= count
    return tuple(drawn)
