"""An Airflow of its own, whose parts are killed; and the table of what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import stack as e2e
from tests.e2e.api import Api
from tests.e2e.aws import Aws
from tests.e2e.faults.cast import ROWS
from tests.e2e.faults.keys import ADDRESS, Keys
from tests.e2e.faults.stage import Stage
from tests.matrix import Cell, pytest_terminal_summary, record

__all__ = ["pytest_terminal_summary"]
DAG = Path(__file__).parent / "dags" / "e2e_fault.py"
#: All operators run at once, in two copies; no heartbeat counts as missing because the machine is
#: slow: what a test kills it also declares dead.
SETTINGS = {
    "CORE__PARALLELISM": "20",
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "900",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "900",
    "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "900",
}


def pytest_configure(config: pytest.Config) -> None:
    """Explain the mark by which a test names its row of the table."""
    config.addinivalue_line("markers", "fault(*words): what goes wrong, and where")


@pytest.fixture(scope="session")
def keys() -> Iterator[Keys]:
    """Give the service whose credentials Airflow uses where a connection has none."""
    with Keys().served() as own, pytest.MonkeyPatch.context() as patch:
        patch.setenv(ADDRESS, own.address)
        yield own


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[e2e.Stack]:
    """Start an Airflow that nobody else uses."""
    with e2e.running(tmp_path_factory.mktemp("airflow") / "home", **SETTINGS) as own:
        own.install(DAG.name, DAG.read_text())
        yield own


@pytest.fixture
def stage(stack: e2e.Stack, api: Api, aws: Aws) -> Iterator[Stage]:
    """Give what every operator finds, and mend afterwards whatever the test broke."""
    seen = Stage(stack, api, aws)
    try:
        seen.prepare()
        yield seen
    finally:
        seen.mend()


@pytest.fixture
def fill(
    request: pytest.FixtureRequest, record_property: Callable[[str, Any], None]
) -> Callable[[dict[str, str]], None]:
    """Give the function that fills a row of the table."""

    def filled(came: dict[str, str]) -> dict[str, str]:
        place = request.session.items.index(request.node) * len(ROWS)
        row = ": ".join(request.node.get_closest_marker("fault").args)
        for i, (column, word) in enumerate(came.items()):
            cell = Cell(
                title="Faults in a real Airflow",
                place=place + i,
                row=row,
                column=column,
                mode="",
                came=word,
            )
            record(record_property, cell)
        return came

    return filled
