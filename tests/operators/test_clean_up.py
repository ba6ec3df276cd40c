"""The teardown of a rollout: what it removes without a conclusion fails it."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

import pytest

from airflow_shadow._compat import AirflowFailException, AirflowSkipException
from airflow_shadow.operators.rollout import RolloutCleanUpOperator, RolloutPromoteOperator
from airflow_shadow.steps.clean_up import LEFT
from airflow_shadow.waiters import KILLED
from tests.helpers import accepted, described, fails, serves, somebodys, stop

NAME, PROMOTE = "theirs", "rollout.promote"
NO_RETRIES = {"botocore_config": {"retries": {"total_max_attempts": 1}}}


@pytest.fixture
def running(churn, sagemaker):
    """Let an experiment run."""
    return somebodys(sagemaker, NAME)


@pytest.fixture
def clean_up(tasks):
    """Run the teardown in both modes, with XComs of other tasks."""

    def run(left=None, **arguments):
        class Operator(RolloutCleanUpOperator):
            def execute(self, context):
                context["ti"].xcom_pull = _pull(left)
                return super().execute(context)

            def execute_complete(self, context, event=None):
                context["ti"].xcom_pull = _pull(left)
                return super().execute_complete(context, event)

        given = {"name": NAME, "promotion": PROMOTE, "missing_ok": True, **arguments}
        return tasks.run(Operator, **given)

    return run


def _pull(left):
    return lambda *, task_ids, key, map_indexes: (
        left if (task_ids, key, map_indexes) == (PROMOTE, LEFT, -1) else None
    )


def shown(sagemaker):
    """Return the experiment as the teardown describes it."""
    return json.loads(json.dumps(described(sagemaker, NAME), default=lambda t: t.isoformat()))


def is_removed(sagemaker):
    """Return how the experiment ended, and what serves."""
    return described(sagemaker, NAME)["Status"], serves(sagemaker)


def test_what_nobody_concluded_fails_it_after_the_removal(clean_up, running, sagemaker):
    """The failure keeps a run that was marked failed from becoming a success."""
    assert f"Asked: to clean up after experiment '{NAME}'." in fails(AirflowFailException, clean_up)
    assert ("Cancelled", ["churn-v1"]) == is_removed(sagemaker)


def test_a_retry_is_no_success(clean_up, running, emulator):
    """A retry fails too, because the Reason shows that this task removed the shadow."""
    fails(AirflowFailException, clean_up)
    fails(AirflowFailException, clean_up)
    assert [NAME] == accepted(emulator, "StopInferenceExperiment")


def test_a_removal_whose_answer_was_lost_is_its_own(clean_up, running, emulator):
    """A removal whose answer was lost is recognised by its Reason."""
    emulator.faults.add(kind="drop-after", operation="StopInferenceExperiment")
    fails(AirflowFailException, partial(clean_up, **NO_RETRIES))
    assert [NAME] == accepted(emulator, "StopInferenceExperiment")


def test_what_has_not_started_counts_too(clean_up, churn, sagemaker, emulator):
    """An experiment that has not started is deleted, and the task fails."""
    start = emulator.clock.now() + timedelta(hours=5)
    somebodys(sagemaker, NAME, rests="Created", Schedule={"StartTime": start})
    fails(AirflowFailException, clean_up)
    assert [NAME] == accepted(emulator, "DeleteInferenceExperiment")


def test_a_creation_that_was_killed_counts_too(clean_up, running, sagemaker):
    """An experiment that a kill has stopped was not concluded, so the task fails."""
    stop(sagemaker, NAME, Reason=f"{KILLED} [airflow-shadow:remove]")
    fails(AirflowFailException, clean_up)


def test_what_somebody_concluded_is_a_success(clean_up, running, sagemaker):
    """After a promotion or a removal the teardown succeeds."""
    stop(sagemaker, NAME)
    assert NAME == clean_up().value


@pytest.mark.parametrize("name", [NAME, ""])
def test_nothing_to_remove_is_a_success(clean_up, churn, name):
    """Without an experiment the teardown succeeds."""
    clean_up(name=name)


def test_a_dry_run_ends_so(clean_up, running, sagemaker):
    """In a dry run the removal is planned, so the teardown succeeds."""
    assert NAME == clean_up(is_dry_run=True).value
    assert ("Cancelled", ["churn-v1"]) == is_removed(sagemaker)


def left_by_promotion(tasks, sagemaker, **arguments):
    """Return the XComs of a promotion that skipped itself."""
    created = shown(sagemaker)["CreationTime"]
    pulled = {"decision": "decide", "question": "approve"}
    seen = {}

    class Operator(RolloutPromoteOperator):
        def execute(self, context):
            seen["ti"] = context["ti"]
            context["ti"].xcom_pull = lambda **_: ["task"]
            return super().execute(context)

    run = partial(tasks.run, Operator, name=NAME, creation_time=created, **pulled, **arguments)
    fails(AirflowSkipException, run)
    return seen["ti"].xcoms[LEFT]


def test_a_promotion_that_skips_leaves_the_removal(clean_up, running, tasks, sagemaker):
    """After a promotion that skipped itself the removal is planned."""
    backfill = {"dag_run": {"run_type": "backfill"}, "on_backfill": "observe"}
    left = left_by_promotion(tasks, sagemaker, **backfill)
    assert NAME == clean_up(left).value
    assert ("Cancelled", ["churn-v1"]) == is_removed(sagemaker)


def test_a_skip_before_a_clear_concludes_nothing_new(clean_up, running):
    """A promotion that skipped for another experiment does not make the removal planned."""
    fails(AirflowFailException, partial(clean_up, [NAME, "2026-03-01T00:00:00+00:00"]))
