"""The requests of both variants, minute by minute, as far as the shadow has reported them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from airflow_shadow.analysis.look import Look

#: Time, production's requests, and the shadow's.
Row = tuple[float, float, float]
#: Requests that may be counted in one minute for production and in the next for the shadow.
EDGE = 2.0
#: Minutes newer than this may still be filled by a shadow that reports late.
LATE_SECONDS = 900.0
#: Expected requests of which the sampling leaves a shadow none by chance (e^-9 is one in 8,000).
BY_CHANCE = 9.0
#: Part of a period's requests below which a new period counts as not yet reported.
REPORTED = 0.95


@dataclass(frozen=True)
class Traffic:
    """Hold the requests of both variants in the periods in which production had any."""

    look: Look

    @cached_property
    def rows(self) -> list[tuple[float, float, float | None]]:
        """Return time, production's requests and the shadow's, None where it reported nothing."""
        production, shadow = self.look.requests
        known = dict(zip(shadow.times, shadow.samples, strict=True))
        return [
            (time, count, known.get(time))
            for time, count in zip(production.times, production.samples, strict=True)
        ]

    @cached_property
    def before(self) -> int:
        """Return the number of rows before the first in which the shadow ran all the time.

        A window may begin while the shadow is still being deployed: it gets a part of the requests
        of the period in which it begins.
        """
        silent = next((n for n, row in enumerate(self.rows) if row[2] is not None), 0)
        requests = math.fsum(row[1] for row in self.rows[:silent])
        expected = requests * self.look.observations.sampling_percentage / 100
        return silent + 1 if expected > BY_CHANCE else 0

    @cached_property
    def reported(self) -> list[Row]:
        """Return the rows that the shadow has reported in full, as far as the counts show it."""
        limit = self.last_old
        return [
            (time, count, other)
            for time, count, other in self.rows[self.before :]
            if other is not None and (time <= limit or other >= REPORTED * count - EDGE)
        ]

    @property
    def late(self) -> int:
        """Return the number of periods that the shadow has not reported in full."""
        return len(self.rows) - len(self.reported)

    @property
    def part_late(self) -> float:
        """Return the ratio of unreported to reported periods, or of their requests if larger."""
        every, reported = (math.fsum(row[1] for row in rows) for rows in (self.rows, self.reported))
        parts = ((self.late, len(self.reported)), (every - reported, reported))
        return max(late / others if others else math.inf for late, others in parts)

    @cached_property
    def old(self) -> list[Row]:
        """Return the reported rows that late reports can no longer change."""
        limit = self.last_old
        return [row for row in self.reported if row[0] <= limit]

    @property
    def last_old(self) -> float:
        """Return the start of the last period that is too old to be reported late."""
        return self.look.window.end - LATE_SECONDS - self.look.period

    def unanswered(self, times: Sequence[float]) -> float:
        """Return the number of requests in some periods that the shadow never answered."""
        some = {*times}
        lost = (count - other for time, count, other in self.reported if time in some)
        return max(math.fsum(lost) - EDGE, 0.0)
