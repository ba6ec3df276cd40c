"""Mapped rollouts: one over many endpoints, many over one endpoint, and with a verdict each."""

from datetime import timedelta

from airflow.sdk import DAG, Param, task, task_group
from judged_spec import SPEC

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    ShadowVerdictBranchOperator,
)
from airflow_shadow.sensors import ShadowAnalysisSensor

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


def judged(endpoint, model):
    """Test one candidate for forty minutes; return creation and analysis."""
    create = CreateInferenceExperimentOperator(
        task_id="create", endpoint_name=endpoint, shadow_model_name=model, **CREATION
    )
    analysis = ShadowAnalysisSensor(
        task_id="analysis",
        name=create.output,
        since=create.output["since"],
        duration="40m",
        spec=SPEC,
    )
    create >> analysis
    return create, analysis


def removed(create):
    """Return the teardown that leaves no shadow behind, whatever the verdict was."""
    remove = RemoveShadowVariantOperator(task_id="remove", name=create.output, missing_ok=True)
    return remove.as_teardown(setups=create)


#: Each run tests one candidate on each endpoint of a fleet.
FLEET = {
    "params": {"fleet": Param([{"endpoint": "judged", "model": "v2"}], type="array"), **REGION},
    "default_args": SHARED,
}

with DAG("e2e_mapped_judged", schedule=None, **FLEET):
    fleet = listed("fleet")

    @task_group
    def by_verdict(endpoint, model):
        """Promote on the verdict alone."""
        create, analysis = judged(endpoint, model)
        promote = PromoteShadowVariantOperator(
            task_id="promote",
            name=create.output,
            verdict=analysis.output,
            promote_on="operational",
        )
        promote >> removed(create)

    by_verdict.expand_kwargs(fleet)

with DAG("e2e_mapped_branched", schedule=None, **FLEET):
    fleet = listed("fleet")

    @task_group
    def by_branch(endpoint, model):
        """Promote or not behind a branch, whose skips Airflow 3.2 and 3.3 forget here."""
        create, analysis = judged(endpoint, model)
        decide = ShadowVerdictBranchOperator(
            task_id="decide",
            verdict=analysis.output,
            promote_on="operational",
            on_pass="promote",
            on_fail=None,
            on_inconclusive=None,
        )
        promote = PromoteShadowVariantOperator(task_id="promote", name=create.output)
        decide >> promote >> removed(create)

    by_branch.expand_kwargs(fleet)
