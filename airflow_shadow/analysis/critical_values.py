"""Critical values in standard errors, for planned looks and for a look at any moment.

PASS is possible at a few planned looks, which share alpha (Bonferroni). FAIL is possible at any
look up to the last planned one: the standardised estimate then is nearly a Brownian motion over a
known time, and by the reflection principle it ever crosses ``c / sqrt(t)`` with twice the
probability beyond ``c``. This is the boundary of O'Brien and Fleming (1979, Biometrics 35,
549-556): wide at first, and at the end hardly wider than that of a single look.
"""

from __future__ import annotations

import math
from statistics import NormalDist

NORMAL = NormalDist()
#: Steps of a bisection that leave less than 1e-12 of the bracket.
HALVINGS = 46
#: Exponent of a critical value so large that the interval says nothing.
MAX_EXPONENT = 60.0
#: Part of alpha for the first of several looks or stages: a good candidate should not pay for looks
#: that it does not need, and a bad one should be found at the smallest sampling.
FIRST_SHARE = 0.75


def shares(count: int) -> list[float]:
    """Return the part of alpha of each look or stage; they add up to 1."""
    if count == 1:
        return [1.0]
    return [FIRST_SHARE, *[(1 - FIRST_SHARE) / (count - 1)] * (count - 1)]


def fixed_critical(level: float) -> float:
    """Return the one-sided critical value for a single look, in standard errors."""
    return -NORMAL.inv_cdf(level)


def moving_critical(level: float, periods: float, first: float, last: float) -> float:
    """Return the one-sided critical value for a look at any moment, in standard errors.

    Half of the level is for the looks up to the first planned one, half for those after it.

    :param level: probability ever to be beyond it, over all looks together
    :param periods: periods so far
    :param first: periods at the first planned look
    :param last: periods at the last one
    """
    if first < last:
        level, last = level / 2, first if periods <= first else last
    return fixed_critical(level / 2) * math.sqrt(max(last / periods, 1.0))


def student_critical(z: float, freedom: float) -> float:
    """Return Student's critical value with the tail probability of a normal one.

    Wallace (1959, Annals of Mathematical Statistics 30, 1121-1130); within 1 % of the exact
    quantile from five degrees of freedom and up to 2.5, and too wide rather than too narrow beyond.

    :param z: normal critical value, not negative
    :param freedom: degrees of freedom; infinity gives `z` back
    """
    if math.isinf(freedom):
        return z
    scaled = z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(min(scaled * scaled / freedom, MAX_EXPONENT)))
