"""The triggerer is lost or stands still while tasks wait in it, and waits end without it."""

from __future__ import annotations

import pytest

from tests.e2e.faults.stage import SURVIVES


@pytest.mark.fault("triggerer killed", "before the task defers")
def test_tasks_defer_to_no_triggerer(stage, fill):
    """Deferred tasks wait until a triggerer runs."""
    stage.freeze()
    stage.airflow.kill("triggerer")
    stage.begin("deferred")
    stage.await_tasks(lambda task: task["state"] == "deferred", what="deferred")
    stage.thaw()
    stage.airflow.start("triggerer")
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("triggerer killed", "while deferred")
def test_a_triggerer_dies_while_tasks_wait_in_it(stage, fill):
    """The next triggerer goes on with the same waits."""
    stage.freeze()
    stage.begin("deferred", busy=True)
    stage.await_deferred()
    stage.airflow.kill("triggerer")
    stage.thaw()
    stage.airflow.start("triggerer")
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("triggerer killed", "between event and execute_complete")
def test_a_triggerer_dies_as_tasks_resume(stage, fill):
    """An event that is out needs no triggerer; what the resumed task waits for does."""
    stage.freeze()
    stage.begin("deferred", busy=True)
    stage.await_deferred()
    stage.close_gate()
    stage.thaw()
    stage.await_at_gate()
    stage.airflow.kill("triggerer")
    stage.open_gate()
    stage.airflow.start("triggerer")
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("triggerer paused", "and resumed")
def test_a_triggerer_stands_still(stage, fill):
    """What ends meanwhile is noticed when the triggerer goes on."""
    stage.freeze()
    stage.begin("deferred")
    stage.await_deferred()
    with stage.airflow.paused("triggerer"):
        stage.thaw()
        stage.await_rest()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("the wait times out", "while deferred")
def test_a_wait_times_out_in_the_triggerer(stage, fill):
    """The next try goes on with what the last one began; a sensor has no next try."""
    stage.freeze()
    stage.begin("short")
    stage.await_late()
    stage.thaw()
    assert SURVIVES | {"sensor": "WaitTimeoutError"} == fill(stage.outcome())


@pytest.mark.fault("the wait times out", "by Airflow's own backstop")
def test_airflow_ends_a_wait_that_no_triggerer_ends(stage, fill):
    """A triggerer that never answers is given up; the next try goes on."""
    stage.freeze()
    stage.begin("deferred")
    stage.await_deferred()
    stage.airflow.kill("triggerer")
    stage.airflow.end_deferrals(stage.run)
    stage.await_late()
    stage.thaw()
    stage.airflow.start("triggerer")
    assert SURVIVES | {"sensor": "AirflowSensorTimeout"} == fill(stage.outcome())
