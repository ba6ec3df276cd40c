"""Scales from numbers to places in a picture, and round numbers for their ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

#: First digits of a round number.
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Map `low` to `start` and `high` to `end`; numbers outside go to the nearer end."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of a number."""
        inside = min(max(value, self.low), self.high)
        return self.start + (inside - self.low) / (self.high - self.low) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Tell whether a number is inside the scale."""
        return self.low <= value <= self.high


def round_up(value: float) -> float:
    """Return the next round number: 1, 2, 2.5 or 5 times a power of ten; 1 if there is none."""
    if not (math.isfinite(value) and value > 0):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((first * power for first in ROUND if first * power >= value), 10 * power)


def moment(seconds: float) -> str:
    """Return a time as date and minute in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
