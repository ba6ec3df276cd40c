"""A candidate that is slow only while it starts is told as such."""

from __future__ import annotations

import pytest

from airflow_shadow.analysis import AnalysisSpec, Breaker, Pair, Verdict, judge
from tests.analysis.data import LATENCY, latency_criterion, noisy, seen, series

MINUTES = 120


def verdict(slow: int, times: float = 3.0, after: float = 1.0, **spec) -> Verdict:
    """Return the verdict on a candidate whose first minutes are some times slower."""
    pair = noisy(MINUTES, after)
    values = [
        value * (times if index < slow else 1.0)
        for index, value in enumerate(pair.candidate.values)
    ]
    given = {"initial_delay": 0, "breakers": (), "criteria": (latency_criterion(),)} | spec
    observed = seen({LATENCY: Pair(baseline=pair.baseline, candidate=series(values))}, minutes=120)
    return judge(AnalysisSpec(**given), observed)


def test_a_slow_start_points_to_the_delay():
    """The note has the change during and after a slow start, and advises a longer delay."""
    found = verdict(14)
    assert "PASS" != found.outcome
    (note,) = found.notes
    assert note.startswith("latency +")
    assert note.endswith(
        "in the first 14 min: if that is a slow start, give a longer initial_delay"
    )
    assert note in found.reason


@pytest.mark.parametrize("delay", [900, 1200])
def test_a_longer_delay_is_what_helps(delay):
    """The delay that the note advises makes the verdict a PASS."""
    assert "PASS" == verdict(14, initial_delay=delay).outcome


def test_the_delay_counts_for_the_minutes_that_are_told():
    """The note counts minutes from the window's begin, including the warm-up."""
    assert "in the first 14 min" in verdict(14, initial_delay=300).notes[0]


@pytest.mark.parametrize(("slow", "after"), [(0, 1.3), (14, 1.3), (40, 1.0), (115, 1.0)])
def test_a_candidate_that_stays_slow_did_not_start_slowly(slow, after):
    """A candidate that stays slow, or is slow for over half an hour, gets no note."""
    assert not any("slow start" in note for note in verdict(slow, after=after).notes)


def test_a_pass_says_nothing_of_a_start():
    """A criterion that passes gets no note on a slow start."""
    found = verdict(1, times=1.2)
    assert "PASS" == found.outcome
    assert not any("slow start" in note for note in found.notes)


def test_a_breaker_that_trips_at_the_start_says_so():
    """A breaker that trips in the first half hour advises a longer delay, too."""
    breaker = Breaker(
        metric="ModelLatency", statistic="Average", relative_limit=3.0, datapoints=(5, 5)
    )
    found = verdict(10, times=5.0, breakers=(breaker,))
    assert "FAIL" == found.outcome
    assert "in the first 5 min: if that is a slow start" in found.breakers[0].sentence
