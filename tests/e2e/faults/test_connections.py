"""AWS cannot be reached, or refuses everybody for a while."""

from __future__ import annotations

import time

import pytest

from tests.e2e.faults.cast import CAST, ROWS
from tests.e2e.faults.stage import AT_ONCE, OFTEN, SURVIVES
from tests.e2e.processes import until

#: Real seconds of one storm, far beyond what botocore waits by itself.
STORM = 60


@pytest.mark.fault("connection lost", "before the call")
def test_a_call_does_not_reach_aws(stage, fill):
    """A lost call is made again, more often than botocore does by itself."""
    stage.fault_calls("drop-before", times=OFTEN)
    stage.begin("worker")
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("connection lost", "after AWS acted")
def test_an_answer_does_not_come_back(stage, fill):
    """After a lost answer the task finds what AWS did, and does not do it again."""
    stage.freeze()
    stage.fault_calls("drop-after", times=OFTEN)
    stage.begin("deferred")
    stage.await_deferred()
    stage.thaw()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("connection lost", "while it polls")
def test_polls_do_not_reach_aws(stage, fill):
    """A wait in the worker goes on although polls are lost."""
    stage.freeze()
    stage.begin("worker")
    stage.hold_polls()
    stage.fault("drop-before", times=OFTEN)
    stage.let_go(drop=True)
    stage.thaw()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("connection lost", "while deferred")
def test_looks_of_the_triggerer_do_not_reach_aws(stage, fill):
    """A wait in the triggerer goes on although polls are lost."""
    stage.freeze()
    stage.begin("deferred")
    stage.await_deferred()
    stage.fault_polls("drop-before", times=OFTEN)
    stage.await_struck()
    stage.thaw()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("connection lost", "between event and execute_complete")
def test_a_resumed_task_does_not_reach_aws(stage, fill):
    """Whatever it calls first is called again; who only looked has nothing left to ask."""
    stage.freeze()
    stage.begin("deferred", busy=True)
    stage.await_deferred()
    stage.close_gate()
    stage.thaw()
    stage.await_at_gate()
    asking = tuple(row for row in ROWS if row not in {"sensor", "analysis"})
    stage.fault("drop-before", asking, times=OFTEN)
    stage.open_gate()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("throttling", "a storm")
def test_a_storm_of_throttling(stage, fill):
    """For minutes no call is answered: from a task's first one on, and again while it waits."""
    stage.freeze()
    stage.begin("deferred")
    _storm(stage)
    stage.await_deferred()
    _storm(stage)
    stage.thaw()
    assert SURVIVES == fill(stage.outcome())


def _storm(stage):
    stage.fault("throttle", times=None)
    stage.fault_polls("throttle", times=None)
    ends = time.monotonic() + STORM
    until(lambda: time.monotonic() > ends, what="the storm to end")
    stage.aws.control("DELETE", "faults")


@pytest.mark.fault("credentials expire", "in the middle of a wait")
def test_credentials_expire_in_the_middle_of_a_wait(stage, fill):
    """The wait goes on once AWS accepts the credentials again."""
    stage.freeze()
    stage.begin("deferred")
    stage.await_deferred()
    stage.fault_polls("expired-token", times=3)
    stage.await_struck()
    stage.thaw()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("garbage with 200", "at the call and in a wait")
def test_answers_are_none_of_aws(stage, fill):
    """A page instead of an answer is taken for no answer: the call is made again, a wait goes on.

    AWS has not acted upon a call that a page answers.
    """
    stage.freeze()
    stage.fault_calls("garbage", times=2)
    stage.begin("deferred")
    stage.await_deferred()
    assert AT_ONCE == stage.tries()
    stage.fault("garbage", times=3)
    stage.fault_polls("garbage", times=3)
    stage.thaw()
    stage.await_struck()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("reads lag", "after the own call")
def test_reads_lag_behind_the_own_call(stage, fill):
    """What AWS shows from before the call is not yet what came of it: a creation is made once.

    The clock stands still meanwhile: at its usual speed the minutes of lag would last a second.
    """
    stage.freeze()
    stage.fault_calls("lag", tuple(row for row in ROWS if CAST[row].changes))
    stage.begin("deferred")
    stage.await_deferred()
    stage.await_shown("create")
    assert AT_ONCE == stage.tries()
    stage.thaw()
    stage.await_struck()
    assert SURVIVES == fill(stage.outcome())


@pytest.mark.fault("credentials gone", "for 3 s, at the start and in a wait")
def test_credentials_are_gone_for_a_moment(stage, fill, keys):
    """Nobody has any for three seconds: neither a task that starts, nor the triggerer."""
    stage.freeze()
    stage.begin("keyless")
    stage.close_gate()
    stage.await_at_gate()
    with keys.gone(asked=3 * len(ROWS)):
        stage.open_gate()
    stage.await_deferred()
    with keys.gone(asked=3):
        assert AT_ONCE == stage.tries()
    assert {"deferred"} == {task["state"] for task in stage.tasks().values()}
    stage.thaw()
    assert SURVIVES == fill(stage.outcome())
