"""An Airflow of its own on Celery: these tests lose machines of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start two workers, two triggerers, and all that they need."""
    home = tmp_path_factory.mktemp("airflow") / "home"
    with running(home, executor="CeleryExecutor") as own:
        yield own
