"""Test a model against itself, task by task, and see what the judge says of no difference.

Fill in an endpoint and the model that it serves, and trigger the Dag. The test is created for later
and started at once, watched for two hours, and stopped; then its whole window is judged again, on
the captured answers, too, and the record is deleted. Nothing is promoted.

A FAIL here is a false one: should it happen more often than `alpha` says, the traffic breaks an
assumption of the judge (docs/analysis.md lists them). The bucket `captures` must exist, and the
workers need the extra: `pip install 'airflow-shadow[answers]'`.
"""

import logging
from datetime import UTC, datetime, timedelta

from airflow_shadow.operators import (
    CompareAnswersOperator,
    CreateInferenceExperimentOperator,
    DeleteInferenceExperimentOperator,
    RemoveShadowVariantOperator,
    ShadowAnalysisOperator,
    ShadowVerdictBranchOperator,
    StartInferenceExperimentOperator,
    StopInferenceExperimentOperator,
)
from airflow_shadow.sensors import ShadowAnalysisSensor

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models.param import Param

log = logging.getLogger(__name__)

SPEC = {"answers": {"answer": {"answer": "$.predictions[*].score", "kind": "score"}}}
VARIANTS = "ti.xcom_pull(task_ids='start', key='experiment')['ShadowModeConfig']"

with DAG(
    "aa_test",
    schedule=None,
    start_date=datetime(2026, 3, 1, tzinfo=UTC),
    params={
        "endpoint": Param("fraud", type="string", title="Endpoint"),
        "model": Param("fraud-v6", type="string", title="The model that it serves"),
    },
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "deferrable": True},
    doc_md=__doc__,
    tags=["sagemaker", "shadow test"],
) as dag:
    create = CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="{{ params.endpoint }}",
        shadow_model_name="{{ params.model }}",
        sampling_percentage=100,
        start_time="{{ macros.datetime.now().astimezone() + macros.timedelta(hours=12) }}",
        duration="6h",
        shift_past_schedule=True,
        capture="s3://captures/{{ params.endpoint }}",
        allow_serving=True,
    )
    start = StartInferenceExperimentOperator(task_id="start", name=create.output)
    watch = ShadowAnalysisSensor(task_id="watch", name=create.output, spec=SPEC, duration="2h")
    stop = StopInferenceExperimentOperator(
        task_id="stop",
        name=create.output,
        model_variant_actions={
            f"{{{{ {VARIANTS}['SourceModelVariantName'] }}}}": "Retain",
            f"{{{{ {VARIANTS}['ShadowModelVariants'][0]['ShadowModelVariantName'] }}}}": "Remove",
        },
        desired_state="Completed",
        reason="Watched for long enough.",
    )
    judge = ShadowAnalysisOperator(
        task_id="judge", name=create.output, spec=SPEC, report="{{ run_id }}.html"
    )
    compare = CompareAnswersOperator(
        task_id="compare", name=create.output, verdict=judge.output, spec=SPEC
    )
    branch = ShadowVerdictBranchOperator(
        task_id="branch",
        verdict=compare.output,
        on_pass=["no_difference"],
        on_fail=["false_alarm"],
        on_inconclusive=None,
        promote_on="operational",
    )

    @task
    def no_difference() -> None:
        """Say so; a task of your own goes here."""
        log.info("The judge found no difference.")

    @task
    def false_alarm() -> None:
        """Say so; a task of your own goes here."""
        log.warning("The judge found a difference where there is none.")

    # By a template, because Airflow lets what directly follows a setup have no rule of its own.
    delete = DeleteInferenceExperimentOperator(
        task_id="delete",
        name="{{ ti.xcom_pull(task_ids='create') }}",
        trigger_rule="none_failed",
    )
    remove = RemoveShadowVariantOperator(task_id="remove", name=create.output, missing_ok=True)

    create >> start >> watch >> stop >> judge >> compare >> branch
    branch >> [no_difference(), false_alarm()] >> delete
    delete >> remove.as_teardown(setups=create)
