"""Roll out the candidate of each date, also for dates in the past.

Backfill it, clear it or reprocess it: each run finds its own experiment again. A run that is
cleared after its experiment has ended creates a new one, unless the candidate or a later one serves
already: then it is skipped. Runs take turns on the endpoint, and a window in the past is moved to
now.

Nothing is judged before the promotion: to promote on evidence, put a `ShadowAnalysisSensor` before
`promote` and give it the verdict (`verdict=analysis.output`), or see rollout_on_evidence.py.
"""

from datetime import UTC, datetime, timedelta

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow import DAG

with DAG(
    "rollout_backfill",
    schedule="@weekly",
    start_date=datetime(2026, 3, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "deferrable": True,
        "depends_on_past": True,
    },
    doc_md=__doc__,
    tags=["sagemaker", "shadow test"],
) as dag:
    create = CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="churn",
        shadow_model_name="churn-{{ ds_nodash }}",
        sampling_percentage=100,
        start_time="{{ logical_date }}",
        duration="6h",
        shift_past_schedule=True,
    )
    promote = PromoteShadowVariantOperator(
        task_id="promote",
        name=create.output,
        creation_time="{{ ti.xcom_pull('create', key='experiment')['CreationTime'] }}",
    )
    remove = RemoveShadowVariantOperator(task_id="remove", name=create.output, missing_ok=True)

    create >> promote >> remove.as_teardown(setups=create)
