"""The example Dags, in a real Airflow (`dag.test()`) against the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_shadow.emulator import fleet
from tests.helpers import accepted, serves, statuses

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "example_dags"


@pytest.fixture(scope="session")
def airflow_db():
    """Make Airflow's database, once."""
    airflow = Path(sys.executable).parent / "airflow"
    subprocess.run([airflow, "db", "migrate"], check=True, capture_output=True, timeout=300)


def run_dag(file: str, dag_id: str, *dates: str) -> subprocess.CompletedProcess[str]:
    """Run a Dag for some dates in a process of its own."""
    return subprocess.run(
        [sys.executable, ROOT / "tests" / "run_dag.py", EXAMPLES / file, dag_id, *dates],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={
            **os.environ,
            "AIRFLOW__AIRFLOW_SHADOW__WAITER_DELAY": "0.05",
            "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",  # as a user runs it
        },
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return the end of what a run said, for the failure's message."""
    return (done.stdout + done.stderr)[-6000:]


@pytest.fixture
def nights(sagemaker):
    """Set up the endpoint and the candidates of some nights; returns the candidates."""
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="churn-20260228")
    models = ["churn-20260301", "churn-20260302", "churn-20260303", "churn-20260304"]
    for model in models:
        fleet.create_model(sagemaker, name=model)
    return models


@pytest.mark.usefixtures("airflow_db")
def test_three_nights_promote_three_candidates(nights, emulator, sagemaker):
    """Each night tests its candidate at 10, 50 and 100 % and promotes it."""
    done = run_dag(
        "promote_nightly.py", "promote_nightly", "2026-03-01", "2026-03-02", "2026-03-03"
    )
    assert 0 == done.returncode, said(done)
    experiments = accepted(emulator, "CreateInferenceExperiment")
    assert 3 == len(set(experiments)) == len(experiments)
    assert [nights[2]] == serves(sagemaker)
    updated = ["Creating", "Running", "Updating", "Running", "Updating", "Running"]
    for name in experiments:
        assert [*updated, "Stopping", "Completed"] == statuses(emulator, name)


@pytest.mark.usefixtures("airflow_db")
def test_a_night_that_fails_leaves_no_shadow_behind(nights, emulator, sagemaker):
    """When a task in the middle fails, the teardown removes the shadow and production stays."""
    emulator.faults.add(operation="UpdateInferenceExperiment", kind="access-denied", times=None)
    done = run_dag("promote_nightly.py", "promote_nightly", "2026-03-04")
    assert 0 != done.returncode, said(done)
    assert ["churn-20260228"] == serves(sagemaker)
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    assert not endpoint.get("ShadowProductionVariants")
    (name,) = accepted(emulator, "CreateInferenceExperiment")
    assert "Cancelled" == statuses(emulator, name)[-1]
