"""What a plan is expected to say, before it is paid for and from what a stage has seen."""

from __future__ import annotations

import importlib
import json
import math
import random

import numpy as np
import pytest

from airflow_shadow.analysis import (
    AnalysisSpec,
    Criterion,
    Forecast,
    History,
    PlannedStage,
    Series,
    forecast,
    forecast_table,
)
from tests.analysis.conftest import BENCHMARKS
from tests.analysis.data import ERRORS, LATENCY, error_criterion, latency_criterion, series

HOUR, DAY = 3600.0, 1440
MODEL_ERRORS = ("InvocationModelErrors", "rate")


def history(
    rate: float, *, minutes: int = DAY, errors: float = 0.0, spread: float = 0.05, **more
) -> History:
    """Return a day of production with so many requests in every minute."""
    draw = random.Random(1)
    bad = [float(draw.random() < errors * rate) for _ in range(minutes)]
    means = [1e5 * draw.lognormvariate(0, spread) for _ in range(minutes)]
    known = {ERRORS: series(bad, rate), MODEL_ERRORS: series(bad, rate)}
    known[LATENCY] = series(means, rate)
    return History(requests=series([rate] * minutes, rate), **{"series": known, **more})


def told(known: History, *looks: float, ramp=(100,), spec: AnalysisSpec | None = None) -> Forecast:
    """Return the forecast of stages of so many hours each look."""
    stages = [
        PlannedStage(sampling_percentage=share, looks=[HOUR * look for look in looks])
        for share in ramp
    ]
    return forecast(spec or AnalysisSpec(), known, stages)


def of(one: Forecast, name: str):
    """Return what is foretold of a criterion in the last stage."""
    return next(item for item in one.stages[-1].criteria if item.name == name)


# --- guards --------------------------------------------------------------------------------


def test_too_few_requests_rule_a_pass_out():
    """The guard, what the plan gives and how long it would take, all as one sentence."""
    said = (
        "server errors: 1,000 requests of each variant are needed; 2 h, 5 min of it warm-up, at "
        "6 a minute give 690; 2 h 52 min would do"
    )
    one = told(history(6.0), 2)
    assert said in one.ruled_out
    assert (0.0, 0.0) == one.chance
    assert said == of(one, "server errors").sentence


def test_a_later_planned_look_is_waited_for():
    """A plan is possible if its last planned look has enough requests."""
    assert () == told(history(6.0), 2, 4, 6).ruled_out


def test_the_busiest_hours_count():
    """A plan that could pass at noon is not refused because the nights are quiet."""
    counts = [20.0 if 600 <= minute < 840 else 1.0 for minute in range(DAY)]
    quiet = Series(times=[60.0 * minute for minute in range(DAY)], values=counts, samples=counts)
    known = History(requests=quiet, series={ERRORS: series([0.0] * DAY, counts)})
    spec = AnalysisSpec(criteria=(error_criterion(tolerance=0.005),))
    one = told(known, 2, spec=spec)
    assert () == one.ruled_out
    assert 0 < one.stages[-1].guarded < 1


def test_less_than_a_day_rules_nothing_out():
    """A history below a day rules nothing out, because other hours may be busier."""
    one = told(history(6.0, minutes=300), 2)
    assert () == one.ruled_out
    assert (0.0, 0.0) == one.chance


def test_too_few_periods_rule_a_pass_out():
    """Too few periods rule a PASS out however many requests come."""
    one = told(history(300.0), 1, spec=AnalysisSpec(min_periods=90, min_duration=0))
    assert "mean latency: 55 of 90 periods needed" in one.ruled_out


def test_too_short_a_window_is_ruled_out():
    """A stage below min_duration is ruled out."""
    expected = ("min_duration: a window of 1 h is needed; 45 min are planned",)
    assert expected == told(history(300.0), 0.75).ruled_out


def test_the_shadow_gets_its_share():
    """At 10 % a stage gives a tenth of the requests."""
    one = told(history(30.0), 2, ramp=(10, 100))
    early, last = (stage.criteria[0] for stage in one.stages)
    assert "at 3 a minute give 345" in early.sentence
    assert [0.0, 1.0] == [early.guarded, last.guarded]


# --- what is measured ----------------------------------------------------------------------


def test_errors_are_foretold_as_they_are_and_means_as_a_range():
    """The forecast of a mean is a range, because the spread that a shadow shares is unknown."""
    one = told(history(30.0, errors=0.001, spread=0.6), 2)
    errors, latency = of(one, "server errors"), of(one, "mean latency")
    assert errors.chance[0] == errors.chance[1] > 0.8
    assert latency.chance[0] < 0.5 < latency.chance[1]
    assert latency.needed[0] > 2 * latency.needed[1]


def test_what_was_not_reported_is_not_foretold():
    """Without a history the chance is from 0 to 100 %, and the sentence says why."""
    one = told(History(requests=series([30.0] * DAY, 30.0)), 2)
    errors = of(one, "server errors")
    assert (0.0, 1.0) == errors.chance
    assert "production did not report Invocation5XXErrors" in errors.sentence
    assert () == one.ruled_out


def test_counts_that_do_not_agree_are_told():
    """A latency that covers half of the requests decides nothing, and the forecast says so."""
    known = history(30.0)
    half = {**known.series, LATENCY: series([1e5] * DAY, 15.0)}
    one = told(History(requests=known.requests, series=half), 2)
    assert "covers 43,200 of the 86,400 requests" not in of(one, "server errors").sentence
    assert "nothing can be decided, because the metric covers" in of(one, "mean latency").sentence
    assert (0.0, 0.0) == one.chance


def test_a_share_above_productions_own_percentile_needs_no_history():
    """The share above production's p99 is one in a hundred without any history."""
    slow = of(told(history(300.0), 2), "slow requests")
    assert slow.chance[0] > 0.9
    assert "no forecast" not in slow.sentence


def test_an_absolute_limit_is_held_against_production():
    """A candidate like production would miss a limit that production misses."""
    limits = {"comparison": "absolute", "name": "limit"}
    chances = [
        told(history(30.0), 2, spec=AnalysisSpec(criteria=(latency_criterion(**limits, **one),)))
        for one in ({"tolerance": 2e5}, {"tolerance": 0.5e5})
    ]
    assert [1.0, 0.0] == [round(of(one, "limit").chance[1], 3) for one in chances]


def test_the_instance_hours_stand_beside_it():
    """The instance-hours are from every stage's first look to its last."""
    one = told(history(30.0, instances=2), 2, 6, ramp=(10, 50, 100))
    assert (12.0, 36.0) == one.instance_hours
    assert one.sentence.endswith("for 12 to 36 instance-hours of the shadow.")


def test_the_table_has_a_row_a_criterion_and_a_column_a_stage():
    """The log's table has a row for each criterion and a column for each stage."""
    lines = forecast_table(told(history(30.0), 2, ramp=(10, 100))).splitlines()
    assert ["chance", "of", "a", "PASS", "at", "10", "%", "100", "%"] == lines[0].split()[:9]
    names = [line.split("  ")[0] for line in lines[1:-1]]
    assert [
        "server errors",
        "model errors",
        "mean latency",
        "slow requests (warning)",
        "caller errors (warning)",
        "unanswered requests",
        "all critical",
    ] == names


def test_a_forecast_travels_as_json():
    """Infinite times become None in JSON."""
    data = told(history(6.0, errors=0.2), 2).to_dict()
    assert data == json.loads(json.dumps(data, allow_nan=False))


@pytest.mark.parametrize("minutes", [1, 3, 40])
def test_a_short_history_breaks_nothing(minutes):
    """A new endpoint with a few minutes of history gets a forecast."""
    one = told(history(30.0, minutes=minutes), 2)
    assert all(0 <= value <= 1 and math.isfinite(value) for value in one.chance)


def test_a_metric_of_ones_own_is_foretold():
    """A custom metric gets a forecast like SageMaker's."""
    key = ("Depth", "Average")
    draw = random.Random(2)
    known = history(30.0)
    own = {**known.series, key: series([draw.gauss(5, 0.1) for _ in range(DAY)], 1.0)}
    depth = Criterion(name="depth", metric=key[0], statistic=key[1], tolerance=0.1)
    spec = AnalysisSpec(criteria=(depth,))
    one = told(History(requests=known.requests, series=own), 2, spec=spec)
    assert of(one, "depth").chance[0] > 0.9


# --- calibration ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bench():
    """Import the benchmark's worlds, a script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("analysis_forecast")


def near(one: float, runs: int) -> float:
    """Return two standard errors of a share that was simulated."""
    return 2 * math.sqrt(max(one * (1 - one), 0.01) / runs)


#: The cells of `make test`: few requests, many, and errors.
QUICK = {0, 4, 9}


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(number, marks=[] if number in QUICK else [pytest.mark.thorough])
        for number in range(10)
    ],
)
def test_a_forecast_from_sixty_pairs_is_calibrated(bench, number):
    """The mean of 200 lies within 10 points of what the judge then does."""
    cell, draws = bench.CELLS[number], np.random.default_rng(number)
    power = bench.latency_power(draws, cell, 300)
    assert 0.10 + near(power, 300) > abs(power - bench.from_pairs(draws, cell, 200))


@pytest.mark.thorough
def test_the_range_before_the_first_stage_covers_what_comes(bench):
    """In nine of ten worlds at least."""
    covered = 0
    for number, cell in enumerate(bench.CELLS):
        draws = np.random.default_rng(number)
        low, high = bench.from_history(draws, cell, 2)
        power = bench.power(draws, cell, 100)
        covered += low - near(power, 100) <= power <= high + near(power, 100)
    assert covered >= 9
