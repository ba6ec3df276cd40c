"""Somebody else acts in the middle, or AWS fails to do what it was asked."""

from __future__ import annotations

import pytest

from tests.e2e.faults import somebody
from tests.e2e.faults.cast import ROWS
from tests.e2e.faults.stage import AT_ONCE, SURVIVES


@pytest.mark.fault("experiment stopped", "by somebody else")
def test_somebody_stops_the_experiment(stage, fill):
    """What was to be stopped is; what was to run fails and says who stopped it.

    An analysis judges what there is until then, and so does a comparison; no call of the outcome's
    is their own.
    """
    somebody.waits_for(stage)
    stage.begin("deferred")
    stage.await_held()
    somebody.stops(stage)
    stage.let_go()
    stopped = ["StopInferenceExperiment"]
    came = stage.outcome(analysis=stopped, compare=stopped)
    assert SURVIVES | {
        "create": "ExperimentStoppedError",
        "update": "ExperimentStoppedError",
        "start": "ExperimentStoppedError",
        "promote": "PromotionRefusedError",
        "sensor": "ExperimentStoppedError",
    } == fill(came)


@pytest.mark.fault("experiment deleted", "by somebody else")
def test_somebody_deletes_the_experiment(stage, fill):
    """That was to be, or its captures are compared all the same; the others say it is gone."""
    somebody.waits_for(stage)
    stage.begin("deferred")
    stage.await_held()
    somebody.deletes(stage)
    stage.let_go()
    missing = dict.fromkeys(ROWS, "ExperimentNotFoundError")
    survive = dict.fromkeys(("delete", "compare"), "survives")
    gone = [f"{verb}InferenceExperiment" for verb in ("Stop", "Delete")]
    assert missing | survive == fill(stage.outcome(compare=gone))


@pytest.mark.fault("endpoint fails to update", "in the task's own change")
def test_aws_fails_to_do_what_a_task_asked(stage, fill):
    """A creation is made anew by the next try; what broke otherwise cannot be mended by one."""
    somebody.breaks(stage)
    # Not deferred: Airflow 3.3 may lose the event of a wait that ends at once, and the next try of
    # a stop finds an experiment that is Cancelled, as it asked.
    stage.begin("worker")
    broken = dict.fromkeys(ROWS, "ExperimentBrokenError")
    made_anew = [f"{verb}InferenceExperiment" for verb in ("Create", "Delete", "Create")]
    came = stage.outcome(create=made_anew)
    untouched = dict.fromkeys(("create", "delete", "analysis", "compare"), "survives")
    assert fill(came) == broken | untouched


@pytest.mark.fault("endpoint fails to update", "and is rolled back")
def test_aws_rolls_an_update_back(stage, fill):
    """Its own update is asked for again; a change before its own does not disturb a task."""
    somebody.rolls_back(stage)
    stage.freeze()
    stage.begin("deferred", busy=True)
    stage.await_deferred()
    stage.thaw()
    update = "UpdateInferenceExperiment"
    came = stage.outcome(update=[update, update])
    assert SURVIVES | {"sensor": "ExperimentBrokenError"} == fill(came)


@pytest.mark.fault("deployment in between", "by somebody else")
def test_somebody_deploys_between_reading_and_call(stage, fill):
    """A creation keeps what serves by then; what was tested against another is not promoted."""
    somebody.deploys(stage)
    came = stage.outcome(serves={"create": "v3", "promote": "v3"})
    assert SURVIVES | {"promote": "ProductionChangeError"} == fill(came)
    assert [] == stage.calls("promote")


@pytest.mark.fault("template renders to nothing", "of the connection")
def test_a_connection_got_lost(stage, fill):
    """Nobody acts with the worker's own credentials instead, and no try repeats it."""
    stage.begin("nowhere")
    assert fill(stage.outcome()) == dict.fromkeys(ROWS, "InvalidRequestError")
    assert [stage.calls(row) for row in ROWS] == [[] for _ in ROWS]
    assert AT_ONCE == stage.tries()
