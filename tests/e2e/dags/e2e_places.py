"""One rollout in two accounts and two regions, everything of the same name in each."""

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_shadow.operators import CreateInferenceExperimentOperator, PromoteShadowVariantOperator

#: The connections are in Airflow's database.
PLACES = [
    {"aws_conn_id": f"account_{account}", "region_name": region}
    for account in ("111111111111", "222222222222")
    for region in ("us-east-1", "eu-west-1")
]

with DAG(
    "e2e_places",
    schedule=None,
    params={"endpoint": Param(type="string")},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=1), "deferrable": True},
) as dag:
    create = CreateInferenceExperimentOperator.partial(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        name="{{ params.endpoint }}-test",
        endpoint_name="{{ params.endpoint }}",
        shadow_model_name="v2",
        sampling_percentage=100,
        duration="2d",
    ).expand_kwargs(PLACES)
    promote = PromoteShadowVariantOperator.partial(
        task_id="promote", name="{{ params.endpoint }}-test"
    ).expand_kwargs(PLACES)
    create >> promote
