"""Workers are lost at every place of a task; the next try ends what they began."""

from __future__ import annotations

import pytest

from tests.e2e.faults import victims
from tests.e2e.faults.stage import SURVIVES


@pytest.mark.fault("worker killed", "before the call")
def test_a_worker_dies_before_its_call(stage, fill):
    """What had not happened is done by the next try."""
    stage.fault_calls("hold-before")
    stage.begin("worker")
    stage.await_held()
    victims.kill(stage.pids())
    stage.let_go(drop=True)
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("worker killed", "after AWS acted")
def test_a_worker_dies_before_its_answer(stage, fill):
    """What had happened is found by the next try, and not done again."""
    stage.fault_calls("hold-after")
    stage.begin("worker")
    stage.await_held()
    victims.kill(stage.pids())
    stage.let_go(drop=True)
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("worker killed", "while it polls")
def test_a_worker_dies_while_it_polls(stage, fill):
    """The next try goes on waiting."""
    stage.freeze()
    stage.begin("worker")
    stage.hold_polls()
    victims.kill(stage.pids())
    stage.let_go(drop=True)
    stage.thaw()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("worker killed", "between event and execute_complete")
def test_a_worker_dies_as_it_resumes(stage, fill):
    """The next try needs no event that was lost with its worker: it polls AWS itself."""
    stage.freeze()
    stage.begin("deferred", busy=True)
    stage.await_deferred()
    stage.close_gate()
    stage.thaw()
    victims.kill(stage.await_at_gate())
    stage.open_gate()
    assert SURVIVES == fill(stage.outcome())
