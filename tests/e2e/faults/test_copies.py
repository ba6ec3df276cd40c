"""Two live copies of one task: one is given up and goes on all the same."""

from __future__ import annotations

import pytest

from tests.e2e.faults import victims
from tests.e2e.faults.stage import SURVIVES


@pytest.mark.fault("two copies", "the first one's call comes last")
def test_a_call_of_a_copy_that_was_given_up_comes_late(stage, fill):
    """The second copy has done it all when the first one's call reaches AWS."""
    stage.fault_calls("hold-before")
    stage.begin("worker")
    stage.await_held()
    with stage.given_up() as copies:
        stage.await_tasks(lambda task: task["state"] == "success", what="done")
        stage.let_go()
        victims.await_rest(copies)
    # AWS takes an update that changes nothing; no other call is accepted twice.
    assert SURVIVES == fill(stage.outcome(update=["UpdateInferenceExperiment"] * 2))


@pytest.mark.fault("two copies", "both calls at one moment")
def test_two_copies_call_at_one_moment(stage, fill):
    """AWS accepts one, and the other copy finds what the first one did."""
    stage.fault_calls("hold-before", times=2)
    stage.begin("worker")
    stage.await_held()
    with stage.given_up() as copies:
        stage.await_held(each=2)
        stage.let_go()
        stage.await_tasks(lambda task: task["state"] == "success", what="done")
        victims.await_rest(copies)
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("two copies", "after AWS acted for the first")
def test_a_copy_that_was_given_up_has_acted(stage, fill):
    """The second copy goes on with what the first one did, and the first one does no more."""
    stage.fault_calls("hold-after")
    stage.begin("worker")
    stage.await_held()
    with stage.given_up() as copies:
        stage.await_tasks(lambda task: task["state"] == "success", what="done")
        stage.let_go()
        victims.await_rest(copies)
    assert SURVIVES == fill(stage.outcome())
