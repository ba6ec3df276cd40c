"""The fixtures for users' own tests."""

import os
import subprocess
import sys

import pytest

CONFTEST = 'pytest_plugins = ["airflow_shadow.emulator.pytest_plugin"]\n'

TESTS = """
import json
import os

from datetime import datetime

import boto3
import pytest
try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow import DAG
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

from airflow_shadow.operators import CreateInferenceExperimentOperator
from airflow_shadow.sensors import InferenceExperimentSensor


def test_first(shadow_emulator):
    client = boto3.client(
        "sagemaker",
        endpoint_url=shadow_emulator.url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_model(ModelName="m", ExecutionRoleArn="role-" * 5)
    assert shadow_emulator.history()[-1]["name"] == "m"


def test_second_is_empty(shadow_emulator):
    assert shadow_emulator.history() == []


def test_connection(shadow_airflow_connection):
    AwsBaseHook(client_type="sagemaker").conn.create_model(
        ModelName="by-airflow", ExecutionRoleArn="role-" * 5
    )
    assert shadow_airflow_connection.history()[-1]["name"] == "by-airflow"


def test_no_connection():
    assert "AIRFLOW_CONN_AWS_DEFAULT" not in os.environ


def test_client(shadow_client, shadow_emulator):
    shadow_client("sagemaker").create_model(ModelName="mine", ExecutionRoleArn="role-" * 5)
    assert shadow_emulator.history()[-1]["name"] == "mine"


def test_boto3(shadow_airflow_connection):
    boto3.client("sagemaker").create_model(ModelName="bare", ExecutionRoleArn="role-" * 5)
    assert shadow_airflow_connection.history()[-1]["name"] == "bare"


def test_no_other_address(shadow_airflow_connection):
    assert boto3.client("sagemaker").meta.endpoint_url == shadow_airflow_connection.url


def test_home(pytestconfig):
    home = os.environ["AIRFLOW_HOME"]
    assert "airflow-shadow-tests-" in home
    assert os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{home}/airflow.db"
    assert os.environ["AIRFLOW__CORE__DAGS_FOLDER"] == str(pytestconfig.rootpath / "dags")


def test_unknown_dag(run_dag):
    with pytest.raises(LookupError, match="shadow_dags_folder"):
        run_dag("nobody's")


def test_a_dag_that_is_in_no_folder(shadow_endpoint, run_dag):
    fraud = shadow_endpoint("fraud")
    fraud.add_candidate("fraud-2")
    with DAG("mine", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
        create = CreateInferenceExperimentOperator(
            task_id="create",
            aws_conn_id="another",
            role_arn="arn:aws:iam::123456789012:role/shadow-tests",
            endpoint_name="fraud",
            shadow_model_name="fraud-2",
            sampling_percentage=50,
            duration="2h",
            waiter_delay=600,
        )
        InferenceExperimentSensor(
            task_id="watch",
            aws_conn_id="another",
            name=create.output,
            target_statuses=["Completed"],
            poke_interval=600,
            mode="reschedule",
        )
    assert run_dag(dag).state == "success"
    assert fraud.shadows == []
"""


@pytest.mark.thorough
def test_the_fixtures_work_in_a_project_of_a_user(tmp_path):
    """The emulator is served once, reset for each test, and the connection points at it."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_mine.py").write_text(TESTS)
    environment = {
        **{key: value for key, value in os.environ.items() if "AIRFLOW" not in key},
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:9",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "no_proxy": "example.com",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env=environment,
        text=True,
        timeout=120,
    )
    assert (0, True) == (done.returncode, "10 passed" in done.stdout), done.stdout
