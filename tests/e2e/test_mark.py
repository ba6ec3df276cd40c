"""Marking a creation by hand while it is deferred, its experiment running."""

from __future__ import annotations

import pytest

from tests.e2e.places import await_status, creation, finished, start_and_defer
from tests.e2e.processes import until

KILLED = "Removed because its Airflow task was marked failed."


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_mark_leaves_the_experiment_to_its_own_end(api, aws, state):
    """With `on_kill_action="leave"` no mark stops anything: AWS ends the experiment by itself."""
    endpoint = aws.endpoint(f"leave-{state}", candidates=("v2",))
    run = start_and_defer(api, aws, "e2e_kill_leave", endpoint, duration="3h")
    api.mark("e2e_kill_leave", run, "create", state)
    aws.let_go(endpoint)
    await_status(aws, endpoint, "Completed")
    assert finished(api, aws, "e2e_kill_leave", run, endpoint) == (
        state,
        [creation("e2e_kill_leave", run, generation=2)],
        [],
        "v1",
    )
    assert [] == aws.calls(endpoint, "StopInferenceExperiment")


def test_marking_failed_stops_the_experiment_once(api, aws):
    """With `on_kill_action="stop"` the triggerer removes the shadow of a task marked failed."""
    endpoint = aws.endpoint("stop-failed", candidates=("v2",))
    run = start_and_defer(api, aws, "e2e_kill_stop", endpoint)
    api.mark("e2e_kill_stop", run, "create", "failed")
    await_status(aws, endpoint, "Cancelled")
    aws.let_go(endpoint)
    (stop,) = aws.calls(endpoint, "StopInferenceExperiment")
    assert KILLED in stop["request"]["Reason"]
    once = [creation("e2e_kill_stop", run, generation=2)]
    assert finished(api, aws, "e2e_kill_stop", run, endpoint) == ("failed", once, [], "v1")


def test_marking_success_stops_nothing(api, aws):
    """With `on_kill_action="stop"` the triggerer asks for the state, and leaves a success alone."""
    endpoint = aws.endpoint("stop-success", candidates=("v2",))
    run = start_and_defer(api, aws, "e2e_kill_stop", endpoint)
    api.mark("e2e_kill_stop", run, "create", "success")
    left = "The task is success, so experiment"
    until(lambda: left in api.log("e2e_kill_stop", run, "create"), what="the triggerer's decision")
    aws.let_go(endpoint)
    once = [creation("e2e_kill_stop", run, generation=2)]
    assert finished(api, aws, "e2e_kill_stop", run, endpoint) == ("success", once, [], "v1")
    assert [] == aws.calls(endpoint, "StopInferenceExperiment")
