"""The scheduler is lost with all its workers, alone, or stands still for a while."""

from __future__ import annotations

import pytest

from tests.e2e.faults.stage import SURVIVES


@pytest.mark.fault("scheduler killed", "before the call")
def test_a_machine_is_lost_before_the_call(stage, fill):
    """Scheduler and workers are gone at once; nothing had happened."""
    stage.fault_calls("hold-before")
    stage.begin("worker")
    stage.await_held()
    stage.airflow.kill("scheduler")
    stage.let_go(drop=True)
    stage.airflow.start("scheduler")
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("scheduler killed", "after AWS acted")
def test_a_machine_is_lost_before_the_answer(stage, fill):
    """Scheduler and workers are gone at once; what they began is found by the next try."""
    stage.fault_calls("hold-after")
    stage.begin("deferred")
    stage.await_held()
    stage.airflow.kill("scheduler")
    stage.let_go(drop=True)
    stage.airflow.start("scheduler")
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("scheduler killed", "while it polls")
def test_a_machine_is_lost_while_it_polls(stage, fill):
    """Scheduler and workers are gone at once; the next try goes on waiting."""
    stage.freeze()
    stage.begin("worker")
    stage.hold_polls()
    stage.airflow.kill("scheduler")
    stage.let_go(drop=True)
    stage.thaw()
    stage.airflow.start("scheduler")
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("scheduler killed", "while deferred")
def test_a_scheduler_dies_while_tasks_are_deferred(stage, fill):
    """Events that come while there is no scheduler are handled by the next one."""
    stage.freeze()
    stage.begin("deferred")
    stage.await_deferred()
    stage.airflow.kill("scheduler")
    stage.thaw()
    stage.await_events()
    stage.airflow.start("scheduler")
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("scheduler killed", "between event and execute_complete")
def test_a_machine_is_lost_as_tasks_resume(stage, fill):
    """Scheduler and workers are gone after the events were taken up, before they were used."""
    stage.freeze()
    stage.begin("deferred", busy=True)
    stage.await_deferred()
    stage.close_gate()
    stage.thaw()
    stage.await_at_gate()
    stage.airflow.kill("scheduler")
    stage.open_gate()
    stage.airflow.start("scheduler")
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("scheduler killed", "its workers go on")
def test_a_scheduler_dies_alone(stage, fill):
    """Its workers end what they do, while the next scheduler may start the same tasks again."""
    stage.fault_calls("hold-before")
    stage.begin("worker")
    stage.await_held()
    stage.airflow.kill_alone("scheduler")
    stage.airflow.start("scheduler")
    stage.let_go()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("scheduler paused", "and resumed")
def test_a_scheduler_stands_still(stage, fill):
    """Events that come meanwhile wait for it."""
    stage.freeze()
    stage.begin("deferred", busy=True)
    stage.await_deferred()
    with stage.airflow.paused("scheduler"):
        stage.thaw()
        stage.await_events()
    assert SURVIVES == fill(stage.outcome())
