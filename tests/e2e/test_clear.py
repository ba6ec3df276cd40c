"""Clearing tasks at every place of a rollout: nothing is done twice, nothing is lost."""

from __future__ import annotations

import pytest

from tests.e2e.places import (
    await_status,
    blind,
    creation,
    fail_after_creation,
    finished,
    remove,
    start,
    start_and_defer,
    start_and_hold,
)
from tests.e2e.processes import until

SIMPLE = "e2e_simple"
#: Without a setup: Airflow clears the setup of a task along with it.
ALONE = "e2e_once"


# --- a creation that has not ended -----------------------------------------------------------


@pytest.mark.parametrize("dag_id", ["e2e_create", "e2e_create_patient"])
@pytest.mark.parametrize(("kind", "cleared"), [("hold-before", True), ("hold-after", False)])
def test_clear_a_running_create(api, aws, dag_id, kind, cleared):
    """The next try creates, or adopts what the killed one has created; a late call is refused."""
    endpoint = aws.endpoint(f"clear-{kind}", candidates=("v2",))
    run = start_and_hold(api, aws, dag_id, endpoint, kind=kind)
    api.clear(dag_id, run, "create")
    api.await_task(dag_id, run, "create", {"success"})
    aws.let_go(endpoint)
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    assert (state, created) == ("success", [creation(dag_id, run, generation=2, cleared=cleared)])


@pytest.mark.parametrize(
    ("dag_id", "says"), [("e2e_kill_leave", ""), ("e2e_kill_stop", "is left as it is.")]
)
def test_clear_a_deferred_create(api, aws, dag_id, says):
    """The next try adopts the experiment, which no kill of the old trigger may stop."""
    endpoint = aws.endpoint("clear-deferred", candidates=("v2",))
    run = start_and_defer(api, aws, dag_id, endpoint)
    api.clear(dag_id, run, "create")
    until(lambda: says in api.log(dag_id, run, "create"), what="the old trigger's decision")
    aws.let_go(endpoint)
    once = [creation(dag_id, run, generation=2)]
    assert finished(api, aws, dag_id, run, endpoint) == ("success", once, [], "v1")
    assert ["Running"] == [one["Status"] for one in aws.experiments(endpoint)]


def test_clear_between_two_tries_after_a_failed_creation(api, aws):
    """The broken experiment keeps its name, and the cleared task creates another at once."""
    dag_id, endpoint = "e2e_retry_late", aws.endpoint("clear-broken", candidates=("v2",))
    aws.fault(kind="fail-creation", operation="CreateInferenceExperiment", about=endpoint)
    run = start(api, dag_id, endpoint)
    api.await_task(dag_id, run, "create", {"up_for_retry"})
    api.clear(dag_id, run, "create")
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    both = [creation(dag_id, run, generation=2, cleared=cleared) for cleared in (False, True)]
    assert (state, created) == ("success", both)


def test_clear_between_two_tries_of_a_living_experiment(api, aws):
    """The cleared task adopts what the try before it created, and gave up waiting for."""
    dag_id, endpoint = "e2e_one_look_late", aws.endpoint("clear-living", candidates=("v2",))
    run = fail_after_creation(api, aws, dag_id, endpoint)
    api.await_task(dag_id, run, "create", {"up_for_retry"})
    await_status(aws, endpoint, "Running")
    api.clear(dag_id, run, "create")
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    assert (state, created) == ("success", [creation(dag_id, run, generation=2)])


def test_clear_an_unrelated_task(api, aws):
    """A clear elsewhere in the run moves the run's clear number, but not the generation."""
    dag_id, endpoint = "e2e_one_look", aws.endpoint("clear-unrelated", candidates=("v2",))
    run = start_and_hold(api, aws, dag_id, endpoint)
    api.clear(dag_id, run, "unrelated")
    blind(aws, endpoint)
    aws.let_go(endpoint)
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    assert (state, created) == ("success", [creation(dag_id, run, generation=2)])
    assert "from try 1, continuing." in api.log(dag_id, run, "create")


# --- a creation that has ended ---------------------------------------------------------------


def test_clear_a_finished_create_of_a_running_experiment(api, aws):
    """The experiment is adopted: a test under way is not begun anew."""
    dag_id, endpoint = "e2e_create", aws.endpoint("clear-running", candidates=("v2",))
    run = start(api, dag_id, endpoint)
    api.finish(dag_id, run)
    api.clear(dag_id, run, "create")
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    assert (state, created) == ("success", [creation(dag_id, run, generation=2)])
    assert "from before this task was cleared, continuing." in api.log(dag_id, run, "create")


def test_clear_a_finished_create_of_a_removed_experiment(api, aws):
    """The old experiment keeps its name, and a new one is created."""
    dag_id, endpoint = "e2e_create", aws.endpoint("clear-removed", candidates=("v2",))
    run = start(api, dag_id, endpoint)
    api.finish(dag_id, run)
    remove(aws, endpoint)
    api.clear(dag_id, run, "create")
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    both = [creation(dag_id, run, generation=2, cleared=cleared) for cleared in (False, True)]
    assert (state, created) == ("success", both)


@pytest.mark.parametrize("tasks", [("create",), ("create", "promote"), ()])
def test_clear_after_the_promotion(api, aws, tasks):
    """The creation, the rollout or the whole run again: the candidate serves, so all is skipped."""
    endpoint = aws.endpoint("clear-promoted", candidates=("v2",))
    run = start(api, SIMPLE, endpoint)
    before = finished(api, aws, SIMPLE, run, endpoint)
    api.clear(SIMPLE, run, *tasks)
    assert finished(api, aws, SIMPLE, run, endpoint) == before
    assert "skipped" == api.task(SIMPLE, run, "create")["state"]


# --- a promotion -----------------------------------------------------------------------------


def test_clear_only_the_promotion_at_once(api, aws):
    """What was promoted before is a success again, and nothing is stopped twice."""
    endpoint = aws.endpoint("clear-promote", candidates=("v2",))
    run = start(api, ALONE, endpoint)
    before = finished(api, aws, ALONE, run, endpoint)
    api.clear(ALONE, run, "promote")
    assert finished(api, aws, ALONE, run, endpoint) == before
    promote = api.task(ALONE, run, "promote")
    assert ("success", True) == (promote["state"], promote["try_number"] > 1)


def test_clear_only_the_promotion_after_a_later_one(api, aws):
    """The experiment's own record decides, and what serves now is left alone."""
    endpoint = aws.endpoint("clear-late", candidates=("v2", "v3"))
    first = start(api, ALONE, endpoint)
    api.finish(ALONE, first)
    second = start(api, ALONE, endpoint, model="v3")
    before = finished(api, aws, ALONE, second, endpoint)
    api.clear(ALONE, first, "promote")
    assert finished(api, aws, ALONE, first, endpoint) == before
    assert (["v2", "v3"], "v3") == before[2:]
    assert api.task(ALONE, first, "promote")["try_number"] > 1


@pytest.mark.parametrize("tasks", [("create", "promote"), ()])
def test_clear_after_a_promotion_that_failed(api, aws, tasks):
    """Creation and promotion cleared together, or all: the living experiment is promoted."""
    dag_id, endpoint = ALONE, aws.endpoint("clear-two", candidates=("v2",))
    aws.fault(kind="access-denied", operation="StopInferenceExperiment", about=endpoint)
    run = start(api, dag_id, endpoint)
    assert "failed" == api.finish(dag_id, run)
    api.clear(dag_id, run, *tasks)
    assert finished(api, aws, dag_id, run, endpoint) == (
        "success",
        [creation(dag_id, run, generation=2)],
        ["v2"],
        "v2",
    )
