"""Run a shadow test that a person asks for: fill in the form and trigger the Dag.

The test copies a share of the endpoint's requests to the candidate for some hours. With `promote`,
the share is raised to all requests and the candidate replaces production; without it, the test runs
to its end and changes nothing. The run has no logical date: its id gives the experiment's name.

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
from airflow_shadow.sensors import InferenceExperimentSensor

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models.param import Param

NAME = "^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"

with DAG(
    "shadow_on_demand",
    schedule=None,
    start_date=datetime(2026, 3, 1, tzinfo=UTC),
    params={
        "endpoint": Param("churn", type="string", pattern=NAME, title="Endpoint"),
        "candidate": Param("churn-v2", type="string", pattern=NAME, title="Candidate model"),
        "sampling": Param(10, type="integer", minimum=1, maximum=100, title="Share, per cent"),
        "hours": Param(12, type="integer", minimum=1, maximum=720, title="Hours at most"),
        "promote": Param(False, type="boolean", title="Promote the candidate"),
    },
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "deferrable": True},
    doc_md=__doc__,
    tags=["sagemaker", "shadow test"],
) as dag:
    create = CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="{{ params.endpoint }}",
        shadow_model_name="{{ params.candidate }}",
        sampling_percentage="{{ params.sampling }}",
        duration="{{ params.hours }}h",
        description="Asked for in run {{ run_id }}",
    )

    @task.branch
    def choose(params: dict) -> str:
        """Follow the form."""
        return "full" if params["promote"] else "watch"

    full = UpdateInferenceExperimentOperator(
        task_id="full", name=create.output, sampling_percentage=100
    )
    promote = PromoteShadowVariantOperator(task_id="promote", name=create.output)
    watch = InferenceExperimentSensor(
        task_id="watch", name=create.output, target_statuses=["Completed", "Cancelled"]
    )
    remove = RemoveShadowVariantOperator(task_id="remove", name=create.output, missing_ok=True)

    chosen = choose()
    create >> chosen >> [full, watch]
    full >> promote
    [promote, watch] >> remove.as_teardown(setups=create)
