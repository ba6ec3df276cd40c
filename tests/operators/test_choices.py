"""Arguments that take one of a few values: refused where they are given."""

from __future__ import annotations

from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from airflow_shadow import operators
from airflow_shadow._compat import AirflowFailException
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    ShadowAnalysisOperator,
    ShadowVerdictBranchOperator,
)
from airflow_shadow.operators import rollout as rollout_operators
from airflow_shadow.rollout import shadow_rollout
from tests.helpers import CREATE, ROLLOUT, accepted, created, fails
from tests.mapping import expanded

try:
    from airflow.sdk import DAG, XComArg
except ImportError:  # Airflow 2.11
    from airflow.models import DAG
    from airflow.models.xcom_arg import XComArg

BRANCH = {"verdict": {}, "on_pass": None, "on_fail": None, "on_inconclusive": None}
SLIPS = [
    (CreateInferenceExperimentOperator, CREATE, {"if_exists": "adopt_it"}),
    (CreateInferenceExperimentOperator, CREATE, {"on_kill_action": "kill"}),
    (CreateInferenceExperimentOperator, CREATE, {"on_backfill": "skpi"}),
    (CreateInferenceExperimentOperator, CREATE, {"validate": None}),
    (PromoteShadowVariantOperator, {"name": "theirs"}, {"promote_on": "operationl"}),
    (PromoteShadowVariantOperator, {"name": "theirs"}, {"on_backfill": True}),
    (RemoveShadowVariantOperator, {"name": "theirs"}, {"desired_state": "Canceled"}),
    (ShadowAnalysisOperator, {"name": "theirs"}, {"fail_on": ("fail",)}),
    (ShadowVerdictBranchOperator, BRANCH, {"promote_on": "operationl"}),
]


@pytest.mark.parametrize(("operator", "usual", "slip"), SLIPS)
def test_a_slip_of_the_pen_shows_when_the_dag_is_read(operator, usual, slip):
    """It would be accepted and ignored, and a FAIL go through as success."""
    ((name, value),) = slip.items()
    said = fails(AirflowFailException, operator, task_id="task", **usual, **slip)
    shown = value[0] if isinstance(value, tuple) else value
    assert f"Asked: {name}={shown!r}.\nFound: none of '" in said


def test_all_of_them_are_named():
    """One error for one look at the file."""
    with DAG("dag", schedule=None):
        given = {"fail_on": ["FAIL", "fail", "PAS"]}
        said = fails(
            AirflowFailException, ShadowAnalysisOperator, task_id="task", name="n", **given
        )
    assert "fail_on='fail', fail_on='PAS'" in said


def test_default_args_are_checked_likewise():
    """They reach every task that has the argument."""
    with DAG("dag", schedule=None, default_args={"if_exists": "adopt_it"}):
        said = fails(
            AirflowFailException, CreateInferenceExperimentOperator, task_id="task", **CREATE
        )
    assert "if_exists='adopt_it'" in said


def test_default_args_reach_the_creation_of_a_rollout():
    """What the Dag says of a kill holds there, too; without it the shadow is removed."""
    with DAG("dag", schedule=None, default_args={"on_kill_action": "leave"}) as dag:
        shadow_rollout(**ROLLOUT)
    assert "leave" == dag.get_task("shadow_rollout.create").on_kill_action
    with DAG("dag", schedule=None, default_args={"on_kill_action": "kill"}):
        assert "'kill'" in fails(AirflowFailException, shadow_rollout, **ROLLOUT)


@pytest.mark.parametrize("value", ["{{ params.x }}", "adopt_it"])
def test_what_was_no_literal_is_checked_when_the_task_runs(worker, churn, emulator, value):
    """As where a mapped operator is made: before anything is asked of AWS, and for good."""
    run = lambda **given: worker.run(CreateInferenceExperimentOperator, **{**CREATE, **given})  # noqa: E731
    assert "if_exists" in fails(AirflowFailException, run, if_exists=value)
    assert [] == created(emulator)


def test_a_mapped_choice_is_checked_before_the_task_runs():
    """The operator is made no earlier, by Airflow."""
    expand = lambda partial, output: partial.expand(if_exists=output)  # noqa: E731
    given = {name: value for name, value in CREATE.items() if name != "waiter_delay"}
    run = lambda: expanded(CreateInferenceExperimentOperator, expand, xcom=["adopt_it"], **given)  # noqa: E731
    assert "if_exists='adopt_it'" in fails(AirflowFailException, run)


def test_a_branch_checks_its_choices_when_it_runs():
    """What looks like a template and is none would be taken as another choice."""
    with DAG("dag", schedule=None):
        branch = ShadowVerdictBranchOperator(task_id="b", **BRANCH, promote_on="{{ params.x }}")
    assert "promote_on=" in fails(AirflowFailException, branch.choose_branch, {})


def test_an_output_is_left_until_the_task_runs(tasks, churn, emulator):
    """Its value is not known before; no retry would change it."""
    with DAG("dag", schedule=None):
        before = ShadowVerdictBranchOperator(task_id="before", **BRANCH)
        operator = RemoveShadowVariantOperator(
            task_id="task", name="theirs", desired_state=XComArg(before)
        )
    operator.desired_state = "Canceled"
    assert "'Canceled'" in fails(AirflowFailException, operator.execute, {})
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_every_closed_choice_has_its_row():
    """An argument whose type is a `Literal` is checked against just that."""
    kinds = [getattr(operators, name) for name in operators.__all__]
    kinds += [kind for name, kind in vars(rollout_operators).items() if name.startswith("Rollout")]
    seen = 0
    for kind in kinds:
        for base in kind.__mro__:
            if base.__module__.startswith("airflow_shadow.") and "__init__" in vars(base):
                seen += _assert_rows(kind, _hints(base))
    assert seen


def _hints(base):
    module = __import__(base.__module__, fromlist=["_"])
    return get_type_hints(base.__init__, {**vars(module), "AnalysisSpec": object})


def _assert_rows(kind, hints):
    closed = {name: _choices(hint) for name, hint in hints.items() if _choices(hint)}
    table = {}
    for base in reversed(kind.__mro__):
        table |= vars(base).get("choices") or {}
    assert closed == {name: table.get(name) for name in closed}
    return len(closed)


def _choices(hint):
    if get_origin(hint) is Literal:
        return get_args(hint)
    inner = get_args(hint)
    return _choices(inner[0]) if inner else ()
