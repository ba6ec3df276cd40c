"""Histograms: bins that nest, so hours can be added, and no number lost."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from airflow_shadow.analysis.histogram import MIDDLE_BINS, MOST_BINS, Histogram

FINE = -12


def histogram(numbers, exponent: int = FINE) -> Histogram:
    """Return the histogram of numbers, which an engine puts into bins of one width."""
    return Histogram.of(Counter((exponent, int(each // 2.0**exponent)) for each in numbers))


def test_every_number_is_counted_once():
    """Few bins hold all numbers, each in the bin in which it lies."""
    numbers = [random.Random(1).betavariate(2, 5) for _ in range(1000)]
    found = histogram(numbers)
    assert len(found.counts) <= MIDDLE_BINS
    at = Counter(int(each // found.width) for each in numbers)
    assert [at[found.first + place] for place in range(len(found.counts))] == [*found.counts]


def test_what_lies_far_away_makes_no_bin_wider():
    """A few huge scores are counted, and the others keep their bins."""
    numbers = [each / 1000 for each in range(1000)]
    found = histogram([*numbers, 1e6, -1e6])
    assert (histogram(numbers).exponent, 2) == (found.exponent, found.outside)
    assert 1002 == sum(found.counts) + found.outside


def test_one_value_is_one_bin():
    """Scores that are all the same have a bin, however narrow."""
    assert (FINE, 5, (3,), 0) == tuple(
        getattr(Histogram.of({(FINE, 5): 3}), name)
        for name in ("exponent", "first", "counts", "outside")
    )


def test_without_numbers_there_are_no_bins():
    """An hour without pairs adds nothing."""
    one = histogram([0.25, 0.5])
    assert Histogram() == Histogram.of({})
    assert one == one + Histogram() == Histogram() + one
    assert Histogram(outside=3) == Histogram(outside=1) + Histogram(outside=2)


@pytest.mark.parametrize("scale", [1.0, 37.0, 4096.0])
def test_hours_are_added(scale):
    """However wide the bins of two hours are, their sum has the numbers of both in few bins."""
    one = histogram([each / 100 for each in range(100)])
    other = histogram([scale * (1 + each / 100) for each in range(100)])
    both = one + other
    assert both == other + one
    assert (200, 0) == (sum(both.counts), both.outside)
    assert len(both.counts) <= MOST_BINS
    assert both.first <= 0 <= scale * 1.99 < (both.first + len(both.counts)) * both.width


def test_bins_can_be_widened():
    """Bins of two widths are drawn over each other in the wider ones."""
    found = histogram([0.1, 0.6, 0.7, -0.1])
    assert (-1, (1, 1, 2)) == (found.at_least(-1).first, found.at_least(-1).counts)
    assert found == found.at_least(found.exponent)


def test_it_travels_as_json():
    """What is kept is read back."""
    found = histogram([-1.0, 0.5, 1e9])
    assert found == Histogram.from_dict(json.loads(json.dumps(found.to_dict())))


@pytest.mark.parametrize(
    "wrong",
    [
        {"exponent": 4000},
        {"exponent": True},
        {"counts": [1.5]},
        {"counts": [-1]},
        {"counts": "12"},
        {"counts": [1] * (MOST_BINS + 1)},
        {"first": 0.5},
        {"outside": -1},
        {"more": 1},
    ],
)
def test_what_no_engine_writes_is_refused(wrong):
    """A kept result that somebody changed is made again."""
    with pytest.raises(ValueError, match=r"no |negative"):
        Histogram.from_dict({**histogram([0.5]).to_dict(), **wrong})
