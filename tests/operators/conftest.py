"""Creations, as most tests of operators begin with one."""

from __future__ import annotations

import pytest

from airflow_shadow.operators import CreateInferenceExperimentOperator
from tests.helpers import CREATE


@pytest.fixture
def create(tasks):
    """Run a creation in both modes: the arguments of `CREATE`, and what a test changes."""
    return lambda **arguments: tasks.run(
        CreateInferenceExperimentOperator, **{**CREATE, **arguments}
    )


@pytest.fixture
def once(worker):
    """Run a creation in the worker alone."""
    return lambda **arguments: worker.run(
        CreateInferenceExperimentOperator, **{**CREATE, **arguments}
    )
