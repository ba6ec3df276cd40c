"""A Dag of Airflow around one rollout, in stages of forty minutes at AWS."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_shadow.rollout import shadow_rollout

# Days at AWS are minutes here: without them a busy machine would promote after the planned end.
PATIENT = {"approval": "inconclusive", "approval_timeout": timedelta(days=3)}


def rollout(name: str, told: Callable[[dict], list], **arguments: Any) -> DAG:
    """Return a Dag that ends in a task of its own.

    told: what that task returns of the verdict.
    """
    with DAG(
        name,
        schedule=None,
        params={
            "endpoint": Param("judged", type="string"),
            "model": Param("good", type="string"),
            "bucket": Param("captures", type="string"),
            "region": Param("us-east-1", type="string"),
        },
        default_args={
            "region_name": "{{ params.region }}",
            "retries": 3,
            "retry_delay": timedelta(seconds=1),
            "deferrable": True,
        },
        max_active_runs=32,
    ) as dag:
        group = shadow_rollout(
            "rollout",
            role_arn="arn:aws:iam::123456789012:role/shadow-tests",
            endpoint_name="{{ params.endpoint }}",
            shadow_model_name="{{ params.model }}",
            stage_duration="40m",
            **arguments,
        )

        @task
        def notify(verdict: dict) -> list:
            """Tell what came of it."""
            return told(verdict)

        group >> notify(group.get_child_by_label("result").output)
    return dag
