"""Mapped rollouts: one over many endpoints, and many over one endpoint."""

from datetime import timedelta

from airflow.sdk import DAG, Param, task, task_group

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
)

SHARED = {
    "region_name": "{{ params.region }}",
    "retries": 3,
    "retry_delay": timedelta(seconds=1),
    "deferrable": True,
}
REGION = {"region": Param("us-east-1", type="string")}
CREATION = {
    "role_arn": "arn:aws:iam::123456789012:role/shadow-tests",
    "sampling_percentage": 100,
    "duration": "2d",
}


@task
def listed(what, params=None):
    """Return a list that the run was given."""
    return params[what]


with DAG(
    "e2e_mapped_endpoints",
    schedule=None,
    params={
        "endpoints": Param(["mapped"], type="array"),
        "model": Param("v2", type="string"),
        **REGION,
    },
    default_args=SHARED,
):
    CreateInferenceExperimentOperator.partial(
        task_id="create", shadow_model_name="{{ params.model }}", **CREATION
    ).expand(endpoint_name=listed("endpoints"))

with DAG(
    "e2e_mapped_models",
    schedule=None,
    params={
        "endpoint": Param("mapped", type="string"),
        "models": Param(["v2"], type="array"),
        **REGION,
    },
    default_args=SHARED,
):

    @task_group
    def rollout(model):
        """Test one candidate and promote it."""
        create = CreateInferenceExperimentOperator(
            task_id="create",
            endpoint_name="{{ params.endpoint }}",
            shadow_model_name=model,
            **CREATION,
        )
        PromoteShadowVariantOperator(task_id="promote", name=create.output)

    rollout.expand(model=listed("models"))
