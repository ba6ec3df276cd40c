"""Join both variants on their time stamps, and leave out what cannot be compared."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import lt, mul

from airflow_shadow.analysis.observations import Series

Row = tuple[float, float, float]
#: Numbers that are no measurement any more: 30 years in microseconds, or as many requests.
MOST = 1e15
#: Fewer requests than one cannot have been counted; CloudWatch's counts may be a little fractional.
LEAST = 0.5


@dataclass(frozen=True, kw_only=True)
class Window:
    """Hold the times that are read: from `start` (warm-up over) to `end`, in steps of `period`."""

    start: float
    end: float
    period: int

    @property
    def periods(self) -> int:
        """Return how many periods the window has room for."""
        return max(0, math.ceil((self.end - self.start) / self.period))


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Hold one variant's readable periods, in the order of time: columns, because a month is long.

    :param values: as in :class:`Series`
    :param samples: requests, above 0
    """

    times: list[float]
    values: list[float]
    samples: list[float]

    @cached_property
    def requests(self) -> float:
        """Return the requests of all periods."""
        return math.fsum(self.samples)

    @cached_property
    def mean(self) -> float:
        """Return the mean over all requests, of means over periods."""
        return math.fsum(map(mul, self.values, self.samples)) / self.requests

    def at(self, indices: list[int]) -> Columns:
        """Return some of the periods."""
        return Columns(
            times=[self.times[index] for index in indices],
            values=[self.values[index] for index in indices],
            samples=[self.samples[index] for index in indices],
        )


def read(series: Series, window: Window) -> Columns:
    """Return the periods of a series that hold requests and a number, inside the window."""
    if None in series.values or None in series.samples or not _ascending(series.times):
        return _sifted(zip(series.times, series.values, series.samples, strict=True), window)
    first, last = (bisect_left(series.times, time) for time in (window.start, window.end))
    inside = Columns(
        times=list(series.times[first:last]),
        values=list(series.values[first:last]),
        samples=list(series.samples[first:last]),
    )
    if _clean(inside):
        return inside
    return _sifted(zip(inside.times, inside.values, inside.samples, strict=True), window)


def _ascending(times: Sequence[float]) -> bool:
    return all(map(lt, times, times[1:]))


def _clean(columns: Columns) -> bool:
    """Tell whether every number is one, without looking at each in turn: a month is long."""
    return not columns.times or (
        math.isfinite(sum(columns.values) + sum(columns.samples))
        and 0 <= min(columns.values) <= max(columns.values) < MOST
        and LEAST <= min(columns.samples) <= max(columns.samples) < MOST
    )


def _sifted(rows: Iterable[Row], window: Window) -> Columns:
    """Return the rows that can be read, in the order of time, the last of each time."""
    start, end = window.start, window.end
    present = (row for row in rows if None not in row)
    # NaN compares false, so it is left out here too.
    kept = {
        row[0]: row
        for row in present
        if start <= row[0] < end and 0 <= row[1] < MOST and LEAST <= row[2] < MOST
    }
    return _columns(sorted(kept.values()))


def _columns(rows: list[Row]) -> Columns:
    times, values, samples = zip(*rows, strict=True) if rows else ((), (), ())
    return Columns(times=list(times), values=list(values), samples=list(samples))


def shared(baseline: Columns, candidate: Columns) -> tuple[Columns, Columns]:
    """Return the periods that both variants have, never by position but by time stamp."""
    if baseline.times == candidate.times:
        return baseline, candidate
    where = {time: index for index, time in enumerate(baseline.times)}
    both = [index for index, time in enumerate(candidate.times) if time in where]
    return baseline.at([where[candidate.times[index]] for index in both]), candidate.at(both)
