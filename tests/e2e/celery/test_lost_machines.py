"""Six rollouts at once while a worker and a triggerer are lost: the others take over."""

from __future__ import annotations

from tests.e2e.processes import until
from tests.e2e.stack import SPEED, WORKERS

DAG = "e2e_simple"
#: In the middle of a creation: AWS has acted, but its answer has not come.
MIDDLE = {"kind": "hold-after", "operation": "CreateInferenceExperiment"}


def test_six_rollouts_outlive_a_worker_and_a_triggerer(stack, api, aws):
    """The others do what the lost carried, once; only the lost worker's task spends a retry."""
    endpoints = [aws.endpoint(f"six-{number}", candidates=("v2",)) for number in range(6)]
    runs = _roll_out(api, aws, endpoints)
    aws.held(endpoints[0])
    worker = api.await_task(DAG, runs[0], "create", {"running"})["hostname"]
    triggerer, *_ = [_triggerer(api, run) for run in runs[1:]]
    for lost in (worker, triggerer):
        stack.programs[lost].kill()
    aws.let_go(endpoints[0], drop=True)
    aws.control("POST", "clock", {"speed": SPEED})
    assert ["success"] * 6 == [api.finish(DAG, run) for run in runs]
    assert [aws.created(name) for name in endpoints] == [
        [(f"{DAG}/{run}/create/-1", "2")] for run in runs
    ]
    assert [["v2"]] * 6 == [aws.promoted(name) for name in endpoints]
    assert [2, 1, 1, 1, 1, 1] == [api.task(DAG, run, "create")["try_number"] for run in runs]
    assert {api.task(DAG, run, "promote")["hostname"] for run in runs} == {*WORKERS} - {worker}


def _roll_out(api, aws, endpoints: list[str]) -> list[str]:
    """Start a run for each endpoint: the first is held in its creation, the others wait."""
    api.unpause(DAG)
    aws.control("POST", "clock", {"speed": 0})  # no experiment becomes ready
    aws.fault(**MIDDLE, about=endpoints[0])
    return [api.trigger(DAG, {"endpoint": name, "model": "v2"})["dag_run_id"] for name in endpoints]


def _triggerer(api, run: str) -> str:
    """Wait until the run's creation waits in a triggerer, and name that."""
    begun = f"trigger {DAG}/{run}/create/-1/1"
    until(lambda: begun in api.log(DAG, run, "create"), what=f"the trigger of {run} to run")
    return api.task(DAG, run, "create")["triggerer_job"]["hostname"]
