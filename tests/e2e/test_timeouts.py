"""What becomes of the experiment when Airflow's own time limits run out."""

from __future__ import annotations

import pytest

from tests.e2e.places import (
    blind,
    creation,
    finished,
    start,
    start_and_defer,
    start_and_hold,
)


def hold_after(api, aws, dag_id, endpoint, **params):
    """Start a run whose creation has happened at AWS, and does not know it yet."""
    return start_and_hold(api, aws, dag_id, endpoint, kind="hold-after", **params)


@pytest.mark.parametrize("place", [hold_after, start_and_defer], ids=["running", "deferred"])
def test_a_run_times_out(api, aws, place):
    """Airflow skips its tasks: the experiment lives to its own end, and a later run follows it."""
    endpoint = aws.endpoint("run-timeout", candidates=("v2",))
    run = place(api, aws, "e2e_run_timeout", endpoint, duration="3h")
    assert "failed" == api.finish("e2e_run_timeout", run)
    assert {"create": "skipped", "remove": "skipped"} == api.states("e2e_run_timeout", run)
    aws.let_go(endpoint)
    later = start(api, "e2e_create", endpoint)
    state, created, _, _ = finished(api, aws, "e2e_create", later, endpoint)
    runs = [("e2e_run_timeout", run), ("e2e_create", later)]
    assert (state, created) == ("success", [creation(*one, generation=2) for one in runs])
    assert [] == aws.calls(endpoint, "StopInferenceExperiment")


def test_an_execution_timeout_of_a_waiting_worker(api, aws):
    """The try is killed and retried, so nothing is stopped: the next try adopts."""
    dag_id, endpoint = "e2e_execution_timeout", aws.endpoint("execution", candidates=("v2",))
    run = start_and_hold(api, aws, dag_id, endpoint)
    blind(aws, endpoint)
    aws.fault(kind="hold-before", operation="DescribeInferenceExperiment", about=endpoint)
    aws.let_go(endpoint)
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    aws.let_go(endpoint)
    assert (state, created) == ("success", [creation(dag_id, run, generation=2)])
    assert "The task is running, so experiment" in api.log(dag_id, run, "create")
    assert [] == aws.calls(endpoint, "StopInferenceExperiment")
