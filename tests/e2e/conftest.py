"""What the scenarios share: one real Airflow, AWS as they see it, and the audit after each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.aws import Aws
from tests.e2e.stack import Stack, running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show the errors of tasks and the ends of Airflow's logs where a scenario fails."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and stack is not None:
        report.sections.append(("Errors of tasks", stack.complaints(since=call.start)))
        report.sections.append(("Airflow's logs", stack.tails()))
    return report


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give the Airflow that `tests.e2e.stack` started, or start one."""
    if home := os.environ.get("AIRFLOW_SHADOW_E2E"):
        yield Stack.attached(Path(home))
        return
    with running(tmp_path_factory.mktemp("airflow") / "home") as own:
        yield own


@pytest.fixture(scope="session")
def api(stack: Stack) -> Api:
    """Give Airflow's public API."""
    return Api(stack)


@pytest.fixture
def aws(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Aws]:
    """Give AWS as somebody beside Airflow sees it; audit afterwards what the scenario left."""
    seen = Aws(stack.emulator_url)
    yield seen
    seen.audit()
