"""Promote and Remove directly behind a branch on a verdict: what it decided is asked for."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from airflow_shadow._compat import AirflowSkipException
from airflow_shadow.operators import (
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    ShadowVerdictBranchOperator,
)
from tests.helpers import accepted, somebodys
from tests.tasks import DAG, FakeDagRun, FakeTaskInstance, TaskDeferred

pytestmark = pytest.mark.usefixtures("churn", "emulator")


class Pulling(FakeTaskInstance):
    """A task instance that finds what a branch left, by map index."""

    def xcom_pull(self, *, map_indexes: Any, **_: Any) -> Any:
        """Return what was left under a map index."""
        return self.xcoms.get(map_indexes)


@pytest.fixture(params=[False, True], ids=["worker", "deferred"])
def behind(request):
    """Run a task directly behind a branch that left something, or nothing."""

    def run(kind: Any, left: dict[int, Any]) -> None:
        with DAG("promote", schedule=None):
            branch = ShadowVerdictBranchOperator(
                task_id="decide", verdict={}, on_pass="task", on_fail=None, on_inconclusive=None
            )
            task = kind(task_id="task", name="theirs", waiter_delay=0.01, deferrable=request.param)
            branch >> task
        ti = Pulling(map_index=1, xcoms=left)
        task.execute({"ti": ti, "run_id": ti.run_id, "dag_run": FakeDagRun()})

    return run


def test_a_branch_that_decided_nothing_promotes_nothing(behind, sagemaker, emulator):
    """It was skipped or cleared, and Airflow forgot to skip what is behind it."""
    somebodys(sagemaker)
    with pytest.raises(AirflowSkipException, match="decide left no decision"):
        behind(PromoteShadowVariantOperator, {})
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_the_decision_of_another_instance_does_not_count(behind, sagemaker, emulator):
    """Each instance of a mapped group has its own."""
    somebodys(sagemaker)
    mine, others = {"followed": []}, {"followed": ["task"]}
    with pytest.raises(AirflowSkipException, match="decided to follow nothing"):
        behind(PromoteShadowVariantOperator, {0: others, 1: mine, -1: others})
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_a_removal_needs_no_decision(behind, sagemaker, emulator):
    """Production stays as it is, and the shadow costs money."""
    somebodys(sagemaker)
    with suppress(TaskDeferred):
        behind(RemoveShadowVariantOperator, {})
    assert ["theirs"] == accepted(emulator, "StopInferenceExperiment")
