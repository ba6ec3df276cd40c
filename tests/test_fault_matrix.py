"""Every operator under every fault, in both modes: it survives, or fails with one named error."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass

import pytest

from airflow_shadow import exceptions, operators, sensors
from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.emulator import Emulator
from airflow_shadow.emulator.faults import CALL_FAULTS, WORK_FAULTS
from airflow_shadow.operators import RemoveShadowVariantOperator
from tests.fault_columns import FAULTS, deleted
from tests.fault_rows import (
    BEFORE,
    ENDS,
    NAME,
    SAFEGUARDS,
    SERVES,
    STOP,
    TASKS,
    Scene,
    ending,
    running,
)
from tests.helpers import by_turns, described, serves
from tests.matrix import Cell, record
from tests.tasks import MODES, Tasks

#: One word a cell: the keys of `FAULTS` stand below each other, those of `TASKS` side by side.
MATRIX = """
            Create   Update   Start   Stop    Promote Remove  Delete Sensor  Analysis
throttle    ok       ok       ok      ok      ok      ok      ok     ok      ok
5xx         ok       ok       ok      ok      ok      ok      ok     ok      ok
lost-call   ok       ok       ok      ok      ok      ok      ok     ok      ok
lost-answer ok       ok       ok      ok      ok      ok      ok     -       -
expired     ok       ok       ok      ok      ok      ok      ok     ok      ok
garbage     ok       ok       ok      ok      ok      ok      ok     ok      ok
no-keys     ok       ok       ok      ok      ok      ok      ok     ok      ok
lag         ok       ok       ok      ok      ok      ok      ok     -       -
denied      denied   denied   denied  denied  denied  denied  denied denied  denied
slow        ok       ok       ok      ok      ok      ok      ok     ok      ok
stopped     stopped  stopped  stopped ok      refused ok      ok     stopped ok
deleted     missing  missing  missing missing missing missing ok     missing missing
breaks      failed   broken   broken  broken  broken  broken  -      broken  broken
endpoint    endpoint broken   broken  broken  broken  broken  ok     broken  broken
deployment  ok       changed  changed -       changed -       -      -       -
nothing     invalid  invalid  invalid invalid invalid invalid invalid invalid invalid
"""
#: What the words mean: the name in the printed table, which is that of an error if it fails.
WORDS = {
    "ok": "survives",
    "-": "not concerned",
    "denied": "AwsAccessDeniedError",
    "missing": "ExperimentNotFoundError",
    "failed": "CreationFailedError",
    "broken": "ExperimentBrokenError",
    "stopped": "ExperimentStoppedError",
    "refused": "PromotionRefusedError",
    "changed": "ProductionChangeError",
    "endpoint": "EndpointFailedError",
    "invalid": "InvalidRequestError",
}
#: Why a fault cannot concern an operator; the test shows that it had no occasion to strike.
NOT_CONCERNED = {
    ("Sensor", "lost-answer"): "it makes no call that changes anything",
    ("Analysis", "lost-answer"): "it changes nothing but tags, and these as often as it likes",
    ("Sensor", "lag"): "it makes no call that changes anything",
    ("Analysis", "lag"): "it makes no call that changes anything",
    ("Delete", "breaks"): "a record is deleted at once, no work follows that could fail",
    **dict.fromkeys(
        [(row, "deployment") for row in ("Stop", "Remove", "Delete", "Sensor", "Analysis")],
        "it does not say what production runs",
    ),
}
#: Kinds of faults that no column shows, each with why.
NO_COLUMN = {
    "quota": "a refusal like a denial, but of calls that create; AWS's answer is shown",
    "empty-pages": "pages of lists; the hook's tests read through them",
    "old-endpoint": "of a creation after a promotion; tests/operators/test_harm.py shows it",
    "hold-before": "no fault by itself: a place; tests/e2e/faults kills there",
    "hold-after": "no fault by itself: a place; tests/e2e/faults kills there",
}
#: Operators that have no row, each with why.
NO_ROW = {
    "CompareAnswersOperator": "it waits as ShadowAnalysisOperator does; the faults of S3 are in"
    " tests/answers/test_store.py",
    "ShadowAnalysisOperator": "it waits and asks as the sensor Analysis does, for one look",
    "ShadowVerdictBranchOperator": "it calls nothing",
}
ONE_TRY = {"retries": {"total_max_attempts": 1}}


# --- the cells ----------------------------------------------------------------------------


def read(matrix: str) -> dict[tuple[str, str], str]:
    """Return the word of each cell by operator and fault."""
    header, *lines = [line.split() for line in matrix.strip().splitlines()]
    return {
        (row, column): word
        for column, *words in lines
        for row, word in zip(header, words, strict=True)
    }


CELLS = read(MATRIX)
PARAMETERS = [(row, column, mode) for row, column in CELLS for mode in MODES]


@dataclass(frozen=True)
class Came:
    """What came of a cell.

    :param ours: changing calls of the task that AWS accepted
    :param deployed: how often the experiment changed the endpoint's configuration
    """

    word: str
    error: AirflowException | None
    ours: list[str]
    deployed: int


def _happened(emulator: Emulator) -> tuple[Counter[str], int]:
    history = emulator.history()
    made = Counter(e["operation"] for e in history if e["kind"] == "call")
    del made["AddTags"]  # changes nothing that serves
    changes = [e for e in history if e["kind"] == "endpoint" and "config" in e["changed"]]
    return made, len([e for e in changes if e["cause"] == NAME])


def play(scene: Scene, row: str, column: str, mode: str) -> Came:
    """Set the scene, let the task run under its fault, and count what happened meanwhile."""
    task = TASKS[row]
    BEFORE.get((row, column), task.before)(scene)
    FAULTS[column][0](scene, row)
    calls_before, deployed_before = _happened(scene.emulator)
    arguments = {**task.arguments, "name": NAME, "botocore_config": ONE_TRY, **scene.given}
    error = None
    try:
        Tasks(mode).run(task.operator, **arguments)
    except AirflowException as raised:
        error = raised
    made, deployed = _happened(scene.emulator)
    ours = made - calls_before - Counter(scene.theirs)
    word = type(error.__cause__).__name__ if error else "survives"
    return Came(word, error, sorted(ours.elements()), deployed - deployed_before)


@pytest.fixture
def scene(emulator, churn, sagemaker, log, monkeypatch):
    """Return a fresh SageMaker with an endpoint, and the log as the clock of what happens."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, os.environ[name])
    return Scene(emulator, sagemaker, log)


def assert_survived(scene: Scene, row: str, column: str, came: Came) -> None:
    """Hold the end against the task: the right state, by one call and one deployment."""
    task, cell = TASKS[row], (row, column)
    assert "survives" == came.word, came.error
    assert ENDS.get(cell, task.ends) == status(scene)
    if task.calls:
        assert 1 == [*came.ours, *scene.theirs].count(task.calls)
    steps = [
        call
        for call in [*came.ours, *scene.theirs]
        if call.endswith("InferenceExperiment") and not call.startswith("Delete")
    ]
    by_itself = BEFORE.get(cell, task.before) is ending
    assert len(steps) + by_itself == came.deployed
    assert_serves(scene, SERVES.get(cell, task.serves))


def assert_serves(scene: Scene, model: str) -> None:
    """Hold production against what is planned, if it has not been deleted."""
    if scene.sagemaker.list_endpoints()["Endpoints"]:
        assert [model] == serves(scene.sagemaker)


def status(scene: Scene) -> str | None:
    """Return the experiment's status, `None` if there is none."""
    names = [
        e["Name"] for e in scene.sagemaker.list_inference_experiments()["InferenceExperiments"]
    ]
    return described(scene.sagemaker, NAME)["Status"] if NAME in names else None


def assert_failed(came: Came, name: str) -> None:
    """Hold a failure against its class: named, translated for Airflow, saying what to do next."""
    assert name == came.word, came.error
    kind = getattr(exceptions, name)
    assert (AirflowException if kind.retriable else AirflowFailException) is type(came.error)
    assert f"Next: {came.error.__cause__.next_step}" in str(came.error)
    assert came.error.__cause__.next_step
    # The log of Airflow 3 leaves out a cause that was never raised.
    assert came.error.__cause__.__traceback__


#: Lost connections are lost over HTTP, too.
MARKED = [
    pytest.param(*cell, marks=[pytest.mark.http] * cell[1].startswith("lost"))
    for cell in PARAMETERS
]


@pytest.mark.parametrize(("row", "column", "mode"), MARKED)
def test_a_fault(row, column, mode, scene, record_property):
    """A task survives the fault with the right end state, or fails with the listed error."""
    word = WORDS[CELLS[row, column]]
    came = play(scene, row, column, mode)
    shown = word if word == "not concerned" and came.word == "survives" else came.word
    cell = {"place": list(CELLS).index((row, column)), "row": row, "column": column, "mode": mode}
    record(record_property, Cell(title="Fault matrix", **cell, came=shown))
    if word in {"survives", "not concerned"}:
        assert_survived(scene, row, column, came)
    else:
        assert_failed(came, word)
        assert_serves(scene, SERVES.get((row, column), "churn-v1"))
    assert came.ours in ([], [TASKS[row].calls])
    struck = not scene.emulator.faults.waiting() and not scene.log._waiting
    assert (word != "not concerned") is struck


#: Each task with each argument that it may not lose.
GUARDED = [
    (row, argument)
    for row, task in TASKS.items()
    for argument in SAFEGUARDS
    if argument in task.operator.template_fields
] + [(row, "name") for row in TASKS if row != "Create"]


@pytest.mark.parametrize(
    ("place", "template"), by_turns(GUARDED, ["{{ none }}", "{{ '' }}"]), ids=str
)
@pytest.mark.parametrize("mode", MODES)
def test_a_safeguard_that_rendered_to_nothing(place, template, mode, scene):
    """A safeguard whose template renders to nothing fails the task before anything is changed."""
    row, argument = place
    scene.given[argument] = template
    came = play(scene, row, "nothing", mode)
    assert_failed(came, "InvalidRequestError")
    assert [] == came.ours
    assert_serves(scene, "churn-v1")


# --- the table itself ---------------------------------------------------------------------


def test_the_table_has_no_empty_cell():
    """Each operator is tested under each fault in each mode."""
    whole = {(row, column, mode) for row in TASKS for column in FAULTS for mode in MODES}
    assert whole == set(PARAMETERS)
    assert len(whole) == len(PARAMETERS)
    assert set(WORDS) == set(CELLS.values())


def test_the_table_has_all_operators():
    """Every operator and sensor has a row, or a reason why it has none."""
    named = {task.operator.__name__ for task in TASKS.values()}
    assert {*operators.__all__, *sensors.__all__} - NO_ROW.keys() == named


def test_the_table_has_all_faults():
    """Every kind of fault of the emulator has a column, or a reason why it has none."""
    shown = set().union(*(kinds for _, kinds in FAULTS.values()))
    assert CALL_FAULTS | WORK_FAULTS == shown | set(NO_COLUMN)


def test_what_is_not_concerned_has_a_reason():
    """Every cell that is marked as not concerned has its reason in `NOT_CONCERNED`."""
    assert [cell for cell, word in CELLS.items() if word == "-"] == sorted(
        NOT_CONCERNED, key=list(CELLS).index
    )


def test_what_fails_names_an_error_of_the_tree():
    """The errors in the table are classes of `airflow_shadow.exceptions`."""
    errors = set(WORDS.values()) - {"survives", "not concerned"}
    assert errors <= {kind for kind in vars(exceptions) if kind.endswith("Error")}


@pytest.mark.parametrize("mode", MODES)
def test_a_teardown_survives_a_deletion(mode, scene):
    """With `missing_ok` a removal succeeds if somebody deletes the experiment just before it."""
    running(scene)
    deleted(scene, "Remove")
    run = Tasks(mode).run(RemoveShadowVariantOperator, name=NAME, missing_ok=True)
    assert (NAME, [STOP, "DeleteInferenceExperiment"]) == (run.value, scene.theirs)
