"""The table itself: every victim at every place, every operator, no cell left out unnoticed."""

from __future__ import annotations

import pytest

from airflow_shadow import operators
from tests.e2e.faults.cast import ROWS

PLACES = (
    "before the call",
    "after AWS acted",
    "while it polls",
    "while deferred",
    "between event and execute_complete",
)
VICTIMS = ("worker killed", "triggerer killed", "scheduler killed", "connection lost")
#: Places at which a victim is not there, each with why.
NOT_THERE = {
    ("worker killed", "while deferred"): "a deferred task has no process",
    ("triggerer killed", "before the call"): "a triggerer changes nothing",
    ("triggerer killed", "after AWS acted"): "a triggerer changes nothing",
    ("triggerer killed", "while it polls"): "it polls while tasks are deferred",
}


def test_every_victim_is_met_at_every_place(request):
    """A place that no test kills at has a reason that stands here."""
    marks = [item.get_closest_marker("fault") for item in request.session.items]
    played = {mark.args for mark in marks if mark}
    if len(played) == 1:
        pytest.fail("Run the whole folder: the table needs all faults.")
    wanted = {(victim, place) for victim in VICTIMS for place in PLACES}
    assert wanted - played == set(NOT_THERE)


def test_every_operator_is_in_the_table():
    """An operator that is added gets a column."""
    named = {f"{row}inferenceexperiment" for row in ROWS} | {f"{row}shadowvariant" for row in ROWS}
    missing = [
        name for name in operators.__all__ if name.removesuffix("Operator").lower() not in named
    ]
    assert (missing, "sensor" in ROWS) == ([], True)
