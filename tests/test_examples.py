"""The example Dags, in a real Airflow (`dag.test()`) against the emulator."""

from __future__ import annotations

import json
import runpy
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import airflow.triggers.base
import boto3
import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from demo.examples import NIGHTS, RUNS
from tests.helpers import accepted, bears_a_shadow, run_dag, said, serves, statuses

EXAMPLES = Path(__file__).resolve().parent.parent / "example_dags"


@pytest.fixture
def nights(sagemaker):
    """Set up the endpoint and the candidates of some nights; returns the candidates."""
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="churn-20260228")
    models = ["churn-20260301", "churn-20260302", "churn-20260303", "churn-20260304"]
    for model in models:
        fleet.create_model(sagemaker, name=model)
    return models


@pytest.mark.thorough
@pytest.mark.usefixtures("airflow_db")
def test_three_nights_promote_three_candidates(nights, emulator, sagemaker):
    """Each night tests its candidate at 10, 50 and 100 % and promotes it."""
    done = run_dag(EXAMPLES / "promote_nightly.py", "2026-03-01", "2026-03-02", "2026-03-03")
    assert 0 == done.returncode, said(done)
    experiments = accepted(emulator, "CreateInferenceExperiment")
    assert 3 == len(set(experiments)) == len(experiments)
    assert [nights[2]] == serves(sagemaker)
    updated = ["Creating", "Running", "Updating", "Running", "Updating", "Running"]
    for name in experiments:
        assert [*updated, "Stopping", "Completed"] == statuses(emulator, name)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_an_example_gives_its_tasks_enough_tries(example):
    """All tasks have retries, for Airflow 3.3.2 uses up one or two by itself."""
    assert '"retries": 3, "retry_delay": timedelta(minutes=1)' in " ".join(
        line.strip() for line in example.read_text().splitlines()
    )


def test_each_example_runs_in_the_pages_for_a_night_of_its_own():
    """Each that promotes has a candidate that no other takes, and that is no older than theirs."""
    dated = [days for _, days in RUNS if days is not None]
    assert sorted(file.stem for file in EXAMPLES.glob("*.py")) == sorted(set(dict(RUNS)))
    assert (dated, set(dated)) == (sorted(set(dated)), set(dated) & set(NIGHTS))


@pytest.mark.thorough
@pytest.mark.usefixtures("airflow_db")
def test_a_night_that_fails_leaves_no_shadow_behind(nights, emulator, sagemaker):
    """When a task in the middle fails, the teardown removes the shadow and production stays."""
    emulator.faults.add(operation="UpdateInferenceExperiment", kind="access-denied", times=None)
    done = run_dag(EXAMPLES / "promote_nightly.py", "2026-03-04")
    assert 0 != done.returncode, said(done)
    assert ["churn-20260228"] == serves(sagemaker)
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    assert not endpoint.get("ShadowProductionVariants")
    (name,) = accepted(emulator, "CreateInferenceExperiment")
    assert "Cancelled" == statuses(emulator, name)[-1]


@pytest.fixture
def fleets(emulator):
    """Set up the endpoints under traffic and candidates of two regions; returns their clients.

    The churn-v2 of eu-west-1 answers every fifth request with an error.
    """
    clients = {}
    for region, endpoints in {
        "us-east-1": {"churn": "churn-v2", "fraud": "fraud-v7"},
        "eu-west-1": {"churn": "churn-v2"},
    }.items():
        clients[region] = boto3.client(
            "sagemaker",
            endpoint_url=emulator.url,
            region_name=region,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        for endpoint, candidate in endpoints.items():
            fleet.create_endpoint(
                clients[region],
                endpoint_name=endpoint,
                model_name=f"{endpoint}-v1",
                traffic=Traffic(late_seconds=0),
            )
            faults = {"SHADOW_ERROR_RATE": "0.2"} if region == "eu-west-1" else {}
            fleet.create_model(clients[region], name=candidate, environment=faults)
    return clients


@pytest.mark.thorough
@pytest.mark.usefixtures("airflow_db")
def test_a_person_promotes_or_only_watches(fleets, emulator):
    """In runs without a logical date one form promotes, and the next one changes nothing."""
    promoting = json.dumps({"endpoint": "churn", "candidate": "churn-v2", "promote": True})
    watching = json.dumps({"endpoint": "fraud", "candidate": "fraud-v7", "sampling": 5, "hours": 2})
    done = run_dag(EXAMPLES / "shadow_on_demand.py", promoting)
    assert 0 == done.returncode, said(done)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_dag, EXAMPLES / "shadow_on_demand.py", watching)
        while not (running.done() or bears_a_shadow(fleets["us-east-1"], "fraud")):
            time.sleep(0.1)  # the run has its own deadline
        emulator.clock.advance(7200)
        done = running.result()
    assert 0 == done.returncode, said(done)
    east = fleets["us-east-1"]
    assert ["churn-v2"] == serves(east)
    assert ["fraud-v1"] == serves(east, "fraud")
    promoted, watched = accepted(emulator, "CreateInferenceExperiment")
    assert "Completed" == statuses(emulator, promoted)[-1] == statuses(emulator, watched)[-1]
    assert [promoted] == accepted(emulator, "StopInferenceExperiment")


@pytest.mark.thorough
@pytest.mark.usefixtures("airflow_db")
def test_a_form_that_is_wrong_is_refused_before_any_call(fleets, emulator):
    """Values outside of the form's limits are refused before AWS is called."""
    done = run_dag(EXAMPLES / "shadow_on_demand.py", json.dumps({"sampling": 500}))
    assert 0 != done.returncode
    assert "500" in said(done)
    assert [] == accepted(emulator, "CreateInferenceExperiment")


@pytest.mark.thorough
@pytest.mark.usefixtures("airflow_db")
def test_past_dates_are_rolled_out_one_after_the_other(nights, emulator, sagemaker):
    """Windows in the past are run now; the last date's candidate serves in the end."""
    done = run_dag(EXAMPLES / "rollout_backfill.py", "2026-03-01", "2026-03-02")
    assert 0 == done.returncode, said(done)
    assert 2 == len(set(accepted(emulator, "CreateInferenceExperiment")))
    assert [nights[1]] == serves(sagemaker)


@pytest.mark.thorough
@pytest.mark.usefixtures("airflow_db")
def test_a_fleet_is_promoted_where_its_evidence_allows(fleets, emulator):
    """A mapped task group promotes on two endpoints and removes the candidate of the third."""
    emulator.pace = "time"
    emulator.clock.speed = 600
    done = run_dag(EXAMPLES / "fleet_mapped.py", "2026-03-01")
    assert 0 == done.returncode, said(done)
    east, west = fleets["us-east-1"], fleets["eu-west-1"]
    assert ["churn-v2"] == serves(east)
    assert ["fraud-v7"] == serves(east, "fraud")
    assert ["churn-v1"] == serves(west)
    assert not bears_a_shadow(west, "churn")
    experiments = accepted(emulator, "CreateInferenceExperiment")
    assert 3 == len(experiments)
    assert sorted(experiments) == sorted(accepted(emulator, "StopInferenceExperiment"))
    assert "FAIL server errors" in done.stdout + done.stderr


def test_a_team_hears_of_each_conclusion():
    """The watcher is one that Airflow can serialise, and the task says a line for each event."""
    if not hasattr(airflow.triggers.base, "BaseEventTrigger"):
        pytest.skip("Airflow 2.11 has no asset watchers")
    module = runpy.run_path(str(EXAMPLES / "tell_when_concluded.py"))
    [watcher] = module["concluded"].watchers
    path, arguments = watcher.trigger.serialize()
    assert ("airflow_shadow.triggers.events", ["Cancelled", "Completed"]) == (
        path.rsplit(".", 1)[0],
        arguments["statuses"],
    )
    payload = {"name": "churn-1", "endpoint": "churn", "status": "Completed", "reason": ""}
    events = {module["concluded"]: [SimpleNamespace(extra={"payload": payload})]}
    tell = module["dag"].get_task("tell").python_callable
    assert ["churn-1 on churn is Completed: no reason"] == tell(events)
