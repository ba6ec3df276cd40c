"""How often a creation moves from file to file: what a reader has to follow."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import airflow_shadow
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import CreateInferenceExperimentOperator
from tests.helpers import CREATE
from tests.tasks import Tasks

#: Measured: 278 and 149. Between folders one can go no lower without mixing what they hold: every
#: call leads from a step to the hook and back, and every poll from the driver to the condition, its
#: rules and the engine.
MOVES, BETWEEN_FOLDERS = 280, 150
PACKAGE = Path(airflow_shadow.__file__).parent


def traced(work: Callable[[], Any]) -> list[Path]:
    """Do some work; return the file of each function of ours that it calls, in their order."""
    files: list[Path] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(PACKAGE):
            files.append(file.relative_to(PACKAGE))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return [file for file in files if file.parts[0] != "emulator"]


def moves(places: list[Path]) -> int:
    """Return how often one place follows another."""
    return sum(one != other for one, other in pairwise(places))


@pytest.mark.usefixtures("churn")
def test_a_creation_is_followed_with_few_moves(sagemaker):
    """A creation calls from one file or folder into another no more often than it does today."""
    fleet.create_endpoint(sagemaker, endpoint_name="first", model_name="churn-v1")
    first = {**CREATE, "endpoint_name": "first"}
    Tasks("worker").run(CreateInferenceExperimentOperator, **first)  # what imports call is no way
    files = traced(lambda: Tasks("worker").run(CreateInferenceExperimentOperator, **CREATE))
    between_folders = moves([file.parent for file in files])
    assert moves(files) <= MOVES
    assert between_folders <= BETWEEN_FOLDERS
