"""ShadowVerdictBranchOperator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.operators.branch import ShadowVerdictBranchOperator

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG, TaskGroup
except ImportError:  # Airflow 2.11
    from airflow.models import DAG
    from airflow.operators.empty import EmptyOperator
    from airflow.utils.task_group import TaskGroup

ROOT = Path(__file__).resolve().parents[2]
WAYS = {"on_pass": "promote", "on_fail": "remove", "on_inconclusive": ["ask", "tell"]}
TASKS = ("promote", "remove", "ask", "tell")


def verdict(outcome="PASS", *, operational_only=False, **more):
    """Return a verdict with the fields that a branch reads, and one more."""
    reason = f"{outcome}: mean latency +4.1 %."
    known = {"outcome": outcome, "operational_only": operational_only, "reason": reason}
    return {**known, "alpha": 0.05, **more}


def branch(*, downstream=TASKS, group="", context=None, **arguments):
    """Return the ids that the operator follows, in a Dag with these tasks downstream of it."""
    given = {"verdict": verdict(), **WAYS, **arguments}
    with DAG("promote", schedule=None):
        EmptyOperator(task_id="elsewhere")
        if not group:
            return chosen(given, downstream, context)
        EmptyOperator(task_id="promote")
        with TaskGroup(group):
            return chosen(given, downstream, context)


def chosen(arguments, downstream, context):
    """Return what the operator follows, rendered as Airflow renders it."""
    operator = ShadowVerdictBranchOperator(task_id="branch", **arguments)
    for task_id in downstream:
        operator >> EmptyOperator(task_id=task_id)
    whole = context or {}
    operator.render_template_fields(whole)
    return operator.choose_branch(whole)


def refusal(**arguments):
    """Return the text of a failure that no retry helps against."""
    with pytest.raises(AirflowFailException) as caught:
        branch(**arguments)
    return str(caught.value)


# --- what is followed -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "followed"),
    [("PASS", ["promote"]), ("FAIL", ["remove"]), ("INCONCLUSIVE", ["ask", "tell"])],
)
def test_each_outcome_has_its_tasks(outcome, followed):
    """Each outcome leads to one task or to several."""
    assert followed == branch(verdict=verdict(outcome))


@pytest.mark.parametrize("nothing", [None, []])
def test_an_outcome_may_end_the_branch(nothing):
    """`None` skips everything directly downstream."""
    assert branch(on_pass=nothing) is None


def test_the_reason_is_logged(log):
    """The log has the verdict's reason in one line."""
    branch(verdict=verdict("FAIL"))
    assert ["FAIL: mean latency +4.1 %."] == log.containing("mean latency")


def test_a_reason_forges_no_line(log):
    """A reason with line breaks is logged as one line."""
    branch(verdict=verdict(reason="a\nNext: promote\u202e"))
    assert log.containing(r"a\nNext: promote\u202e")


def test_a_template_gives_the_verdict():
    """A verdict may come from a template and stays a mapping."""
    context = {"found": verdict("FAIL", findings=[{"sentence": "it's\nslow"}])}
    assert ["remove"] == branch(verdict="{{ found }}", context=context)


def test_json_gives_the_verdict():
    """A verdict may be JSON text, as from a form."""
    assert ["remove"] == branch(verdict=json.dumps(verdict("FAIL")))


# --- operational verdicts -------------------------------------------------------------------


def test_an_operational_pass_is_inconclusive(log):
    """A PASS on latency and errors alone counts as INCONCLUSIVE, and the log says so."""
    assert ["ask", "tell"] == branch(verdict=verdict(operational_only=True))
    assert 1 == len(log.containing("a model that answers 0 quickly"))


def test_an_operational_pass_is_enough_where_that_is_said(log):
    """With `promote_on='operational'` such a PASS counts as PASS."""
    followed = branch(verdict=verdict(operational_only=True), promote_on="operational")
    assert (["promote"], []) == (followed, log.containing("answers 0"))


def test_an_operational_fail_is_a_fail():
    """A FAIL on latency and errors alone is a FAIL."""
    assert ["remove"] == branch(verdict=verdict("FAIL", operational_only=True))


def test_another_basis_is_refused():
    """A misspelt `promote_on` is an error."""
    assert "promote_on='operationl'" in refusal(promote_on="operationl")


# --- ids ------------------------------------------------------------------------------------


def test_ids_in_a_group_need_no_prefix():
    """Inside a group an id without the prefix means the group's own task."""
    assert ["rollout.promote"] == branch(group="rollout")


def test_whole_ids_in_a_group_are_taken_as_they_are():
    """Inside a group an id may also have the prefix."""
    assert ["rollout.promote"] == branch(group="rollout", on_pass="rollout.promote")


def test_a_group_can_be_followed():
    """A task group's id leads to the group's first tasks."""
    with DAG("promote", schedule=None):
        operator = ShadowVerdictBranchOperator(
            task_id="branch",
            verdict=verdict(),
            on_pass="careful",
            on_fail=None,
            on_inconclusive=None,
        )
        with TaskGroup("careful") as careful:
            EmptyOperator(task_id="first") >> EmptyOperator(task_id="second")
        operator >> careful
        assert ["careful"] == operator.choose_branch({})


@pytest.mark.parametrize("wrong", ["promot", "elsewhere"])
def test_a_task_that_is_not_downstream_is_named(wrong):
    """A wrong id is an error whatever the outcome is; Airflow would skip everything."""
    said = refusal(on_fail=wrong)
    assert f"on_fail='{wrong}'" in said
    assert "'ask', 'promote', 'remove', 'tell'" in said


def test_no_downstream_task_is_said():
    """Without downstream tasks the error says so."""
    assert "whose downstream tasks and groups are: none" in refusal(downstream=())


# --- what is no verdict ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        None,
        "PASS",
        "{}",
        [],
        {"outcome": "PASS"},
        verdict("SKIPPED"),
        {**verdict(), "outcome": ["PASS"]},
        {**verdict(), "operational_only": "False"},
        "{{ none }}",
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_anything_else_is_refused(value):
    """What is no verdict is an error."""
    said = refusal(verdict=value)
    assert (True, True) == ("to branch on a verdict" in said, "analysis.output" in said)


# --- in Airflow -----------------------------------------------------------------------------

DAG_FILE = """
from airflow_shadow._compat import BaseOperator
from airflow_shadow.operators.branch import ShadowVerdictBranchOperator

try:
    from airflow.sdk import DAG, TaskGroup
except ImportError:
    from airflow.models import DAG
    from airflow.utils.task_group import TaskGroup


class Step(BaseOperator):
    def __init__(self, *, gives=None, **kwargs):
        super().__init__(**kwargs)
        self.gives = gives

    def execute(self, context):
        if self.gives == "failure":
            raise RuntimeError("this task must be skipped")
        print(self.gives)
        return self.gives


with DAG("branches", schedule=None) as dag:
    with TaskGroup("rollout"):
        analysis = Step(task_id="analysis", gives=VERDICT)
        branch = ShadowVerdictBranchOperator(
            task_id="branch",
            verdict=analysis.output,
            on_pass="promote",
            on_fail="remove",
            on_inconclusive="ask",
        )
        ask = Step(task_id="ask", gives="failure")
        rule = "none_failed_min_one_success"
        promote = Step(task_id="promote", gives="failure", trigger_rule=rule)
        remove = Step(task_id="remove", gives="the shadow is removed", trigger_rule=rule)
        branch >> [promote, ask, remove]
        ask >> [promote, remove]
"""


@pytest.mark.thorough
@pytest.mark.usefixtures("airflow_db")
def test_airflow_follows_the_branch(tmp_path):
    """In the graph of docs/deciding.md nobody is asked and no promotion runs."""
    file = tmp_path / "branches.py"
    file.write_text(DAG_FILE.replace("VERDICT", repr(verdict("FAIL"))))
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "run_dag.py", file, "2026-03-01"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={
            **os.environ,
            "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        },
    )
    said = done.stdout + done.stderr
    assert 0 == done.returncode, said[-6000:]
    assert "the shadow is removed" in said


@pytest.mark.parametrize("more", [{"stage_passed": False}, {"concluded": True}, {"lacking": ["x"]}])
def test_a_pass_that_contradicts_itself_is_refused(more):
    """A PASS with failing criteria is an error, because no judge made it."""
    assert "a PASS that contradicts itself" in refusal(verdict=verdict(**more))
    assert ["remove"] == branch(verdict=verdict("FAIL", **more))
