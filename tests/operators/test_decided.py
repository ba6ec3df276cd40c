"""What the tasks directly behind branches take as decided, whatever Airflow forgot to skip."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_shadow._compat import AirflowSkipException, BaseBranchOperator
from airflow_shadow.operators import (
    PromoteShadowVariantOperator,
    ShadowVerdictBranchOperator,
    StopInferenceExperimentOperator,
)
from airflow_shadow.steps.branch_decisions import skip_unfollowed
from tests.tasks import DAG

ACTIONS = {"AllTraffic": "Remove", "churn-v2": "Promote"}


class Weekday(BaseBranchOperator):
    """A branch that knows nothing of verdicts."""

    def choose_branch(self, _context):
        """Return what to follow."""
        return ["promote"]


@pytest.fixture
def behind():
    """Return a task directly behind a verdict's branch and another one."""

    def one(operator_class=PromoteShadowVariantOperator, **arguments):
        ways = dict.fromkeys(("on_pass", "on_fail", "on_inconclusive"), "promote")
        with DAG("gates", schedule=None):
            decide = ShadowVerdictBranchOperator(task_id="decide", verdict={}, **ways)
            task = operator_class(task_id="promote", name="theirs", **arguments)
            [decide, Weekday(task_id="weekday")] >> task
        return task

    return one


def left(**followed):
    """Return the context of a run whose branches left these decisions, where Airflow keeps them."""
    keys = {task_id: {"followed": ids} for task_id, ids in followed.items()}
    pull = lambda task_ids, **_: keys.get(task_ids)  # noqa: E731
    return {"ti": SimpleNamespace(map_index=-1, xcom_pull=pull)}


@pytest.mark.parametrize(
    ("followed", "why"),
    [
        ({"weekday": ["promote"]}, "decide left no decision"),
        ({"weekday": [], "decide": ["promote"]}, "'weekday' decided to follow nothing"),
        ({"weekday": ["promote"], "decide": ["remove"]}, "'decide' decided to follow remove"),
    ],
)
def test_a_promotion_needs_the_decision_on_the_verdict(behind, followed, why):
    """That another branch leads to it says nothing of the candidate."""
    flow = SimpleNamespace(op=behind(), context=left(**followed))
    with pytest.raises(AirflowSkipException, match=why):
        skip_unfollowed(flow, needs_decision=True)


def test_a_promotion_that_all_decided_on_goes_on(behind):
    """Both branches lead to it."""
    flow = SimpleNamespace(op=behind(), context=left(weekday=["promote"], decide=["promote"]))
    skip_unfollowed(flow, needs_decision=True)


@pytest.mark.parametrize(
    ("actions", "followed", "why"),
    [
        (ACTIONS, {"decide": ["remove"]}, "'decide' decided to follow remove"),
        (ACTIONS, {}, "decide left no decision"),
        ({"AllTraffic": "Retain", "churn-v2": "Remove"}, {"decide": ["x"]}, "decided to follow x"),
    ],
)
def test_a_stop_asks_what_was_decided(emulator, behind, actions, followed, why):
    """With a map that promotes it is a promotion."""
    task = behind(StopInferenceExperimentOperator, model_variant_actions=actions)
    context = left(**followed)
    context["ti"].__dict__.update(dag_id="gates", run_id="any", task_id="promote")
    with pytest.raises(AirflowSkipException, match=why):
        task.execute(context)
