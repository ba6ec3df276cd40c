"""What all flows share: a typed request, one way of waiting, errors as Airflow wants them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, NoReturn

from airflow_shadow._compat import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    Context,
    base_url,
    conf,
    task_state,
)
from airflow_shadow.exceptions import (
    AwsRefusedError,
    ExperimentNotFoundError,
    InvalidRequestError,
    ShadowError,
)
from airflow_shadow.flows.structures import load_structure
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.lifecycle import DEADLINES, sampling
from airflow_shadow.links import EndpointLink
from airflow_shadow.ownership import Identity, address_of, digest
from airflow_shadow.service_model import field_names
from airflow_shadow.waiting import (
    KILLED,
    AnyGoal,
    EndpointFree,
    EndpointSettled,
    Outcome,
    Policy,
    Progress,
    View,
    goal_to_dict,
)

#: Airflow's own backstop behind the deadline that the trigger keeps itself.
_BACKSTOP = timedelta(minutes=10)
_STRUCTURED = frozenset({"structure", "list", "map"})
#: Seconds at most between two tries of one step.
PAUSE = 5.0
#: Tries after a conflict.
MOST_CONFLICTS = 5
#: botocore settings that may hold passwords; a trigger's arguments lie unencrypted.
_SECRET_CONFIG = frozenset({"proxies", "proxies_config"})


@dataclass(frozen=True)
class Wait:
    """Wait for a goal, then go on with the flow's method `then`.

    :param carry: what `then` needs; travels through the trigger, so JSON-able
    :param deadline: epoch seconds of the worker's clock
    """

    goal: AnyGoal
    then: str
    deadline: float
    carry: dict[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)


#: A step ends with a wait, or with the experiment's description.
Step = Wait | View


def persist_links(operator: Any, context: Any, experiment: Mapping[str, Any]) -> None:
    """Let the task's page link to the console, also while the task is deferred."""
    hook: InferenceExperimentHook = operator.hook
    shadow, _ = sampling(experiment)
    endpoint = (experiment.get("EndpointMetadata") or experiment)["EndpointName"]
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
    """Tell whether a trigger could do this operator's waiting without holding secrets."""
    secret = sorted(_SECRET_CONFIG & set(operator.botocore_config or {}))
    if secret:
        operator.log.warning(
            "Waiting in the worker: botocore_config may hold passwords (%s), and a trigger's "
            "arguments lie unencrypted. Put them into the connection to defer.",
            ", ".join(secret),
        )
    return not secret


def defer(operator: Any, step: Wait, policy: Policy) -> NoReturn:
    """Leave the worker; the triggerer goes on with the same wait.

    :param operator: an operator or sensor with the AWS provider's own arguments
    :raises TaskDeferred: always
    """
    # Imported when needed: tasks that do not defer should not pay for it.
    from airflow_shadow.triggers.inference_experiment import (  # noqa: PLC0415
        InferenceExperimentTrigger,
    )

    operator.defer(
        trigger=InferenceExperimentTrigger(
            goal=goal_to_dict(step.goal),
            then=step.then,
            carry=step.carry,
            progress=step.progress.to_dict(),
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


class Flow:
    """What one operator does, step by step; a resumed task begins in the middle of it.

    :param operator: whose arguments say what is wanted
    :param context: Airflow's
    """

    #: Whether a window that is to be judged can begin at the end; its time is the XCom `since`.
    begins_window: ClassVar[bool] = False

    def __init__(self, operator: Any, context: Context) -> None:
        self.op = operator
        self.context: Any = context
        self.hook: InferenceExperimentHook = operator.hook
        self.log = operator.log
        #: The live experiment that a kill may have to stop, once it is known.
        self.living: str | None = None
        #: Whether this process goes on with what a trigger saw, some time ago.
        self.resumed = False

    # --- steps ---------------------------------------------------------------------------

    def begin(self) -> Step:
        """Do the first step; flows override it."""
        raise NotImplementedError

    def settled(self, outcome: Outcome, _carry: dict[str, Any]) -> Step:
        """End with what was waited for, or with its error."""
        if outcome.error:
            raise outcome.error
        return outcome.view

    def run(self, event: Mapping[str, Any] | None = None) -> Any:
        """Go through the steps, from the first or from where the event of a trigger says.

        :raises TaskDeferred: where it must wait and may defer
        :raises AirflowException: or a kind of it, for every error of ours
        """
        try:
            step = self._insist(partial(self._resume, event) if event else self.begin)
            while isinstance(step, Wait):
                outcome = self._wait(step)
                step = self._insist(partial(self._next, step.then, outcome, step.carry))
            return self._finish(step)
        except ShadowError as error:
            raise translated(error, self.hook) from error
        except AirflowSkipException as skip:
            self.log.info("%s", skip)  # Airflow shows the exception in a folded group
            raise

    def _resume(self, event: Mapping[str, Any]) -> Step:
        self.resumed = True
        return self._next(event["then"], Outcome.from_dict(event["outcome"]), event["carry"])

    def _next(self, then: str, outcome: Outcome, carry: Mapping[str, Any]) -> Step:
        self.meet(outcome.view)
        step: Step = getattr(self, then)(outcome, dict(carry))
        return step

    def meet(self, experiment: Mapping[str, Any]) -> None:
        """Take note of the experiment that it is about: for a kill, and for the task's links.

        :param experiment: a description, or the request of a creation
        """
        if "ShadowModeConfig" in experiment:
            self.living = experiment["Name"]
            persist_links(self.op, self.context, experiment)

    def kill(self) -> None:
        """Remove the shadow now, if the task has failed.

        Airflow also kills the process of a task when a worker shuts down, and after a clear has
        already started the next try: the experiment goes on then.
        """
        state = task_state(self.context["ti"])
        if self.living is None or state != "failed":
            self.log.info("The task is %s; experiment %r is left alone.", state, self.living)
            return
        self.hook.remove_shadow_now(self.living, reason=KILLED)

    def _finish(self, experiment: View) -> Any:
        """Push the description to the XCom `experiment` and return the experiment's name."""
        if self.op.do_xcom_push:
            self.context["ti"].xcom_push(key="experiment", value=experiment)
            if self.begins_window:
                self.context["ti"].xcom_push(key="since", value=self._aws_time(experiment))
        return experiment.get("Name")

    def _aws_time(self, experiment: View) -> str:
        """Return AWS's time as ISO-8601 text; a task that comes from the triggerer has to ask."""
        if not self.hook.knows_time:
            find = partial(self.hook.find_experiment, experiment["Name"])
            self.hook.insist(find, delay=self.pause)
        return self.hook.now().isoformat(timespec="seconds")

    # --- requests ------------------------------------------------------------------------

    def given(self, more: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """Return the request as the user gave it, in the API's words: `config`, then arguments.

        :param more: members to lay over the structures of the request
        """
        shape = self.hook.input_shape(self.op.api_operation)
        given = load_structure(getattr(self.op, "config", None), what="config") or {}
        if not isinstance(given, Mapping):
            raise InvalidRequestError(
                asked="config", found=f"{type(given).__name__} instead of the request's fields"
            )
        given = dict(given)
        for argument, member in field_names(shape).items():
            if getattr(self.op, argument, None) is not None:
                given[member] = getattr(self.op, argument)
        for member in given.keys() & shape.members.keys():
            if shape.members[member].type_name in _STRUCTURED:
                given[member] = load_structure(given[member], what=member)
        for member, values in (more or {}).items():
            if values:
                given[member] = {**(given.get(member) or {}), **values}
        return given

    def name(self) -> str:
        """Return the experiment's name.

        :raises InvalidRequestError: none is given
        """
        name = self.hook.coerce(self.op.api_operation, self.given()).get("Name")
        if not name:
            raise nameless(self.op.api_operation)
        return str(name)

    def identity(self) -> Identity:
        """Return who asks, with a hash of the arguments as the user rendered them."""
        ti, op = self.context["ti"], self.op
        rendered = {name: getattr(op, name) for name in sorted(op.template_fields)}
        return Identity(
            deployment=conf.get("airflow_shadow", "deployment", fallback="") or "",
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=getattr(ti, "map_index", -1),
            # A clear raises it by the tries that were used; a retry and a new Dag version do not.
            generation=int(ti.max_tries),
            arguments=digest(rendered),
            try_number=int(ti.try_number),
            clears=int(getattr(self.context["dag_run"], "clear_number", 0)),
            retries=int(op.retries or 0),
            address=address_of(base_url()),
        )

    # --- waiting and changing ------------------------------------------------------------

    @property
    def pause(self) -> float:
        """Seconds between two tries of one step."""
        return min(float(self.op.waiter_delay), PAUSE)

    def deadline(self) -> float:
        """Return when a wait that begins now gives up, epoch seconds."""
        return deadline(self.op.deadline_row, self.op.waiter_timeout)

    def _wait(self, step: Wait) -> Outcome:
        policy = Policy(
            delay=self.op.waiter_delay,
            deadline=step.deadline,
            max_attempts=self.op.waiter_max_attempts,
        )
        defers = self.op.deferrable and can_defer(self.op)
        outcome = self.hook.wait_for(
            step.goal, policy=policy, progress=step.progress, patient=not defers
        )
        described = self.hook.described or {}
        # A look for who holds an endpoint describes other people's experiments, and one of these
        # may bear the endpoint's name.
        about_endpoint = isinstance(step.goal, EndpointFree | EndpointSettled)
        if outcome is None and not about_endpoint and described.get("Name") == step.goal.name:
            self.meet(described)
        return outcome or defer(self.op, step, policy)

    def _insist(self, step: Callable[[], Step]) -> Step:
        """Do a step, again while AWS is unavailable: asking twice does no harm."""
        done: Step = self.hook.insist(step, delay=self.pause)
        return done

    def delete(self, name: str) -> None:
        """Delete an experiment; one that is gone is a success, for botocore resends by itself."""
        with suppress(ExperimentNotFoundError):
            self.hook.delete_inference_experiment(name)

    def after_conflict(self, error: AwsRefusedError, carry: Mapping[str, Any]) -> dict[str, Any]:
        """Return what to carry on with after a refusal that another look may explain.

        Right after somebody's change AWS may still describe the state before it, so one more look
        is not enough.

        :raises AwsRefusedError: it was no conflict, or looking again did not help
        """
        conflicts = carry.get("conflicts", 0) + 1
        if error.code != CONFLICT or conflicts > MOST_CONFLICTS:
            raise error
        time.sleep(self.pause)
        return {**carry, "conflicts": conflicts}


def deadline(row: str, seconds: float | None = None) -> float:
    """Return the epoch seconds until which to wait; by default what the table says."""
    return time.time() + (DEADLINES[row].seconds if seconds is None else seconds)


def nameless(asked: str) -> InvalidRequestError:
    """Return the error of a task that is about an experiment and has no name of one."""
    return InvalidRequestError(
        asked=asked,
        found="no name: it is not given, or its template rendered to nothing",
        next_step="Give the name, for instance the output of the task that creates it.",
    )


def translated(error: ShadowError, hook: InferenceExperimentHook) -> Exception:
    """Return Airflow's exception for ours: one that fails at once where a retry is pointless."""
    kind = AirflowException if error.retriable else AirflowFailException
    return kind(text_of(error, hook))


def text_of(error: ShadowError, hook: InferenceExperimentHook) -> str:
    """Return an error's message; what was not found may be somewhere else than the hook asks."""
    return str(error.at(hook.place)) if error.depends_on_place else str(error)
