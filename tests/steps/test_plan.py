"""What a rollout says, and refuses, before anything is created."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.operators.rollout import RolloutPlanOperator
from tests.helpers import created, fails

#: What a rollout of three stages asks of its plan.
PLAN = {
    "endpoint_name": "churn",
    "ramp": [10, 50, 100],
    "stage_duration": "2h",
    "max_stage_duration": "2h",
    "summary": "A shadow test.",
}


@pytest.fixture
def serving(emulator, sagemaker):
    """Let an endpoint serve for a day."""

    def run(per_minute: float, hours: float = 24.5) -> None:
        fleet.create_model(sagemaker, name="v1")
        traffic = Traffic(requests_per_minute=per_minute, daily_swing=0)
        fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="v1", traffic=traffic)
        emulator.clock.advance(timedelta(hours=hours))

    return run


def test_the_forecast_is_a_table_in_the_log_and_an_xcom(serving, tasks, log):
    """The forecast has the chance of each criterion and stage, the time and the cost."""
    serving(100)
    done = tasks.run(RolloutPlanOperator, **PLAN)
    assert log.containing("From the last 24 h of production:")
    assert log.containing("chance of a PASS at")
    assert log.containing("for 12 instance-hours of the shadow.")
    assert [10, 50, 100] == [
        one["sampling_percentage"] for one in done.ti.xcoms["forecast"]["stages"]
    ]
    assert done.ti.xcoms["forecast"]["chance"][1] > 0.9


def test_a_plan_that_cannot_pass_is_refused(serving, tasks, emulator):
    """Nothing is created, and the error says how long a stage would have to be."""
    serving(3)
    text = fails(AirflowFailException, tasks.run, RolloutPlanOperator, **PLAN)
    assert "server errors: 1,000 requests of each variant are needed" in text
    assert "would do" in text
    assert [] == created(emulator)


def test_a_longer_last_stage_is_no_reason_to_refuse(serving, tasks, log):
    """Its last planned look decides, not its first one."""
    serving(3)
    done = tasks.run(RolloutPlanOperator, **{**PLAN, "max_stage_duration": "6h"})
    assert [] == done.ti.xcoms["forecast"]["ruled_out"]


def test_a_person_may_promote_all_the_same(serving, tasks, log):
    """With an approval or in a dry run a plan that cannot pass is only a warning."""
    serving(3)
    tasks.run(RolloutPlanOperator, **PLAN, refuses=False)
    assert log.containing("The last stage cannot PASS: server errors: 1,000 requests")


def test_a_plan_that_hardly_passes_is_warned_about(serving, tasks, log):
    """A chance below `min_power` is a warning."""
    serving(3, hours=5)
    done = tasks.run(RolloutPlanOperator, **PLAN)
    assert log.containing("below min_power, 50 %: give longer stages")
    assert [] == done.ti.xcoms["forecast"]["ruled_out"]


def test_without_metrics_the_rollout_goes_on(churn, tasks, log):
    """A new endpoint has no metrics, so there is no forecast."""
    done = tasks.run(RolloutPlanOperator, **PLAN)
    assert log.containing("No forecast: CloudWatch has no requests of endpoint 'churn'")
    assert "forecast" not in done.ti.xcoms


def test_without_the_permission_the_rollout_goes_on(serving, tasks, log, emulator):
    """Without permission to read metrics there is no forecast."""
    serving(100, hours=1)
    emulator.faults.add(kind="access-denied", operation="GetMetricData")
    tasks.run(RolloutPlanOperator, **PLAN)
    assert log.containing("No forecast:")
    assert log.containing("cloudwatch:GetMetricData")


def test_without_the_endpoint_the_creation_will_tell(tasks, log):
    """A missing endpoint is an error of the creation, not of the plan."""
    tasks.run(RolloutPlanOperator, **PLAN)
    assert log.containing("No forecast:")
