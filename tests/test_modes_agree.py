"""Deferral changes where the waiting happens, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from airflow_shadow._compat import AirflowException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    UpdateInferenceExperimentOperator,
)
from airflow_shadow.sensors import InferenceExperimentSensor
from tests.conftest import PASSWORD
from tests.helpers import CREATE, another, expire, somebodys, stop
from tests.tasks import MODES, Tasks

NAME = "theirs"
BEGIN = datetime(2100, 1, 1, tzinfo=UTC)
FULL = {
    "ShadowModeConfig": fleet.shadow_mode(
        source="AllTraffic", shadow="churn-v2", sampling_percentage=100
    )
}
CREATION = (CreateInferenceExperimentOperator, CREATE)
UPDATE = (UpdateInferenceExperimentOperator, {"name": NAME, "sampling_percentage": 50})
PROMOTION = (PromoteShadowVariantOperator, {"name": NAME})
REMOVAL = (RemoveShadowVariantOperator, {"name": NAME})
SENSING = (
    InferenceExperimentSensor,
    {"name": NAME, "target_statuses": "Running", "poke_interval": 0.01},
)


@pytest.fixture
def both(emulator, sagemaker):
    """Play a scene in each mode, each in a fresh SageMaker at the same standing moment."""

    def play(scene, task, **more):
        operator, arguments = task
        ends = []
        for mode in MODES:
            emulator.reset()
            emulator.clock.speed = 0
            emulator.clock.advance(BEGIN - emulator.clock.now())
            for model in ("churn-v1", "churn-v2", "churn-v3"):
                fleet.create_model(sagemaker, name=model)
            fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="churn-v1")
            scene(SimpleNamespace(emulator=emulator, sagemaker=sagemaker))
            ends.append(_end(Tasks(mode), operator, {**arguments, **more}))
        return ends

    return play


def _end(tasks, operator, arguments):
    try:
        run = tasks.run(operator, **arguments)
    except AirflowException as error:
        return type(error).__name__, str(error)
    return run.value, run.ti.xcoms


def breaks(**fault):
    """Let AWS's work fail while an experiment runs, or before."""

    def scene(world):
        if fault["kind"] != "fail-creation":
            somebodys(world.sagemaker, NAME, **FULL)
        world.emulator.faults.add(reason="No capacity.", **fault)

    return scene


def stopped(world):
    """Let a person stop the experiment."""
    somebodys(world.sagemaker, NAME, **FULL)
    stop(world.sagemaker, NAME, Reason="Enough.")


def expired(world):
    """Let the experiment run its time."""
    end = world.emulator.clock.now() + timedelta(hours=2)
    somebodys(world.sagemaker, NAME, **FULL, Schedule={"EndTime": end})
    expire(world.emulator, world.sagemaker, NAME)


def nothing(world):
    """Leave the account empty but for the endpoint."""


def partial(world):
    """Let an experiment run at 10 %."""
    somebodys(world.sagemaker, NAME)


def full(world):
    """Let an experiment run at 100 %."""
    somebodys(world.sagemaker, NAME, **FULL)


def slow(world):
    """Let AWS take its time, which here stands still."""
    full(world)
    world.sagemaker.update_inference_experiment(Name=NAME, Description="new")
    world.emulator.pace = "time"
    # The first look still shows the state before, and may be the only one inside the deadline.
    while world.sagemaker.describe_inference_experiment(Name=NAME)["Status"] != "Updating":
        pass


def crawling(world):
    """Let a creation never end."""
    world.emulator.pace = "time"


def denied(world):
    """Take the right to describe away."""
    full(world)
    world.emulator.faults.add(
        kind="access-denied", operation="DescribeInferenceExperiment", times=None
    )


def unasked(world):
    """Take the right to list away where a busy endpoint makes it needed."""
    full(world)
    world.emulator.faults.add(
        kind="access-denied", operation="ListInferenceExperiments", times=None
    )


def shadowed(world):
    """Leave a shadow on another endpoint that no experiment owns."""
    shadow = {
        "VariantName": "old",
        "ModelName": "churn-v2",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 1,
    }
    another(world.sagemaker, ShadowProductionVariants=[shadow])


def changed(world):
    """Let somebody put another model into production during the experiment."""
    full(world)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "churn-v3",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 2,
    }
    world.sagemaker.create_endpoint_config(EndpointConfigName="v3", ProductionVariants=[variant])
    world.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="v3")
    fleet.wait_in_service(world.sagemaker, endpoint_name="churn")


OLD = {"creation_time": "2020-01-01T00:00:00+00:00"}
ROLLBACK = breaks(kind="fail-update", rollback=True)
#: scene, task, more arguments, the exception's name, part of its text
FAILURES = {
    "a creation breaks": (
        breaks(kind="fail-creation"),
        CREATION,
        {},
        "AirflowException",
        "No capacity.",
    ),
    "an update breaks": (breaks(kind="fail-update"), UPDATE, {}, "AirflowFailException", "No capa"),
    "an update is rolled back": (ROLLBACK, UPDATE, {}, "AirflowException", "with its old values"),
    "a promotion breaks": (breaks(kind="fail-stop"), PROMOTION, {}, "AirflowFailException", "No c"),
    "a removal breaks": (breaks(kind="fail-stop"), REMOVAL, {}, "AirflowFailException", "No capac"),
    "stopped by somebody": (stopped, UPDATE, {}, "AirflowFailException", "Enough."),
    "unreachable": (expired, SENSING, {}, "AirflowFailException", "cannot become Running any more"),
    "missing": (nothing, UPDATE, {}, "AirflowFailException", "no experiment named 'theirs'"),
    "missing endpoint": (
        nothing,
        CREATION,
        {"endpoint_name": "gone"},
        "AirflowFailException",
        "no endpoint named 'gone'",
    ),
    "an update times out": (slow, UPDATE, {"waiter_timeout": 0.2}, "AirflowException", "deadline"),
    "a creation tires": (
        crawling,
        CREATION,
        {"waiter_max_attempts": 4},
        "AirflowException",
        "when 4 polls ran out",
    ),
    "a busy endpoint times out": (
        full,
        CREATION,
        {"endpoint_timeout": 0.1},
        "AirflowException",
        "is busy with experiment 'theirs' (Running) until",
    ),
    "a sensor times out": (
        slow,
        (SENSING[0], {**SENSING[1], "target_statuses": "Completed"}),
        {"timeout": 0.2},
        "AirflowSensorTimeout",
        "when the deadline ran out",
    ),
    "denied": (denied, PROMOTION, {}, "AirflowFailException", "access denied"),
    "denied while busy": (unasked, CREATION, {}, "AirflowFailException", "access denied"),
    "partial sampling": (partial, PROMOTION, {}, "AirflowFailException", "10 % of the requests"),
    "expired": (expired, PROMOTION, {}, "AirflowFailException", "was not promoted"),
    "another experiment": (full, PROMOTION, OLD, "AirflowFailException", "not the one that was"),
    "production changed": (changed, PROMOTION, {}, "AirflowFailException", "'churn-v3' now"),
    "a leftover shadow": (
        shadowed,
        CREATION,
        {"endpoint_name": "other"},
        "AirflowFailException",
        "which no experiment owns",
    ),
}


@pytest.mark.parametrize("title", FAILURES)
def test_failures_agree_word_for_word(both, title):
    """A failure is the same exception with the same text in the worker and deferred."""
    scene, task, more, kind, part = FAILURES[title]
    worker, deferred = both(scene, task, **more)
    assert worker == deferred
    assert kind == worker[0]
    assert part in worker[1]


SUCCESSES = {
    "create": (nothing, CREATION, {}),
    "update": (full, UPDATE, {}),
    "promote": (full, PROMOTION, {}),
    "remove": (full, REMOVAL, {}),
    "sense": (full, SENSING, {}),
}


@pytest.mark.parametrize("title", SUCCESSES)
def test_results_agree(both, title):
    """Both modes return the same name and push the same description."""
    scene, task, more = SUCCESSES[title]
    worker, deferred = both(scene, task, **more)
    worker[1]["experiment"].pop("Schedule", None)  # it follows the clock of each run
    deferred[1]["experiment"].pop("Schedule", None)
    assert worker == deferred


@pytest.mark.usefixtures("churn")
def test_the_password_appears_nowhere(tasks, emulator, log, capfd, caplog):
    """The connection's password is in no log line, XCom, trigger argument or event."""
    caplog.set_level("DEBUG")
    good = tasks.run(CreateInferenceExperimentOperator, **CREATE)
    emulator.faults.add(kind="fail-update", reason="No capacity.")
    with pytest.raises(AirflowException) as caught:
        tasks.run(UpdateInferenceExperimentOperator, name=good.value, sampling_percentage=50)
    out, err = capfd.readouterr()
    told = [*log.lines, caplog.text, out, err, repr(caught.value), repr(caught.value.__cause__)]
    kept = json.dumps([tasks.triggers, tasks.events, good.ti.xcoms, good.value])
    assert "No capacity." in str(told)
    assert PASSWORD not in str(told) + kept
    assert tasks.mode == "worker" or tasks.triggers
