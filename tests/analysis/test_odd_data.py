"""Odd data never pass and never crash."""

from __future__ import annotations

import json
import math
import random
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_shadow.analysis import (
    AnalysisSpec,
    Criterion,
    Observations,
    Pair,
    Series,
    judge,
    markdown_table,
    text_table,
)
from tests.analysis.data import ERRORS, LATENCY, noisy, rates, seen, series
from tests.helpers import by_turns

SPEC = AnalysisSpec(initial_delay=0)
MODEL_ERRORS = ("InvocationModelErrors", "rate")
CALLER_ERRORS = ("Invocation4XXErrors", "rate")
MINUTES = 90


def good(requests: float = 100.0) -> dict:
    """Return observations that pass."""
    clean = rates([0.0] * MINUTES, [0.0] * MINUTES, requests)
    return {
        ERRORS: clean,
        MODEL_ERRORS: clean,
        CALLER_ERRORS: clean,
        LATENCY: noisy(MINUTES, 1.0),
    }


def test_the_good_data_pass():
    """What the others spoil is a PASS to begin with."""
    assert "PASS" == judge(SPEC, seen(good(), minutes=MINUTES)).outcome


NOTHING = series([])
ONE = series([1e5])
NANS = series([math.nan] * MINUTES)
HALF_NAN = series([math.nan, 1e5] * (MINUTES // 2))
CONSTANT = series([1e5] * MINUTES)
INFINITE = series([math.inf] * MINUTES)
NEGATIVE = series([-1.0] * MINUTES)
ZERO = series([0.0] * MINUTES)
ABSENT = Series(
    times=[60.0 * i for i in range(MINUTES)], values=[None] * MINUTES, samples=[1.0] * MINUTES
)
IDLE = series([1e5] * MINUTES, 0.0)


@pytest.mark.parametrize(
    "odd", [NOTHING, ONE, NANS, HALF_NAN, CONSTANT, INFINITE, NEGATIVE, ZERO, ABSENT, IDLE]
)
@pytest.mark.parametrize("side", ["baseline", "candidate", "both"])
def test_odd_latencies_do_not_pass(odd, side):
    """Silent, NaN, infinite, negative, zero, absent, constant or single: no evidence."""
    if side == "both" or odd is not CONSTANT:
        pair = {
            "baseline": Pair(baseline=odd, candidate=good()[LATENCY].candidate),
            "candidate": Pair(baseline=good()[LATENCY].baseline, candidate=odd),
            "both": Pair(baseline=odd, candidate=odd),
        }[side]
        verdict = judge(SPEC, seen(good() | {LATENCY: pair}, minutes=MINUTES))
        assert "INCONCLUSIVE" == verdict.outcome
        assert text_table(verdict)
        assert markdown_table(verdict)


@pytest.mark.parametrize("odd", [NOTHING, ONE, NANS, HALF_NAN, INFINITE, NEGATIVE, ABSENT, IDLE])
@pytest.mark.parametrize("side", ["baseline", "candidate"])
def test_odd_error_counts_do_not_pass(odd, side):
    """One variant's errors unknown are no errors known to be equal."""
    clean = series([0.0] * MINUTES)
    pair = Pair(**({"baseline": clean, "candidate": clean} | {side: odd}))
    verdict = judge(SPEC, seen(good() | {ERRORS: pair}, minutes=MINUTES))
    assert "PASS" != verdict.outcome


@pytest.mark.parametrize("lacking", [ERRORS, MODEL_ERRORS, LATENCY])
def test_a_metric_that_nobody_read_does_not_pass(lacking):
    """An absent key is no data."""
    pairs = {key: pair for key, pair in good().items() if key != lacking}
    assert "INCONCLUSIVE" == judge(SPEC, seen(pairs, minutes=MINUTES)).outcome


def test_nothing_at_all_does_not_pass():
    """An empty window is inconclusive, with a sentence for each criterion."""
    verdict = judge(SPEC, Observations(start=0.0, end=0.0, sampling_percentage=100.0, looks=(0.0,)))
    assert "INCONCLUSIVE" == verdict.outcome
    *compared, slow, _, unanswered = verdict.findings
    assert all("no period has data" in finding.sentence for finding in compared)
    assert "the limit is unknown" in slow.sentence
    assert "unanswered requests: no requests of production were counted" == unanswered.sentence


@pytest.mark.parametrize("sampling", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5])
@pytest.mark.parametrize("requests", [1 / 60, 1.0, 60.0, 10_000.0])
def test_any_load_sampling_and_rate_is_judged(requests, share, sampling):
    """From one request an hour to 10,000 a minute: PASS only with five expected at the limit."""
    draw = random.Random(3)

    def counts(load: float) -> Series:
        drawn = [_drawn(draw, load) for _ in range(MINUTES)]
        rows = [
            (60.0 * minute, float(round(share * count)), float(count))
            for minute, count in enumerate(drawn)
            if count
        ]
        times, bad, total = zip(*rows, strict=True) if rows else ((), (), ())
        return Series(times=times, values=bad, samples=total)

    pair = Pair(baseline=counts(requests), candidate=counts(requests * sampling / 100))
    spec = AnalysisSpec(initial_delay=0, require_full_sampling=False)
    given_pairs = good() | {ERRORS: pair}
    found = judge(spec, seen(given_pairs, minutes=MINUTES, invocations=pair)).findings[0]
    if found.outcome == "PASS":
        assert min(found.n_baseline, found.n_candidate) >= 1000
        assert found.periods >= 30
    assert found.lower is None or found.lower <= found.estimate <= found.upper


def _drawn(draw: random.Random, load: float) -> int:
    """Return how many requests a minute brings."""
    return round(load) if load >= 1 else int(draw.random() < load)


VALUES = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, 1e5, 5e-324, 1e308, -1.0]),
)
ROWS = st.lists(
    st.tuples(st.sampled_from([60.0 * i for i in range(40)]), VALUES, VALUES), max_size=40
)
SIDES = ROWS.map(
    lambda rows: Series(
        times=[row[0] for row in rows],
        values=[row[1] for row in rows],
        samples=[row[2] for row in rows],
    )
)
PAIRS = st.builds(Pair, baseline=SIDES, candidate=SIDES)


@given(pairs=st.dictionaries(st.sampled_from(SPEC.needs), PAIRS), invocations=PAIRS)
@settings(max_examples=60)
def test_nothing_that_can_be_measured_crashes(pairs, invocations):
    """Any numbers, in any order, twice or never, give a verdict that can be printed."""
    verdict = judge(SPEC, seen(pairs, minutes=40, invocations=invocations))
    assert verdict.outcome in {"FAIL", "INCONCLUSIVE"}
    assert verdict.reason
    assert text_table(verdict)


@pytest.mark.thorough
def test_a_month_needs_little_memory():
    """30 days at one-minute resolution are judged in well under 100 MB."""
    import tracemalloc  # noqa: PLC0415

    draw = random.Random(1)
    periods = 43_200
    times = array("d", (60.0 * index for index in range(periods)))
    requests = array("d", [300.0]) * periods

    def month(spread: float) -> Series:
        values = array("d", (1e5 * draw.lognormvariate(0, spread) for _ in times))
        return Series(times=times, values=values, samples=requests)

    def errors() -> Series:
        values = array("d", (float(draw.random() < 0.3) for _ in times))
        return Series(times=times, values=values, samples=requests)

    pairs = {key: Pair(baseline=errors(), candidate=errors()) for key in SPEC.needs}
    pairs[LATENCY] = Pair(baseline=month(0.05), candidate=month(0.05))
    given_month = seen(pairs, minutes=periods)
    tracemalloc.start()
    assert "PASS" == judge(SPEC, given_month).outcome
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


@pytest.mark.parametrize(("sampling", "bad"), by_turns([0, 1e-9, 50, 100], [0, 3, 100]))
def test_the_strictest_specification_is_judged(bad, sampling):
    """The smallest alpha, shared by the most criteria and looks; it ended in a math error."""
    criteria = [
        Criterion(name=f"errors {n}", metric=ERRORS[0], comparison="difference", tolerance=0.01)
        for n in range(50)
    ]
    criteria += [
        Criterion(name=f"latency {n}", metric="ModelLatency", statistic="Average", tolerance=0.1)
        for n in range(50)
    ]
    spec = AnalysisSpec(criteria=tuple(criteria), alpha=1e-9, planned_looks=20)
    pairs = {ERRORS: rates([0] * 90, [bad] * 90), LATENCY: noisy(90, 1 + bad / 50)}
    looks = tuple(5400.0 * number for number in range(1, 21))
    verdict = judge(spec, seen(pairs, minutes=90, sampling=sampling, looks=looks))
    assert len(json.dumps(verdict.to_dict(), allow_nan=False)) < 200_000
