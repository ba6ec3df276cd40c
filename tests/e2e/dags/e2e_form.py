"""A form that a person fills in: Airflow checks some of it, the package the rest."""

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_shadow.operators import CreateInferenceExperimentOperator

with DAG(
    "e2e_form",
    schedule=None,
    params={
        "endpoint": Param(type="string", minLength=1, title="Endpoint"),
        "model": Param(type="string", pattern="^[a-zA-Z0-9-]+$", title="Candidate"),
        "sampling": Param("100", type="string", title="Sampling percentage"),
        "duration": Param("2d", type="string", title="Duration"),
        "region": Param("us-east-1", type="string", title="Region"),
    },
    max_active_runs=32,
) as dag:
    CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="{{ params.endpoint }}",
        shadow_model_name="{{ params.model }}",
        sampling_percentage="{{ params.sampling }}",
        duration="{{ params.duration }}",
        region_name="{{ params.region }}",
        retries=2,
        retry_delay=timedelta(seconds=1),
        deferrable=True,
    )
