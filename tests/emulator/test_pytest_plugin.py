"""The fixtures for users' own tests."""

import os
import subprocess
import sys

import pytest

CONFTEST = 'pytest_plugins = ["airflow_shadow.emulator.pytest_plugin"]\n'

TESTS = """
import json
import os

import boto3
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook


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
"""


@pytest.mark.thorough
def test_the_fixtures_work_in_a_project_of_a_user(tmp_path):
    """The emulator is served once, reset for each test, and the connection points at it."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_mine.py").write_text(TESTS)
    environment = {
        **{key: value for key, value in os.environ.items() if "AIRFLOW" not in key},
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
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
    assert (0, True) == (done.returncode, "4 passed" in done.stdout), done.stdout
