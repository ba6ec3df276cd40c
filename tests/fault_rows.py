"""The rows of the fault matrix: operators, what stands before them, and what holds afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from airflow_shadow import operators
from airflow_shadow.emulator import Emulator, fleet
from airflow_shadow.sensors import InferenceExperimentSensor, ShadowAnalysisSensor
from tests.helpers import CREATE, somebodys
from tests.helpers import stop as stop_by_hand
from tests.log import Log

NAME = "nightly"


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
