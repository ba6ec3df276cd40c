"""What happens to the experiment when its task is killed."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

import airflow_shadow.steps.base
from airflow_shadow.exceptions import AwsUnavailableError
from airflow_shadow.operators import CreateInferenceExperimentOperator
from airflow_shadow.triggers import inference_experiment as trigger_module
from tests.helpers import CREATE, accepted, serves
from tests.tasks import Tasks

#: What Airflow may say of a task whose process or trigger it kills.
OTHERS = ["success", "deferred", "running", "up_for_retry", None]


def trigger(name: str, action: str) -> trigger_module.InferenceExperimentTrigger:
    """Return a trigger that waits for the end of an experiment."""
    return trigger_module.InferenceExperimentTrigger(
        goal={"kind": "status", "name": name, "targets": ["Completed"]},
        then="settled",
        carry={},
        progress={},
        deadline=time.time() + 60,
        waiter_delay=0.01,
        on_kill_action=action,
    )


@pytest.fixture
def killed(emulator, churn, monkeypatch, mode):
    """Create with an action, kill the task where it waits, and say what its state is then."""

    def kill(action: str, state: str | None) -> None:
        for module in (airflow_shadow.steps.base, trigger_module):
            monkeypatch.setattr(module, "task_state", lambda _: state)
        wanted = {**CREATE, "on_kill_action": action}
        run = Tasks(mode="worker").run(CreateInferenceExperimentOperator, **wanted)
        if mode == "worker":
            run.operator.on_kill()
            return
        _, kwargs = trigger(run.value, action).serialize()
        again = trigger_module.InferenceExperimentTrigger(**json.loads(json.dumps(kwargs)))
        asyncio.run(again.on_kill())

    return kill


def test_a_task_marked_failed_removes_the_shadow(killed, emulator, sagemaker):
    """With `on_kill_action="stop"` the shadow is removed at once and production stays."""
    killed("stop", "failed")
    assert 1 == len(accepted(emulator, "StopInferenceExperiment"))
    assert ["churn-v1"] == serves(sagemaker)


@pytest.mark.parametrize("state", OTHERS)
def test_a_task_that_did_not_fail_leaves_the_experiment_alone(killed, emulator, state):
    """A worker's shutdown or a clear kills the task, too, but stops no experiment."""
    killed("stop", state)
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_the_default_leaves_the_experiment_alone(killed, emulator):
    """By default a kill stops nothing: AWS ends every experiment by itself."""
    killed("leave", "failed")
    assert [] == accepted(emulator, "StopInferenceExperiment")


@pytest.mark.http
def test_a_kill_asks_once_and_does_not_wait(killed, emulator):
    """A killed task sends one Stop and does not wait, for it has only seconds."""
    emulator.faults.add(operation="StopInferenceExperiment", kind="slow", seconds=2, times=None)
    with pytest.raises(AwsUnavailableError):
        killed("stop", "failed")
    # The one call goes on at the emulator; the next test must not meet it.
    deadline = time.monotonic() + 20
    while not accepted(emulator, "StopInferenceExperiment"):
        assert time.monotonic() < deadline, "the call never arrived"
        time.sleep(0.05)
    assert 1 == len(accepted(emulator, "StopInferenceExperiment"))


def test_a_kill_that_is_cancelled_goes_on(churn, emulator, monkeypatch):
    """The Stop is sent although Airflow 3.3 cancels a killed trigger again and again."""
    monkeypatch.setattr(trigger_module, "task_state", lambda _: time.sleep(0.3) or "failed")
    run = Tasks(mode="worker").run(CreateInferenceExperimentOperator, **CREATE)

    def await_stop() -> None:
        deadline = time.monotonic() + 20
        while not accepted(emulator, "StopInferenceExperiment"):
            assert time.monotonic() < deadline, "the kill never arrived"
            time.sleep(0.05)

    async def killed() -> None:
        kill = asyncio.ensure_future(trigger(run.value, "stop").on_kill())
        await asyncio.sleep(0)
        kill.cancel("again")
        await asyncio.gather(kill, asyncio.to_thread(await_stop), return_exceptions=True)

    asyncio.run(killed())
    assert 1 == len(accepted(emulator, "StopInferenceExperiment"))
