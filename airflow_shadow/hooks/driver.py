"""Answer the questions of the waiting logic by calling AWS, and drive it in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from airflow_shadow.exceptions import ShadowError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.verdicts import find_verdict
from airflow_shadow.waiters import AnyGoal, Look, Outcome, Policy, Progress, Reply, Say, View, wait


def answer(hook: InferenceExperimentHook, look: Look) -> Reply:
    """Answer one question by reading from AWS; an error is an answer, too."""
    questions: Mapping[str, Callable[[str], View | None]] = {
        "experiment": hook.find_experiment,
        "endpoint": hook.find_endpoint,
        "holder": hook.find_occupying_experiment,
        "running": hook.find_running,
        "package": hook.find_model_package,
        "alarms": lambda _: dict(hook.cloudwatch.alarm_states(look.about["names"])),
        "verdict": lambda _: find_verdict(hook, look.about),
    }
    try:
        view = questions[look.question](look.name)
    except ShadowError as error:
        return Reply(error=error, now=time.time())
    return Reply(view=view, now=time.time(), aws_now=hook.now().timestamp())


def wait_for(
    hook: InferenceExperimentHook,
    goal: AnyGoal,
    *,
    policy: Policy,
    progress: Progress,
    patient: bool = True,
) -> Outcome | None:
    """Wait in this process.

    :param patient: `False` returns `None` instead of sleeping, so that the caller can defer
    """
    steps = wait(goal, policy=policy, progress=progress)
    reply: Reply | None = None
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        reply = None
        if isinstance(step, Look):
            reply = answer(hook, step)
        elif isinstance(step, Say):
            hook.log.info(step.text)
        elif not patient:
            return None
        else:
            time.sleep(step.seconds)
