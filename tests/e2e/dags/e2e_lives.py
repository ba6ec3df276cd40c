"""Rollouts that differ in how a creation is retried, waits, times out and is killed."""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)

PARAMS = {
    "endpoint": Param("lives", type="string"),
    "model": Param("v2", type="string"),
    "duration": Param("2d", type="string"),
    "region": Param("us-east-1", type="string"),
}
SHARED = {"region_name": "{{ params.region }}"}
SOON, LATE = timedelta(seconds=1), timedelta(hours=1)


def creation(**more: Any) -> CreateInferenceExperimentOperator:
    """Return the task that all Dags of this file begin with."""
    given = {"retries": 2, "retry_delay": SOON, "deferrable": True, **more}
    return CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="{{ params.endpoint }}",
        shadow_model_name="{{ params.model }}",
        sampling_percentage=100,
        duration="{{ params.duration }}",
        **given,
    )


# A creation alone, and a task that has nothing to do with it.
ALONE: dict[str, dict[str, Any]] = {
    "e2e_create": {},
    "e2e_create_patient": {"deferrable": False},
    "e2e_kill_leave": {"on_kill_action": "leave"},
    "e2e_kill_stop": {"on_kill_action": "stop"},
    "e2e_retry_late": {"retry_delay": LATE, "deferrable": False},
    "e2e_one_look": {"waiter_max_attempts": 1},
    "e2e_one_look_late": {"waiter_max_attempts": 1, "retry_delay": LATE},
    "e2e_execution_timeout": {
        "deferrable": False,
        "execution_timeout": timedelta(seconds=15),
        "on_kill_action": "stop",
    },
}
for dag_id, given in ALONE.items():
    with DAG(dag_id, schedule=None, params=PARAMS, default_args=SHARED, max_active_runs=32):
        creation(**given)
        EmptyOperator(task_id="unrelated")

# Neither setup nor teardown: whoever clears one task clears no other.
with DAG("e2e_once", schedule=None, params=PARAMS, default_args=SHARED, max_active_runs=32):
    once = creation()
    once >> PromoteShadowVariantOperator(
        task_id="promote", name=once.output, retries=2, retry_delay=SOON, deferrable=True
    )

with DAG(
    "e2e_run_timeout",
    schedule=None,
    params=PARAMS,
    default_args=SHARED,
    max_active_runs=32,
    dagrun_timeout=timedelta(seconds=25),
):
    timed = creation(on_kill_action="stop").as_setup()
    removed = RemoveShadowVariantOperator(task_id="remove", name=timed.output, missing_ok=True)
    timed >> removed.as_teardown()
