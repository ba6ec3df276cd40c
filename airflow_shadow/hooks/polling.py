"""Answer polls of the waiting logic by calling AWS, and wait in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from airflow_shadow.exceptions import ShadowError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.verdicts import find_verdict
from airflow_shadow.waiters import (
    AnyCondition,
    Description,
    LogLine,
    Policy,
    Poll,
    Reply,
    WaitResult,
    WaitState,
    wait,
)


def answer(hook: InferenceExperimentHook, poll: Poll) -> Reply:
    """Answer one question by reading from AWS; an error is an answer, too."""
    questions: Mapping[str, Callable[[str], Description | None]] = {
        "experiment": hook.find_experiment,
        "endpoint": hook.find_endpoint,
        "holder": hook.find_occupying_experiment,
        "running": hook.find_running,
        "package": hook.find_model_package,
        "processing_job": hook.find_processing_job,
        "alarms": lambda _: dict(hook.cloudwatch.alarm_states(poll.about["names"])),
        "verdict": lambda _: find_verdict(hook, poll.about),
    }
    try:
        description = questions[poll.question](poll.name)
    except ShadowError as error:
        return Reply(error=error, now=time.time())
    return Reply(description=description, now=time.time(), aws_now=hook.now().timestamp())


def wait_for(
    hook: InferenceExperimentHook,
    condition: AnyCondition,
    *,
    policy: Policy,
    state: WaitState,
    patient: bool = True,
) -> WaitResult | None:
    """Wait in this process.

    :param patient: `False` returns `None` instead of sleeping, so that the caller can defer
    """
    steps = wait(condition, policy=policy, state=state)
    reply: Reply | None = None
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as end:
            outcome: WaitResult = end.value
            return outcome
        reply = None
        if isinstance(step, Poll):
            reply = answer(hook, step)
        elif isinstance(step, LogLine):
            hook.log.info(step.text)
        elif not patient:
            return None
        else:
            time.sleep(step.seconds)
