"""Long periods: where they begin, and that their statistics are those of all requests."""

from datetime import timedelta
from statistics import fmean

import pytest

from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.fleet import create_endpoint, create_model
from airflow_shadow.emulator.traffic import Traffic
from tests.metrics import Metrics, metric, query

WEEK = Traffic(requests_per_minute=60, daily_swing=0.5, late_seconds=0, hours_before=7 * 24)
LONG = pytest.mark.parametrize("minutes", [115, 1440], ids=["115 minutes", "24 hours"])
LATENCIES = pytest.mark.parametrize("name", ["ModelLatency", "OverheadLatency"])


@pytest.fixture
def metrics(emulator, client, connect):
    """Return the metrics of a noisy endpoint after a week, 17 seconds past a minute."""
    create_model(client, name="m1", environment=environment(Behaviour(noise=0.5)))
    moment = emulator.clock.now()
    emulator.clock.advance(77 - moment.second - moment.microsecond / 1e6)
    create_endpoint(client, endpoint_name="ep", model_name="m1", traffic=WEEK)
    return Metrics(connect("cloudwatch"), emulator)


def window(metrics, minutes, ago=60):
    """Return a window that ended some minutes ago, and where its first minute begins."""
    end = metrics.clock.now() - timedelta(minutes=ago)
    start = end - timedelta(minutes=minutes)
    return {"StartTime": start, "EndTime": end}, start.replace(second=0, microsecond=0)


def points(metrics, name, stat, period, span):
    """Return values by time."""
    asked = query(name, "AllTraffic", stat, period=period)
    [result] = metrics.data(asked, **span)["MetricDataResults"]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))


@LONG
def test_a_long_period_begins_with_the_minute_of_the_start(metrics, minutes):
    """It has exactly the minutes since StartTime, at any hour of the day."""
    span, begin = window(metrics, minutes)
    whole = {"StartTime": begin, "EndTime": begin + timedelta(minutes=minutes)}
    counts = points(metrics, "ModelLatency", "SampleCount", 60, whole)
    found = points(metrics, "ModelLatency", "SampleCount", minutes * 60, whole)
    assert {begin: sum(counts.values())} == found
    assert [begin, begin + timedelta(minutes=minutes)] == [
        *points(metrics, "ModelLatency", "SampleCount", minutes * 60, span)
    ]


@LONG
def test_both_operations_cut_long_periods_alike(metrics, minutes):
    """GetMetricStatistics returns the same as GetMetricData."""
    span, _ = window(metrics, 2 * minutes)
    answer = metrics.client.get_metric_statistics(
        **metric("ModelLatency", "AllTraffic"),
        **span,
        Period=minutes * 60,
        ExtendedStatistics=["p99"],
    )
    found = {one["Timestamp"]: one["ExtendedStatistics"]["p99"] for one in answer["Datapoints"]}
    assert points(metrics, "ModelLatency", "p99", minutes * 60, span) == found


def test_the_last_long_period_may_be_a_part(metrics):
    """Minutes after EndTime are not part of the last period."""
    span, begin = window(metrics, 240)
    span["EndTime"] = begin + timedelta(minutes=240)
    counts = points(metrics, "Invocations", "Sum", 6900, span)
    times = [begin + timedelta(minutes=115 * number) for number in range(3)]
    [*_, rest] = counts.values()
    assert times == [*counts]
    assert rest == sum(
        points(metrics, "Invocations", "Sum", 60, span | {"StartTime": times[-1]}).values()
    )


@LONG
@LATENCIES
@pytest.mark.parametrize("share", [50, 90, 99])
def test_a_percentile_of_a_long_period_is_one_of_all_its_requests(metrics, name, minutes, share):
    """The percentile's share of the requests of all minutes lies below it."""
    span, begin = window(metrics, minutes)
    span = {"StartTime": begin, "EndTime": begin + timedelta(minutes=minutes)}
    [value] = points(metrics, name, f"p{share}", minutes * 60, span).values()
    below = points(metrics, name, f"TC(:{value:.9f})", 60, span)
    count = points(metrics, name, "SampleCount", 60, span)
    assert pytest.approx(share / 100, abs=1e-6) == sum(below.values()) / sum(count.values())


def test_a_percentile_of_a_long_period_is_no_mean_of_percentiles(metrics):
    """If minutes differ, the high percentiles are those of the slow minutes."""
    span, _ = window(metrics, 1440)
    minutes = points(metrics, "ModelLatency", "p99", 60, span).values()
    [whole] = list(points(metrics, "ModelLatency", "p99", 86_400, span).values())[:1]
    assert whole > 1.3 * fmean(minutes)


@LONG
@pytest.mark.parametrize("bounds", ["100000:", ":100000", "50000:100000"])
def test_counts_of_a_long_period_are_the_sum_of_its_minutes(metrics, minutes, bounds):
    """TC of a period is the sum of the minutes' TC."""
    span, begin = window(metrics, minutes)
    span = {"StartTime": begin, "EndTime": begin + timedelta(minutes=minutes)}
    [whole] = points(metrics, "ModelLatency", f"TC({bounds})", minutes * 60, span).values()
    parts = points(metrics, "ModelLatency", f"TC({bounds})", 60, span).values()
    assert pytest.approx(sum(parts)) == whole


@pytest.mark.parametrize(("days", "grain"), [(1, 1), (20, 5), (70, 60)])
def test_old_long_periods_begin_on_what_is_kept(client, emulator, connect, days, grain):
    """Starts older than 15 days are rounded down to five minutes, older than 63 to the hour."""
    old = Traffic(requests_per_minute=5, late_seconds=0, hours_before=24 * 80)
    create_endpoint(client, endpoint_name="ep", model_name="m1", traffic=old)
    metrics = Metrics(connect("cloudwatch"), emulator)
    span, begin = window(metrics, 1440, ago=days * 1440)
    [first, *_] = points(metrics, "Invocations", "Sum", 86_400, span)
    assert begin.replace(minute=begin.minute // grain * grain) == first
