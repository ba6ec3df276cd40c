"""A triggerer that is told to end, as in an update, hands its waits over to the other one."""

from __future__ import annotations

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.api import Api
from tests.e2e.processes import until
from tests.e2e.stack import SPEED, TRIGGERERS

DAG = "e2e_mapped_endpoints"
WAITS = 15
#: A triggerer takes up what nobody has within seconds; the machine may be slow.
PATIENCE = 60.0


@pytest.fixture
def _both(stack):
    """Have both triggerers again afterwards."""
    yield
    for name in TRIGGERERS:
        if not stack.programs[name].alive:
            stack.airflow(name, "triggerer", "--skip-serve-logs", E2E_MACHINE=name)
    until(lambda: set(TRIGGERERS) <= Api(stack).alive("TriggererJob"), what="both triggerers")


@pytest.mark.usefixtures("_both")
def test_waits_are_handed_over(stack, api, aws):
    """The other goes on with them at once, nothing is created twice, and the first one ends."""
    endpoints = _endpoints(aws)
    aws.control("POST", "clock", {"speed": 0})  # no experiment becomes ready
    api.unpause(DAG)
    run = api.trigger(DAG, {"endpoints": endpoints, "model": "v2"})["dag_run_id"]
    until(lambda: _waiting(stack, api, run).total() == WAITS, what="all to wait", pause=1)
    [(leaving, _), *_] = _waiting(stack, api, run).most_common()
    [staying] = set(TRIGGERERS) - {leaving}
    stack.programs[leaving].process.send_signal(signal.SIGTERM)
    until(lambda: not stack.programs[leaving].alive, what=f"{leaving} to end", seconds=PATIENCE)
    until(
        lambda: _waiting(stack, api, run) == {staying: WAITS},
        what=f"{staying} to wait for all",
        seconds=PATIENCE,
    )
    aws.control("POST", "clock", {"speed": SPEED})
    assert "success" == api.finish(DAG, run)
    assert [aws.created(name) for name in endpoints] == [
        [(f"{DAG}/{run}/create/{index}", "3")] for index in range(WAITS)
    ]
    assert {1} == {task["try_number"] for task in _creations(api, run)}


def _endpoints(aws) -> list[str]:
    with ThreadPoolExecutor(WAITS) as pool:
        labels = [f"over-{number}" for number in range(WAITS)]
        return list(pool.map(lambda label: aws.endpoint(label, candidates=("v2",)), labels))


def _creations(api, run: str) -> list[dict]:
    return [task for task in api.tasks(DAG, run) if task["task_id"] == "create"]


def _waiting(stack, api, run: str) -> Counter[str]:
    """Count the run's waits by the triggerer that has them."""
    return Counter(
        task["triggerer_job"]["hostname"]
        for task in _creations(api, run)
        if task["state"] == "deferred" and task["triggerer_job"] and stack.knows_of_end(task)
    )
