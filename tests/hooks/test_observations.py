"""From CloudWatch to the judge."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow.analysis import AnalysisSpec, judge, text_table
from airflow_shadow.emulator.behaviour import Behaviour
from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    AwsUnavailableError,
    MetricsUnreadableError,
)
from airflow_shadow.hooks.cloudwatch import Query
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.observations import FILLING, read_observations
from airflow_shadow.hooks.periods import readable_period
from tests.hooks.words import DAY, ERRORS, HOUR, LATENCY, NO_RETRIES, of, only, sampled

# --- what is read ---------------------------------------------------------------------------


def test_whole_minutes_inside_the_window(shadowed):
    """The first and the last minute that lie wholly in the window, and all between."""
    test = shadowed()
    baseline, _ = of(test.look(), ERRORS)
    begin = test.start.timestamp()
    first = -(-begin // 60) * 60
    assert [first + 60 * n for n in range(59)] == list(baseline.times)


def test_sample_count_is_n_and_sum_is_k(shadowed):
    """Each request sends 0 or 1, so the samples of errors are the requests."""
    reading = shadowed(candidate=Behaviour(error_rate=0.2)).look()
    _, errors = of(reading, ERRORS)
    assert list(reading.invocations.candidate.samples) == list(errors.samples)
    assert 0.2 == pytest.approx(sum(errors.values) / sum(errors.samples), rel=0.1)


def test_tails_are_counts_above_a_limit(shadowed):
    """Never means of percentiles: a twice as slow candidate has most requests above 60 ms."""
    spec = only("ModelLatency", "above:60ms", comparison="difference")
    reading = shadowed(candidate=Behaviour(latency_ms=100)).look(spec)
    shares = [
        sum(one.values) / sum(one.samples) for one in of(reading, ("ModelLatency", "above:60ms"))
    ]
    assert (True, True) == (shares[0] < 0.35, shares[1] > 0.8)


def test_latencies_stay_microseconds_and_are_told_in_milliseconds(shadowed):
    """The limits of a specification are microseconds too; people read milliseconds."""
    reading = shadowed(candidate=Behaviour(latency_ms=80, noise=0.01)).look()
    _, candidate = of(reading, LATENCY)
    assert 80_000 == pytest.approx(sum(candidate.values) / len(candidate.values), rel=0.02)
    assert "80" in text_table(judge(AnalysisSpec(), reading))


def test_absent_minutes_stay_absent(shadowed):
    """A minute without a request is no minute without errors."""
    baseline, candidate = of(shadowed(per_minute=1).look(), ERRORS)
    assert 0 < len(baseline.times) < 55
    assert min(baseline.samples) >= 1
    assert list(baseline.times) == list(candidate.times)


def test_below_full_sampling_each_variant_has_its_minutes(shadowed):
    """They are joined on time stamps by the judge, so neither is filled up or cut here."""
    baseline, candidate = of(shadowed(per_minute=4, sampling=10).look(), ERRORS)
    assert set(candidate.times) < set(baseline.times)


def test_the_sampling_percentage_is_the_experiments(shadowed):
    """What Describe shows, unless the caller knows better."""
    look = shadowed(sampling=30).look
    given = look(sampling_percentage=10)
    assert (30, 10) == (look().sampling_percentage, given.sampling_percentage)


def test_a_worse_candidate_is_judged_worse(shadowed):
    """From CloudWatch to the verdict."""
    reading = shadowed(candidate=Behaviour(error_rate=0.3)).look()
    assert "FAIL" == judge(AnalysisSpec(), reading).outcome


def test_an_equal_candidate_keeps_its_traffic(shadowed):
    """A stage of an hour is an hour long, although its first and last minutes are not whole."""
    reading = shadowed(per_minute=300).look()
    assert 3600 == reading.end - reading.start
    assert "PASS" == judge(AnalysisSpec(), reading).outcome


# --- the window -----------------------------------------------------------------------------


def test_the_newest_minutes_are_left_out(shadowed, emulator):
    """They still fill."""
    look = shadowed().look
    now = emulator.clock.now()
    reading = look(end=now + DAY)
    newest = now - FILLING
    assert pytest.approx(reading.end, abs=30) == newest.timestamp()
    assert max(of(reading, ERRORS)[0].times) + 60 <= reading.end


def test_the_clock_is_awss(shadowed, emulator):
    """A hook that has not asked AWS yet asks it: the worker's clock is days behind here."""
    test = shadowed()
    emulator.clock.advance(3 * DAY)
    fresh = InferenceExperimentHook(config=NO_RETRIES)
    experiment = fresh.describe_inference_experiment("x")
    new = InferenceExperimentHook(config=NO_RETRIES)
    members = {
        "start": test.start,
        "end": test.start + HOUR,
        "looks": [(test.start + HOUR).timestamp()],
    }
    reading = read_observations(new, AnalysisSpec(), experiment, **members)
    assert 59 == len(of(reading, ERRORS)[0].times)


def test_a_window_in_the_future_is_empty(shadowed, emulator):
    """Nothing is asked, and nothing is what the judge gets."""
    look = shadowed().look
    start = emulator.clock.now() + HOUR
    emulator.faults.add(kind="access-denied", operation="GetMetricData")
    reading = look(start=start, end=start + HOUR)
    assert reading.start == reading.end
    assert "INCONCLUSIVE" == judge(AnalysisSpec(), reading).outcome


def test_a_stage_before_the_last_change_is_read_whole(shadowed, sagemaker):
    """A change after the window's end does not touch it."""
    test = shadowed(sampling=50)
    sampled(sagemaker, 100)
    reading = test.look(sampling_percentage=50)
    assert test.start.timestamp() == reading.start


@pytest.mark.parametrize(
    ("period", "days", "readable"),
    [
        (60, 14, 60),
        (1, 1, 60),
        (90, 1, 120),
        (60, 15, 300),
        (420, 16, 600),
        (300, 62, 300),
        (60, 63, 3600),
        (300, 100, 3600),
    ],
)
def test_periods_that_cloudwatch_still_has(period, days, readable):
    """Minutes live 15 days, five minutes 63, an hour 455; an hour of margin."""
    assert readable == readable_period(period, age=timedelta(days=days))


@pytest.mark.parametrize(("days", "period", "count"), [(16, 300, 11), (70, 3600, 5)])
def test_old_windows_are_read_in_longer_periods(shadowed, emulator, days, period, count):
    """And the judge is told, because it counts periods."""
    test = shadowed()
    emulator.clock.advance(timedelta(days=days))
    hours = 1 if days < 63 else 6
    reading = test.look(end=test.start + hours * HOUR)
    times = of(reading, ERRORS)[0].times
    assert period == reading.period
    assert count <= len(times) <= count + 1
    assert {0} == {time % period for time in times}


# --- how it is asked ------------------------------------------------------------------------


def test_pages_are_put_together(shadowed, monkeypatch):
    """On all pages but the last, PartialData means that more comes."""
    look = shadowed().look
    whole = look()
    monkeypatch.setattr("airflow_shadow.emulator.cloudwatch.metric_data._MOST_POINTS", 50)
    assert list(of(whole, LATENCY)[0].values) == list(of(look(), LATENCY)[0].values)
    assert list(of(whole, LATENCY)[1].samples) == list(of(look(), LATENCY)[1].samples)


def test_five_hundred_queries_a_call(hook, emulator):
    """CloudWatch refuses more in one call."""
    queries = [
        Query(namespace="Team", name=f"m{n}", dimensions=(("a", "b"),), statistic="Sum")
        for n in range(501)
    ]
    now = emulator.clock.now().timestamp() // 60 * 60
    found = hook.cloudwatch.read_points(queries, start=now - 600, end=now, period=60)
    assert {query: {} for query in queries} == found


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("PartialData", MetricsUnreadableError),
        ("InternalError", MetricsUnreadableError),
        ("Forbidden", AwsAccessDeniedError),
    ],
)
def test_an_unreadable_metric_is_no_missing_data(shadowed, emulator, status, error):
    """One of many results is enough, and the message names its metric."""
    look = shadowed().look
    emulator.faults.add(kind="metric-status", operation="GetMetricData", status=status, query="q4")
    with pytest.raises(error, match=r"GetMetricData AWS/SageMaker Invocation.* VariantName="):
        look()


def test_a_denied_call_names_the_permission(shadowed, emulator):
    """The identity needs CloudWatch too, not only SageMaker."""
    look = shadowed().look
    emulator.faults.add(kind="access-denied", operation="GetMetricData")
    with pytest.raises(AwsAccessDeniedError, match="cloudwatch:GetMetricData"):
        look()


def test_unavailable_cloudwatch_can_be_insisted_on(shadowed, emulator, hook):
    """An incomplete answer, then a throttled call, then the points."""
    look = shadowed().look
    emulator.faults.add(kind="metric-status", operation="GetMetricData", status="InternalError")
    emulator.faults.add(kind="throttle", operation="GetMetricData")
    with pytest.raises(AwsUnavailableError):
        look()
    reading = hook.retry_call(look, delay=0.01)
    assert 59 == len(of(reading, ERRORS)[0].times)
