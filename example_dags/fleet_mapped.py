"""Test one release on many endpoints in several regions at once: a mapped task group.

Each endpoint has its own experiment and its own verdict. After two hours on all requests, or up to
six if two decide nothing, a candidate that passes is promoted. On every other endpoint `promote` is
skipped with the verdict's reason and `remove` removes the shadow; other endpoints are not affected.

`promote` reads the verdict itself (`verdict=`) and needs no branch before it: Airflow 3.2 and 3.3
forget what a branch skips inside a mapped task group.
"""

from datetime import UTC, datetime, timedelta

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)
from airflow_shadow.sensors import ShadowAnalysisSensor

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
            sampling_percentage=100,
            duration="1d",
        )
        analysis = ShadowAnalysisSensor(
            task_id="analysis",
            region_name=region,
            name=create.output,
            since=create.output["since"],
            duration="2h",
            max_duration="6h",
        )
        promote = PromoteShadowVariantOperator(
            task_id="promote",
            region_name=region,
            name=create.output,
            verdict=analysis.output,
            promote_on="operational",
        )
        remove = RemoveShadowVariantOperator(
            task_id="remove", region_name=region, name=create.output, missing_ok=True
        )
        create >> analysis >> promote >> remove.as_teardown(setups=create)

    rollout.expand_kwargs(FLEET)
