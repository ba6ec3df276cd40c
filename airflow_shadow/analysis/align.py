"""The readable periods of a series, and those that both variants have."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import lt, mul

from airflow_shadow.analysis.observations import Series

#: Larger numbers are no measurements: 30 years in microseconds, or as many requests.
MAX_VALUE = 1e15
#: Less than one request cannot have been counted, but CloudWatch's counts may be a bit fractional.
MIN_REQUESTS = 0.5


@dataclass(frozen=True, kw_only=True)
class Window:
    """Hold the times that are read: from `start` (after the warm-up) to `end` in steps of `period`.

    All are in seconds, the ends since 1970; `end` is exclusive.
    """

    start: float
    end: float
    period: int

    @property
    def periods(self) -> int:
        """Return the number of periods in the window, with data or without."""
        return max(0, math.ceil((self.end - self.start) / self.period))


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Hold one variant's readable periods, in the order of time: columns, because a month is long.

    :param values: as in :class:`Series`
    :param samples: requests, above 0
    """

    times: Sequence[float]
    values: Sequence[float]
    samples: Sequence[float]

    @cached_property
    def requests(self) -> float:
        """Return the requests of all periods."""
        return math.fsum(self.samples)

    @cached_property
    def mean(self) -> float:
        """Return the mean over all requests, of means over periods."""
        return math.fsum(map(mul, self.values, self.samples)) / self.requests

    def at(self, indices: Sequence[int]) -> Columns:
        """Return the periods at some indices."""
        return Columns(
            times=[self.times[index] for index in indices],
            values=[self.values[index] for index in indices],
            samples=[self.samples[index] for index in indices],
        )

    def within(self, window: Window) -> Columns:
        """Return the periods that begin in a window."""
        first, last = (bisect_left(self.times, time) for time in (window.start, window.end))
        return Columns(
            times=list(self.times[first:last]),
            values=list(self.values[first:last]),
            samples=list(self.samples[first:last]),
        )


def read(series: Series, window: Window) -> Columns:
    """Return the periods of a series that hold requests and a number, inside the window."""
    ascends = all(map(lt, series.times, series.times[1:]))
    if ascends and None not in series.values and None not in series.samples:
        whole = Columns(times=series.times, values=series.values, samples=series.samples)
        columns = whole.within(window)
        if _is_readable(columns):
            return columns
    return _readable_rows(series, window)


def _is_readable(columns: Columns) -> bool:
    """Tell whether all numbers are finite and in range, without a loop in Python over a month."""
    return not columns.times or (
        math.isfinite(sum(columns.values) + sum(columns.samples))
        and 0 <= min(columns.values) <= max(columns.values) < MAX_VALUE
        and MIN_REQUESTS <= min(columns.samples) <= max(columns.samples) < MAX_VALUE
    )


def _readable_rows(series: Series, window: Window) -> Columns:
    """Return the readable periods, checked one by one, the last of each time."""
    rows = zip(series.times, series.values, series.samples, strict=True)
    # NaN compares false, so it is left out, too.
    readable = {
        row[0]: row
        for row in rows
        if None not in row
        and window.start <= row[0] < window.end
        and 0 <= row[1] < MAX_VALUE
        and MIN_REQUESTS <= row[2] < MAX_VALUE
    }
    times = sorted(readable)
    return Columns(
        times=times,
        values=[readable[time][1] for time in times],
        samples=[readable[time][2] for time in times],
    )


def shared(baseline: Columns, candidate: Columns) -> tuple[Columns, Columns]:
    """Return the periods that both variants have, joined on their time stamps."""
    if baseline.times == candidate.times:
        return baseline, candidate
    where = {time: index for index, time in enumerate(baseline.times)}
    both = [index for index, time in enumerate(candidate.times) if time in where]
    return baseline.at([where[candidate.times[index]] for index in both]), candidate.at(both)
