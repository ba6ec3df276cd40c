"""Asset events: a Dag that runs when somebody's experiment concludes."""

from __future__ import annotations

import pytest

from airflow_shadow.emulator import fleet
from tests.e2e.audit import made_by_hand
from tests.e2e.aws import Aws
from tests.e2e.processes import until

DAG = "e2e_watch"


@pytest.fixture
def aws(stack):
    """Give AWS in the region of the watcher, which is no other scenario's."""
    seen = Aws(stack.emulator_url, region="eu-north-1")
    yield seen
    seen.audit()


def test_a_dag_runs_when_an_experiment_concludes(api, aws):
    """Nobody in Airflow made it; each end is told once, with endpoint and reason."""
    api.unpause(DAG)
    ended = {}
    for number in range(2):
        endpoint = aws.endpoint("watched", candidates=("v2",))
        name = made_by_hand(endpoint)
        request = fleet.experiment_request(
            name=name, endpoint_name=endpoint, model_name="v1", shadow_model_name="v2"
        )
        aws.client.create_inference_experiment(**request)
        until(lambda name=name: status(aws, name) == "Running", what=f"{name} to run")
        aws.client.stop_inference_experiment(
            Name=name,
            ModelVariantActions={"AllTraffic": "Retain", "Shadow": "Remove"},
            DesiredState="Cancelled",
            Reason=f"Reason {number}.",
        )
        ended[name] = (endpoint, f"Reason {number}.")
        until(lambda: ended.keys() <= told(api).keys(), what=f"the end of {name} to be told")
    found = {name: events for name, events in told(api).items() if name in ended}
    assert {name: [event] for name, event in ended.items()} == found


def status(aws, name):
    """Return an experiment's status."""
    return aws.client.describe_inference_experiment(Name=name)["Status"]


def told(api):
    """Return endpoint and reason of each event by the experiment's name, from all runs."""
    found = {}
    for run in api.runs(DAG):
        if run["state"] == "success":
            for key, endpoint, reason in api.xcom(DAG, run["dag_run_id"], "tell"):
                found.setdefault(key.split()[0], []).append((endpoint, reason))
    return found
