"""What all tests share: a home for Airflow, an emulator, tasks in both modes."""

from __future__ import annotations

import os
import tempfile

# Airflow reads these when it is first imported, so they come before every other import.
_HOME = tempfile.mkdtemp(prefix="airflow-shadow-tests-")
os.environ |= {
    "AIRFLOW_HOME": _HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    # An emulator has no quota.
    "AIRFLOW__AIRFLOW_SHADOW__MAX_CALLS_PER_SECOND": "1000",
    "AIRFLOW__CORE__DAGS_FOLDER": f"{_HOME}/dags",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME}/airflow.db",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
}

import gc
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from zlib import crc32

import boto3
import pytest
from hypothesis import settings

from airflow_shadow.emulator import Emulator, fleet, without_http
from airflow_shadow.emulator.snapshot import Snapshot
from tests import faster  # noqa: F401 - it takes effect when it is imported
from tests.log import Log, captured
from tests.matrix import pytest_terminal_summary  # noqa: F401 - prints what tests recorded
from tests.tasks import MODES, SENSOR_MODES, Tasks

# Backfills are an engine of their own there, and no later Airflow has that command.
collect_ignore = [] if version("apache-airflow") < "3" else ["test_backfill_2_11.py"]

# No test fails for being slow.
settings.register_profile("slow machines", deadline=None)
settings.load_profile("slow machines")

REGION = "us-east-1"
PASSWORD = "the-secret-of-the-connection"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Fail every test whose output bears the connection's password: logs are read by many."""
    report = yield
    said = report.capstdout + report.capstderr + report.caplog
    if report.outcome == "passed" and PASSWORD in said:
        report.outcome, report.longrepr = "failed", "the connection's password is in the output"
    return report


#: The parameters by which tests run in all modes.
_IN_ALL = {"mode": MODES, "sense": SENSOR_MODES, "analyse": SENSOR_MODES}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test that runs in all modes be quick in one of them, by turns."""
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        for name, modes in _IN_ALL.items():
            if (mode := params.get(name)) in modes:
                turn = crc32(item.nodeid.replace(mode, "").encode())
                if mode != modes[turn % len(modes)]:
                    item.add_marker("thorough")


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what was imported: it would look at all of it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def emulator_server() -> Iterator[Emulator]:
    """Serve one emulator for all tests."""
    with Emulator(port=0, pace="count") as server:
        yield server


def transport(request: pytest.FixtureRequest, emulator: Emulator) -> AbstractContextManager[None]:
    """Spare a test's calls HTTP, which takes twice the time, unless it is marked to be about it."""
    return nullcontext() if request.node.get_closest_marker("http") else without_http(emulator)


@pytest.fixture
def emulator(
    emulator_server: Emulator, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Emulator]:
    """Give a test a fresh SageMaker and the connection to it."""
    emulator_server.reset()
    emulator_server.pace = "count"
    connection = {
        "conn_type": "aws",
        "login": "AKIAIOSFODNN7EXAMPLE",
        "password": PASSWORD,
        "extra": {"region_name": REGION, "endpoint_url": emulator_server.url},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("CONNECTION_PASSWORD", PASSWORD)
    with transport(request, emulator_server):
        yield emulator_server


def client_of(emulator: Emulator, service: str) -> boto3.client:
    """Return a plain client of a service, for what tests do as somebody else."""
    return boto3.client(
        service,
        endpoint_url=emulator.url,
        region_name=REGION,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key=PASSWORD,
    )


@pytest.fixture(scope="session")
def somebody(emulator_server: Emulator) -> boto3.client:
    """Return a plain client, for what the tests do as somebody else."""
    return client_of(emulator_server, "sagemaker")


@pytest.fixture
def sagemaker(emulator: Emulator, somebody: boto3.client) -> boto3.client:
    """Return the plain client, of a fresh SageMaker."""
    return somebody


@pytest.fixture(scope="session")
def set_up(emulator_server: Emulator, somebody: boto3.client) -> Snapshot:
    """Set up an endpoint `churn` that serves `churn-v1`, and candidates, once for all tests."""
    emulator_server.reset()
    for model in ("churn-v1", "churn-v2", "churn-v3"):
        fleet.create_model(somebody, name=model)
    fleet.create_endpoint(somebody, endpoint_name="churn", model_name="churn-v1")
    return emulator_server.snapshot()


@pytest.fixture
def churn(set_up: Snapshot, emulator: Emulator, sagemaker: boto3.client) -> SimpleNamespace:
    """Give a test the endpoint `churn`, which serves `churn-v1`, and a candidate `churn-v2`."""
    emulator.restore(set_up)
    return SimpleNamespace(endpoint="churn", model="churn-v1", candidate="churn-v2")


@pytest.fixture
def log() -> Iterator[Log]:
    """Collect what is logged, whatever Airflow logs with."""
    with captured() as lines:
        yield lines


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Run a test in both modes: deferral changes where the waiting happens, and nothing else."""
    return request.param


@pytest.fixture
def tasks(emulator: Emulator, mode: str) -> Tasks:
    """Run operators as Airflow does, in the mode of the test."""
    return Tasks(mode=mode)


@pytest.fixture
def worker(emulator: Emulator) -> Tasks:
    """Run operators in the worker alone, for what does not depend on where they wait."""
    return Tasks(mode="worker")


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Make Airflow's database, once."""
    airflow = Path(sys.executable).parent / "airflow"
    subprocess.run([airflow, "db", "migrate"], check=True, capture_output=True, timeout=300)
