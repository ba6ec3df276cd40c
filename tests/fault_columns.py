"""The columns of the fault matrix: what goes wrong, and who does what in the middle of a task."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from threading import Thread
from typing import Any

from tests.fault_rows import NAME, REMOVAL, STOP, TASKS, Scene
from tests.helpers import deploy, until, when_held
from tests.helpers import stop as stop_by_hand


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
        scene.log.when(
            "Experiment '" if row in {"Update", "Start"} else "Creating experiment '", act
        )


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
