"""When a window is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Seconds by which two ends of the same look may differ.
_SAME = 0.5
#: So many looks are returned at most, the newest ones: an XCom must be small.
_MOST_LISTED = 200


@dataclass(frozen=True)
class LookSchedule:
    """The times up to which a window is judged, in seconds since 1970.

    At a *planned* look the verdict may be PASS or FAIL, at one in between only FAIL. Planned looks
    are spread evenly from the first to the limit; those in between come each interval.

    :param start: begin of the window
    :param first: the first planned look
    :param limit: the last planned look
    :param interval: seconds between two looks, `None` for planned looks only
    :param count: number of planned looks
    """

    start: float
    first: float
    limit: float
    interval: float | None
    count: int = 1

    @property
    def planned(self) -> list[float]:
        """Return the planned looks."""
        steps = max(self.count - 1, 1)
        step = (self.limit - self.first) / steps
        return [*(self.first + number * step for number in range(self.count - 1)), self.limit]

    def after(self, moment: float) -> float | None:
        """Return the next planned look after a moment, `None` after the last."""
        return next((end for end in self.planned if end > moment + _SAME), None)

    def next_after(self, moment: float) -> float | None:
        """Return the next look after a moment, planned or not."""
        planned = self.after(moment)
        if planned is None or self.interval is None:
            return planned
        between = math.floor((moment - self.start + _SAME) / self.interval) + 1
        return min(planned, self.start + between * self.interval)

    def until(self, moment: float) -> list[float]:
        """Return the looks up to a moment, the newest ones if they are many."""
        planned = {end for end in self.planned if end <= moment}
        newest = self._newest(moment)
        numbers = range(max(newest - _MOST_LISTED, 0) + 1, newest + 1)
        between = {end for number in numbers if not self._is_planned(end := self._between(number))}
        return sorted(planned | between)[-_MOST_LISTED:]

    def due(self, moment: float, *, after: float) -> list[float]:
        """Return the looks to make at a moment.

        Of those in between only the newest is made, because it sees what the others saw, and only
        if no planned look follows it. So a task that starts again judges like one that ran on.

        :param after: the look that was made last
        """
        planned = [end for end in self.planned if after < end <= moment]
        newest = self._between(self._newest(moment))
        is_new = newest > max([after, *planned]) and not self._is_planned(newest)
        return [*planned, *([newest] if is_new else [])]

    def _is_planned(self, end: float) -> bool:
        return any(abs(end - planned) < _SAME for planned in self.planned)

    def _between(self, number: int) -> float:
        """Return a look in between, counted from 1."""
        return self.start + number * (self.interval or 0.0)

    def _newest(self, moment: float) -> int:
        """Return the number of the newest look in between, 0 if there is none."""
        if self.interval is None:
            return 0
        passed = math.floor((moment - self.start) / self.interval)
        before_limit = math.ceil((self.limit - self.start) / self.interval) - 1
        return max(0, min(passed, before_limit))
