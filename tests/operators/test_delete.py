"""DeleteInferenceExperimentOperator."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.operators import DeleteInferenceExperimentOperator
from tests.helpers import accepted, expire, fails, serves, somebodys, statuses, stop

NAME = "theirs"
ONE_TRY = {"botocore_config": {"retries": {"total_max_attempts": 1}}}
ACTIONS = {"AllTraffic": "Retain", "churn-v2": "Remove"}


@pytest.fixture
def delete(tasks):
    """Run a deletion in both modes."""
    return lambda **arguments: tasks.run(
        DeleteInferenceExperimentOperator, **{"name": NAME, **arguments}
    )


@pytest.fixture
def once(worker):
    """Run a deletion in the worker alone."""
    return lambda **arguments: worker.run(
        DeleteInferenceExperimentOperator, **{"name": NAME, **arguments}
    )


@pytest.fixture
def running(churn, sagemaker, emulator):
    """Let an experiment run for two hours."""
    schedule = {"EndTime": emulator.clock.now() + timedelta(hours=2)}
    return somebodys(sagemaker, NAME, Schedule=schedule)


@pytest.fixture
def stopped(running, sagemaker):
    """Leave the record of an experiment that a person stopped."""
    return stop(sagemaker, NAME)


@pytest.fixture
def scheduled(churn, sagemaker, emulator):
    """Let an experiment wait for its start."""
    start = emulator.clock.now() + timedelta(hours=5)
    return somebodys(sagemaker, NAME, rests="Created", Schedule={"StartTime": start})


def deletions(emulator):
    """Return the names that were deleted."""
    return accepted(emulator, "DeleteInferenceExperiment")


def names(sagemaker):
    """Return the names of the experiments that there are."""
    listed = sagemaker.list_inference_experiments()["InferenceExperiments"]
    return [experiment["Name"] for experiment in listed]


def test_deletes_a_stopped_one(delete, stopped, sagemaker):
    """Its record is gone when the task ends."""
    run = delete()
    assert (NAME, {"Name": NAME}, []) == (run.value, run.experiment, names(sagemaker))


def test_deletes_a_completed_one(delete, running, sagemaker, emulator):
    """However it ended."""
    expire(emulator, sagemaker, NAME)
    delete()
    assert [] == names(sagemaker)


def test_deletes_a_broken_one(delete, churn, sagemaker, emulator):
    """A failure leaves a record too, and cleaning up must not fail on it."""
    emulator.faults.add(kind="fail-creation")
    somebodys(sagemaker, NAME, rests="Cancelled")
    delete()
    assert [] == names(sagemaker)


def test_deletes_one_that_has_not_started(delete, scheduled, sagemaker):
    """What is only scheduled leaves nothing on the endpoint."""
    delete()
    assert [] == names(sagemaker)


def test_the_endpoint_stays(once, stopped, sagemaker, emulator):
    """Only the record goes."""
    before = sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"]
    once()
    after = sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"]
    assert (before, ["churn-v1"]) == (after, serves(sagemaker))


def test_a_second_run_deletes_nothing(delete, stopped, emulator):
    """A retry in another process finds it gone, which is what was asked for."""
    delete()
    assert NAME == delete(ti={"try_number": 2}).value
    assert [NAME] == deletions(emulator)


def test_a_missing_one_is_a_success(delete, churn, log):
    """One that never was is as gone as one that was deleted."""
    assert NAME == delete().value
    assert log.containing(
        "There is no experiment 'theirs' in us-east-1 (connection 'aws_default'), so there is "
        "nothing to delete."
    )


@pytest.mark.parametrize("kind", ["drop-after", "drop-before", "throttle"])
def test_a_lost_answer_deletes_once(delete, stopped, emulator, kind):
    """Whether or not AWS has acted, it is gone, and a call that finds nothing is no failure."""
    emulator.faults.add(kind=kind, operation="DeleteInferenceExperiment")
    assert NAME == delete(**ONE_TRY).value
    assert [NAME] == deletions(emulator)


def test_botocore_may_resend(delete, stopped, emulator):
    """With the connection's own retries the second call finds nothing to delete."""
    emulator.faults.add(kind="drop-after", operation="DeleteInferenceExperiment")
    assert NAME == delete().value
    assert [NAME] == deletions(emulator)


def test_somebody_was_faster(delete, stopped, sagemaker, log, emulator):
    """A deletion between our look and our call is what was asked for."""
    log.when("Experiment 'theirs' is", lambda: sagemaker.delete_inference_experiment(Name=NAME))
    assert (NAME, [NAME]) == (delete().value, deletions(emulator))


def test_a_running_one_is_refused(delete, running, emulator):
    """AWS refuses, and the error says what to do first."""
    text = fails(AirflowFailException, delete)
    assert "Asked: to delete experiment 'theirs'.\nFound: it is Running." in text
    assert "AWS says: ConflictException: theirs is Running and cannot be deleted" in text
    assert "Next: Promote or remove its shadow variant first, then delete it." in text
    assert [] == deletions(emulator)


def test_a_stop_under_way_is_waited_for(delete, running, sagemaker, emulator):
    """What ends soon is deleted then."""
    sagemaker.stop_inference_experiment(Name=NAME, ModelVariantActions=ACTIONS)
    delete()
    assert ("Cancelled", [NAME]) == (statuses(emulator, NAME)[-1], deletions(emulator))


def test_a_stop_after_our_look_is_waited_for(delete, running, sagemaker, log, emulator):
    """The refusal is of the moment: another look finds the experiment ending."""
    log.when(
        "Experiment 'theirs' is",
        lambda: sagemaker.stop_inference_experiment(Name=NAME, ModelVariantActions=ACTIONS),
    )
    delete()
    assert ("Cancelled", [NAME]) == (statuses(emulator, NAME)[-1], deletions(emulator))


def test_an_update_that_does_not_show_yet_is_waited_for(delete, scheduled, sagemaker, emulator):
    """Right after an update AWS describes the state before it, and refuses: look again."""
    sagemaker.update_inference_experiment(Name=NAME, Description="somebody's")
    delete()
    assert ([NAME], []) == (deletions(emulator), names(sagemaker))


def test_an_end_that_takes_too_long_may_be_retried(delete, running, sagemaker, emulator):
    """The deadline binds, and another try goes on waiting."""
    emulator.pace, emulator.clock.speed = "time", 0
    sagemaker.stop_inference_experiment(Name=NAME, ModelVariantActions=ACTIONS)
    text = fails(AirflowException, delete, waiter_timeout=0.1)
    assert "Found: Stopping, when the deadline ran out." in text


def test_no_permission_fails_at_once(delete, stopped, emulator):
    """A permission does not come by waiting."""
    emulator.faults.add(kind="access-denied", operation="DeleteInferenceExperiment")
    text = fails(AirflowFailException, delete)
    assert "Asked: DeleteInferenceExperiment 'theirs'.\nFound: access denied." in text
    assert [] == deletions(emulator)


def test_without_waiting_it_shows_what_was_deleted(delete, stopped, emulator):
    """The last description is the one before the call."""
    run = delete(wait_for_completion=False)
    assert ("Cancelled", 0, [NAME]) == (
        run.experiment["Status"],
        run.deferrals,
        deletions(emulator),
    )


@pytest.mark.parametrize("arguments", [{"name": "{{ 'the' ~ 'irs' }}"}, {"config": {"Name": NAME}}])
def test_the_name_comes_from_anywhere(once, stopped, emulator, arguments):
    """From a template, or from the request in the API's own words."""
    once(**{"name": None, **arguments})
    assert [NAME] == deletions(emulator)


@pytest.mark.parametrize("name", [None, "", "{{ none }}", "{{ '' }}"])
def test_a_name_that_is_nothing_is_refused(delete, stopped, emulator, name):
    """Deleting nothing is a mistake of the Dag, not a deletion that already happened."""
    text = fails(AirflowFailException, delete, name=name)
    assert "Found: no name is given, or its template rendered to nothing." in text
    assert [] == deletions(emulator)
