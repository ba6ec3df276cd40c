"""Promote the candidate of the night if it answers like production, and remove it if not.

The callers of the endpoint give an InferenceId, so that the two answers to a request are found. The
experiment captures both, and each stage is judged on latency and errors while it runs, and on the
answers once its files are there. Nobody has to say what promotes: a verdict that compared the
answers does.

At most 2 % of the answers may differ. That fits a candidate that should answer as before; one that
should answer better needs labels instead, or an improvement to show (docs/answers.md).

The bucket `captures` must exist, and the workers need the extra:
`pip install 'airflow-shadow[answers]'`.
"""

import logging
from datetime import UTC, datetime, timedelta

from airflow_shadow.rollout import shadow_rollout

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task

log = logging.getLogger(__name__)

SPEC = {
    "answers": {"churn": {"answer": "$.predictions[*].score", "kind": "score", "within": 0.05}},
    # They replace the default criteria, so those on latency and errors are here, too.
    "criteria": [
        {
            "name": "server errors",
            "metric": "Invocation5XXErrors",
            "comparison": "difference",
            "tolerance": 0.005,
        },
        {
            "name": "model errors",
            "metric": "InvocationModelErrors",
            "comparison": "difference",
            "tolerance": 0.005,
        },
        {
            "name": "mean latency",
            "metric": "ModelLatency",
            "statistic": "Average",
            "tolerance": 0.10,
        },
        {
            "name": "answers differ",
            "metric": "answers.churn.disagreement",
            "comparison": "absolute",
            "tolerance": 0.02,
        },
        {
            "name": "broken answers",
            "metric": "answers.churn.broken",
            "comparison": "difference",
            "tolerance": 0.005,
        },
    ],
}

with DAG(
    "rollout_on_answers",
    schedule="@daily",
    start_date=datetime(2026, 3, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "deferrable": True},
    doc_md=__doc__,
    tags=["sagemaker", "shadow test"],
) as dag:
    rollout = shadow_rollout(
        "rollout",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="churn",
        shadow_model_name="churn-{{ ds_nodash }}",
        ramp=[10, 100],
        stage_duration="2h",
        spec=SPEC,
        capture="s3://captures/churn",
        report="answers/{{ ds }}.html",
    )

    @task
    def notify(verdict: dict) -> None:
        """Tell people; a task of your own goes here."""
        log.info("%s: %s", "promoted" if verdict["promoted"] else "not promoted", verdict["reason"])

    rollout >> notify(rollout.get_child_by_label("result").output)
