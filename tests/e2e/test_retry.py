"""A second try after a failure: it goes on where the first one stood."""

from __future__ import annotations

import pytest

from tests.e2e.places import creation, fail_after_creation, finished, start


@pytest.mark.parametrize("dag_id", ["e2e_create", "e2e_create_patient"])
def test_a_retry_replaces_a_broken_experiment(api, aws, dag_id):
    """A creation that AWS could not finish is deleted, and done again under the same name."""
    endpoint = aws.endpoint("retry-broken", candidates=("v2",))
    aws.fault(kind="fail-creation", operation="CreateInferenceExperiment", about=endpoint)
    run = start(api, dag_id, endpoint)
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    assert (state, created) == ("success", [creation(dag_id, run, generation=2)] * 2)
    assert ["Running"] == [one["Status"] for one in aws.experiments(endpoint)]


def test_a_retry_goes_on_with_a_living_experiment(api, aws):
    """After a try that gave up waiting the next one adopts its experiment."""
    dag_id, endpoint = "e2e_one_look", aws.endpoint("retry-living", candidates=("v2",))
    run = fail_after_creation(api, aws, dag_id, endpoint)
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    assert (state, created) == ("success", [creation(dag_id, run, generation=2)])
    assert 2 == api.task(dag_id, run, "create")["try_number"]


def test_a_retry_promotes_once(api, aws):
    """A promotion that AWS could not finish breaks the experiment; no try promotes it again."""
    dag_id, endpoint = "e2e_simple", aws.endpoint("retry-promote", candidates=("v2",))
    aws.fault(kind="fail-stop", operation="StopInferenceExperiment", about=endpoint)
    run = start(api, dag_id, endpoint)
    state = api.finish(dag_id, run)
    stops = aws.calls(endpoint, "StopInferenceExperiment")
    assert ("failed", 1, "v1") == (state, len(stops), aws.serves(endpoint))
    assert aws.created(endpoint) == [creation(dag_id, run, generation=2)]


def test_what_no_retry_can_mend_fails_at_once(api, aws):
    """A candidate that does not exist fails the task at its first try, and nothing is created."""
    dag_id, endpoint = "e2e_create", aws.endpoint("retry-hopeless")
    run = start(api, dag_id, endpoint, model="no-such-model")
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    assert ("failed", []) == (state, created)
    assert 1 == api.task(dag_id, run, "create")["try_number"]
