"""The table itself: every victim at every place, every operator, no cell left out unnoticed."""

from __future__ import annotations

from itertools import product

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
#: What else goes wrong.
BESIDES = {
    ("triggerer killed", "before the task defers"),
    ("triggerer paused", "and resumed"),
    ("scheduler killed", "its workers go on"),
    ("scheduler paused", "and resumed"),
    ("two copies", "the first one's call comes last"),
    ("two copies", "both calls at one moment"),
    ("two copies", "after AWS acted for the first"),
    ("throttling", "a storm"),
    ("credentials expire", "in the middle of a wait"),
    ("credentials gone", "for 3 s, at the start and in a wait"),
    ("garbage with 200", "at the call and in a wait"),
    ("reads lag", "after the own call"),
    ("deployment in between", "by somebody else"),
    ("template renders to nothing", "of the connection"),
    ("experiment stopped", "by somebody else"),
    ("experiment deleted", "by somebody else"),
    ("endpoint fails to update", "in the task's own change"),
    ("endpoint fails to update", "and is rolled back"),
    ("the wait times out", "while deferred"),
    ("the wait times out", "by Airflow's own backstop"),
}


def test_every_fault_has_its_row(request):
    """A place that no test kills at has a reason that stands here; the whole folder has to run."""
    marks = [item.get_closest_marker("fault") for item in request.session.items]
    played = sorted(mark.args for mark in marks if mark)
    assert sorted(set(product(VICTIMS, PLACES)) - set(NOT_THERE) | BESIDES) == played


def test_every_operator_is_in_the_table():
    """An operator that is added gets a column; what a test compares has all columns."""
    kinds = ("{}inferenceexperiment", "{}shadowvariant", "shadow{}", "{}answers")
    named = {kind.format(row) for row in ROWS for kind in kinds}
    calling = set(operators.__all__) - {"ShadowVerdictBranchOperator"}
    columns = {name.removesuffix("Operator").lower() for name in calling}
    assert columns <= named
    # And the sensor, which waits as the sensor of verdicts does.
    assert len(columns) + 1 == len(ROWS)
