"""From CloudWatch to the judge."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest
from moto.cloudwatch.models import cloudwatch_backends

from airflow_shadow.analysis import (
    AnalysisSpec,
    Criterion,
    OutsideCriterion,
    OutsideResult,
    judge,
    text_table,
)
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.core import ACCOUNT, REGION
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    AwsUnavailableError,
    InvalidRequestError,
    MetricsUnreadableError,
)
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metrics import Query
from airflow_shadow.hooks.observations import FILLING, read_observations, readable_period
from airflow_shadow.hooks.sources import MetricSource, read_sources
from tests.helpers import until

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ERRORS = ("Invocation5XXErrors", "rate")
LATENCY = ("ModelLatency", "Average")
NO_RETRIES = {"retries": {"total_max_attempts": 1}}


@pytest.fixture
def hook(emulator):
    """Return a hook on the emulator whose botocore does not retry."""
    return InferenceExperimentHook(config=NO_RETRIES)


@pytest.fixture
def cloudwatch(emulator):
    """Return a plain client, for what somebody else does."""
    return boto3.client(
        "cloudwatch",
        endpoint_url=emulator.url,
        region_name=REGION,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
    )


@pytest.fixture
def shadowed(emulator, sagemaker, hook):
    """Run a shadow under traffic since `start`, and return how to look at it."""

    def run(*, candidate=None, sampling=100, per_minute=100):
        behaviour = candidate or Behaviour()
        fleet.create_model(sagemaker, name="v2", environment=environment(behaviour))
        fleet.create_endpoint(
            sagemaker,
            endpoint_name="churn",
            model_name="v1",
            traffic=Traffic(requests_per_minute=per_minute, daily_swing=0, late_seconds=0),
        )
        request = fleet.experiment_request(
            name="x",
            endpoint_name="churn",
            model_name="v1",
            shadow_model_name="v2",
            sampling_percentage=sampling,
        )
        sagemaker.create_inference_experiment(**request)
        until(sagemaker, "x", "Running")
        start = emulator.clock.now()
        emulator.clock.advance(2 * HOUR)

        def look(spec=None, **members):
            window = {"start": start, "end": start + HOUR, "scheduled": True}
            experiment = members.pop("experiment", None) or hook.describe_inference_experiment("x")
            return read_observations(
                hook, spec or AnalysisSpec(), experiment, **{**window, **members}
            )

        return SimpleNamespace(start=start, look=look)

    return run


def of(reading, key):
    """Return the baseline and the candidate of one metric and statistic."""
    pair = reading.observations.series[key]
    return pair.baseline, pair.candidate


def only(metric, statistic, **members):
    """Return a specification of one criterion."""
    criterion = Criterion(name="it", metric=metric, statistic=statistic, tolerance=0.1, **members)
    return AnalysisSpec(criteria=(criterion,), breakers=())


def sampled(sagemaker, percentage):
    """Change the experiment's sampling percentage, as a person does."""
    mode = fleet.shadow_mode(source="AllTraffic", shadow="Shadow", sampling_percentage=percentage)
    sagemaker.update_inference_experiment(Name="x", ShadowModeConfig=mode)
    until(sagemaker, "x", "Updating")
    until(sagemaker, "x", "Running")


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
    assert list(reading.observations.invocations.candidate.samples) == list(errors.samples)
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
    assert "80" in text_table(judge(reading.spec, reading.observations))


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
    given = look(sampling_percentage=10).observations
    assert (30, 10) == (look().observations.sampling_percentage, given.sampling_percentage)


def test_a_worse_candidate_is_judged_worse(shadowed):
    """From CloudWatch to the verdict."""
    reading = shadowed(candidate=Behaviour(error_rate=0.3)).look()
    assert "FAIL" == judge(reading.spec, reading.observations).outcome


def test_an_equal_candidate_keeps_its_traffic(shadowed):
    """A stage of an hour is an hour long, although its first and last minutes are not whole."""
    verdict = shadowed(per_minute=300).look()
    assert 3600 == verdict.observations.end - verdict.observations.start
    assert "PASS" == judge(verdict.spec, verdict.observations).traffic.outcome


# --- the window -----------------------------------------------------------------------------


def test_the_newest_minutes_are_left_out(shadowed, emulator):
    """They still fill."""
    look = shadowed().look
    now = emulator.clock.now()
    reading = look(end=now + DAY)
    newest = now - FILLING
    assert newest.timestamp() == pytest.approx(reading.observations.end, abs=30)
    assert max(of(reading, ERRORS)[0].times) + 60 <= reading.observations.end


def test_the_clock_is_awss(shadowed, emulator):
    """A hook that has not asked AWS yet asks it: the worker's clock is days behind here."""
    test = shadowed()
    emulator.clock.advance(3 * DAY)
    fresh = InferenceExperimentHook(config=NO_RETRIES)
    experiment = fresh.describe_inference_experiment("x")
    new = InferenceExperimentHook(config=NO_RETRIES)
    members = {"start": test.start, "end": test.start + HOUR, "scheduled": True}
    reading = read_observations(new, AnalysisSpec(), experiment, **members)
    assert 59 == len(of(reading, ERRORS)[0].times)


def test_a_window_in_the_future_is_empty(shadowed, emulator):
    """Nothing is asked, and nothing is what the judge gets."""
    look = shadowed().look
    start = emulator.clock.now() + HOUR
    emulator.faults.add(kind="access-denied", operation="GetMetricData")
    reading = look(start=start, end=start + HOUR)
    assert reading.observations.start == reading.observations.end
    assert "INCONCLUSIVE" == judge(reading.spec, reading.observations).outcome


def test_what_is_older_than_a_change_is_dropped(shadowed, emulator, sagemaker, hook):
    """Minutes of another sampling percentage are not pooled with those of today's."""
    test = shadowed(sampling=50)
    sampled(sagemaker, 100)
    changed = hook.describe_inference_experiment("x")["LastModifiedTime"]
    emulator.clock.advance(HOUR)
    reading = test.look(end=emulator.clock.now())
    assert datetime.fromisoformat(changed).timestamp() == reading.observations.start
    assert min(of(reading, ERRORS)[0].times) >= reading.observations.start


def test_who_changed_it_knows_since_when_the_sampling_holds(shadowed, emulator, sagemaker):
    """An update of the description leaves the evidence as it is."""
    test = shadowed()
    sagemaker.update_inference_experiment(Name="x", Description="new")
    until(sagemaker, "x", "Updating")
    until(sagemaker, "x", "Running")
    emulator.clock.advance(HOUR)
    reading = test.look(end=emulator.clock.now(), sampling_since=test.start)
    assert test.start.timestamp() == reading.observations.start


def test_a_stage_before_the_last_change_is_read_whole(shadowed, sagemaker):
    """A change after the window's end does not touch it."""
    test = shadowed(sampling=50)
    sampled(sagemaker, 100)
    reading = test.look(sampling_percentage=50)
    assert test.start.timestamp() == reading.observations.start


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
    assert period == reading.spec.period
    assert count <= len(times) <= count + 1
    assert {0} == {time % period for time in times}


# --- how it is asked ------------------------------------------------------------------------


def test_pages_are_put_together(shadowed, monkeypatch):
    """On all pages but the last, PartialData means that more comes."""
    look = shadowed().look
    whole = look()
    monkeypatch.setattr("airflow_shadow.emulator.metric_data._MOST_POINTS", 50)
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


@pytest.mark.parametrize("operation", ["GetMetricData", "DescribeAlarms"])
def test_a_denied_call_names_the_permission(shadowed, emulator, operation):
    """The identity needs CloudWatch too, not only SageMaker."""
    look = shadowed().look
    emulator.faults.add(kind="access-denied", operation=operation)
    spec = AnalysisSpec(outside=(OutsideCriterion(name="own", target="a"),))
    with pytest.raises(AwsAccessDeniedError, match=f"cloudwatch:{operation}"):
        look(spec)


def test_unavailable_cloudwatch_can_be_insisted_on(shadowed, emulator, hook):
    """An incomplete answer, then a throttled call, then the points."""
    look = shadowed().look
    emulator.faults.add(kind="metric-status", operation="GetMetricData", status="InternalError")
    emulator.faults.add(kind="throttle", operation="GetMetricData")
    with pytest.raises(AwsUnavailableError):
        look()
    reading = hook.insist(look, delay=0.01)
    assert 59 == len(of(reading, ERRORS)[0].times)


# --- metrics that are not SageMaker's -------------------------------------------------------


def test_custom_metrics_by_namespace_and_dimensions(shadowed, cloudwatch):
    """Both variants' names are put into the dimensions."""
    test = shadowed()
    for variant, value in (("AllTraffic", 2.0), ("Shadow", 3.0)):
        dimensions = [{"Name": "team", "Value": "churn"}, {"Name": "of", "Value": f"m-{variant}"}]
        datum = {"MetricName": "Score", "Dimensions": dimensions, "Value": value}
        stamp = test.start + timedelta(minutes=10)
        cloudwatch.put_metric_data(Namespace="Own", MetricData=[{**datum, "Timestamp": stamp}])
    dimensions = {"team": "{endpoint}", "of": "m-{variant}"}
    source = MetricSource(namespace="Own", name="Score", dimensions=dimensions)
    reading = test.look(only("score", "Average"), metrics={"score": source})
    both = of(reading, ("score", "Average"))
    assert [[2.0], [3.0]] == [list(one.values) for one in both]


def test_utilisation_has_a_namespace_of_its_own(shadowed):
    """SageMaker sends it for instances, not for requests."""
    baseline, _ = of(
        shadowed().look(only("CPUUtilization", "Average")), ("CPUUtilization", "Average")
    )
    assert 59 == len(baseline.times)


def test_unknown_metrics_are_refused(shadowed):
    """A mistyped name would have no data for ever, and its criterion no verdict."""
    look = shadowed().look
    with pytest.raises(InvalidRequestError, match=r"(?s)'ModelLatenzy'.*ModelLatency"):
        look(only("ModelLatenzy", "Average"))


def test_captured_data_is_not_asked_of_cloudwatch(shadowed):
    """Whoever reads it adds it to the observations."""
    spec = only("prediction_disagreement", "rate", comparison="absolute")
    assert {} == dict(shadowed().look(spec).observations.series)


def test_sources_are_read_from_plain_words():
    """As a Dag or a form gives them; without dimensions they are SageMaker's."""
    described = {"namespace": "Own", "name": "Score", "dimensions": {"of": "{variant}"}}
    usual = {"namespace": "Own", "name": "Other"}
    expected = {
        "score": MetricSource(namespace="Own", name="Score", dimensions={"of": "{variant}"}),
        "other": MetricSource(namespace="Own", name="Other"),
    }
    assert expected == read_sources({"score": described, "other": usual})


@pytest.mark.parametrize(
    ("described", "fault"),
    [
        ("Own", "score: 'Own' is not a mapping"),
        ({"name": "n"}, "score.namespace: None is not text"),
        (
            {"namespace": "Own", "name": "n", "dimensions": {"a": 1}},
            "score.dimensions: {'a': 1} is not a mapping of text to text",
        ),
        (
            {"namespace": "Own", "name": "n", "dimensions": "a=b"},
            "score.dimensions: 'a=b' is not a mapping of text to text",
        ),
        (
            {"namespace": "Own", "name": "n", "unit": "ms"},
            "score.unit: is not one of namespace, name, dimensions",
        ),
    ],
)
def test_sources_that_say_nothing_are_refused(described, fault):
    """Each fault with its path."""
    with pytest.raises(InvalidRequestError) as caught:
        read_sources({"score": described})
    assert fault == caught.value.found


def test_cloudwatch_is_asked_through_the_same_connection(emulator):
    """Region and botocore's settings are those of the hook for SageMaker."""
    hook = InferenceExperimentHook(region_name="eu-west-1", config={"read_timeout": 7})
    meta = hook.cloudwatch.conn.meta
    assert ("cloudwatch", "eu-west-1", 7) == (
        meta.service_model.service_name,
        meta.region_name,
        meta.config.read_timeout,
    )


# --- alarms ---------------------------------------------------------------------------------


@pytest.fixture
def alarms(cloudwatch):
    """Set up an alarm of each state, named by it, and a composite one that fires."""
    states = {state: state for state in ("OK", "ALARM", "INSUFFICIENT_DATA")}
    for name, state in {**states, "both": "ALARM"}.items():
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="m",
            Namespace="Own",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
    # Moto shows composite alarms, but has no operation that makes one.
    cloudwatch_backends[ACCOUNT][REGION].alarms["both"].rule = "ALARM(ALARM)"


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        ("OK", "PASS"),
        ("ALARM", "FAIL"),
        ("INSUFFICIENT_DATA", "INCONCLUSIVE"),
        ("both", "FAIL"),
    ],
)
def test_alarms_are_criteria(shadowed, alarms, target, outcome):
    """Metric alarms and composite ones, by name."""
    spec = AnalysisSpec(outside=(OutsideCriterion(name="own", target=target),))
    assert outcome == shadowed().look(spec).observations.outside["own"].outcome


def test_an_alarm_that_does_not_exist_is_an_error(hook, alarms):
    """It would be inconclusive for ever."""
    with pytest.raises(InvalidRequestError, match="no alarm named 'gone'"):
        hook.cloudwatch.alarm_states(["OK", "gone"])


def test_firing_alarms(hook, alarms):
    """Those that a promotion waits for."""
    names = ["OK", "ALARM", "INSUFFICIENT_DATA", "both"]
    assert ("ALARM", "both") == hook.cloudwatch.alarms_firing(names)


def test_more_alarms_than_one_call_takes(hook, alarms):
    """A hundred names a call."""
    names = [f"gone-{n}" for n in range(100)]
    with pytest.raises(InvalidRequestError, match="gone-0") as caught:
        hook.cloudwatch.alarm_states([*names, "OK"])
    assert "'OK'" not in caught.value.found


def test_custom_results_are_handed_through(shadowed):
    """The caller brings the outcome of what no metric shows."""
    result = OutsideResult(outcome="PASS", sentence="reviewed")
    spec = AnalysisSpec(outside=(OutsideCriterion(name="own", target="x", kind="custom"),))
    assert {"own": result} == shadowed().look(spec, outside={"own": result}).observations.outside
