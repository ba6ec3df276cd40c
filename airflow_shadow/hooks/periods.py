"""Which periods CloudWatch still has."""

from __future__ import annotations

import math
from datetime import timedelta

_MINUTE = 60
# Points of a minute live 15 days, of five minutes 63, of an hour 455. The hour of margin is for
# queries that are still to come when the edge passes.
_MARGIN = timedelta(hours=1)
_KEPT = ((_MINUTE, timedelta(days=15)), (300, timedelta(days=63)))
_LONGEST = 3600


def readable_step(age: float) -> int:
    """Return the shortest period, in seconds, that CloudWatch still has.

    :param age: of the oldest point, in seconds
    """
    kept = (step for step, life in _KEPT if age <= (life - _MARGIN).total_seconds())
    return next(kept, _LONGEST)


def readable_period(period: int, *, age: timedelta) -> int:
    """Return the shortest period, in seconds, not below the given that CloudWatch still has.

    :param period: wanted, in seconds
    :param age: of the oldest point
    """
    step = readable_step(age.total_seconds())
    return math.ceil(period / step) * step
