"""Critical values for planned looks, and for a look at any moment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from airflow_shadow.analysis.critical_values import (
    fixed_critical,
    moving_critical,
    shares,
    student_critical,
)

LEVELS = [0.2, 0.05, 0.01, 0.0005]


@pytest.mark.parametrize("level", LEVELS)
def test_a_single_look_takes_the_normal_quantile(level):
    """A single look uses the normal quantile."""
    assert pytest.approx(stats.norm.isf(level), abs=1e-12) == fixed_critical(level)


@pytest.mark.parametrize("count", range(1, 21))
def test_looks_share_all_of_alpha(count):
    """The first has at least half of it, and the parts add up to one."""
    parts = shares(count)
    assert count == len(parts)
    assert pytest.approx(1.0) == sum(parts)
    assert parts[0] >= 0.5
    assert min(parts) > 0


def crossings(level: float, *, first: int, last: int, runs: int = 20_000) -> float:
    """Return how often a random walk of independent periods is ever beyond the boundary."""
    rng = np.random.default_rng(7)
    position, crossed = np.zeros(runs), np.zeros(runs, dtype=bool)
    for seen in range(1, last + 1):
        position += rng.standard_normal(runs)
        crossed |= position > moving_critical(level, seen, first, last) * math.sqrt(seen)
    return float(crossed.mean())


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_the_reflection_principle_holds(level):
    """With a look after each of 400 periods the boundary keeps its level."""
    assert 0.75 * level < crossings(level, first=400, last=400) < 1.05 * level


def test_both_halves_together_keep_the_level():
    """Half of it before the first planned look, half after it."""
    assert 0.03 < crossings(0.05, first=100, last=400) < 0.0525


def test_the_boundary_ends_at_the_last_look():
    """There it is twice the tail of a single look, and never narrower afterwards."""
    last = moving_critical(0.05, 400, 400, 400)
    assert pytest.approx(stats.norm.isf(0.025)) == last
    assert last == moving_critical(0.05, 500, 400, 400)


def test_the_boundary_narrows_until_the_first_look():
    """Early it takes a catastrophe, at the first planned look little more than a single look."""
    values = [moving_critical(0.05, seen, 100, 300) for seen in (1, 10, 50, 100)]
    assert sorted(values, reverse=True) == values
    assert pytest.approx(stats.norm.isf(0.0125)) == values[-1]


# Two-sided 5 % points, as in every table of Student's distribution since Fisher (1925).
TABLE = {5: 2.571, 10: 2.228, 15: 2.131, 20: 2.086, 30: 2.042, 60: 2.000, 120: 1.980}


@pytest.mark.parametrize(("freedom", "tabled"), TABLE.items())
def test_students_values_are_the_tabled_ones(freedom, tabled):
    """Wallace's approximation is within one per cent of the table."""
    assert pytest.approx(tabled, rel=1e-2) == student_critical(stats.norm.isf(0.025), freedom)


@pytest.mark.parametrize("z", [1.0, 1.645, 2.5, 3.5])
@pytest.mark.parametrize("freedom", [6.0, 8.57, 25.0, 400.0])
def test_students_values_keep_the_tail(z, freedom):
    """The tail beyond the value is the normal one beyond z."""
    ratio = student_critical(z, freedom) / stats.t.isf(stats.norm.sf(z), freedom)
    assert 0.999 < ratio < 1.016


def test_no_freedom_at_all_is_still_a_number():
    """A single period makes the value huge, not an overflow."""
    assert student_critical(5.0, 0.02) > 1e10


def test_infinite_freedom_is_normal():
    """A known variance needs no correction."""
    assert 2.5 == student_critical(2.5, math.inf)
