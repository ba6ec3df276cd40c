"""At which ends a window is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Seconds by which two ends of the same look may differ.
_SAME = 0.5
#: So many of the looks are told, the newest ones: an XCom is small.
_MOST_TOLD = 200


@dataclass(frozen=True)
class Looks:
    """Say at which ends a window is judged, in seconds since 1970.

    A look is either *planned*, when PASS may be read, or in between, when FAIL may. The planned
    ones lie evenly from the first to the limit; those in between come each interval.

    :param start: begin of the window
    :param first: its first planned end
    :param limit: its last planned end
    :param interval: seconds between two looks, `None` for the planned ones only
    :param count: number of planned looks
    """

    start: float
    first: float
    limit: float
    interval: float | None
    count: int = 1

    @property
    def planned(self) -> list[float]:
        """Return the ends at which PASS may be read."""
        steps = max(self.count - 1, 1)
        step = (self.limit - self.first) / steps
        return [*(self.first + number * step for number in range(self.count - 1)), self.limit]

    def after(self, moment: float) -> float | None:
        """Return the next planned end after a moment, `None` after the last."""
        return next((end for end in self.planned if end > moment + _SAME), None)

    def next_after(self, moment: float) -> float | None:
        """Return the next end after a moment, planned or not."""
        planned = self.after(moment)
        if planned is None or self.interval is None:
            return planned
        between = math.floor((moment - self.start + _SAME) / self.interval) + 1
        return min(planned, self.start + between * self.interval)

    def until(self, moment: float) -> list[float]:
        """Return the ends up to a moment, not all if they are many."""
        planned = {end for end in self.planned if end <= moment}
        newest = self._newest(moment)
        numbers = range(max(newest - _MOST_TOLD, 0) + 1, newest + 1)
        between = {end for number in numbers if not self._is_planned(end := self._between(number))}
        return sorted(planned | between)[-_MOST_TOLD:]

    def due(self, moment: float, *, after: float) -> list[float]:
        """Return the ends that are to be judged at a moment.

        Of those in between only the newest counts, and only if no planned one follows it: it sees
        what they saw. So a task that begins anew judges as one that never stopped.

        :param after: the end that was judged last
        """
        planned = [end for end in self.planned if after < end <= moment]
        newest = self._between(self._newest(moment))
        is_new = newest > max([after, *planned]) and not self._is_planned(newest)
        return [*planned, *([newest] if is_new else [])]

    def _is_planned(self, end: float) -> bool:
        return any(abs(end - planned) < _SAME for planned in self.planned)

    def _between(self, number: int) -> float:
        """Return the end of a look in between, from 1."""
        return self.start + number * (self.interval or 0.0)

    def _newest(self, moment: float) -> int:
        """Return the number of the newest look in between, 0 if there is none."""
        if self.interval is None:
            return 0
        passed = math.floor((moment - self.start) / self.interval)
        before_limit = math.ceil((self.limit - self.start) / self.interval) - 1
        return max(0, min(passed, before_limit))
