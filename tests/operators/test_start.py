"""StartInferenceExperimentOperator."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.operators import StartInferenceExperimentOperator
from tests.helpers import accepted, described, expire, fails, serves, somebodys, statuses, stop

NAME = "theirs"
ONE_TRY = {"botocore_config": {"retries": {"total_max_attempts": 1}}}


@pytest.fixture
def start(tasks):
    """Run a start in both modes."""
    return lambda **arguments: tasks.run(
        StartInferenceExperimentOperator, **{"name": NAME, **arguments}
    )


@pytest.fixture
def once(worker):
    """Run a start in the worker alone."""
    return lambda **arguments: worker.run(
        StartInferenceExperimentOperator, **{"name": NAME, **arguments}
    )


@pytest.fixture
def in_five_hours(emulator):
    """Return a schedule that lies ahead, for two hours."""
    begin = emulator.clock.now() + timedelta(hours=5)
    return {"StartTime": begin, "EndTime": begin + timedelta(hours=2)}


@pytest.fixture
def scheduled(churn, sagemaker, in_five_hours):
    """Let an experiment wait for its start."""
    return somebodys(sagemaker, NAME, rests="Created", Schedule=in_five_hours)


def starts(emulator):
    """Return the names that were started."""
    return accepted(emulator, "StartInferenceExperiment")


def test_starts_now_and_waits_until_it_runs(start, scheduled, emulator):
    """The task ends when the candidate gets traffic."""
    run = start()
    assert (NAME, "Running") == (run.value, run.experiment["Status"])
    assert ["Creating", "Created", "Starting", "Running"] == statuses(emulator, NAME)


def test_the_start_moves_and_the_end_stays(once, scheduled, emulator):
    """An early start makes the test longer."""
    schedule = once().experiment["Schedule"]
    begin, end = (datetime.fromisoformat(schedule[key]) for key in ("StartTime", "EndTime"))
    assert abs(begin - emulator.clock.now()) < timedelta(minutes=1)
    assert abs(end - scheduled["Schedule"]["EndTime"]) < timedelta(seconds=1)


def test_production_stays(once, scheduled, sagemaker):
    """A start adds a shadow and nothing else."""
    once()
    assert ["churn-v1"] == serves(sagemaker)


def test_a_second_run_starts_nothing(start, scheduled, emulator):
    """A retry in another process finds it running."""
    start()
    assert "Running" == start(ti={"try_number": 2}).experiment["Status"]
    assert [NAME] == starts(emulator)


def test_one_that_runs_is_a_success(start, churn, sagemaker, emulator, log):
    """Whoever started it."""
    somebodys(sagemaker, NAME)
    assert NAME == start().value
    assert ([], 1) == (starts(emulator), len(log.containing("'theirs' is Running already.")))


def test_one_that_is_starting_is_waited_for(start, scheduled, sagemaker, emulator):
    """A start that somebody asked for is as good as ours."""
    sagemaker.start_inference_experiment(Name=NAME)
    assert ("Running", [NAME]) == (start().experiment["Status"], starts(emulator))


def test_a_running_creation_is_waited_for(start, churn, sagemaker, in_five_hours, emulator):
    """A start is not known to be possible before the experiment is there."""
    somebodys(sagemaker, NAME, rests="Creating", Schedule=in_five_hours)
    start()
    assert ["Creating", "Created", "Starting", "Running"] == statuses(emulator, NAME)


def test_an_update_under_way_is_waited_for(start, scheduled, sagemaker, emulator):
    """Right after an update AWS describes the state before it, and refuses: look again."""
    sagemaker.update_inference_experiment(Name=NAME, Description="somebody's")
    run = start()
    assert ("Running", "somebody's") == (run.experiment["Status"], run.experiment["Description"])


def test_somebody_was_faster(start, scheduled, sagemaker, log, emulator):
    """A start between our look and our call is what was asked for."""
    log.when("Experiment 'theirs' is", lambda: sagemaker.start_inference_experiment(Name=NAME))
    assert ("Running", [NAME]) == (start().experiment["Status"], starts(emulator))


@pytest.mark.parametrize("kind", ["drop-after", "drop-before", "throttle"])
def test_a_lost_answer_starts_once(start, scheduled, emulator, kind):
    """Whether or not AWS has acted, there is one start."""
    emulator.faults.add(kind=kind, operation="StartInferenceExperiment")
    assert "Running" == start(**ONE_TRY).experiment["Status"]
    assert [NAME] == starts(emulator)


def test_botocore_may_resend(start, scheduled, emulator):
    """With the connection's own retries the second call is refused, and that is no failure."""
    emulator.faults.add(kind="drop-after", operation="StartInferenceExperiment")
    assert "Running" == start().experiment["Status"]
    assert [NAME] == starts(emulator)


def test_without_waiting_it_returns_at_once(start, scheduled):
    """The task ends while AWS still works."""
    run = start(wait_for_completion=False)
    assert ("Starting", 0) == (run.experiment["Status"], run.deferrals)


def test_a_busy_endpoint_is_explained(start, scheduled, sagemaker, emulator):
    """A deployment that does not end is waited for until the deadline, which says so."""
    emulator.pace, emulator.clock.speed = "time", 0
    capacity = {"VariantName": "AllTraffic", "DesiredInstanceCount": 3}
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn", DesiredWeightsAndCapacities=[capacity]
    )
    text = fails(AirflowException, start, waiter_timeout=0.5)
    assert "Asked: endpoint 'churn' to be InService, with no deployment under way." in text
    assert "Found: endpoint 'churn' is Updating, when the deadline ran out." in text
    assert [] == starts(emulator)


def test_an_expired_one_is_refused(start, churn, sagemaker, emulator):
    """What has ended does not run again."""
    end = emulator.clock.now() + timedelta(hours=2)
    somebodys(sagemaker, NAME, Schedule={"EndTime": end})
    expire(emulator, sagemaker, NAME)
    text = fails(AirflowFailException, start)
    assert "is Completed and cannot become" in text
    assert "Next: Create a new experiment" in text


def test_a_stopped_one_is_refused(start, churn, sagemaker):
    """The person's reason is shown."""
    somebodys(sagemaker, NAME)
    stop(sagemaker, NAME, Reason="Enough.")
    text = fails(AirflowFailException, start)
    assert "was stopped by somebody.\nAWS says: Enough." in text


def test_a_start_that_breaks_fails(start, scheduled, emulator):
    """Cancelled after our call is no start, and AWS's reason is shown."""
    emulator.faults.add(kind="fail-start", reason="No capacity.")
    text = fails(AirflowFailException, start)
    assert "is Cancelled after a failure.\nAWS says: No capacity." in text


def test_a_missing_one_is_named(start, churn):
    """There is nothing to start."""
    assert "no experiment named 'theirs'" in fails(AirflowFailException, start)


def test_a_start_that_takes_too_long_may_be_retried(start, scheduled, emulator):
    """The deadline binds, and another try goes on waiting."""
    emulator.pace, emulator.clock.speed = "time", 0
    text = fails(AirflowException, start, waiter_timeout=0.1)
    assert "Found: Starting, when the deadline ran out." in text
    emulator.pace = "count"
    assert "Running" == start(ti={"try_number": 2}).experiment["Status"]
    assert [NAME] == starts(emulator)


@pytest.mark.parametrize("arguments", [{"name": "{{ 'the' ~ 'irs' }}"}, {"config": {"Name": NAME}}])
def test_the_name_comes_from_anywhere(once, scheduled, arguments):
    """From a template, or from the request in the API's own words."""
    assert NAME == once(**{"name": None, **arguments}).value


@pytest.mark.parametrize("name", [None, "", "{{ none }}", "{{ '' }}"])
def test_a_name_that_is_nothing_is_refused(start, churn, name):
    """Nothing is asked of AWS under an empty name."""
    text = fails(AirflowFailException, start, name=name)
    assert "Found: no name is given, or its template rendered to nothing." in text


def test_it_shows_what_aws_shows(once, scheduled, sagemaker):
    """The XCom is the description at the end."""
    assert described(sagemaker, NAME)["Arn"] == once().experiment["Arn"]
