"""InferenceExperimentSensor: the same in all its modes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from airflow_shadow._compat import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferralError,
)
from airflow_shadow.sensors import InferenceExperimentSensor
from tests.helpers import expire, fails, somebodys, stop
from tests.tasks import SENSOR_MODES, Tasks

try:
    from airflow.sdk.bases.operator import TriggerFailureReason

    #: What Airflow writes where a deferral's time is over.
    TRIGGER_TIMEOUT = TriggerFailureReason.TRIGGER_TIMEOUT.value
except ImportError:  # Airflow 2.11
    TRIGGER_TIMEOUT = "Trigger/execution timeout"

NAME = "theirs"


class Sensing:
    """Runs the sensor to its end in one mode; a rescheduling one is new at each poll."""

    def __init__(self, mode):
        self.mode, self.reschedules = mode, 0
        self.tasks = Tasks("deferred" if mode == "deferrable" else "worker")

    def __call__(self, **arguments):
        """Run the sensor until it ends."""
        arguments = {"name": NAME, "poke_interval": 0.01, **arguments}
        arguments |= {"mode": "reschedule"} if self.mode == "reschedule" else {}
        first = datetime.now(UTC)
        while True:
            ti = {"first_look": first if self.reschedules else None}
            try:
                return self.tasks.run(InferenceExperimentSensor, ti=ti, **arguments)
            except AirflowRescheduleException:
                self.reschedules += 1


@pytest.fixture(params=SENSOR_MODES)
def sense(request, emulator):
    """Wait with the sensor in all its modes."""
    return Sensing(request.param)


@pytest.fixture
def scheduled(churn, sagemaker, emulator):
    """Create an experiment that starts in an hour, for two hours."""
    start = emulator.clock.now() + timedelta(hours=1)
    schedule = {"StartTime": start, "EndTime": start + timedelta(hours=2)}
    return somebodys(sagemaker, NAME, rests="Created", Schedule=schedule)


def test_waits_for_a_transition_somebody_else_makes(sense, scheduled, emulator):
    """The schedule starts the experiment; the sensor returns its name and description."""
    emulator.clock.advance(3601)
    run = sense(target_statuses="Running")
    assert (NAME, "Running") == (run.value, run.experiment["Status"])


@pytest.mark.parametrize("statuses", [["Completed", "Created"], "Created"])
def test_what_is_there_already_is_not_waited_for(sense, scheduled, statuses):
    """A target that AWS shows already ends the sensor without a deferral or a reschedule."""
    run = sense(target_statuses=statuses)
    assert ("Created", 0, 0) == (run.experiment["Status"], run.deferrals, sense.reschedules)


def test_a_timeout_is_a_sensors_timeout(sense, scheduled):
    """In every mode a timeout is the same exception with the same text."""
    text = fails(AirflowSensorTimeout, sense, target_statuses="Running", timeout=0.1)
    asked = "Asked: experiment 'theirs' to be Running."
    found = "Found: Created, when the deadline ran out."
    assert f"{asked}\n{found}\nNext: " in text


def test_a_timeout_with_soft_fail_skips(sense, scheduled):
    """`soft_fail` turns the timeout into a skip in every mode."""
    fails(
        AirflowSkipException, sense, target_statuses="Running", timeout=timedelta(0), soft_fail=True
    )


def test_an_unreachable_status_fails_at_once(sense, scheduled, sagemaker, emulator):
    """A status that can no longer come is not waited for."""
    emulator.clock.advance(3601)
    expire(emulator, sagemaker, NAME)
    text = fails(AirflowFailException, sense, target_statuses="Running", timeout=60)
    assert "is Completed and cannot become" in text


def test_an_unreachable_status_with_soft_fail_skips(sense, churn, sagemaker):
    """With `soft_fail` an error that no retry helps against is a skip."""
    somebodys(sagemaker)
    stop(sagemaker, NAME)
    fails(AirflowSkipException, sense, target_statuses="Running", soft_fail=True)


def test_a_stop_by_somebody_fails(sense, churn, sagemaker):
    """The error has the reason of the person who stopped the experiment."""
    somebodys(sagemaker)
    stop(sagemaker, NAME, Reason="Enough.")
    text = fails(AirflowFailException, sense, target_statuses="Completed")
    assert "was stopped by somebody.\nAWS says: Enough." in text


def test_a_stop_by_somebody_is_an_end(sense, churn, sagemaker):
    """Where `Cancelled` is a target, a stop by anybody reaches it."""
    somebodys(sagemaker)
    stop(sagemaker, NAME, Reason="Enough.")
    assert NAME == sense(target_statuses=["Completed", "Cancelled"]).value


def test_a_broken_experiment_is_no_end(sense, churn, sagemaker, emulator):
    """Where `Cancelled` is a target, a failure does not reach it."""
    emulator.faults.add(kind="fail-creation", reason="No capacity.")
    somebodys(sagemaker, rests="Cancelled")
    text = fails(AirflowFailException, sense, target_statuses=["Completed", "Cancelled"])
    assert "AWS says: No capacity." in text


def test_a_broken_experiment_fails(sense, churn, sagemaker, emulator):
    """A failed experiment fails the task without a retry."""
    emulator.faults.add(kind="fail-creation", reason="No capacity.")
    somebodys(sagemaker, rests="Creating")
    text = fails(AirflowFailException, sense, target_statuses="Running")
    assert "AWS says: No capacity." in text


def test_a_missing_experiment_fails(sense, churn):
    """A wrong name is an error at once."""
    text = fails(AirflowFailException, sense, target_statuses="Running")
    assert "no experiment named 'theirs'" in text


def test_a_missing_experiment_may_come(sense, churn, sagemaker, log):
    """With `missing_ok` the sensor waits until the experiment exists."""
    waiting = "Waiting for experiment 'theirs' to be Running: no such experiment yet."
    log.when(waiting, lambda: somebodys(sagemaker))
    assert NAME == sense(target_statuses="Running", missing_ok=True).value


def test_no_permission_fails_at_once(sense, scheduled, emulator):
    """A missing permission is an error at once."""
    kind = {"kind": "access-denied", "operation": "DescribeInferenceExperiment", "times": None}
    emulator.faults.add(**kind)
    text = fails(AirflowFailException, sense, target_statuses="Running", timeout=60)
    assert "access denied" in text


def test_a_bad_spell_of_aws_is_waited_out(sense, scheduled, emulator):
    """Throttling ends neither the wait nor the search for the default timeout."""
    emulator.faults.add(kind="throttle", operation="DescribeInferenceExperiment", times=3)
    config = {"retries": {"total_max_attempts": 1}}
    assert NAME == sense(target_statuses="Created", botocore_config=config).value


def test_an_unknown_target_is_refused(sense, scheduled):
    """A misspelt status is an error instead of an endless wait."""
    text = fails(AirflowFailException, sense, target_statuses=["Runing"])
    assert "no such status: 'Runing'" in text
    assert "Give one or more of Creating, Created" in text


def test_the_default_timeout_is_the_experiments_end(scheduled, sagemaker, emulator):
    """The default timeout is an hour after the scheduled end, by AWS's clock."""
    emulator.clock.advance(3601)
    sense = Sensing("deferrable")
    sense(target_statuses="Running")
    [trigger] = sense.tasks.triggers
    ahead = trigger["deadline"] - time.time()
    assert 3 * 3600 == pytest.approx(ahead, abs=30)


def test_a_reschedule_counts_from_the_first_look(scheduled, emulator):
    """A rescheduling sensor's timeout counts from its first poll."""
    long_ago = {"first_look": datetime.now(UTC) - timedelta(hours=1)}
    arguments = {"name": NAME, "target_statuses": "Running", "mode": "reschedule", "timeout": 600}
    run = Tasks("worker").run
    arguments |= {"ti": long_ago, "poke_interval": 1}
    fails(AirflowSensorTimeout, run, InferenceExperimentSensor, **arguments)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (TRIGGER_TIMEOUT, AirflowSensorTimeout),
        ("Trigger failure", TaskDeferralError),
    ],
)
def test_a_triggerer_that_does_not_answer(scheduled, message, kind):
    """Only Airflow's timeout of the deferral is a timeout; a broken trigger may be retried."""
    sensor = InferenceExperimentSensor(task_id="t", name=NAME, target_statuses="Running")
    with pytest.raises(AirflowException) as caught:
        sensor.resume_execution("__fail__", {"error": message}, {})
    assert issubclass(caught.type, kind)


def test_secrets_keep_the_sensor_in_the_worker(scheduled, emulator, log):
    """With settings that may hold passwords the sensor does not defer."""
    sense = Sensing("deferrable")
    config = {"proxies_config": {"proxy_client_cert": "secret.pem"}}
    emulator.clock.advance(3601)
    run = sense(target_statuses="Running", botocore_config=config)
    assert (0, []) == (run.deferrals, sense.tasks.triggers)
    assert log.containing("Waiting in the worker: botocore_config may hold passwords")
