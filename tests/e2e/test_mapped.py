"""Mapped creations: many endpoints at once, many candidates for one, and a verdict each."""

from __future__ import annotations

import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from tests.e2e.places import creation


def test_a_dozen_endpoints_one_of_which_fails(api, aws):
    """Only the failed index is done again once its cause is mended; nothing is created twice."""
    dag_id = "e2e_mapped_endpoints"
    endpoints = [aws.endpoint("mapped", candidates=("v2",)) for _ in range(11)]
    aws.endpoints.append(missing := f"{endpoints[0]}-late")
    api.unpause(dag_id)
    run = api.trigger(dag_id, {"endpoints": [*endpoints, missing]})["dag_run_id"]
    assert "failed" == api.finish(dag_id, run)
    states = {f"create[{index}]": "success" for index in range(11)}
    assert api.states(dag_id, run) == {"listed": "success", **states, "create[11]": "failed"}
    fleet.create_endpoint(aws.client, endpoint_name=missing, model_name="v1")
    api.clear(dag_id, run, "create", only_failed=True)
    assert "success" == api.finish(dag_id, run)
    created = [aws.created(endpoint) for endpoint in [*endpoints, missing]]
    first = [[creation(dag_id, run, generation=3, map_index=index)] for index in range(11)]
    assert created == [*first, [creation(dag_id, run, generation=3, cleared=True, map_index=11)]]


def test_candidates_queue_for_one_endpoint(api, aws):
    """Three mapped rollouts take turns on their endpoint; each candidate is promoted once."""
    dag_id, models = "e2e_mapped_models", ["v2", "v3", "v4"]
    endpoint = aws.endpoint("mapped-one", candidates=tuple(models))
    api.unpause(dag_id)
    run = api.trigger(dag_id, {"endpoint": endpoint, "models": models})["dag_run_id"]
    assert "success" == api.finish(dag_id, run)
    promoted = aws.promoted(endpoint)
    assert (sorted(promoted), aws.serves(endpoint)) == (models, promoted[-1])
    assert aws.created(endpoint) == [
        creation(dag_id, run, generation=3, task="rollout.create", map_index=models.index(model))
        for model in promoted
    ]


@pytest.mark.parametrize("gate", ["verdict", "branch"])
def test_the_endpoint_whose_candidate_fails_is_left_as_it_is(api, aws, gate):
    """One mapped group: two candidates are promoted, the third is removed, the run is a success."""
    dag_id = {"verdict": "e2e_mapped_judged", "branch": "e2e_mapped_branched"}[gate]
    aws.model("good")
    aws.model("bad", SHADOW_ERROR_RATE="0.2")
    traffic = Traffic(requests_per_minute=600, daily_swing=0, late_seconds=0)
    models = ["good", "bad", "good"]
    endpoints = [aws.endpoint(gate, traffic=traffic) for _ in models]
    pairs = [
        {"endpoint": endpoint, "model": model}
        for endpoint, model in zip(endpoints, models, strict=True)
    ]
    api.unpause(dag_id)
    run = api.trigger(dag_id, {"fleet": pairs})["dag_run_id"]
    assert "success" == api.finish(dag_id, run)
    assert ["good", "v1", "good"] == [aws.serves(endpoint) for endpoint in endpoints]
    assert [["good"], [], ["good"]] == [aws.promoted(endpoint) for endpoint in endpoints]
    states = api.states(dag_id, run)
    reached = [states[f"by_{gate}.promote[{index}]"] for index in range(3)]
    assert ["success", "skipped", "success"] == reached
    (removed,) = aws.experiments(endpoints[1])
    assert "Cancelled" == removed["Status"]
