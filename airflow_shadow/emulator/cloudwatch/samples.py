"""Samples of a metric, as counts in classes of values."""

import math
from collections.abc import Iterator
from operator import mul
from typing import NamedTuple


class Classes(NamedTuple):
    """Adjacent ascending ranges of values, and the mean of the samples in each."""

    lows: tuple[float, ...]
    highs: tuple[float, ...]
    means: tuple[float, ...]


class Cell(NamedTuple):
    """Samples spread evenly between two values (or all of one value)."""

    low: float
    high: float
    mean: float
    weight: int

    @property
    def lowest(self) -> float:
        """The expected lowest sample."""
        if self.weight == 1:
            return self.mean
        return min(self.mean, self.low + (self.high - self.low) / (self.weight + 1))

    @property
    def highest(self) -> float:
        """The expected highest sample."""
        if self.weight == 1:
            return self.mean
        return max(self.mean, self.high - (self.high - self.low) / (self.weight + 1))


_ONE = Classes(lows=(1.0,), highs=(1.0,), means=(1.0,))


class Samples(NamedTuple):
    """The number of samples in each class; `scale` multiplies the classes' values."""

    scale: float
    classes: Classes
    counts: tuple[int, ...]

    @property
    def weight(self) -> int:
        """The number of samples."""
        return sum(self.counts)

    @property
    def total(self) -> float:
        """The sum of the samples."""
        return self.scale * math.fsum(map(mul, self.classes.means, self.counts))

    def cells(self) -> Iterator[Cell]:
        """Yield the classes that hold samples, lowest first."""
        scale = self.scale
        for low, high, mean, count in zip(*self.classes, self.counts, strict=True):
            if count:
                yield Cell(scale * low, scale * high, scale * mean, count)


def same(value: float, count: int) -> list[Samples]:
    """Return `count` samples of one value, in a list that is empty if there are none."""
    return [Samples(value, _ONE, (count,))] if count else []
