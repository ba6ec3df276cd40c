"""`on_backfill`: what a creation and a promotion do in a run that is a backfill."""

from __future__ import annotations

import pytest

from airflow_shadow._compat import AirflowFailException, AirflowSkipException
from airflow_shadow.operators import CreateInferenceExperimentOperator, PromoteShadowVariantOperator
from tests.helpers import CREATE, accepted, created, fails, serves

pytestmark = pytest.mark.usefixtures("churn")

BACKFILL = {"run_type": "backfill"}
FULL = {**CREATE, "sampling_percentage": 100}


def skipped(run, *args, **kwargs):
    """Tell whether a task was skipped, with one line that says why."""
    try:
        run(*args, **kwargs)
    except AirflowSkipException as error:
        return str(error).startswith("Skipped: the run is a backfill, and on_backfill=")
    return False


@pytest.mark.parametrize(
    ("choice", "create_is_skipped", "promote_is_skipped"),
    [("run", False, False), ("observe", False, True), ("skip", True, True)],
)
def test_the_choices(tasks, worker, choice, create_is_skipped, promote_is_skipped):
    """A backfill rolls out, or only observes, or does nothing."""
    name = "theirs"
    arguments = {"dag_run": BACKFILL, "on_backfill": choice}
    create = {**FULL, **arguments, "name": name}
    assert create_is_skipped == skipped(tasks.run, CreateInferenceExperimentOperator, **create)
    if create_is_skipped:
        worker.run(CreateInferenceExperimentOperator, **FULL, name=name)
    assert promote_is_skipped == skipped(
        tasks.run, PromoteShadowVariantOperator, name=name, **arguments
    )


def test_skip_creates_nothing(tasks, emulator):
    """Nothing is asked of AWS."""
    arguments = {**FULL, "dag_run": BACKFILL, "on_backfill": "skip"}
    fails(AirflowSkipException, tasks.run, CreateInferenceExperimentOperator, **arguments)
    assert [] == created(emulator)


@pytest.mark.parametrize("choice", ["skip", "observe"])
def test_a_promotion_is_skipped_before_anything_is_waited_for(tasks, emulator, choice):
    """Not even the experiment is looked at, which does not exist here."""
    arguments = {"name": "nowhere", "dag_run": BACKFILL, "on_backfill": choice}
    fails(AirflowSkipException, tasks.run, PromoteShadowVariantOperator, **arguments)
    assert [] == accepted(emulator, "StopInferenceExperiment")


@pytest.mark.parametrize(
    ("run_id", "run_type", "is_backfill"),
    [
        ("scheduled__2026-03-01T00:00:00+00:00", "backfill", True),
        ("backfill__2026-03-01T00:00:00+00:00", "manual", False),
    ],
)
def test_the_type_of_the_run_decides(tasks, run_id, run_type, is_backfill):
    """A scheduled run that a backfill reprocesses keeps its id."""
    arguments = {"ti": {"run_id": run_id}, "dag_run": {"run_type": run_type}}
    assert is_backfill == skipped(
        tasks.run, CreateInferenceExperimentOperator, **FULL, **arguments, on_backfill="skip"
    )


@pytest.mark.parametrize("choice", ["run", "observe", "skip"])
def test_other_runs_are_not_concerned(tasks, sagemaker, choice):
    """A scheduled run creates and promotes, whatever is chosen for backfills."""
    name = tasks.run(CreateInferenceExperimentOperator, **FULL, on_backfill=choice).value
    tasks.run(PromoteShadowVariantOperator, name=name, on_backfill=choice)
    assert ["churn-v2"] == serves(sagemaker)


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [(CreateInferenceExperimentOperator, FULL), (PromoteShadowVariantOperator, {"name": "theirs"})],
)
@pytest.mark.parametrize("choice", ["never", "", None, True])
def test_another_choice_is_refused(worker, operator, arguments, choice):
    """Also where the run is no backfill, so that a slip is noticed before one."""
    text = fails(AirflowFailException, worker.run, operator, **arguments, on_backfill=choice)
    found = "Found: none of 'run', 'skip', 'observe'."
    assert f"Asked: on_backfill={choice!r}.\n{found}" in text


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [(CreateInferenceExperimentOperator, FULL), (PromoteShadowVariantOperator, {"name": "theirs"})],
)
def test_default_args_reach_both(worker, operator, arguments):
    """One line for the whole Dag."""
    worker.dag = {"default_args": {"on_backfill": "skip"}}
    assert skipped(worker.run, operator, **arguments, dag_run=BACKFILL)
