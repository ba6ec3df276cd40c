"""The `aws` command line works with the emulator."""

import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_shadow.emulator.traffic import Traffic
from tests.metrics import Metrics, query

pytestmark = pytest.mark.thorough
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def program():
    """Return the command of AIRFLOW_SHADOW_AWS_CLI, or else the one that the Makefile installs."""
    found = os.environ.get("AIRFLOW_SHADOW_AWS_CLI") or str(REPOSITORY / ".venv-awscli/bin/aws")
    if not Path(found).exists():
        pytest.fail(f"No aws command line at {found}. Run: make .venv-awscli/.installed")
    return found


@pytest.fixture
def aws(program, emulator, tmp_path):
    """Run `aws sagemaker ...`, or another service's, and return exit code, output and errors."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }

    def run(*arguments, service="sagemaker"):
        command = [program, "--endpoint-url", emulator.url, service, *arguments]
        done = subprocess.run(
            command, capture_output=True, check=False, env=environment, timeout=60, text=True
        )
        output = json.loads(done.stdout) if done.stdout.strip() else None
        return done.returncode, output, done.stderr

    return run


def test_a_whole_life(aws, experiments):
    """An experiment is created, described, listed, updated, stopped and deleted."""
    request = experiments.request(Tags=[{"Key": "team", "Value": "ml"}])
    code, created, errors = aws(
        "create-inference-experiment", "--cli-input-json", json.dumps(request)
    )
    assert (0, "") == (code, errors)
    assert created["InferenceExperimentArn"].endswith(":inference-experiment/x")
    _, described, _ = aws("describe-inference-experiment", "--name", "x")
    assert "Creating" == described["Status"]
    experiments.seen_until("Running")
    _, listed, _ = aws("list-inference-experiments", "--status-equals", "Running")
    assert ["x"] == [one["Name"] for one in listed["InferenceExperiments"]]
    code, _, errors = aws("update-inference-experiment", "--name", "x", "--description", "new")
    assert (0, "") == (code, errors)
    experiments.seen_until("Updating")
    experiments.seen_until("Running")
    code, _, errors = aws(
        *("stop-inference-experiment", "--name", "x", "--desired-state", "Completed"),
        *("--model-variant-actions", "AllTraffic=Remove,Shadow=Promote", "--reason", "better"),
    )
    assert (0, "") == (code, errors)
    experiments.seen_until("Completed")
    _, described, _ = aws("describe-inference-experiment", "--name", "x")
    assert ("better", "new") == (described["StatusReason"], described["Description"])
    code, _, errors = aws("delete-inference-experiment", "--name", "x")
    assert (0, "") == (code, errors)
    _, listed, _ = aws("list-inference-experiments")
    assert {"InferenceExperiments": []} == listed


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("describe-inference-experiment", "--name", "none"), "ResourceNotFound"),
        (("start-inference-experiment", "--name", "x"), "ConflictException"),
        (("delete-inference-experiment", "--name", "x"), "ConflictException"),
        (
            ("update-inference-experiment", "--name", "x", "--description", "d" * 1025),
            "ValidationException",
        ),
    ],
    ids=["unknown", "start running", "delete running", "too long"],
)
def test_wrong_calls(aws, experiments, arguments, code):
    """The exit code says that the service refused, and the message says why."""
    experiments.running()
    returned, _, errors = aws(*arguments)
    assert (True, True) == (returned in (254, 255), f"({code})" in errors)


def test_metrics_are_read(aws, connect, emulator, experiments):
    """It returns the same points as boto3."""
    emulator.traffic("ep", Traffic(late_seconds=0))
    metrics = Metrics(connect("cloudwatch"), emulator)
    emulator.clock.advance(timedelta(minutes=10))
    window = metrics.window()
    queries = [query("ModelLatency", "AllTraffic", stat) for stat in ("Average", "p99")]
    code, answer, errors = aws(
        *("get-metric-data", "--metric-data-queries", json.dumps(queries)),
        *("--start-time", window["StartTime"].isoformat()),
        *("--end-time", window["EndTime"].isoformat(), "--scan-by", "TimestampAscending"),
        service="cloudwatch",
    )
    assert (0, "") == (code, errors)
    expected = metrics.data(*queries)["MetricDataResults"]
    assert [one["Values"] for one in expected] == [
        one["Values"] for one in answer["MetricDataResults"]
    ]
    assert len(expected[0]["Values"]) >= 9
