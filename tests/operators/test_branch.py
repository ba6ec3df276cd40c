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
    """Return the fields of a verdict that decide here, and one that does not."""
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
    """Return the text of a failure that no retry mends."""
    with pytest.raises(AirflowFailException) as caught:
        branch(**arguments)
    return str(caught.value)


# --- what is followed -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "followed"),
    [("PASS", ["promote"]), ("FAIL", ["remove"]), ("INCONCLUSIVE", ["ask", "tell"])],
)
def test_each_outcome_has_its_tasks(outcome, followed):
    """One task, or several."""
    assert followed == branch(verdict=verdict(outcome))


@pytest.mark.parametrize("nothing", [None, []])
def test_an_outcome_may_end_the_branch(nothing):
    """Airflow takes None for: skip all that is directly downstream."""
    assert branch(on_pass=nothing) is None


def test_the_reason_is_logged(log):
    """Whoever asks why finds the verdict's own words in one line."""
    branch(verdict=verdict("FAIL"))
    assert ["FAIL: mean latency +4.1 %."] == log.containing("mean latency")


def test_a_reason_forges_no_line(log):
    """A verdict that a form gives may say anything."""
    branch(verdict=verdict(reason="a\nNext: promote\u202e"))
    assert log.containing(r"a\nNext: promote\u202e")


def test_a_template_gives_the_verdict():
    """A mapping stays one on its way through a template."""
    context = {"found": verdict("FAIL", findings=[{"sentence": "it's\nslow"}])}
    assert ["remove"] == branch(verdict="{{ found }}", context=context)


def test_json_gives_the_verdict():
    """As a form or another system would."""
    assert ["remove"] == branch(verdict=json.dumps(verdict("FAIL")))


# --- operational verdicts -------------------------------------------------------------------


def test_an_operational_pass_is_inconclusive(log):
    """A candidate that answers 0 quickly passes every operational criterion; the log says so."""
    assert ["ask", "tell"] == branch(verdict=verdict(operational_only=True))
    assert 1 == len(log.containing("a model that answers 0 quickly"))


def test_an_operational_pass_is_enough_where_that_is_said(log):
    """Said explicitly, it is the Dag's own decision."""
    followed = branch(verdict=verdict(operational_only=True), promote_on="operational")
    assert (["promote"], []) == (followed, log.containing("answers 0"))


def test_an_operational_fail_is_a_fail():
    """Slow or failing answers need not be compared."""
    assert ["remove"] == branch(verdict=verdict("FAIL", operational_only=True))


def test_another_basis_is_refused():
    """A slip of the pen must not promote."""
    assert "promote_on='operationl'" in refusal(promote_on="operationl")


# --- ids ------------------------------------------------------------------------------------


def test_ids_in_a_group_need_no_prefix():
    """Whoever writes a group need not repeat its name; a namesake outside is not meant."""
    assert ["rollout.promote"] == branch(group="rollout")


def test_whole_ids_in_a_group_are_taken_as_they_are():
    """The way Airflow's own branches name them."""
    assert ["rollout.promote"] == branch(group="rollout", on_pass="rollout.promote")


def test_a_group_can_be_followed():
    """Airflow follows the tasks that it begins with."""
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
    """Airflow would skip everything and succeed; found before the outcome that needs it."""
    said = refusal(on_fail=wrong)
    assert f"on_fail='{wrong}'" in said
    assert "'ask', 'promote', 'remove', 'tell'" in said


def test_no_downstream_task_is_said():
    """An operator that was wired the wrong way round."""
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
    """What cannot be read decides nothing."""
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
    """The graph of docs/deciding.md in a group: nobody is asked, and no promotion runs."""
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
    """No judge made it; another outcome may say so."""
    assert "a PASS that contradicts itself" in refusal(verdict=verdict(**more))
    assert ["remove"] == branch(verdict=verdict("FAIL", **more))
