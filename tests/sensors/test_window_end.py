"""When a window ends: at a planned look, and with the experiment's end moved along."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from airflow_shadow._compat import (
    AirflowFailException,
    AirflowSensorTimeout,
)
from airflow_shadow.waiters import FILLING_SECONDS
from tests.helpers import accepted, described, fails, meanwhile, stop, until
from tests.sensors.analysing import HOUR, NAME, Analysing, minutes

#: Never enough periods at the first planned look of two hours.
PATIENT = {"min_periods": 150}


def end_of(sagemaker):
    """Return when the experiment ends; AWS shows a change only at the next description."""
    described(sagemaker, NAME)
    return described(sagemaker, NAME)["Schedule"]["EndTime"]


def test_what_the_first_planned_look_leaves_open_the_second_decides(
    emulator, sagemaker, shadow, analyse
):
    """The experiment's end is moved as far as the second look needs, no further."""
    since = shadow(step=300)
    soon = {"StartTime": since, "EndTime": since + 3 * HOUR}
    sagemaker.update_inference_experiment(Name=NAME, Schedule=soon)
    until(sagemaker, NAME, "Running")
    window = {"since": since.isoformat(), "max_duration": "6h", "min_remaining": 3600}
    run = analyse(**window, spec=PATIENT, interval=1800)
    verdict = run.value
    assert ("PASS", 240, 2, 3) == (
        verdict["outcome"],
        minutes(verdict),
        verdict["look"],
        len(verdict["looks"]),
    )
    assert 5 * 3600 == round((end_of(sagemaker) - since).total_seconds())
    # Of these one is the test's own.
    assert 2 == len(accepted(emulator, "UpdateInferenceExperiment"))


def test_a_stage_that_ends_at_its_first_look_moves_nothing(emulator, shadow, analyse):
    """The experiment's end stays if the first look decides."""
    since = shadow()
    week = timedelta(days=7) - 4 * HOUR
    window = {"since": since.isoformat(), "max_duration": "6h"}
    verdict = analyse(**window, min_remaining=week.total_seconds()).value
    assert ("PASS", 1, []) == (
        verdict["outcome"],
        verdict["look"],
        accepted(emulator, "UpdateInferenceExperiment"),
    )


@pytest.mark.thorough
def test_the_last_planned_look_ends_the_wait(shadow, analyse):
    """The last look ends the wait with any verdict, which says what is lacking."""
    since = shadow()
    window = {"since": since.isoformat(), "max_duration": "4h", "min_remaining": 3600}
    verdict = analyse(**window, spec={"min_periods": 900, "planned_looks": 2}).value
    assert ("INCONCLUSIVE", 240, 2) == (verdict["outcome"], minutes(verdict), verdict["look"])
    assert "of 900 periods needed" in verdict["reason"]


@pytest.mark.thorough
def test_without_since_the_end_is_moved_once(emulator, shadow, analyse):
    """A move later on would begin the window anew, because it is a change of the experiment."""
    shadow()
    week = timedelta(days=7).total_seconds()
    verdict = analyse(min_remaining=week, max_duration="6h", spec=PATIENT, interval=1800).value
    assert ("PASS", 240, [NAME]) == (
        verdict["outcome"],
        minutes(verdict),
        accepted(emulator, "UpdateInferenceExperiment"),
    )


@pytest.mark.thorough
def test_waiting_on_does_not_extend_a_timeout(shadow):
    """The timeout counts from the task's begin, also when the worker comes back in between."""
    since = shadow()
    window = {"since": since.isoformat(), "max_duration": "6h", "min_remaining": 3600}
    run = Analysing("deferrable")
    run(**window, spec=PATIENT, interval=1800, timeout=600)
    deadlines = {trigger["deadline"] for trigger in run.tasks.triggers}
    assert (2, 1) == (len(run.tasks.triggers), len(deadlines))


def test_the_end_is_moved_while_a_verdict_is_pending(sagemaker, shadow, analyse):
    """`min_remaining` leaves time after the window to conclude the experiment."""
    since = shadow(step=0)
    with pytest.raises(AirflowSensorTimeout):
        analyse(since=since.isoformat(), duration="8d", min_remaining=3600, timeout=0.2)
    described(sagemaker, NAME)  # the first look after an update still shows the state before
    end = described(sagemaker, NAME)["Schedule"]["EndTime"]
    assert round((end - since).total_seconds()) == timedelta(days=8, hours=1).total_seconds()


def test_it_is_patient_until_the_end_that_it_has_moved(emulator, sagemaker, shadow):
    """The default timeout follows the moved end, though AWS still shows the old one."""
    since = shadow(step=0)
    soon = {"StartTime": since, "EndTime": since + 2 * HOUR}
    sagemaker.update_inference_experiment(Name=NAME, Schedule=soon)
    described(sagemaker, NAME)  # the first look after an update still shows the state before
    emulator.clock.advance(HOUR / 2)
    until(sagemaker, NAME, "Running")
    arguments = {"since": since.isoformat(), "duration": "24h", "min_remaining": 3600}
    run = Analysing("deferrable")(**arguments, until_deferred=True)
    assert [NAME] * 2 == accepted(emulator, "UpdateInferenceExperiment")
    assert run.trigger.deadline - time.time() > 24 * 3600


def test_the_move_of_the_end_begins_the_window_once(emulator, shadow, analyse):
    """Without `since` the window begins with the sensor's own change of the experiment."""
    shadow()
    week = timedelta(days=7).total_seconds()
    verdict = analyse(min_remaining=week).value
    assert ("PASS", 120) == (verdict["outcome"], minutes(verdict))
    assert [NAME] == accepted(emulator, "UpdateInferenceExperiment")


@pytest.mark.thorough
def test_a_window_without_a_length_leaves_what_shall_remain(emulator, shadow, analyse):
    """Without a duration the window ends `min_remaining` before the experiment."""
    hour = timedelta(hours=1)
    ends = emulator.clock.now().replace(microsecond=0) + 7 * hour
    since = shadow(step=900, ends=ends)
    arguments = {"duration": None, "min_remaining": hour.total_seconds()}
    verdict = analyse(since=since.isoformat(), interval=hour.total_seconds(), **arguments).value
    filling = timedelta(seconds=FILLING_SECONDS)
    assert ends - hour - filling == datetime.fromtimestamp(verdict["end"], UTC)
    assert [] == accepted(emulator, "UpdateInferenceExperiment")


@pytest.mark.parametrize("begins", ["since", "with its last change"])
def test_an_experiment_too_short_for_a_window_is_named(emulator, shadow, analyse, begins):
    """Without a duration an experiment that ends too early is an error."""
    since = shadow()
    week = timedelta(days=7).total_seconds()
    arguments = {"since": since.isoformat()} if begins == "since" else {}
    text = fails(AirflowFailException, analyse, duration=None, min_remaining=week, **arguments)
    assert f"with min_remaining={week:g} and no duration" in text
    assert "Next: Give a duration" in text
    assert [] == accepted(emulator, "UpdateInferenceExperiment")


def test_an_end_that_somebody_moves_first_is_no_error(emulator, sagemaker, shadow, analyse, log):
    """If somebody else changes the experiment first, the sensor goes on."""
    since = shadow(step=0)
    emulator.clock.advance(HOUR)
    emulator.faults.add(operation="UpdateInferenceExperiment", kind="hold-before")
    with meanwhile(emulator, lambda: stop(sagemaker, NAME)):
        run = analyse(since=since.isoformat(), duration="8d", min_remaining=3600)
    assert "INCONCLUSIVE" == run.value["outcome"]
    assert log.containing("The experiment's end was not moved: ")
