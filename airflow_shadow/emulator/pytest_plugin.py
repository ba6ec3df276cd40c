"""Pytest fixtures for users' own tests.

Use them with `pytest_plugins = ["airflow_shadow.emulator.pytest_plugin"]` in a conftest.py.
"""

import json
from collections.abc import Iterator

import pytest

from airflow_shadow.emulator.core import REGION, Emulator


@pytest.fixture(scope="session")
def shadow_emulator_server() -> Iterator[Emulator]:
    """Serve one emulator for the whole session; tests use `shadow_emulator`, which is reset."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def shadow_emulator(shadow_emulator_server: Emulator) -> Emulator:
    """Return an emulator without experiments, faults or history, at real time."""
    shadow_emulator_server.reset()
    return shadow_emulator_server


@pytest.fixture
def shadow_airflow_connection(
    shadow_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> Emulator:
    """Point Airflow's connection `aws_default` at the emulator, and return the emulator."""
    connection = {
        "conn_type": "aws",
        "login": "emulator",
        "password": "emulator",
        "extra": {"endpoint_url": shadow_emulator.url, "region_name": REGION},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    return shadow_emulator
