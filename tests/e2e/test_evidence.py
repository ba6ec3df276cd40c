"""`shadow_rollout` through the scheduler: what evidence decides, and what goes wrong on the way."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_shadow.emulator.traffic import Traffic
from tests.e2e.places import start
from tests.e2e.processes import until

DAG, ASKS, SILENCE = "e2e_rollout", "e2e_rollout_asks", "e2e_rollout_silence"
ALONE = "e2e_rollout_alone"
TRAFFIC = Traffic(requests_per_minute=600, daily_swing=0, late_seconds=0)


@pytest.fixture
def endpoint(aws):
    """Set up an endpoint under traffic, a good candidate and one that fails."""
    aws.model("good")
    aws.model("bad", SHADOW_ERROR_RATE="0.2")
    return aws.endpoint("judged", traffic=TRAFFIC)


def ended(api: Any, aws: Any, run: str, endpoint: str, *, dag_id: str = DAG) -> tuple[Any, ...]:
    """Wait for the end; return how the run ended, what serves, and what holds the endpoint."""
    state = api.finish(dag_id, run)
    until(lambda: not _live(aws, endpoint), what=f"{endpoint} to be free")
    return state, aws.serves(endpoint), len(aws.experiments(endpoint))


def _live(aws: Any, endpoint: str) -> list[str]:
    ends = {"Completed", "Cancelled"}
    return [one["Name"] for one in aws.experiments(endpoint) if one["Status"] not in ends]


def states(api: Any, run: str, *tasks: str, dag_id: str = DAG) -> list[str]:
    """Return the states of some tasks of the group."""
    found = api.states(dag_id, run)
    return [found[f"rollout.{task}"] for task in tasks]


def test_a_good_candidate_is_promoted(api, aws, endpoint):
    """On evidence, through both stages, and the task behind the group hears of it."""
    run = start(api, DAG, endpoint, model="good")
    assert ("success", "good", 1) == ended(api, aws, run, endpoint)
    assert ["PASS", True] == api.xcom(DAG, run, "notify")
    (experiment,) = aws.experiments(endpoint)
    assert experiment["StatusReason"].startswith("PASS")


def test_a_bad_candidate_is_removed_at_the_first_stage(api, aws, endpoint):
    """The second never begins, and nobody is asked."""
    run = start(api, ALONE, endpoint, model="bad")
    assert ("success", "v1", 1) == ended(api, aws, run, endpoint, dag_id=ALONE)
    assert ["FAIL", False] == api.xcom(ALONE, run, "notify")
    reached = states(api, run, "ramp_100", "analyse_100", "promote", "remove", dag_id=ALONE)
    assert ["skipped", "skipped", "skipped", "success"] == reached


def test_metrics_that_may_not_be_read_leave_no_shadow(api, aws, endpoint):
    """The second stage errs, the run fails, and the teardown removes the candidate."""
    run = start(api, DAG, endpoint, model="good")
    api.await_task(DAG, run, "rollout.ramp_100", {"running", "deferred", "success"})
    aws.fault(kind="access-denied", operation="GetMetricData", about=endpoint, times=None)
    assert ("failed", "v1", 1) == ended(api, aws, run, endpoint)
    assert [
        "success",
        "failed",
        "upstream_failed",
        "failed",
    ] == states(api, run, "analyse_50", "analyse_100", "decide", "clean_up")


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_run_that_is_marked_during_a_stage_ends_failed(api, aws, endpoint, state):
    """Airflow counts the teardown, which removes the shadow and says that nobody concluded it."""
    run = start(api, DAG, endpoint, model="good")
    api.await_task(DAG, run, "rollout.analyse_50", {"deferred"})
    api.mark_run(DAG, run, state)
    until(
        lambda: states(api, run, "clean_up") == ["failed"],
        what="the teardown to have failed",
        seconds=240,
    )
    assert ("failed", "v1", 1) == ended(api, aws, run, endpoint)
    assert 1 == len(aws.calls(endpoint, "StopInferenceExperiment"))


def test_an_approval_that_nobody_gives_removes(api, aws, endpoint):
    """Without an answer in time the candidate is removed."""
    run = start(api, SILENCE, endpoint, model="good")
    assert ("success", "v1", 1) == ended(api, aws, run, endpoint, dag_id=SILENCE)
    assert [
        "success",
        "skipped",
        "success",
    ] == states(api, run, "approve", "promote", "remove", dag_id=SILENCE)


def test_an_approval_promotes(stack, api, aws, endpoint):
    """A person who sees the evidence in Airflow's page approves, and the candidate is promoted."""
    run = start(api, ASKS, endpoint, model="good")
    path = f"/dags/{ASKS}/dagRuns/{run}/taskInstances/rollout.approve/-1/hitlDetails"
    until(lambda: api.try_call("GET", path).is_success, what="the question")
    assert "| server errors |" in api.call("GET", path)["body"]

    def answered() -> bool:
        task = api.task(ASKS, run, "rollout.approve")
        if task["state"] != "success" and stack.knows_of_end(task):
            api.try_call("PATCH", path, json={"chosen_options": ["Promote"], "params_input": {}})
        return task["state"] == "success"

    until(answered, what="the answer to be taken")
    assert ("success", "good", 1) == ended(api, aws, run, endpoint, dag_id=ASKS)


def test_a_cleared_stage_is_judged_again(api, aws, endpoint):
    """A cleared stage goes on with the same experiment while that lives."""
    run = start(api, DAG, endpoint, model="good")
    api.await_task(DAG, run, "rollout.ramp_100", {"running", "deferred", "success"})
    api.clear(DAG, run, "rollout.analyse_50", include_downstream=True)
    assert ("success", "good", 1) == ended(api, aws, run, endpoint)
    assert ["PASS", True] == api.xcom(DAG, run, "notify")


def test_a_stage_cleared_after_the_end_is_judged_on_a_new_experiment(api, aws, endpoint):
    """A removed candidate gets another chance, and only what was judged is concluded."""
    run = start(api, ALONE, endpoint, model="bad")
    assert ("success", "v1", 1) == ended(api, aws, run, endpoint, dag_id=ALONE)
    api.clear(ALONE, run, "rollout.analyse_50", include_downstream=True)
    assert ("success", "v1", 2) == ended(api, aws, run, endpoint, dag_id=ALONE)
    assert ["FAIL", False] == api.xcom(ALONE, run, "notify")
