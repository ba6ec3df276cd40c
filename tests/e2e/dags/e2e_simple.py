"""Create, promote, and always remove: the rollout that most scenarios start from."""

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)

with DAG(
    "e2e_simple",
    schedule=None,
    params={
        "endpoint": Param("simple", type="string"),
        "model": Param("v2", type="string"),
        "region": Param("us-east-1", type="string"),
    },
    default_args={
        "region_name": "{{ params.region }}",
        "retries": 2,
        "retry_delay": timedelta(seconds=1),
        "deferrable": True,
    },
    max_active_runs=32,
) as dag:
    create = CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="{{ params.endpoint }}",
        shadow_model_name="{{ params.model }}",
        sampling_percentage=100,
        duration="2d",
    ).as_setup()
    promote = PromoteShadowVariantOperator(task_id="promote", name=create.output)
    remove = RemoveShadowVariantOperator(
        task_id="remove", name=create.output, missing_ok=True
    ).as_teardown()
    create >> promote >> remove
