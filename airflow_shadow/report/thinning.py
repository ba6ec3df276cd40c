"""A month of minutes as a few hundred points, because a screen cannot show more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from airflow_shadow.analysis import Series
from airflow_shadow.analysis.align import Window, read

#: Points of one line; the plot is about 400 units wide.
MOST_POINTS = 120

#: Returns the level of a bucket from its values and its numbers of requests.
Level = Callable[[Sequence[float], Sequence[float]], float]


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """Cut the time into equal parts, each of some whole periods.

    :param start: seconds since 1970
    :param width: seconds
    """

    start: float
    end: float
    width: float

    @classmethod
    def over(cls, start: float, end: float, period: float) -> Buckets:
        """Return as many buckets as the plot can show."""
        periods = max(1, math.ceil((end - start) / period / MOST_POINTS))
        return cls(start=start, end=end, width=period * periods)


@dataclass(frozen=True, kw_only=True)
class Point:
    """Hold one bucket: the line's level, and the lowest and highest period in it."""

    index: int
    time: float
    level: float
    low: float
    high: float


def mean_level(values: Sequence[float], samples: Sequence[float]) -> float:
    """Return the mean over requests, of means over periods."""
    pairs = zip(values, samples, strict=True)
    return math.fsum(value * count for value, count in pairs) / math.fsum(samples)


def share_level(values: Sequence[float], samples: Sequence[float]) -> float:
    """Return the share of the requests that were counted."""
    return math.fsum(values) / math.fsum(samples)


def count_level(_values: Sequence[float], samples: Sequence[float]) -> float:
    """Return the mean number of requests in a period."""
    return math.fsum(samples) / len(samples)


def thinned(series: Iterable[Series], buckets: Buckets, level: Level) -> list[Point]:
    """Return one point for each bucket with readable periods, in the order of time."""
    window = Window(start=buckets.start, end=buckets.end, period=1)
    rows: dict[int, list[tuple[float, float]]] = {}
    for columns in (read(each, window) for each in series):
        for time, *row in zip(columns.times, columns.values, columns.samples, strict=True):
            index = int((time - buckets.start) // buckets.width)
            rows.setdefault(index, []).append((row[0], row[1]))
    return [_point(index, rows[index], buckets, level) for index in sorted(rows)]


def _point(
    index: int, rows: Sequence[tuple[float, float]], buckets: Buckets, level: Level
) -> Point:
    values, samples = zip(*rows, strict=True)
    periods = [level([value], [count]) for value, count in rows]
    return Point(
        index=index,
        time=buckets.start + (index + 0.5) * buckets.width,
        level=level(values, samples),
        low=min(periods),
        high=max(periods),
    )


def runs(points: Sequence[Point]) -> list[list[Point]]:
    """Return the runs of neighbouring points: no line is drawn across missing data."""
    found: list[list[Point]] = []
    for point in points:
        if found and found[-1][-1].index + 1 == point.index:
            found[-1].append(point)
        else:
            found.append([point])
    return found
