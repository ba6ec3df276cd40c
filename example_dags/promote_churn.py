"""The README's Dag: test the candidate of the night, and promote it if the evidence allows it."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from airflow_shadow.rollout import shadow_rollout

with DAG(
    "promote_churn",
    schedule="@daily",
    start_date=datetime(2026, 3, 1, tzinfo=UTC),
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "deferrable": True},
) as dag:
    shadow_rollout(
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="churn",
        shadow_model_name="churn-{{ ds_nodash }}",
        promote_on="operational",
    )
