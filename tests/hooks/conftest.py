"""A hook on the emulator, and a shadow under traffic to look at."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from airflow_shadow.analysis import AnalysisSpec
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.observations import read_observations
from tests.conftest import client_of
from tests.helpers import until
from tests.hooks.words import HOUR, NO_RETRIES


@pytest.fixture
def hook(emulator):
    """Return a hook on the emulator whose botocore does not retry."""
    return InferenceExperimentHook(config=NO_RETRIES)


@pytest.fixture
def cloudwatch(emulator):
    """Return a plain client, for what somebody else does."""
    return client_of(emulator, "cloudwatch")


@pytest.fixture
def shadowed(emulator, sagemaker, hook):
    """Run a shadow under traffic since `start`, and return how to look at it."""

    def run(*, candidate=None, sampling=100, per_minute=100, before=timedelta(0)):
        behaviour = candidate or Behaviour()
        fleet.create_model(sagemaker, name="v2", environment=environment(behaviour))
        fleet.create_endpoint(
            sagemaker,
            endpoint_name="churn",
            model_name="v1",
            traffic=Traffic(requests_per_minute=per_minute, daily_swing=0, late_seconds=0),
        )
        emulator.clock.advance(before)
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
            end = members.get("end", start + HOUR)
            window = {"start": start, "end": end, "looks": [end.timestamp()]}
            experiment = members.pop("experiment", None) or hook.describe_inference_experiment("x")
            return read_observations(
                hook, spec or AnalysisSpec(), experiment, **{**window, **members}
            )

        return SimpleNamespace(start=start, look=look)

    return run
