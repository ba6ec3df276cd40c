"""What the steps of all tasks share: one way of waiting, errors as Airflow wants them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, ClassVar, Generic, NoReturn, TypeVar

from airflow_shadow._compat import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    Context,
    task_state,
)
from airflow_shadow.exceptions import InvalidRequestError, ShadowError
from airflow_shadow.experiments.lifecycle import sampling
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.polling import wait_for
from airflow_shadow.links import EndpointLink
from airflow_shadow.operators.base import ShadowOperator
from airflow_shadow.sensors.base import ShadowSensor
from airflow_shadow.steps.durations import read_durations
from airflow_shadow.steps.wait import Carry, Step, Wait
from airflow_shadow.waiters import (
    KILLED,
    AnyCondition,
    Description,
    EndpointFree,
    EndpointSettled,
    Policy,
    WaitResult,
    condition_to_dict,
)

Task_co = TypeVar("Task_co", bound=ShadowOperator | ShadowSensor, covariant=True)

#: Airflow's own backstop behind the deadline that the trigger keeps itself.
_BACKSTOP = timedelta(minutes=10)
#: Seconds at most between two tries of one step.
PAUSE = 5.0
#: Seconds between two polls of AWS that are hardly meant: changes take minutes there.
HASTY = 10.0
#: Tries after a conflict.
MOST_CONFLICTS = 5
#: botocore settings that may hold passwords; a trigger's arguments are stored unencrypted.
_SECRET_CONFIG = frozenset({"proxies", "proxies_config"})


def persist_links(operator: Any, context: Any, experiment: Mapping[str, Any]) -> None:
    """Let the task's page link to the console, also while the task is deferred."""
    hook: InferenceExperimentHook = operator.hook
    shadow, _ = sampling(experiment)
    endpoint = (experiment.get("EndpointMetadata") or experiment)["EndpointName"]
    operator.has_links = True
    EndpointLink.persist(
        context=context,
        operator=operator,
        region_name=hook.conn_region_name,
        aws_partition=hook.conn_partition,
        name=experiment["Name"],
        endpoint_name=endpoint,
        production_variant=experiment["ShadowModeConfig"]["SourceModelVariantName"],
        shadow_variant=shadow,
        emulator=hook.emulator,
    )


def can_defer(operator: Any) -> bool:
    """Tell whether a trigger can wait for this operator without secrets among its arguments."""
    secret = sorted(_SECRET_CONFIG & set(operator.botocore_config or {}))
    if secret:
        operator.log.warning(
            "Waiting in the worker: botocore_config may hold passwords (%s), and a "
            "trigger's arguments are stored unencrypted. Put them into the connection to defer.",
            ", ".join(secret),
        )
    return not secret


def defer(operator: Any, step: Wait, policy: Policy) -> NoReturn:
    """Leave the worker; the triggerer continues the same wait.

    :param operator: an operator or sensor with the AWS provider's own arguments
    :raises TaskDeferred: always
    """
    # Imported when needed: tasks that do not defer should not pay for it.
    from airflow_shadow.triggers.inference_experiment import (  # noqa: PLC0415
        InferenceExperimentTrigger,
    )

    operator.defer(
        trigger=InferenceExperimentTrigger(
            goal=condition_to_dict(step.condition),
            then=step.then.__name__,
            carry=dict(step.carry),
            progress=step.state.to_dict(),
            deadline=policy.deadline,
            waiter_delay=policy.delay,
            waiter_max_attempts=policy.max_attempts,
            aws_conn_id=operator.aws_conn_id,
            region_name=operator.region_name,
            verify=operator.hook_verify,
            botocore_config=operator.botocore_config,
            on_kill_action=getattr(operator, "on_kill_action", "leave"),
        ),
        method_name="execute_complete",
        timeout=timedelta(seconds=max(0.0, policy.deadline - time.time())) + _BACKSTOP,
    )
    raise AssertionError("defer() returned, though it always raises")


class Steps(Generic[Task_co]):
    """What one task does, step by step; a resumed task begins in the middle of it."""

    #: Whether a window to judge can begin when the task ends; that time is the XCom `since`.
    begins_window: ClassVar[bool] = False
    #: Steps by their former names, which tasks that are deferred at the moment still use.
    renamed: ClassVar[Mapping[str, str]] = {}

    def __init__(self, operator: Task_co, context: Context) -> None:
        self.op = operator
        self.context: Any = context
        self.hook: InferenceExperimentHook = operator.hook
        self.log = operator.log
        #: The name of the live experiment that a kill may have to stop, once it is known.
        self.living: str | None = None
        #: Whether this process continues with what a trigger has read, some time ago.
        self.resumed = False

    # --- what subclasses define ----------------------------------------------------------

    @property
    def delay(self) -> float:
        """Seconds between two polls of AWS."""
        raise NotImplementedError

    def begin(self) -> Step:
        """Take the first step."""
        raise NotImplementedError

    def finish(self, view: Description) -> Any:
        """Return what the task returns, given what the last step ended with."""
        raise NotImplementedError

    def policy(self, step: Wait) -> Policy:
        """Return how to wait."""
        return Policy(delay=self.delay, deadline=step.deadline)

    def leave(self, step: Wait, policy: Policy) -> NoReturn:
        """Leave the worker until the wait is over."""
        defer(self.op, step, policy)

    def fail(self, error: ShadowError) -> NoReturn:
        """Raise Airflow's exception for an error of ours."""
        raise translated(error, self.hook) from error

    # --- running -------------------------------------------------------------------------

    def run(self, event: Mapping[str, Any] | None = None) -> Any:
        """Take the steps one after the other, from the first or from the one that an event names.

        :param event: of the trigger that resumes the task
        :raises TaskDeferred: it must wait, and may defer
        :raises AirflowException: or a subclass, for every error of ours
        """
        try:
            read_durations(self.op)
            step = self._retry(partial(self._resume, event) if event else self.begin)
            while isinstance(step, Wait):
                outcome = self._wait(step)
                step = self._retry(partial(self._next, step.then, outcome, step.carry))
            return self.finish(step)
        except ShadowError as error:
            self.fail(error)
        except AirflowSkipException as skip:
            self.log.info("%s", skip)  # Airflow shows the exception in a folded group
            raise

    def _resume(self, event: Mapping[str, Any]) -> Step:
        self.resumed = True
        then = getattr(self, self.renamed.get(event["then"], event["then"]))
        return self._next(then, WaitResult.from_dict(event["outcome"]), event["carry"])

    def _next(
        self, then: Callable[[WaitResult, Carry], Step], outcome: WaitResult, carry: Carry
    ) -> Step:
        self.remember_experiment(outcome.description)
        return then(outcome, carry)

    def _retry(self, step: Callable[[], Step]) -> Step:
        """Take a step, again while AWS is unavailable: each step may be repeated."""
        done: Step = self.hook.retry_call(step, delay=self.pause)
        return done

    def _wait(self, step: Wait) -> WaitResult:
        policy = self.policy(step)
        self._warn_hasty(policy.delay)
        outcome = wait_for(
            self.hook, step.condition, policy=policy, state=step.state, patient=self.is_patient
        )
        if outcome is None:
            self._remember_described(step.condition)
            self.leave(step, policy)
        return outcome

    def _warn_hasty(self, delay: float) -> None:
        """Say that a pause is an emulator's, before it polls an account: its quota is shared."""
        if delay < HASTY and self.hook.is_at_aws:
            self.log.warning(
                "This wait polls AWS every %g s, which fits an emulator. Set [airflow_shadow] "
                "waiter_delay, or the task's own waiter_delay or poke_interval, to 30 s or more.",
                delay,
            )

    def _remember_described(self, goal: AnyCondition) -> None:
        described = self.hook.described or {}
        # While an endpoint is waited for, other people's experiments are described, and one of them
        # may have the endpoint's name.
        about_endpoint = isinstance(goal, EndpointFree | EndpointSettled)
        if not about_endpoint and described.get("Name") == goal.name:
            self.remember_experiment(described)

    @cached_property
    def defers(self) -> bool:
        """Whether a trigger does the waiting."""
        return bool(self.op.deferrable) and can_defer(self.op)

    @property
    def is_patient(self) -> bool:
        """Whether the worker itself waits."""
        return not self.defers

    @property
    def pause(self) -> float:
        """Seconds between two tries of one step."""
        return min(float(self.delay), PAUSE)

    # --- the task's experiment -----------------------------------------------------------

    def remember_experiment(self, experiment: Mapping[str, Any]) -> None:
        """Remember the task's experiment: for a kill, and for the links on the task's page.

        :param experiment: a description, or the request of a creation
        """
        if "ShadowModeConfig" in experiment:
            self.living = experiment["Name"]
            persist_links(self.op, self.context, experiment)

    def kill(self) -> None:
        """Remove the shadow now, if the task has failed.

        Airflow also kills a task's process when a worker shuts down, and when a clear has already
        started the next try: the experiment must go on then.
        """
        state = task_state(self.context["ti"])
        if self.living is None or state != "failed":
            self.log.info("The task is %s, so experiment %r is left as it is.", state, self.living)
            return
        self.hook.remove_shadow_now(self.living, reason=KILLED)

    def push(self, experiment: Description) -> Any:
        """Push the description to the XCom `experiment` and return the experiment's name."""
        if self.op.do_xcom_push:
            self.context["ti"].xcom_push(key="experiment", value=experiment)
            if self.begins_window:
                self.context["ti"].xcom_push(key="since", value=self._aws_time(experiment["Name"]))
        return experiment.get("Name")

    def _aws_time(self, name: str) -> str:
        """Return AWS's time as ISO-8601 text; it has to be asked if it has not answered yet."""
        if not self.hook.knows_time:
            find = partial(self.hook.find_experiment, name)
            self.hook.retry_call(find, delay=self.pause)
        return self.hook.now().isoformat(timespec="seconds")


def nameless(asked: str) -> InvalidRequestError:
    """Return the error of a task without the name of its experiment."""
    return InvalidRequestError(
        asked=asked,
        found="no name is given, or its template rendered to nothing",
        next_step="Give the name, for instance the output of the task that creates it.",
    )


def translated(error: ShadowError, hook: InferenceExperimentHook) -> Exception:
    """Return Airflow's exception for our error: one that fails at once if a retry is pointless."""
    kind = AirflowException if error.retriable else AirflowFailException
    return kind(text_of(error, hook))


def text_of(error: ShadowError, hook: InferenceExperimentHook) -> str:
    """Return an error's message, with region and connection where something was not found."""
    return str(error.at(hook.place)) if error.depends_on_place else str(error)
