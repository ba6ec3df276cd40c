"""From CloudWatch to the forecast: what production showed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow.analysis import AnalysisSpec, Criterion
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    EndpointNotFoundError,
    InvalidRequestError,
)
from airflow_shadow.hooks.history import read_history
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook

ERRORS, LATENCY = ("Invocation5XXErrors", "rate"), ("ModelLatency", "Average")
SPEC = AnalysisSpec()


@pytest.fixture
def hook(emulator):
    """Return a hook on the emulator."""
    return InferenceExperimentHook()


@pytest.fixture
def serving(emulator, sagemaker):
    """Let an endpoint serve for some hours."""

    def run(hours: float, **traffic) -> None:
        behaviour = Behaviour(error_rate=0.02, latency_ms=40)
        fleet.create_model(sagemaker, name="v1", environment=environment(behaviour))
        fleet.create_endpoint(
            sagemaker,
            endpoint_name="churn",
            model_name="v1",
            traffic=Traffic(**{"requests_per_minute": 20, "daily_swing": 0, **traffic}),
        )
        emulator.clock.advance(timedelta(hours=hours))

    return run


def test_production_is_read_minute_by_minute(serving, hook):
    """Requests, errors and mean latency, in the units and counts that the judge takes."""
    serving(5)
    known = read_history(hook, SPEC, "churn")
    assert [60, 2] == [known.period, known.instances]
    assert 4.5 * 3600 <= known.seconds <= 5 * 3600
    requests, errors = known.requests, known.series[ERRORS]
    assert sum(requests.samples) == sum(errors.samples) == sum(known.series[LATENCY].samples)
    assert 0.01 < sum(errors.values) / sum(errors.samples) < 0.03
    assert all(20_000 < value < 80_000 for value in known.series[LATENCY].values)


def test_silent_minutes_are_missing(serving, hook):
    """No request is no point, not a zero."""
    serving(5, requests_per_minute=0.5)
    known = read_history(hook, SPEC, "churn")
    assert len(known.requests.times) < known.seconds / 60
    assert min(known.requests.samples) >= 1


def test_an_endpoint_without_traffic_has_no_history(emulator, sagemaker, hook):
    """There is nothing, and that is no error."""
    fleet.create_model(sagemaker, name="v1")
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="v1")
    assert 0 == len(read_history(hook, SPEC, "churn").requests.times)


def test_an_endpoint_that_is_missing_is_named(hook):
    """Its name may be mistyped."""
    with pytest.raises(EndpointNotFoundError, match="no endpoint named 'chum'"):
        read_history(hook, SPEC, "chum")


def test_an_unknown_metric_is_refused(serving, hook):
    """It would have no data for ever."""
    spec = AnalysisSpec(
        criteria=(Criterion(name="x", metric="Sped", statistic="Average", tolerance=0.1),)
    )
    with pytest.raises(InvalidRequestError, match="Sped"):
        read_history(hook, spec, "churn")


def test_a_period_of_ones_own_is_kept(serving, hook):
    """A specification in five minutes is foretold in five minutes."""
    serving(3)
    known = read_history(hook, AnalysisSpec(period=300), "churn")
    assert 300 == known.period
    assert 30 <= len(known.requests.times) <= 36


def test_a_missing_permission_is_named(serving, hook, emulator):
    """The caller decides what it means."""
    serving(1)
    emulator.faults.add(kind="access-denied", operation="GetMetricData")
    with pytest.raises(AwsAccessDeniedError, match="GetMetricData"):
        read_history(hook, SPEC, "churn")
