"""Branches whose skips Airflow forgets, run by `dag.test()` in mapped task groups."""

from __future__ import annotations

import pytest

from airflow_shadow.emulator import fleet
from tests.helpers import accepted, bears_a_shadow, run_dag, said, serves

#: One mapped group; a task stands for the analysis and says what the map's entry says.
DAG_FILE = """
from datetime import UTC, datetime
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    ShadowVerdictBranchOperator,
)
try:
    from airflow.sdk import DAG, task, task_group
except ImportError:
    from airflow import DAG
    from airflow.decorators import task, task_group
with DAG("gates", schedule="@daily", start_date=datetime(2026, 3, 1, tzinfo=UTC)) as dag:
    @task
    def analyse(outcome, name):
        return {{"outcome": outcome, "operational_only": True, "reason": name}}

    @task_group
    def one(endpoint, outcome):
        create = CreateInferenceExperimentOperator(
            task_id="create",
            role_arn="arn:aws:iam::123456789012:role/shadow-tests",
            endpoint_name=endpoint,
            shadow_model_name="churn-v2",
            sampling_percentage=100,
            duration="12h",
            waiter_delay=0.01,
        )
        analysis = analyse(outcome, create.output)
        decide = ShadowVerdictBranchOperator(
            task_id="decide", verdict=analysis, promote_on="operational",
            on_pass="promote", on_fail="remove", on_inconclusive=None,
        )
        promote = PromoteShadowVariantOperator(
            task_id="promote", name=create.output, waiter_delay=0.01, deferrable={deferrable}
        )
        remove = RemoveShadowVariantOperator(
            task_id="remove", name=create.output, waiter_delay=0.01, deferrable={deferrable}
        )
        decide >> [promote, remove]

    one.expand_kwargs([
        {{"endpoint": "churn", "outcome": "PASS"}},
        {{"endpoint": "fraud", "outcome": "FAIL"}},
        {{"endpoint": "spam", "outcome": "INCONCLUSIVE"}},
    ])
"""


@pytest.mark.thorough
@pytest.mark.usefixtures("churn", "airflow_db")
@pytest.mark.parametrize("deferrable", [False, True])
def test_each_instance_of_a_mapped_group_is_decided_on_its_own(
    emulator, sagemaker, tmp_path, deferrable
):
    """A task that a branch left out skips itself, though Airflow forgets to skip it."""
    emulator.pace = "time"
    emulator.clock.speed = 600
    for endpoint in ("fraud", "spam"):
        fleet.create_endpoint(sagemaker, endpoint_name=endpoint, model_name="churn-v1")
    file = tmp_path / "gates.py"
    file.write_text(DAG_FILE.format(deferrable=deferrable))
    # Airflow 2.11 cannot run a date of a Dag again here.
    done = run_dag(file, "2026-03-02" if deferrable else "2026-03-03")
    assert 0 == done.returncode, said(done)
    served = [serves(sagemaker, name) for name in ("churn", "fraud", "spam")]
    assert [["churn-v2"], ["churn-v1"], ["churn-v1"]] == served
    shadows = [bears_a_shadow(sagemaker, name) for name in ("churn", "fraud", "spam")]
    assert [False, False, True] == shadows
    assert 2 == len(accepted(emulator, "StopInferenceExperiment"))
