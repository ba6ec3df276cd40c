"""Promote the candidate of the night if the evidence allows it, and remove it if not.

Every night a new model `churn-YYYYMMDD` is expected. It gets a copy of 10 % of the endpoint's
requests, then 50 %, then all of them, two hours each, or up to six for the last stage if two do not
suffice. A candidate that fails a stage is removed at once. It is promoted on latency and errors
alone, because nothing here compares its answers: `promote_on="operational"` says so, and
rollout_on_answers.py compares them.

A report is written for each night that ends with a verdict, below
`[airflow_shadow] reports_folder`.
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

with DAG(
    "rollout_on_evidence",
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
        ramp=[10, 50, 100],
        stage_duration="2h",
        promote_on="operational",
        report="evidence/{{ ds }}.html",
    )

    @task
    def notify(verdict: dict) -> None:
        """Tell people; a task of your own goes here."""
        log.info("%s: %s", "promoted" if verdict["promoted"] else "not promoted", verdict["reason"])

    rollout >> notify(rollout.get_child_by_label("result").output)
