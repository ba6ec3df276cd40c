"""A shadow test of `v2` against `v1` on the endpoint `churn`, under traffic."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow_shadow.emulator import Emulator, fleet
from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.traffic import Traffic
from tests.helpers import until

NAME = "theirs"


def begin_shadow(sagemaker: Any, *, sampling: int = 100, **members: Any) -> None:
    """Begin the experiment, and wait until it runs.

    :param members: more of the request of CreateInferenceExperiment
    """
    request = fleet.experiment_request(
        name=NAME,
        endpoint_name="churn",
        model_name="v1",
        shadow_model_name="v2",
        sampling_percentage=sampling,
    )
    sagemaker.create_inference_experiment(**request, **members)
    until(sagemaker, NAME, "Running")


def run_shadow(
    emulator: Emulator,
    sagemaker: Any,
    candidate: Behaviour | None = None,
    *,
    sampling: int = 100,
    before: timedelta = timedelta(),
    per_minute: float = 200,
    late_seconds: float = 0,
    **members: Any,
) -> datetime:
    """Run the experiment, and let the clock stand still; return since when.

    :param candidate: how `v2` behaves, like production unless given
    :param before: how long production has served by then
    """
    fleet.create_model(sagemaker, name="v2", environment=environment(candidate or Behaviour()))
    traffic = Traffic(requests_per_minute=per_minute, daily_swing=0, late_seconds=late_seconds)
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="v1", traffic=traffic)
    emulator.clock.advance(before)
    begin_shadow(sagemaker, sampling=sampling, **members)
    emulator.clock.speed = 0
    return emulator.clock.now()
