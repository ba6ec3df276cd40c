"""Circuit breakers: M of N periods beyond a hard limit."""

from __future__ import annotations

import pytest

from airflow_shadow.analysis import Breaker, Pair
from airflow_shadow.analysis.align import Window
from airflow_shadow.analysis.breakers import judge_breaker
from tests.analysis.data import rates, series

WINDOW = Window(start=0.0, end=3600.0, period=60)


@pytest.mark.parametrize(
    ("bad", "at"),
    [
        ([60, 60, 60, 0, 0], 120.0),
        ([60, 0, 60, 0, 60], None),
        ([60, 60, 0, 60, 60], None),
        ([0, 0, 60, 60, 60], 240.0),
        ([50, 50, 50, 50, 50], None),
        ([60, 60, None, 60, 0], None),
    ],
)
def test_three_of_three(bad, at):
    """Three neighbouring periods beyond half of the requests trip it, at the third."""
    breaker = Breaker(metric="Invocation5XXErrors", limit=0.5, datapoints=(3, 3))
    found = judge_breaker(breaker, rates([0.0] * 5, bad), WINDOW)
    assert (at is not None, at) == (found.tripped, found.at)


@pytest.mark.parametrize(
    ("bad", "at"), [([60, 0, 60, 0, 0], 120.0), ([60, 0, 0, 60, 0], None), ([60, None, 60], 120.0)]
)
def test_two_of_three(bad, at):
    """Two of three neighbouring periods trip it, a missing one between them or not."""
    breaker = Breaker(metric="Invocation5XXErrors", limit=0.5, datapoints=(2, 3))
    assert at == judge_breaker(breaker, rates([0.0] * len(bad), bad), WINDOW).at


def test_a_relative_limit_follows_the_baseline():
    """Three times a slow minute of the baseline is no trip."""
    breaker = Breaker(
        metric="ModelLatency", statistic="Average", relative_limit=3.0, datapoints=(2, 2)
    )
    pair = Pair(
        baseline=series([1e5, 4e5, 4e5, 1e5, 1e5]), candidate=series([1e5, 4e5, 4e5, 4e5, 4e5])
    )
    assert 240.0 == judge_breaker(breaker, pair, WINDOW).at


def test_a_period_with_few_requests_does_not_count():
    """One failed request of one is no half of the requests."""
    breaker = Breaker(metric="Invocation5XXErrors", limit=0.5, datapoints=(1, 1))
    found = judge_breaker(breaker, rates([0.0] * 3, [4.0] * 3, 4.0), WINDOW)
    assert not found.tripped


def test_no_data_trips_nothing():
    """What is missing is the criteria's matter."""
    breaker = Breaker(metric="Invocation5XXErrors", limit=0.5)
    found = judge_breaker(breaker, Pair(), WINDOW)
    assert "Invocation5XXErrors rate was never above 50 % in 3 of 3 periods" == found.sentence
