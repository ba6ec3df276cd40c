"""Test the candidate of the night on live traffic and promote it.

Every night a new model `churn-YYYYMMDD` is expected. It gets a copy of 10 % of the endpoint's
requests, then 50 %, then all of them; then it replaces production. If anything fails on the way,
the shadow is removed and production stays as it is.

Nothing is judged on the way: to promote on evidence, put a `ShadowAnalysisSensor` before
`promote` and give it the verdict (`verdict=analysis.output`), or see rollout_on_evidence.py.
"""

from datetime import UTC, datetime, timedelta

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    UpdateInferenceExperimentOperator,
)
from airflow_shadow.sensors import InferenceExperimentSensor

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow import DAG

with DAG(
    "promote_nightly",
    schedule="@daily",
    start_date=datetime(2026, 3, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "deferrable": True},
    doc_md=__doc__,
    tags=["sagemaker", "shadow test"],
) as dag:
    create = CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="churn",
        shadow_model_name="churn-{{ ds_nodash }}",
        sampling_percentage=10,
        duration="12h",
        description="Candidate of {{ ds }}",
        tags={"team": "retention"},
    )
    half = UpdateInferenceExperimentOperator(
        task_id="half", name=create.output, sampling_percentage=50
    )
    full = UpdateInferenceExperimentOperator(
        task_id="full", name=create.output, sampling_percentage=100
    )
    promote = PromoteShadowVariantOperator(
        task_id="promote",
        name=create.output,
        creation_time="{{ ti.xcom_pull('create', key='experiment')['CreationTime'] }}",
        reason="All steps succeeded on {{ ds }}.",
    )
    confirm = InferenceExperimentSensor(
        task_id="confirm", name=create.output, target_statuses="Completed"
    )
    remove = RemoveShadowVariantOperator(task_id="remove", name=create.output, missing_ok=True)

    create >> half >> full >> promote >> confirm >> remove.as_teardown(setups=create)
