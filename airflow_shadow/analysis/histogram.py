"""Histograms whose bins nest, so that those of different hours can be added."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

#: Bins that the middle of the numbers takes at most, and that a histogram has at most.
MIDDLE_BINS, MOST_BINS = 32, 64
#: Part of the numbers at either end that do not decide how wide the bins are.
TAIL = 0.005
#: Exponents of widths: from that of 1e-9 to that of 1e30.
LEAST_EXPONENT, MOST_EXPONENT = -40, 110

#: Exponent and number of a bin, to how many numbers it holds. Bin `i` of the exponent `e` is from
#: `i * 2**e` to `(i + 1) * 2**e`.
Bins = Mapping[tuple[int, int], int]


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Hold how many numbers are in each of some bins of equal width.

    :param exponent: the width is two to the power of it, so bins of two histograms nest
    :param first: number of the first bin, which begins at ``first`` times the width
    :param counts: of each bin
    :param outside: numbers that lie far from the others, in none of the bins
    """

    exponent: int = 0
    first: int = 0
    counts: tuple[int, ...] = ()
    outside: int = 0

    @property
    def width(self) -> float:
        """Return the width of a bin."""
        return math.ldexp(1.0, self.exponent)

    @classmethod
    def of(cls, bins: Bins) -> Histogram:
        """Return a histogram of bins of any widths, as fine as the middle of them allows."""
        if not bins:
            return cls()
        middle = _middle(bins)
        exponent = max(exponent for exponent, _ in middle)
        while _span(middle, exponent) > MIDDLE_BINS:
            exponent += 1
        return cls._placed(bins, middle, exponent)

    @classmethod
    def _placed(cls, bins: Bins, middle: Bins, exponent: int) -> Histogram:
        first, last = _ends(middle, exponent)
        margin = (MOST_BINS - (last - first + 1)) // 2
        near = {key: count for key, count in bins.items() if key[0] <= exponent}
        placed = {
            place: count
            for place, count in _widened(near, exponent).items()
            if first - margin <= place <= last + margin
        }
        outside = sum(bins.values()) - sum(placed.values())
        return cls._filled(exponent, placed, outside)

    @classmethod
    def _filled(cls, exponent: int, placed: Mapping[int, int], outside: int) -> Histogram:
        first, last = min(placed), max(placed)
        counts = tuple(placed.get(place, 0) for place in range(first, last + 1))
        return cls(exponent=exponent, first=first, counts=counts, outside=outside)

    def __add__(self, other: Histogram) -> Histogram:
        """Return the histogram of both, whose bins are the wider ones, or wider still."""
        outside = self.outside + other.outside
        both = [each for each in (self, other) if each.counts]
        if not both:
            return Histogram(outside=outside)
        exponent = max(each.exponent for each in both)
        while _span({key: 1 for each in both for key in each.bins}, exponent) > MOST_BINS:
            exponent += 1
        one, another = (_widened(each.bins, exponent) for each in (self, other))
        placed = {place: one.get(place, 0) + another.get(place, 0) for place in {*one, *another}}
        return self._filled(exponent, placed, outside)

    @property
    def bins(self) -> Bins:
        """Return the bins that hold something."""
        counted = enumerate(self.counts, self.first)
        return {(self.exponent, number): count for number, count in counted if count}

    def at_least(self, exponent: int) -> Histogram:
        """Return the histogram with bins that are not narrower than two to a power."""
        if exponent <= self.exponent or not self.counts:
            return self
        return self._filled(exponent, _widened(self.bins, exponent), self.outside)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "exponent": self.exponent,
            "first": self.first,
            "counts": list(self.counts),
            "outside": self.outside,
        }

    @classmethod
    def from_dict(cls, data: Any) -> Histogram:
        """Return the histogram that :meth:`to_dict` described.

        :raises ValueError: it is none
        """
        if not isinstance(data, Mapping) or set(data) != set(cls().to_dict()):
            raise ValueError("no histogram")
        counts = data["counts"]
        if not isinstance(counts, list) or len(counts) > MOST_BINS:
            raise ValueError("no list of counts")
        numbers = [data["exponent"], data["first"], data["outside"], *counts]
        is_whole = all(type(each) is int for each in numbers)
        if not is_whole or not LEAST_EXPONENT <= data["exponent"] <= MOST_EXPONENT:
            raise ValueError("no whole numbers")
        if min([data["outside"], *counts]) < 0:
            raise ValueError("a negative count")
        return cls(**{**data, "counts": tuple(counts)})


def _middle(bins: Bins) -> Bins:
    """Return the bins without the tails."""
    ordered = sorted(bins, key=lambda each: math.ldexp(each[1], each[0]))
    until = list(accumulate(bins[key] for key in ordered))
    low, high = TAIL * until[-1], (1 - TAIL) * until[-1]
    return {
        key: bins[key]
        for key, count in zip(ordered, until, strict=True)
        if count > low and count - bins[key] < high
    }


def _ends(bins: Bins, exponent: int) -> tuple[int, int]:
    """Return the first and the last bin of a width that is not narrower."""
    places = [number >> (exponent - own) for own, number in bins]
    return min(places), max(places)


def _span(bins: Bins, exponent: int) -> int:
    first, last = _ends(bins, exponent)
    return last - first + 1


def _widened(bins: Bins, exponent: int) -> dict[int, int]:
    """Return number to count of bins that are not narrower than two to a power."""
    placed: dict[int, int] = {}
    for (own, number), count in bins.items():
        place = number >> (exponent - own)
        placed[place] = placed.get(place, 0) + count
    return placed
