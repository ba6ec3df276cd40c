"""A new version of the Dag comes while a run of the old one is under way."""

from __future__ import annotations

import pytest

from tests.e2e.places import blind, creation, finished, start_and_hold
from tests.e2e.processes import until

#: A creation that takes one look, so that a scenario can let a try fail after AWS has acted.
DAG = """
from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_shadow.operators import CreateInferenceExperimentOperator

PARAMS = {{"endpoint": Param("e", type="string"), "region": Param("us-east-1", type="string")}}
with DAG("{dag_id}", schedule=None, params=PARAMS):
    CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="{{{{ params.endpoint }}}}",
        shadow_model_name="v2",
        sampling_percentage={sampling},
        duration="2d",
        region_name="{{{{ params.region }}}}",
        retries={retries},
        retry_delay=timedelta(seconds=1),
        waiter_max_attempts=1,
    )
"""


@pytest.mark.parametrize(("retries", "sampling"), [(2, 50), (5, 100), (1, 100)])
def test_a_new_version_between_two_tries(stack, api, aws, retries, sampling):
    """A retry of changed arguments or changed `retries` adopts what the try before it created."""
    endpoint = aws.endpoint("version", candidates=("v2",))
    dag_id = f"e2e_{endpoint}"
    stack.install(f"{dag_id}.py", DAG.format(dag_id=dag_id, retries=2, sampling=100))
    run = start_and_hold(api, aws, dag_id, endpoint)
    stack.install(f"{dag_id}.py", DAG.format(dag_id=dag_id, retries=retries, sampling=sampling))
    versions = f"/dags/{dag_id}/dagVersions"
    until(lambda: api.call("GET", versions)["total_entries"] == 2, what="the new version")
    blind(aws, endpoint)
    aws.let_go(endpoint)
    state, created, _, _ = finished(api, aws, dag_id, run, endpoint)
    assert (state, created) == ("success", [creation(dag_id, run, generation=2)])
    task = api.task(dag_id, run, "create")
    assert (2, 2) == (task["try_number"], task["dag_version"]["version_number"])
