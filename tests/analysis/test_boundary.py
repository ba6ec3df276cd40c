"""Critical values for one look and for all looks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from airflow_shadow.analysis.boundary import (
    anytime_critical,
    crossing_probability,
    first_critical,
    fixed_critical,
    log_mixture,
    student_critical,
)

LEVELS = [0.2, 0.05, 0.01, 0.0005]


@pytest.mark.parametrize("level", LEVELS)
def test_a_single_look_takes_the_normal_quantile(level):
    """One look needs no more than the textbook's value."""
    assert pytest.approx(stats.norm.isf(level), abs=1e-12) == fixed_critical(level)


@pytest.mark.parametrize("z", [-2.0, -0.5, 0.0, 1.0, 2.5, 6.0])
def test_the_mixture_is_closed(z):
    """The closed form is the likelihood ratio integrated over the prior."""
    mixed, _ = integrate.quad(lambda theta: theta * math.exp(theta * z - theta**2 / 2), 0, 40)
    assert pytest.approx(math.log(mixed), abs=1e-8) == log_mixture(z)


@pytest.mark.parametrize("first", [0.5, 1.5, 2.294, 3.5])
def test_the_crossing_probability_is_closed(first):
    """The closed form is the tail, plus the martingale left below, over what it would reach."""
    left, _ = integrate.quad(
        lambda z: math.exp(log_mixture(z) - log_mixture(first)) * stats.norm.pdf(z), -6, first
    )
    assert pytest.approx(stats.norm.sf(first) + left, abs=1e-9) == crossing_probability(first)


@pytest.mark.parametrize("level", LEVELS)
def test_the_first_value_spends_the_level(level):
    """The boundary that starts there is ever crossed with the level's probability."""
    assert pytest.approx(level, rel=1e-9) == crossing_probability(first_critical(level))


@pytest.mark.parametrize("ratio", [1.0, 1.3, 8.0, 1440.0])
def test_the_mixture_grows_with_the_information(ratio):
    """On the boundary the mixture stays at its constant."""
    grown = log_mixture(anytime_critical(0.05, ratio)) - log_mixture(first_critical(0.05))
    assert pytest.approx(math.log(ratio), abs=1e-10) == grown


def test_before_the_first_look_the_value_is_that_of_the_first():
    """Less information than the guards ask for does not narrow the boundary."""
    assert first_critical(0.05) == pytest.approx(anytime_critical(0.05, 0.2), abs=1e-10)


def test_a_brownian_motion_rarely_crosses():
    """Looked at without pause up to fifty times the first look's time, it errs as promised."""
    rng = np.random.default_rng(7)
    runs, steps = 20_000, 1000
    position, crossed = rng.standard_normal(runs), np.zeros(runs, dtype=bool)
    ratios = np.exp(np.linspace(0, math.log(50), steps))
    for before, now in itertools.pairwise(ratios):
        crossed |= position > anytime_critical(0.05, before) * math.sqrt(before)
        position += math.sqrt(now - before) * rng.standard_normal(runs)
    assert 0.035 < crossed.mean() < 0.05


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
    assert student_critical(2.5, math.inf) == 2.5
