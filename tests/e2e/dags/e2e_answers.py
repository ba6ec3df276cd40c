"""Rollouts on what both variants answer, in stages of forty minutes at AWS."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task
from judged_spec import SPEC

from airflow_shadow.rollout import shadow_rollout

#: Answers differ in no request or in nearly a third, so that no verdict is left to chance.
ANSWERS = {
    **SPEC,
    "answers": {"churn": {"answer": "$.predictions[*].score", "kind": "score", "within": 0.05}},
    "criteria": [
        *SPEC["criteria"],
        {
            "name": "answers agree",
            "metric": "answers.churn.disagreement",
            "comparison": "absolute",
            "tolerance": 0.02,
        },
    ],
}


def rollout(name: str, **arguments: Any) -> DAG:
    """Return a Dag that ends in a task of its own."""
    with DAG(
        name,
        schedule=None,
        params={
            "endpoint": Param("answers", type="string"),
            "model": Param("v2", type="string"),
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
            spec=ANSWERS,
            capture="s3://{{ params.bucket }}/answers",
            **arguments,
        )

        @task
        def notify(verdict: dict) -> list:
            """Tell what came of it, and of each criterion."""
            findings = {one["name"]: one["outcome"] for one in verdict["findings"]}
            return [verdict["outcome"], verdict["promoted"], findings]

        group >> notify(group.get_child_by_label("result").output)
    return dag


# Days at AWS are minutes here: without them a busy machine would promote after the planned end.
PATIENT = {"approval": "inconclusive", "approval_timeout": timedelta(days=3)}
ramped = rollout("e2e_answers", ramp=(50, 100), **PATIENT)
# Nobody is asked about a verdict that is open, so that the candidate is removed.
alone = rollout("e2e_answers_alone", ramp=100)
