"""Every operator under every fault, in both modes: it survives, or fails with one named error."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from airflow_shadow import exceptions, operators, sensors
from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.emulator import Emulator, fleet
from airflow_shadow.emulator.faults import CALL_FAULTS, WORK_FAULTS
from airflow_shadow.operators import RemoveShadowVariantOperator
from airflow_shadow.sensors import InferenceExperimentSensor, ShadowAnalysisSensor
from tests.helpers import CREATE, by_turns, deploy, described, serves, somebodys, until, when_held
from tests.helpers import stop as stop_by_hand
from tests.log import Log
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
    "ShadowAnalysisOperator": "it waits and asks as the sensor Analysis does, for one look",
    "ShadowVerdictBranchOperator": "it calls nothing",
}
NAME = "nightly"
ONE_TRY = {"retries": {"total_max_attempts": 1}}


@dataclass
class Scene:
    """What a cell plays in, and what somebody else did in the middle.

    :param given: arguments of the task that a fault takes away
    """

    emulator: Emulator
    sagemaker: Any
    log: Log
    theirs: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)

    def now(self) -> Any:
        """Return AWS's time."""
        return self.emulator.clock.now()


# --- what stands before a task ------------------------------------------------------------


def empty(scene: Scene) -> None:
    """Leave the endpoint alone."""


def running(scene: Scene) -> None:
    """Let an experiment run for two hours at full sampling."""
    mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    schedule = {"EndTime": scene.now() + timedelta(hours=2)}
    somebodys(scene.sagemaker, NAME, ShadowModeConfig=mode, Schedule=schedule)


def scheduled(scene: Scene) -> None:
    """Let an experiment wait for its start."""
    start = scene.now() + timedelta(hours=5)
    somebodys(scene.sagemaker, NAME, rests="Created", Schedule={"StartTime": start})


def concluded(scene: Scene) -> None:
    """Leave the record of an experiment that a person stopped."""
    running(scene)
    stop_by_hand(scene.sagemaker, NAME)


def ending(scene: Scene) -> None:
    """Let an experiment run to its end as soon as somebody waits for it."""
    running(scene)
    scene.log.when("Waiting for", lambda: scene.emulator.clock.advance(3 * 3600))


# --- the rows -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """An operator with what it needs, and what holds once it has survived.

    :param calls: the one operation by which it changes something
    :param before: sets the scene
    :param ends: the experiment's status, `None` if it is gone
    :param serves: the model in production
    :param reads: the operation by which it looks, if it changes nothing
    """

    operator: type
    arguments: dict[str, Any]
    calls: str | None
    before: Callable[[Scene], None]
    ends: str | None
    serves: str = "churn-v1"
    reads: str = "DescribeInferenceExperiment"


REMOVAL = {"AllTraffic": "Retain", "churn-v2": "Remove"}
STOP = "StopInferenceExperiment"
TASKS = {
    "Create": Task(
        operators.CreateInferenceExperimentOperator,
        CREATE,
        "CreateInferenceExperiment",
        before=empty,
        ends="Running",
    ),
    "Update": Task(
        operators.UpdateInferenceExperimentOperator,
        {"sampling_percentage": 50},
        "UpdateInferenceExperiment",
        before=running,
        ends="Running",
    ),
    "Start": Task(
        operators.StartInferenceExperimentOperator,
        {},
        "StartInferenceExperiment",
        before=scheduled,
        ends="Running",
    ),
    "Stop": Task(
        operators.StopInferenceExperimentOperator,
        {"model_variant_actions": REMOVAL},
        STOP,
        before=running,
        ends="Cancelled",
    ),
    "Promote": Task(
        operators.PromoteShadowVariantOperator,
        {},
        STOP,
        before=running,
        ends="Completed",
        serves="churn-v2",
    ),
    "Remove": Task(
        operators.RemoveShadowVariantOperator, {}, STOP, before=running, ends="Cancelled"
    ),
    "Delete": Task(
        operators.DeleteInferenceExperimentOperator,
        {},
        "DeleteInferenceExperiment",
        before=concluded,
        ends=None,
    ),
    "Sensor": Task(
        InferenceExperimentSensor,
        {"target_statuses": "Completed", "poke_interval": 0.01},
        None,
        before=ending,
        ends="Completed",
    ),
    # The experiment ends before the window does: without traffic nothing else could be said.
    "Analysis": Task(
        ShadowAnalysisSensor,
        {"duration": "4h", "poke_interval": 0.01},
        None,
        before=ending,
        ends="Completed",
        reads="GetMetricData",
    ),
}
#: Scenes of single cells: what has ended cannot be stopped any more, and what somebody ends in the
#: middle needs no end of its own.
BEFORE = {
    ("Delete", "stopped"): running,
    ("Sensor", "denied"): running,
    ("Analysis", "denied"): running,
    ("Sensor", "stopped"): running,
    ("Sensor", "deleted"): running,
    ("Analysis", "stopped"): running,
    ("Analysis", "deleted"): running,
    ("Sensor", "nothing"): running,
    ("Analysis", "nothing"): running,
}
#: How an experiment ends in a single cell.
ENDS = {("Analysis", "stopped"): "Cancelled"}
#: What production runs in single cells, else what the task leaves there.
SERVES = {(row, "deployment"): "churn-v3" for row in ("Create", "Update", "Start", "Promote")}
#: Addresses and safeguards: whoever has one that rendered to nothing changes nothing.
SAFEGUARDS = (
    "aws_conn_id",
    "region_name",
    "kms_key",
    "endpoint_name",
    "model_variant_actions",
    "creation_time",
    "verdict",
    "require_approved_model_package",
    "alarms",
)


# --- the columns --------------------------------------------------------------------------


def calls(kind: str, times: int = 1, **options: Any) -> Callable[[Scene, str], None]:
    """Let the task's changing call go wrong; of a sensor, its reading one."""

    def strike(scene: Scene, row: str) -> None:
        operation = TASKS[row].calls or TASKS[row].reads
        scene.emulator.faults.add(kind=kind, operation=operation, times=times, **options)

    return strike


def everything(kind: str, times: int) -> Callable[[Scene, str], None]:
    """Let the first calls go wrong, whatever they are, and the changing one as often."""

    def strike(scene: Scene, row: str) -> None:
        scene.emulator.faults.add(kind=kind, times=times)
        calls(kind, times)(scene, row)

    return strike


def no_keys(scene: Scene, row: str) -> None:
    """Let connection and machine have no credentials until a call has gone wrong for that."""
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    del connection["login"], connection["password"]
    os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps(connection)
    keys = {name: os.environ.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    scene.log.when("AWS could not be asked", lambda: os.environ.update(keys))


def answers(scene: Scene, row: str) -> None:
    """Lose the answer of a call that AWS has acted upon."""
    operation = TASKS[row].calls or STOP
    scene.emulator.faults.add(kind="drop-after", operation=operation)


def lag(scene: Scene, row: str) -> None:
    """Let AWS show for a while what was before the call that changes something."""
    scene.emulator.faults.add(kind="lag", operation=TASKS[row].calls or STOP)


def _middle(row: str) -> str:
    """Return the line after which somebody acts: before our call, or while a task waits for AWS."""
    if row == "Analysis":
        return "Waiting for a verdict"
    return "Waiting for experiment" if row in {"Create", "Start", "Sensor"} else "Experiment '"


def stopped(scene: Scene, row: str) -> None:
    """Let a person stop the experiment, not waiting for its end."""

    def act() -> None:
        until(scene.sagemaker, NAME, "Running")
        scene.sagemaker.stop_inference_experiment(
            Name=NAME, ModelVariantActions=REMOVAL, DesiredState="Cancelled", Reason="Enough."
        )
        scene.theirs.append(STOP)

    scene.log.when(_middle(row), act)


def deleted(scene: Scene, row: str) -> None:
    """Let a person delete the experiment, having stopped it if it ran."""

    def act() -> None:
        if row in {"Create", "Update", "Stop", "Promote", "Remove", "Sensor", "Analysis"}:
            until(scene.sagemaker, NAME, "Running")
            stop_by_hand(scene.sagemaker, NAME)
            scene.theirs.append(STOP)
        scene.sagemaker.delete_inference_experiment(Name=NAME)
        scene.theirs.append("DeleteInferenceExperiment")

    scene.log.when("Experiment '" if row == "Start" else _middle(row), act)


def breaks(scene: Scene, row: str) -> None:
    """Let AWS accept the call and fail to do it."""
    kinds = {"Create": "creation", "Update": "update", "Start": "start"}
    kind = f"fail-{kinds.get(row, 'stop')}"
    scene.emulator.faults.add(kind=kind, reason="No capacity.")


def endpoint(scene: Scene, row: str) -> None:
    """Let the endpoint fail before an experiment stands on it, and else vanish under it."""
    if row == "Create":
        scene.sagemaker.delete_endpoint(EndpointName="churn")
        scene.emulator.faults.add(kind="fail-endpoint", reason="No capacity.")
        scene.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-config")
        return

    def act() -> None:
        scene.sagemaker.delete_endpoint(EndpointName="churn")
        scene.theirs.append("DeleteEndpoint")

    scene.log.when("Experiment '" if row == "Delete" else "Waiting for", act)


def deployment(scene: Scene, row: str) -> None:
    """Let somebody deploy another model between the task's reading of production and its call."""

    def act() -> None:
        deploy(scene.sagemaker, "churn-v3")
        scene.theirs.extend(("CreateEndpointConfig", "UpdateEndpoint"))

    if row == "Promote":  # between the two it writes a tag, and logs nothing
        scene.emulator.faults.add(kind="hold-before", operation="AddTags")
        Thread(target=when_held, args=(scene.emulator, act), daemon=True).start()
    else:
        scene.log.when("Experiment '" if row in {"Update", "Start"} else "Creating '", act)


def nothing(scene: Scene, row: str) -> None:
    """Let the template of the connection render to nothing; the others have a test below."""
    scene.given = scene.given or {"aws_conn_id": "{{ none }}"}


#: What goes wrong, and the kinds of the emulator's faults that it stands for.
FAULTS: dict[str, tuple[Callable[[Scene, str], None], set[str]]] = {
    "throttle": (everything("throttle", 3), {"throttle"}),
    "5xx": (calls("server-error", 2, status=503), {"server-error"}),
    "lost-call": (calls("drop-before"), {"drop-before"}),
    "lost-answer": (answers, {"drop-after"}),
    "expired": (everything("expired-token", 1), {"expired-token"}),
    "garbage": (everything("garbage", 2), {"garbage"}),
    "no-keys": (no_keys, set()),
    "lag": (lag, {"lag"}),
    "denied": (calls("access-denied"), {"access-denied"}),
    "slow": (calls("slow", seconds=0.2), {"slow"}),
    "stopped": (stopped, set()),
    "deleted": (deleted, set()),
    "breaks": (breaks, {"fail-creation", "fail-update", "fail-start", "fail-stop"}),
    "endpoint": (endpoint, {"fail-endpoint"}),
    "deployment": (deployment, set()),
    "nothing": (nothing, set()),
}


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
    """It survives with the right end, or fails with the error that says what to do."""
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
    """It was never meant to be absent: refused for good, and nothing is changed."""
    row, argument = place
    scene.given[argument] = template
    came = play(scene, row, "nothing", mode)
    assert_failed(came, "InvalidRequestError")
    assert [] == came.ours
    assert_serves(scene, "churn-v1")


# --- the table itself ---------------------------------------------------------------------


def test_the_table_has_no_empty_cell():
    """Each operator meets each fault in each mode, and each mode is held to the same word."""
    whole = {(row, column, mode) for row in TASKS for column in FAULTS for mode in MODES}
    assert whole == set(PARAMETERS)
    assert len(whole) == len(PARAMETERS)
    assert set(WORDS) == set(CELLS.values())


def test_the_table_has_all_operators():
    """An operator that is added gets a row."""
    named = {task.operator.__name__ for task in TASKS.values()}
    assert {*operators.__all__, *sensors.__all__} - NO_ROW.keys() == named


def test_the_table_has_all_faults():
    """A kind of fault that the emulator learns gets a column, or a reason why not."""
    shown = set().union(*(kinds for _, kinds in FAULTS.values()))
    assert CALL_FAULTS | WORK_FAULTS == shown | set(NO_COLUMN)


def test_what_is_not_concerned_has_a_reason():
    """A cell is left out only for a reason that stands here."""
    assert [cell for cell, word in CELLS.items() if word == "-"] == sorted(
        NOT_CONCERNED, key=list(CELLS).index
    )


def test_what_fails_names_an_error_of_the_tree():
    """The printed word is the class that a reader finds in the docs."""
    errors = set(WORDS.values()) - {"survives", "not concerned"}
    assert errors <= {kind for kind in vars(exceptions) if kind.endswith("Error")}


@pytest.mark.parametrize("mode", MODES)
def test_a_teardown_survives_a_deletion(mode, scene):
    """With `missing_ok`, what somebody deletes between our look and our call is gone as asked."""
    running(scene)
    deleted(scene, "Remove")
    run = Tasks(mode).run(RemoveShadowVariantOperator, name=NAME, missing_ok=True)
    assert (NAME, [STOP, "DeleteInferenceExperiment"]) == (run.value, scene.theirs)
