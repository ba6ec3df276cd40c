"""The program against the emulator, whose name for its run the tests know."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_shadow.conformance import program
from airflow_shadow.conformance.account import Account
from airflow_shadow.emulator import fleet
from tests.cli import conftest as command_line

RUN = "shadow-conformance-test"

cli, answer = command_line.cli, command_line.answer


@pytest.fixture
def models(emulator, sagemaker, monkeypatch):
    """Have two models, and a name for the run that the test knows."""
    monkeypatch.setattr(program, "new_name", lambda: RUN)
    for model in ("model-a", "model-b"):
        fleet.create_model(sagemaker, name=model)


@pytest.fixture
def conformance(cli, models, tmp_path):
    """Run the program without pauses, with its files in a folder of its own."""

    def run(*argv: str) -> SimpleNamespace:
        done = cli("conformance", *arguments(tmp_path), *argv)
        record = tmp_path / f"{RUN}.json"
        found = json.loads(record.read_text()) if record.exists() else {"checks": []}
        outcomes = {one["check"]: one["outcome"] for one in found["checks"]}
        seen = {one["check"]: one["observed"] for one in found["checks"]}
        return SimpleNamespace(**vars(done), record=found, outcomes=outcomes, seen=seen)

    return run


@pytest.fixture
def at_call(monkeypatch):
    """Do something right after the accepted change of a number."""

    def arrange(number: int, act: Any) -> None:
        calls, attempt = [], Account.attempt

        def counted(self: Account, operation: str, params: Any) -> str:
            code = attempt(self, operation, params)
            calls.append(operation)
            if len(calls) == number:
                act()
            return code

        monkeypatch.setattr(Account, "attempt", counted)

    return arrange


def arguments(folder: Path) -> list[str]:
    """Return what each run is told."""
    told = ["--model", "model-a", "--model", "model-b", "--role", fleet.ROLE_ARN]
    return [*told, "--folder", str(folder), "--waiter-delay", "0", "--yes", "-o", "json"]


def left(sagemaker: Any) -> list[str]:
    """Return the names of all endpoints, experiments and configurations but others'."""
    listed = [
        *(one["Name"] for one in pages(sagemaker, "list_inference_experiments")),
        *(one["EndpointName"] for one in pages(sagemaker, "list_endpoints")),
        *(one["EndpointConfigName"] for one in pages(sagemaker, "list_endpoint_configs")),
    ]
    return [name for name in listed if not name.startswith("theirs")]


def pages(sagemaker: Any, method: str) -> list[dict[str, Any]]:
    """Return what a list holds."""
    answer = getattr(sagemaker, method)(MaxResults=100)
    return next(value for value in answer.values() if isinstance(value, list))


def changed(emulator: Any) -> set[str]:
    """Return the names of all that accepted calls were about."""
    return {event["name"] for event in emulator.history() if event["kind"] == "call"}


def interrupt() -> None:
    """Press Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)
