"""Pytest fixtures for users' own tests: an Airflow, a SageMaker, and Dags that run in seconds.

Use them with `pytest_plugins = ["airflow_shadow.emulator.pytest_plugin"]` in the conftest.py of the
project's root. Airflow then lives in a temporary folder, whatever the shell's settings are.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest

from airflow_shadow.emulator import airflow_home, dag_runs, tested_endpoint
from airflow_shadow.emulator.core import REGION
from airflow_shadow.emulator.tested_endpoint import TestedEndpoint
from airflow_shadow.emulator.time_lapse import TimeLapse
from airflow_shadow.emulator.traffic import Traffic

_CREDENTIALS = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}
#: Emulator seconds in a real one, beside the jump at each poll: nothing may stand still for good.
_SPEED = 60.0
#: What would lead around the emulator.
_OF_AN_ACCOUNT = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_",  # of one service, before the one of all
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a project say where its Dags are."""
    text = "folder of the Dags that `run_dag` finds by their ids, from the root"
    parser.addini("shadow_dags_folder", text, default="dags")


def pytest_configure(config: pytest.Config) -> None:
    """Give Airflow a temporary home before anybody imports it."""
    if "airflow" not in sys.modules:
        folder = config.rootpath / config.getini("shadow_dags_folder")
        airflow_home.use_temporary_home(dags_folder=folder)


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    airflow_home.remove_temporary_home()


@pytest.fixture(scope="session")
def shadow_emulator_server() -> Iterator[TimeLapse]:
    """Serve one emulator for the whole session; tests use `shadow_emulator`, which is reset."""
    with pytest.MonkeyPatch.context() as patch, TimeLapse(speed=_SPEED, pace="time") as emulator:
        for name in ("NO_PROXY", "no_proxy"):  # the emulator is here, not behind a proxy
            if (others := os.environ.get(name, "")) != "*":
                patch.setenv(name, f"127.0.0.1,{others}".rstrip(","))
        yield emulator


@pytest.fixture
def shadow_emulator(shadow_emulator_server: TimeLapse) -> TimeLapse:
    """Return an emulator without experiments, faults or history, whose time passes at each poll."""
    shadow_emulator_server.reset()
    return shadow_emulator_server


@pytest.fixture
def shadow_airflow_connection(
    shadow_emulator: TimeLapse, monkeypatch: pytest.MonkeyPatch
) -> TimeLapse:
    """Let Airflow's `aws_default` and boto3 lead to the emulator only, and return the emulator."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", _connection(shadow_emulator.url))
    for name in [name for name in os.environ if name.startswith(_OF_AN_ACCOUNT)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", shadow_emulator.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for name, value in _CREDENTIALS.items():
        monkeypatch.setenv(name.upper(), value)
    return shadow_emulator


def _connection(url: str) -> str:
    """Return an Airflow connection to the emulator."""
    connection = {
        "conn_type": "aws",
        "login": _CREDENTIALS["aws_access_key_id"],
        "password": _CREDENTIALS["aws_secret_access_key"],
        "extra": {"endpoint_url": url, "region_name": REGION},
    }
    return json.dumps(connection)


@pytest.fixture
def shadow_client(shadow_emulator: TimeLapse) -> Callable[..., Any]:
    """Make boto3 clients of the emulator: `shadow_client("sagemaker")`."""

    def client(service: str, region_name: str = REGION) -> Any:
        return boto3.client(service, region_name, endpoint_url=shadow_emulator.url, **_CREDENTIALS)

    return client


@pytest.fixture
def shadow_endpoint(shadow_client: Callable[..., Any]) -> Callable[..., TestedEndpoint]:
    """Make endpoints that serve under 300 requests a minute: `shadow_endpoint("churn")`."""

    def endpoint(
        name: str,
        model_name: str | None = None,
        *,
        traffic: Traffic | None = Traffic(),  # noqa: B008 - frozen
        region_name: str = REGION,
    ) -> TestedEndpoint:
        return tested_endpoint.create(
            shadow_client("sagemaker", region_name),
            name=name,
            model_name=model_name or f"{name}-production",
            traffic=traffic,
        )

    return endpoint


@pytest.fixture(scope="session")
def shadow_airflow() -> None:
    """Make the database of an Airflow in a temporary folder."""
    # It refuses one that was imported with other settings: that could be anybody's.
    airflow_home.use_temporary_home()
    airflow_home.make_database()


@pytest.fixture
def run_dag(
    shadow_airflow: None,  # noqa: ARG001 - it makes the database
    shadow_airflow_connection: TimeLapse,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Any]]:
    """Run Dags against the emulator: `run_dag("my_dag", "2026-03-01").state == "success"`.

    Arguments and result are those of `airflow_shadow.emulator.dag_runs.run_dag`. Every AWS
    connection that the Dag's tasks name leads to the emulator.
    """
    # Imported late: only who runs Dags needs moto in this process.
    from airflow_shadow.emulator.in_process import without_http  # noqa: PLC0415

    def run(
        dag: Any, logical_date: dag_runs.When = None, conf: Mapping[str, Any] | None = None
    ) -> Any:
        found = dag_runs.find_dag(dag)
        for name in dag_runs.connections_of(found):
            connection = _connection(shadow_airflow_connection.url)
            monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", connection)
        return dag_runs.run_dag(found, logical_date, conf)

    with without_http(shadow_airflow_connection):
        yield run
