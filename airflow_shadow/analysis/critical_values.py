"""How far an estimate may stray: critical values for planned looks, and for a look at any moment.

PASS is read at a few planned looks, which share alpha (Bonferroni). FAIL is read at any look until
the last planned one: the standardised estimate then follows (nearly) a Brownian motion over a known
time, and the reflection principle gives the chance that it ever crosses ``c / sqrt(t)``: twice the
tail beyond ``c``. This is the boundary of O'Brien and Fleming (1979, Biometrics 35, 549-556): wide
at first, and at the end hardly wider than that of a single look.
"""

from __future__ import annotations

import math
from statistics import NormalDist

NORMAL = NormalDist()
#: Halvings of a bracket that leave less than 1e-12.
HALVINGS = 46
#: Part of alpha for the first of several looks or stages: a good candidate should not pay for
#: looks that it does not need, and a bad one should be found where it does the least.
FIRST_SHARE = 0.75


def shares(count: int) -> list[float]:
    """Return the parts of alpha for some looks or stages, which add up to 1."""
    if count == 1:
        return [1.0]
    return [FIRST_SHARE, *[(1 - FIRST_SHARE) / (count - 1)] * (count - 1)]


def fixed_critical(level: float) -> float:
    """Return the one-sided critical value for a single look, in standard errors."""
    return -NORMAL.inv_cdf(level)


def moving_critical(level: float, seen: float, first: float, last: float) -> float:
    """Return the one-sided critical value for a look at any moment, in standard errors.

    Half of the level is for the looks up to the first planned one, half for those after it.

    :param level: chance ever to be beyond it, over all looks together
    :param seen: periods so far
    :param first: periods at the first planned look
    :param last: periods at the last one
    """
    part, limit = (level, last) if first >= last else (level / 2, first if seen <= first else last)
    return fixed_critical(part / 2) * math.sqrt(max(limit / seen, 1.0))


def student_critical(z: float, freedom: float) -> float:
    """Return Student's critical value with the tail of a normal one.

    Wallace (1959, Annals of Mathematical Statistics 30, 1121-1130); within 1 % of the exact
    quantile from five degrees of freedom and up to 2.5, and too wide rather than too narrow beyond.

    :param z: normal critical value, not negative
    :param freedom: degrees of freedom; infinity gives `z` back
    """
    if math.isinf(freedom):
        return z
    scaled = z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(min(scaled * scaled / freedom, MAX_EXPONENT)))


#: Exponent beyond which the value says no more than "unknown".
MAX_EXPONENT = 60.0
