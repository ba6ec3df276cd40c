"""Inputs that an earlier judge passed although it should not have."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from airflow_shadow.analysis import AnalysisSpec, Pair, Verdict, judge
from airflow_shadow.analysis.critical_values import NORMAL
from tests.analysis.data import LATENCY, latency_criterion, rates, seen, series

ERROR_KEYS = [key for key in AnalysisSpec().needs if "Error" in key[0]]


def verdict(
    production: list[float],
    shadow: list[float],
    asked: list[float],
    answered: list[float],
    *,
    covered: list[float] | None = None,
    errors_covered: float | None = None,
    spec: AnalysisSpec | None = None,
    **more,
) -> Verdict:
    """Return the verdict of the default specification on latencies without any error.

    :param asked: requests of production in each minute
    :param answered: requests of the shadow
    :param covered: those that its latency covers, if not all
    :param errors_covered: those that its error metrics cover, if not all
    """
    zeros = [0.0] * len(asked)
    of_errors = [errors_covered] * len(asked) if errors_covered else answered
    errors = Pair(baseline=series(zeros, asked), candidate=series(zeros, of_errors))
    latency = Pair(
        baseline=series(production, asked), candidate=series(shadow, covered or answered)
    )
    return judge(
        spec or AnalysisSpec(),
        seen(
            {**dict.fromkeys(ERROR_KEYS, errors), LATENCY: latency},
            minutes=len(asked),
            invocations=Pair(baseline=series(asked, asked), candidate=series(answered, answered)),
            **{"percentiles": {"ModelLatency": ({"p99": 2 * max(production)}, {})}} | more,
        ),
    )


def steady(minutes: int, change: float = 1.0, seed: int = 1) -> tuple[list[float], list[float]]:
    """Return latencies of 50 ms whose minutes have a noise of 2 %."""
    draw = random.Random(seed)
    production = [50_000 * (1 + draw.gauss(0, 0.02)) for _ in range(minutes)]
    return production, [change * p * (1 + draw.gauss(0, 0.02)) for p in production]


def test_the_steady_data_pass():
    """The data that the other cases change are a PASS to begin with."""
    assert "PASS" == verdict(*steady(120), [300.0] * 120, [300.0] * 120).outcome


@pytest.mark.parametrize(
    ("comparison", "tolerance"), [("relative", 0.1), ("difference", 5e3), ("absolute", 55e3)]
)
def test_slow_batches_are_what_most_requests_see(comparison, tolerance):
    """Every tenth minute 1,000 requests half as slow again, else ten that are equal: +46 %."""
    batch = [minute % 10 == 0 for minute in range(1440)]
    asked = [1000.0 if slow else 10.0 for slow in batch]
    production, equal = steady(1440)
    shadow = [value * (1.5 if slow else 1.0) for value, slow in zip(equal, batch, strict=True)]
    criterion = latency_criterion(comparison=comparison, tolerance=tolerance)
    spec = replace(AnalysisSpec(), criteria=(*AnalysisSpec().criteria[:2], criterion))
    found = verdict(production, shadow, asked, asked, spec=spec)
    truth = sum(value * n for value, n in zip(shadow[5:], asked[5:], strict=True)) / sum(asked[5:])
    assert "PASS" != found.outcome
    assert pytest.approx(truth) == found.findings[2].candidate
    assert truth > 1.4 * 50_000


@pytest.mark.parametrize("lost", [0.049, 0.02, 0.008])
def test_requests_that_the_shadow_never_answers_do_not_pass(lost):
    """Unanswered requests fail in their own finding, whatever the others took."""
    found = verdict(*steady(120), [300.0] * 120, [300.0 * (1 - lost)] * 120)
    assert "FAIL" == found.outcome
    assert f"FAIL unanswered requests +{100 * lost:.1f}" in found.reason


@pytest.mark.parametrize("sigma", [0.6, 1.0])
@pytest.mark.parametrize("lost", [0.045, 0.004])
def test_losing_the_slowest_hides_no_slow_candidate(sigma, lost):
    """20 % slower; what is left of a log-normal without its slowest looks better than it is."""
    cut = NORMAL.inv_cdf(1 - lost)
    left = NORMAL.cdf(cut - sigma) / (1 - lost)
    p99 = 50_000 * math.exp(sigma * NORMAL.inv_cdf(0.99) - sigma**2 / 2)
    production, shadow = steady(120, 1.2 * left)
    found = verdict(
        production,
        shadow,
        [300.0] * 120,
        [300.0 * (1 - lost)] * 120,
        percentiles={"ModelLatency": ({"p99": p99}, {})},
    )
    assert "PASS" != found.outcome


def test_a_latency_that_covers_few_requests_does_not_pass():
    """A latency with samples of 120 of 300 requests in every minute does not pass."""
    found = verdict(*steady(120), [300.0] * 120, [300.0] * 120, covered=[120.0] * 120)
    assert "INCONCLUSIVE" == found.outcome
    assert "of the 34,500 requests of the shadow" in found.reason


def test_error_metrics_that_cover_few_requests_do_not_pass():
    """An error metric with samples of 30 of 300 requests in every minute does not pass."""
    found = verdict(*steady(120), [300.0] * 120, [300.0] * 120, errors_covered=30.0)
    assert "INCONCLUSIVE" == found.outcome
    assert "server errors" in found.reason
    assert "the metric covers 3,450 of the 34,500 requests of the shadow" in found.reason


@pytest.mark.parametrize("requests", [2.0, 5.0, 8.0])
def test_too_little_traffic_says_how_long_it_would_take(requests):
    """Two hours at eight requests a minute cannot pass; the reason says how long it would take."""
    found = verdict(*steady(120), [requests] * 120, [requests] * 120)
    assert "INCONCLUSIVE" == found.outcome
    assert found.longer is not None
    assert 0.8 * (1000 / requests - 115) * 60 < found.longer < 4 * (1000 / requests) * 60


def test_the_same_bad_requests_in_both_pass():
    """Two per cent of errors that both variants share pass in nearly every run."""
    passed = 0
    for seed in range(10):
        draw = random.Random(seed)
        bad = [float(sum(draw.random() < 0.02 for _ in range(30))) for _ in range(120)]
        production, shadow = steady(120, seed=seed)
        pairs = dict.fromkeys(ERROR_KEYS, rates(bad, bad, 30.0)) | {
            LATENCY: Pair(baseline=series(production, 30.0), candidate=series(shadow, 30.0))
        }
        found = judge(AnalysisSpec(), seen(pairs, minutes=120, requests=(30.0, 30.0)))
        passed += found.outcome == "PASS"
    assert passed >= 9


def widened(pair: Pair) -> Pair:
    """Return the five-minute periods that CloudWatch keeps of one-minute ones; counts add up."""

    def sides():
        for one in (pair.baseline, pair.candidate):
            rows = [slice(begin, begin + 5) for begin in range(0, len(one.times), 5)]
            yield [one.times[row.start] for row in rows], one, rows

    def summed(pair_sides, mean: bool):
        for times, one, rows in pair_sides:
            samples = [sum(one.samples[row]) for row in rows]
            weights = [
                sum(
                    value * (n if mean else 1)
                    for value, n in zip(one.values[row], one.samples[row], strict=True)
                )
                for row in rows
            ]
            values = (
                [weight / n for weight, n in zip(weights, samples, strict=True)]
                if mean
                else weights
            )
            yield type(one)(times=times, values=values, samples=samples)

    is_mean = max(pair.baseline.values) > 1e4
    baseline, candidate = summed(sides(), is_mean)
    return Pair(baseline=baseline, candidate=candidate)


@pytest.mark.parametrize(("change", "outcome"), [(1.0, "PASS"), (1.3, "FAIL")])
@pytest.mark.parametrize("minutes", [120, 360])
def test_a_window_that_is_read_in_five_minute_periods_is_judged_alike(change, outcome, minutes):
    """Five-minute periods, as of windows older than 15 days, lower the minimums accordingly."""
    production, shadow = steady(minutes, change)
    traffic = [300.0] * minutes
    errors = rates([0.0] * minutes, [0.0] * minutes, 300.0)
    pairs = {
        **dict.fromkeys(ERROR_KEYS, errors),
        LATENCY: Pair(baseline=series(production, traffic), candidate=series(shadow, traffic)),
    }
    counted = Pair(baseline=series(traffic, traffic), candidate=series(traffic, traffic))
    fresh = judge(AnalysisSpec(), seen(pairs, minutes=minutes, invocations=counted))
    old = judge(
        AnalysisSpec(),
        seen(
            {key: widened(pair) for key, pair in pairs.items()},
            minutes=minutes,
            invocations=widened(counted),
            period=300,
        ),
    )
    assert (outcome, outcome) == (fresh.outcome, old.outcome), old.reason
    assert pytest.approx(fresh.findings[2].estimate) == old.findings[2].estimate
