"""Percentiles of whole windows, and production's own of the day before an experiment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from airflow_shadow.analysis import AnalysisSpec
from airflow_shadow.emulator.behaviour import Behaviour
from airflow_shadow.exceptions import AwsAccessDeniedError
from airflow_shadow.hooks.percentiles import find_limits, needed_limits
from tests.hooks.words import DAY, HOUR, only
from tests.metrics import metric

TAIL = ("ModelLatency", "above:p99")
P99 = ("ModelLatency", "p99")


def percentile(cloudwatch, name, *, start, end, variant="AllTraffic"):
    """Return a percentile as a plain client reads it, in one period."""
    stat = {
        "Metric": metric("ModelLatency", variant, endpoint="churn"),
        "Period": round((end - start).total_seconds()),
        "Stat": name,
    }
    query = {"Id": "it", "MetricStat": stat}
    answer = cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)
    (value,) = answer["MetricDataResults"][0]["Values"]
    return value


# --- production's own limit -------------------------------------------------------------------


def test_the_limit_is_productions_own_of_the_day_before(shadowed, hook, cloudwatch):
    """What the test itself does to production is not in it."""
    shadowed(before=DAY)
    experiment = hook.describe_inference_experiment("x")
    created = datetime.fromisoformat(experiment["CreationTime"]).replace(second=0, microsecond=0)
    expected = percentile(cloudwatch, "p99", start=created - DAY, end=created)
    assert {P99: expected} == find_limits(hook, {P99}, experiment)


@pytest.mark.parametrize("days", [16, 70])
def test_the_limit_can_be_read_long_after(shadowed, hook, emulator, days):
    """In the periods that CloudWatch still has, and almost the same."""
    shadowed(before=DAY)
    experiment = hook.describe_inference_experiment("x")
    first = find_limits(hook, {P99}, experiment)
    emulator.clock.advance(timedelta(days=days))
    hook.describe_inference_experiment("x")
    assert pytest.approx(find_limits(hook, {P99}, experiment), rel=0.05) == first


@pytest.mark.parametrize("members", [{}, {"before": HOUR, "per_minute": 1}])
def test_a_day_without_requests_has_no_limit(shadowed, hook, members):
    """Of fewer than a hundred the 99th percentile is the largest."""
    shadowed(**members)
    experiment = hook.describe_inference_experiment("x")
    assert {} == find_limits(hook, {P99}, experiment)


def test_a_specification_without_such_a_criterion_needs_no_limit(shadowed, hook, emulator):
    """Then nothing is asked."""
    shadowed()
    experiment = hook.describe_inference_experiment("x")
    emulator.faults.add(kind="access-denied", operation="GetMetricData")
    assert {} == find_limits(hook, needed_limits(only("ModelLatency", "Average")), experiment)


def test_a_denied_limit_names_the_permission(shadowed, hook, emulator):
    """The verdict could not be read either."""
    shadowed()
    experiment = hook.describe_inference_experiment("x")
    emulator.faults.add(kind="access-denied", operation="GetMetricData")
    with pytest.raises(AwsAccessDeniedError, match="cloudwatch:GetMetricData"):
        find_limits(hook, needed_limits(AnalysisSpec()), experiment)


def test_slow_requests_are_counted_above_the_limit(shadowed):
    """As those above a limit that the specification gives in figures."""
    look = shadowed(candidate=Behaviour(latency_ms=80)).look
    spec = only("ModelLatency", "above:60ms", comparison="difference")
    own = only("ModelLatency", "above:p99", comparison="difference")
    fixed = look(spec).series["ModelLatency", "above:60ms"]
    assert fixed == look(own, limits={P99: 60_000.0}).series[TAIL]


def test_without_a_limit_slow_requests_are_not_asked_for(shadowed):
    """The judge says that there is none."""
    assert TAIL not in shadowed().look().series


# --- both variants, the whole window ------------------------------------------------------------


def test_percentiles_are_of_the_whole_window(shadowed, cloudwatch):
    """After the warm-up, whole minutes, production first."""
    test = shadowed(candidate=Behaviour(latency_ms=80))
    begin = (test.start + timedelta(minutes=6)).replace(second=0, microsecond=0)
    end = (test.start + HOUR).replace(second=0, microsecond=0)
    expected = tuple(
        {
            name: percentile(cloudwatch, name, start=begin, end=end, variant=variant)
            for name in ("p50", "p90", "p99")
        }
        for variant in ("AllTraffic", "Shadow")
    )
    assert {"ModelLatency": expected} == test.look().percentiles


def test_percentiles_of_a_long_window_are_those_of_its_last_day(shadowed, emulator, cloudwatch):
    """CloudWatch has no longer periods."""
    test = shadowed(per_minute=5)
    emulator.clock.advance(2 * DAY)
    end = (test.start + 2 * DAY).replace(second=0, microsecond=0)
    expected = percentile(cloudwatch, "p99", start=end - DAY, end=end)
    production, _ = test.look(end=test.start + 2 * DAY).percentiles["ModelLatency"]
    assert expected == production["p99"]


@pytest.mark.parametrize("days", [16, 70])
def test_old_percentiles_are_read_in_longer_periods(shadowed, emulator, days):
    """They say nearly what they said."""
    test = shadowed()
    emulator.clock.advance(10 * HOUR)
    first = test.look(end=test.start + 6 * HOUR).percentiles["ModelLatency"][0]
    emulator.clock.advance(timedelta(days=days))
    again = test.look(end=test.start + 6 * HOUR).percentiles["ModelLatency"][0]
    assert pytest.approx(again, rel=0.05) == first


def test_percentiles_that_cloudwatch_does_not_have_are_left_out(shadowed):
    """As those of the errors, and of a window without a request."""
    look = shadowed(per_minute=0).look
    errors = only("Invocation5XXErrors", "rate", comparison="difference")
    assert ({}, {}) == (look().percentiles, look(errors).percentiles)
