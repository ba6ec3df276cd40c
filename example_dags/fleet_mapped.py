"""Test one release on many endpoints in several regions at once: a mapped task group.

Each endpoint has its own experiment; one that fails removes its own shadow and leaves the others
alone.

Nothing is judged before the promotion: to promote on evidence, put a `ShadowAnalysisSensor` before
`promote` and give it the verdict (`verdict=analysis.output`), or see rollout_on_evidence.py.
"""

from datetime import UTC, datetime, timedelta

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    UpdateInferenceExperimentOperator,
)

try:
    from airflow.sdk import DAG, task_group
except ImportError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task_group

FLEET = [
    {"endpoint": "churn", "candidate": "churn-v2", "region": "us-east-1"},
    {"endpoint": "fraud", "candidate": "fraud-v7", "region": "us-east-1"},
    {"endpoint": "churn", "candidate": "churn-v2", "region": "eu-west-1"},
]

with DAG(
    "fleet_mapped",
    schedule=None,
    start_date=datetime(2026, 3, 1, tzinfo=UTC),
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "deferrable": True},
    doc_md=__doc__,
    tags=["sagemaker", "shadow test"],
) as dag:

    @task_group
    def rollout(endpoint: str, candidate: str, region: str) -> None:
        """Test and promote one candidate on one endpoint."""
        create = CreateInferenceExperimentOperator(
            task_id="create",
            role_arn="arn:aws:iam::123456789012:role/shadow-tests",
            region_name=region,
            endpoint_name=endpoint,
            shadow_model_name=candidate,
            sampling_percentage=10,
            duration="6h",
        )
        full = UpdateInferenceExperimentOperator(
            task_id="full", region_name=region, name=create.output, sampling_percentage=100
        )
        promote = PromoteShadowVariantOperator(
            task_id="promote", region_name=region, name=create.output
        )
        remove = RemoveShadowVariantOperator(
            task_id="remove", region_name=region, name=create.output, missing_ok=True
        )
        create >> full >> promote >> remove.as_teardown(setups=create)

    rollout.expand_kwargs(FLEET)
