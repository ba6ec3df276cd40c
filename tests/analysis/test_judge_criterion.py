"""One criterion: what passes, what fails, and what is not enough to tell."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from airflow_shadow.analysis import AnalysisSpec, Finding, Pair, judge
from tests.analysis.data import (
    ERRORS,
    LATENCY,
    error_criterion,
    latency_criterion,
    noisy,
    rates,
    seen,
    series,
)

SIDES = ("baseline", "candidate")


def finding(criterion, pair: Pair, minutes: int, *, spec: dict | None = None, **look) -> Finding:
    """Return what is found about one criterion, without warm-up."""
    given = AnalysisSpec(
        criteria=(criterion,), breakers=(), **({"initial_delay": 0} | (spec or {}))
    )
    return judge(given, seen({criterion.key: pair}, minutes=minutes, **look)).findings[0]


@pytest.mark.parametrize(
    ("ratio", "outcome"),
    [(1.0, "PASS"), (1.05, "PASS"), (1.10, "INCONCLUSIVE"), (1.2, "FAIL"), (0.7, "PASS")],
)
def test_an_increase_is_judged_by_its_whole_interval(ratio, outcome):
    """Inside the tolerance passes, outside fails, across is inconclusive."""
    found = finding(latency_criterion(), noisy(120, ratio), 120)
    assert outcome == found.outcome
    assert found.lower < found.estimate < found.upper
    assert pytest.approx(ratio - 1, abs=0.02) == found.estimate


@pytest.mark.parametrize(
    ("ratio", "outcome"), [(1.3, "PASS"), (0.98, "PASS"), (0.9, "INCONCLUSIVE"), (0.75, "FAIL")]
)
def test_a_decrease_is_judged_from_below(ratio, outcome):
    """With the direction `decrease` only less is bad."""
    found = finding(latency_criterion(direction="decrease"), noisy(120, ratio), 120)
    assert outcome == found.outcome


@pytest.mark.parametrize(
    ("ratio", "outcome"), [(1.3, "FAIL"), (0.7, "FAIL"), (1.0, "PASS"), (0.9, "INCONCLUSIVE")]
)
def test_either_direction_asks_for_equality(ratio, outcome):
    """With the direction `either` both more and less are bad."""
    found = finding(latency_criterion(direction="either"), noisy(120, ratio), 120)
    assert outcome == found.outcome


def test_pairing_cancels_the_shared_load():
    """A load that triples and falls again leaves no trace in the interval."""
    draw = random.Random(5)
    load = [1e5 * (1 + 2 * (minute % 60 > 30)) for minute in range(120)]
    candidate = [value * draw.lognormvariate(0, 0.02) for value in load]
    pair = Pair(baseline=series(load), candidate=series(candidate))
    found = finding(latency_criterion(), pair, 120)
    assert "PASS" == found.outcome
    assert found.upper < 0.01


def test_variants_are_joined_on_time_stamps():
    """A candidate whose first minutes are missing is not compared with the wrong minutes."""
    pair = noisy(120, 1.0)
    late = Pair(
        baseline=pair.baseline,
        candidate=series([None] * 40 + list(pair.candidate.values)[40:]),
    )
    found = finding(latency_criterion(), late, 120, invocations=None)
    assert (80, 40) == (found.periods, found.missing)
    assert abs(found.estimate) < 0.02


def test_the_warm_up_is_not_read():
    """The first five minutes are left out."""
    slow = Pair(
        baseline=series([1e5] * 5 + list(noisy(115, 1.0).baseline.values)),
        candidate=series([9e5] * 5 + list(noisy(115, 1.0).candidate.values)),
    )
    found = finding(latency_criterion(), slow, 120, spec={"initial_delay": 300})
    assert ("PASS", 115) == (found.outcome, found.periods)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"min_periods": 200}, "120 of 200 periods needed"),
        ({"min_effective_periods": 115}, "of 115 effective periods needed"),
    ],
)
def test_too_few_periods_decide_nothing(spec, said):
    """Below min_periods there is neither PASS nor FAIL."""
    for ratio in (1.0, 2.0):
        found = finding(latency_criterion(), noisy(120, ratio, seed=2), 120, spec=spec)
        assert "INCONCLUSIVE" == found.outcome
        assert said in found.sentence


def test_too_few_requests_do_not_pass():
    """Without errors a rate passes only when five were to be expected at the tolerance."""
    found = finding(error_criterion(), rates([0.0] * 60, [0.0] * 60, 8.0), 60, requests=(8, 8))
    assert "INCONCLUSIVE" == found.outcome
    assert "480 of 500 requests needed" in found.sentence


def test_no_errors_in_enough_requests_pass():
    """A baseline without any error is no obstacle."""
    found = finding(error_criterion(), rates([0.0] * 60, [0.0] * 60, 9.0), 60, requests=(9, 9))
    assert ("PASS", 0.0) == (found.outcome, found.estimate)
    assert 0 < found.upper < 0.01


def test_a_mean_needs_requests_too():
    """A mean needs a thousand requests of each variant by default."""
    pair = noisy(60, 1.0)
    few = {side: replace(getattr(pair, side), samples=[16.0] * 60) for side in SIDES}
    found = finding(latency_criterion(), Pair(**few), 60, requests=(16, 16))
    assert "INCONCLUSIVE" == found.outcome
    assert "960 of 1,000 requests needed" in found.sentence


def test_ten_of_ten_failed_against_none_is_a_fail():
    """The exact interval needs no thirty periods to see a catastrophe."""
    found = finding(
        error_criterion(tolerance=0.005), rates([0.0], [10.0], 10.0), 1, requests=(10, 10)
    )
    assert "FAIL" == found.outcome
    assert found.lower > 0.3


@pytest.mark.parametrize("rate", [0, 1, 10, 50])
def test_a_regression_of_rates_fails_at_any_level(rate):
    """From no error to half of the requests, twelve points more are seen."""
    draw = random.Random(8)

    def errors(share: float) -> list[float]:
        return [float(sum(draw.random() < share for _ in range(100))) for _ in range(90)]

    pair = rates(errors(rate / 100), errors(rate / 100 + 0.12))
    assert "FAIL" == finding(error_criterion(tolerance=0.02), pair, 90).outcome


def test_bursts_widen_the_interval():
    """Errors that come in bursts weigh less than as many that come singly."""
    singly, bursts = [2.0] * 120, [0.0] * 50 + [24.0] * 10 + [0.0] * 60
    widths = []
    for candidate in (singly, bursts):
        found = finding(error_criterion(), rates([2.0] * 120, candidate), 120)
        widths.append(found.upper - found.lower)
    assert widths[1] > 2 * widths[0]


def test_a_pass_is_read_at_planned_looks_only():
    """At any other look what is inside its tolerance waits, and says so."""
    found = finding(error_criterion(), rates([0.0] * 60, [0.0] * 60), 60, due=False)
    assert "INCONCLUSIVE" == found.outcome
    assert found.sentence.endswith("(PASS is possible at planned looks only)")


def test_a_failure_may_be_read_at_any_look():
    """A FAIL does not wait for the planned look."""
    found = finding(latency_criterion(), noisy(120, 1.5), 120, due=False)
    assert "FAIL" == found.outcome


def test_more_planned_looks_cost_width():
    """The planned looks share alpha, three quarters of it to the first."""
    pair = noisy(120, 1.0)
    one, first, second = (
        finding(latency_criterion(), pair, 120, looks=looks).upper
        for looks in ((7200.0,), (7200.0, 9000.0, 10800.0), (3600.0, 7200.0, 10800.0))
    )
    assert one < first < second


def test_a_later_end_costs_a_failure_width():
    """Who may look until later needs more to fail now."""
    pair = noisy(120, 1.0)
    now, later = (
        finding(latency_criterion(), pair, 120, looks=(end,)).lower for end in (7200.0, 14400.0)
    )
    assert later < now


def test_constant_series_are_no_evidence():
    """A live mean varies; what does not is not known to be precise."""
    pair = Pair(baseline=series([1e5] * 120), candidate=series([1e5] * 120))
    found = finding(latency_criterion(), pair, 120)
    assert "INCONCLUSIVE" == found.outcome
    assert (None, None) == (found.lower, found.upper)
    assert "latency +0.0 % [unknown], allowed +10 % (the values do not vary" in found.sentence


def test_one_period_has_no_interval():
    """A single mean says nothing about its spread."""
    found = finding(latency_criterion(), noisy(1, 1.2), 1)
    assert ("INCONCLUSIVE", None) == (found.outcome, found.upper)


def test_a_metric_that_is_missing_where_traffic_was_does_not_pass():
    """Half of the minutes unread may be the slow half."""
    pair = noisy(120, 1.0)
    half = Pair(
        baseline=pair.baseline,
        candidate=series(
            [value if index % 2 else None for index, value in enumerate(pair.candidate.values)]
        ),
    )
    found = finding(latency_criterion(), half, 120)
    assert "INCONCLUSIVE" == found.outcome
    assert "data for 60 of 120 periods with traffic" in found.sentence


@pytest.mark.parametrize(
    ("policy", "outcome"), [("inconclusive", "INCONCLUSIVE"), ("fail", "FAIL")]
)
def test_no_data_means_what_the_criterion_says(policy, outcome):
    """It never means PASS."""
    found = finding(latency_criterion(on_no_data=policy), Pair(), 120)
    assert (outcome, 120, 0) == (found.outcome, found.missing, found.periods)


@pytest.mark.parametrize(("bad", "outcome"), [(0.0, "PASS"), (2.0, "INCONCLUSIVE"), (9.0, "FAIL")])
def test_an_absolute_rate_needs_no_baseline(bad, outcome):
    """A stream of joined requests is judged against the limit alone."""
    criterion = error_criterion(metric="Misses", comparison="absolute", tolerance=0.02)
    found = finding(criterion, Pair(candidate=series([bad] * 120)), 120)
    assert (outcome, None) == (found.outcome, found.baseline)


@pytest.mark.parametrize(("level", "outcome"), [(80e3, "PASS"), (130e3, "FAIL")])
def test_an_absolute_mean_needs_no_baseline(level, outcome):
    """A service level of 100 ms is judged on the candidate alone."""
    criterion = latency_criterion(comparison="absolute", tolerance=100e3)
    draw = random.Random(4)
    values = [level * draw.lognormvariate(0, 0.05) for _ in range(120)]
    found = finding(criterion, Pair(candidate=series(values)), 120)
    assert outcome == found.outcome


@pytest.mark.parametrize(("level", "outcome"), [(0.0, "FAIL"), (60.0, "PASS")])
def test_an_absolute_floor_is_judged_from_below(level, outcome):
    """With the direction `decrease` an absolute tolerance is the least that is accepted."""
    criterion = error_criterion(
        metric="Hits", comparison="absolute", tolerance=0.5, direction="decrease"
    )
    found = finding(criterion, Pair(candidate=series([level] * 120)), 120)
    assert outcome == found.outcome


def test_a_difference_of_means_is_in_the_metrics_unit():
    """Five milliseconds more are allowed, two are there."""
    draw = random.Random(6)
    baseline = [1e5 + draw.gauss(0, 3e3) for _ in range(120)]
    candidate = [value + 2e3 + draw.gauss(0, 2e3) for value in baseline]
    criterion = latency_criterion(comparison="difference", tolerance=5e3)
    pair = Pair(baseline=series(baseline), candidate=series(candidate))
    found = finding(criterion, pair, 120)
    assert "PASS" == found.outcome
    assert pytest.approx(2e3, abs=500) == found.estimate


def test_every_finding_carries_its_evidence():
    """Estimate, interval, tolerance, requests, periods, missing and the sentence are there."""
    found = finding(latency_criterion(), noisy(120, 1.04), 120)
    assert (0.1, 12_000.0, 12_000.0, 120, 0) == (
        found.tolerance,
        found.n_baseline,
        found.n_candidate,
        found.periods,
        found.missing,
    )
    assert 30 < found.effective_periods <= 120
    assert found.sentence.startswith("latency +")
    assert found.sentence.endswith("allowed +10 %")


def test_the_lower_end_shares_alpha_among_the_critical_criteria():
    """More criteria that can fail the verdict make each FAIL harder."""
    ends = []
    for others in (0, 4):
        spec = AnalysisSpec(
            initial_delay=0,
            breakers=(),
            criteria=(
                latency_criterion(),
                *(error_criterion(name=f"errors {index}") for index in range(others)),
            ),
        )
        observed = seen({LATENCY: noisy(120, 1.0), ERRORS: Pair()}, minutes=120)
        ends.append(judge(spec, observed).findings[0])
    assert ends[1].lower < ends[0].lower
    assert ends[1].upper == ends[0].upper


@pytest.mark.parametrize("busy", [1, 2, 5])
def test_a_few_minutes_with_nearly_all_requests_are_no_evidence(busy):
    """They are the mean, so their distance to it says nothing of its error; +10 % must not pass."""
    for seed in range(20):
        draw = random.Random(seed)
        asked = [10.0] * (120 - busy) + [1e5] * busy
        draw.shuffle(asked)
        slow = [1.1e5 * draw.lognormvariate(0, 0.1) for _ in asked]
        pair = Pair(baseline=series([1e5] * 120, asked), candidate=series(slow, asked))
        found = finding(latency_criterion(), pair, 120, invocations=None)
        assert "INCONCLUSIVE" == found.outcome
        assert "nearly all requests came in" in found.sentence


def test_batches_among_quiet_minutes_are_evidence():
    """Every tenth minute a thousand requests, else ten."""
    asked = [1000.0 if minute % 10 == 0 else 10.0 for minute in range(240)]
    pair = noisy(240, 1.0)
    counted = {side: replace(getattr(pair, side), samples=asked) for side in SIDES}
    assert "PASS" == finding(latency_criterion(), Pair(**counted), 240, invocations=None).outcome
