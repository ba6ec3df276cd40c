"""The periods that CloudWatch still stores."""

from __future__ import annotations

import math
from datetime import timedelta

_MINUTE = 60
# Points of a minute are stored for 15 days, of five minutes for 63, of an hour for 455. The hour of
# margin is for queries that are sent a little later.
_MARGIN = timedelta(hours=1)
_KEPT = ((_MINUTE, timedelta(days=15)), (300, timedelta(days=63)))
_LONGEST = 3600


def readable_step(age: float) -> int:
    """Return the shortest period, in seconds, that CloudWatch still stores.

    :param age: of the oldest point, in seconds
    """
    kept = (step for step, life in _KEPT if age <= (life - _MARGIN).total_seconds())
    return next(kept, _LONGEST)


def readable_period(period: int, *, age: timedelta) -> int:
    """Return the shortest stored period, in seconds, that is a multiple of CloudWatch's.

    :param period: wanted, in seconds
    :param age: of the oldest point
    """
    step = readable_step(age.total_seconds())
    return math.ceil(period / step) * step
