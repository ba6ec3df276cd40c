"""The README's example of a user's own test."""

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from airflow_shadow.emulator import fleet

pytest_plugins = ["airflow_shadow.emulator.pytest_plugin"]
#: It makes a database and runs a Dag, each in a process of its own.
pytestmark = pytest.mark.thorough
AIRFLOW = str(Path(sys.executable).parent / "airflow")


@pytest.fixture
def dags_folder(monkeypatch, airflow_db):
    """Let Airflow find the Dags under test, and look often."""
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", "example_dags")
    monkeypatch.setenv("AIRFLOW__CORE__UNIT_TEST_MODE", "False")
    monkeypatch.setenv("AIRFLOW__AIRFLOW_SHADOW__WAITER_DELAY", "0.05")


def test_tonights_candidate_is_promoted(shadow_airflow_connection, dags_folder):
    """Airflow's connection leads to the emulator; the Dag under test does not know."""
    sagemaker = boto3.client("sagemaker", "us-east-1", endpoint_url=shadow_airflow_connection.url)
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="churn-v1")
    fleet.create_model(sagemaker, name="churn-20260401")
    subprocess.run([AIRFLOW, "dags", "test", "promote_nightly", "2026-04-01"], check=True)
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    assert ["churn-20260401"] == [
        variant["VariantName"] for variant in endpoint["ProductionVariants"]
    ]
