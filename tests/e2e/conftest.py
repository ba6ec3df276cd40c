"""What the scenarios share: one real Airflow, AWS as they see it, and the audit after each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.api import Api
from tests.e2e.aws import Aws
from tests.e2e.stack import Stack, running

_BEGAN = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember when a scenario begins."""
    item.stash[_BEGAN] = time.time()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show the states and errors of tasks, and the ends of Airflow's logs, if a scenario fails."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and stack is not None:
        began = item.stash[_BEGAN]
        report.sections.append(("States of tasks", _states(item, since=began)))
        report.sections.append(("Errors of tasks", stack.complaints(since=began)))
        report.sections.append(("Airflow's logs", stack.tails()))
    return report


def _states(item: pytest.Item, *, since: float) -> str:
    """Return how the tasks stand that have changed since a moment, all scenarios' together."""
    api = getattr(item, "funcargs", {}).get("api")
    try:
        return "\n".join(api.changed(since=since)) if api else "(no task)"
    except (AssertionError, httpx.HTTPError) as error:
        return f"Airflow does not answer: {error}"


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
