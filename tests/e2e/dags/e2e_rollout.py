"""Rollouts on evidence, in two stages of forty minutes at AWS."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task
from judged_spec import SPEC

from airflow_shadow.rollout import shadow_rollout


def rollout(name: str, **arguments: Any) -> DAG:
    """Return a Dag that ends in a task of its own."""
    with DAG(
        name,
        schedule=None,
        params={
            "endpoint": Param("judged", type="string"),
            "model": Param("good", type="string"),
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
            ramp=(50, 100),
            stage_duration="40m",
            spec={**SPEC, **arguments.pop("spec", {})},
            promote_on="operational",
            **arguments,
        )

        @task
        def notify(verdict: dict) -> list:
            """Tell what came of it."""
            return [verdict["outcome"], verdict["promoted"]]

        group >> notify(group.get_child_by_label("result").output)
    return dag


# Days at AWS are minutes here: without them a busy machine would promote after the planned end.
PATIENT = {"approval": "inconclusive", "approval_timeout": timedelta(days=3)}
plain = rollout("e2e_rollout", **PATIENT)
alone = rollout("e2e_rollout_alone")
# So few minutes never suffice, so that a person is asked.
doubts = {"spec": {"min_periods": 600}, "approval": "inconclusive"}
asks = rollout("e2e_rollout_asks", **{**doubts, **PATIENT})
silence = rollout("e2e_rollout_silence", **doubts, approval_timeout=timedelta(seconds=10))
