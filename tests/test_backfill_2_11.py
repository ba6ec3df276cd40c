"""Backfills on Airflow 2.11, whose engine is another one: it runs in the command itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_shadow.emulator import fleet
from tests.helpers import created, serves

AIRFLOW = Path(sys.executable).parent / "airflow"
# One run at a time: creations that wait in the worker would fill an executor of one slot.
DAG = """
from datetime import datetime
from airflow import DAG
from airflow_shadow.operators import CreateInferenceExperimentOperator, PromoteShadowVariantOperator
given = {"schedule": "@daily", "start_date": datetime(2026, 3, 1), "max_active_runs": 1}
with DAG("nightly", **given) as dag:
    create = CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="churn",
        shadow_model_name="churn-{{ ds_nodash }}",
        sampling_percentage=100,
        duration="2d",
    )
    PromoteShadowVariantOperator(task_id="promote", name=create.output)
"""
MODELS = [f"churn-2026030{day}" for day in range(1, 6)]


@pytest.fixture
def backfill(sagemaker, airflow_db, tmp_path):
    """Set up the endpoint and a candidate a date; return how to backfill all dates."""
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="churn-v1")
    for model in MODELS:
        fleet.create_model(sagemaker, name=model)
    (tmp_path / "nightly.py").write_text(DAG)
    environment = {
        **os.environ,
        "AIRFLOW__AIRFLOW_SHADOW__WAITER_DELAY": "0.05",
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
        # The engine is the same with each executor; this one starts no process for each task.
        "AIRFLOW__CORE__EXECUTOR": "DebugExecutor",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",  # as a user runs it
    }
    command = [AIRFLOW, "dags", "backfill", "nightly", "-s", "2026-03-01", "-e", "2026-03-05"]

    def run(*options):
        done = subprocess.run(
            [*command, *options],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert 0 == done.returncode, (done.stdout + done.stderr)[-4000:]

    return run


def test_five_dates_and_all_of_them_again(backfill, emulator, sagemaker):
    """Each date has one experiment; again, nothing is created, and the last candidate stays."""
    backfill()
    experiments = created(emulator)
    names = [name.removeprefix("churn-backfill-")[:10] for name in experiments]
    assert [f"2026-03-0{day}" for day in range(1, 6)] == names
    backfill("--reset-dagruns", "--yes")
    assert (experiments, [MODELS[-1]]) == (created(emulator), serves(sagemaker))
