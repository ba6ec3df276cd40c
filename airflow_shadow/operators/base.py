"""What all operators share: templated fields, typed requests, one way of waiting, errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Literal, NoReturn

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow._compat import AirflowException, AirflowFailException, Context, conf
from airflow_shadow.exceptions import (
    AwsRefusedError,
    ExperimentNotFoundError,
    InvalidRequestError,
    ShadowError,
)
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.lifecycle import DEADLINES
from airflow_shadow.operators.templating import TextTemplates, load_structure
from airflow_shadow.ownership import Identity, digest
from airflow_shadow.service_model import field_names
from airflow_shadow.waiting import AnyGoal, Outcome, Policy, Progress, View, goal_to_dict

#: Airflow's own backstop behind the deadline that the trigger keeps itself.
_BACKSTOP = timedelta(minutes=10)
#: Seconds: how long the worker pauses at most between two tries of the same step.
_PAUSE = 5.0
_CONFLICTS = 5
_STRUCTURED = frozenset({"structure", "list", "map"})
#: botocore settings that may hold passwords; a trigger's arguments lie unencrypted.
_SECRET_CONFIG = frozenset({"proxies", "proxies_config"})


@dataclass(frozen=True)
class Wait:
    """Wait for a goal, then go on with the operator's method `then`.

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
    # Imported when needed: Dags that do not defer should not pay for it.
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
            verify=operator.verify,
            botocore_config=operator.botocore_config,
        ),
        method_name="execute_complete",
        timeout=timedelta(seconds=max(0.0, policy.deadline - time.time())) + _BACKSTOP,
    )
    raise AssertionError("defer() returned, though it always raises")


class ShadowOperator(TextTemplates, AwsBaseOperator[InferenceExperimentHook]):
    """Base of the operators; not for use in Dags.

    :param config: the whole request in the API's own words: a dict, JSON or YAML text, or the path
        of a `.json` or `.yaml` file on the template path; explicit arguments override it
        (templated)
    :param wait_for_completion: wait until the operation has happened
    :param waiter_delay: seconds between two looks at AWS; `[airflow_shadow] waiter_delay` unless
        given
    :param waiter_max_attempts: looks at most; `None` leaves it to the deadline
    :param waiter_timeout: seconds until the wait gives up; the default is in the README's table
    :param deferrable: wait in the triggerer, which frees the worker
    :param validate: `"warn"` sends values beyond the maxima, enums and patterns that the installed
        botocore knows, and says so in the log
    :param aws_conn_id: Airflow connection of type `aws` (templated)
    :param region_name: AWS region, if the connection's is not meant (templated)
    :param verify: whether, or with which CA bundle, to verify TLS certificates (templated)
    :param botocore_config: settings of the botocore client
    """

    aws_hook_class = InferenceExperimentHook
    #: The API operation whose fields are arguments here.
    api_operation: ClassVar[str]
    #: The row of the table of deadlines.
    deadline_row: ClassVar[str]

    template_fields: Sequence[str] = aws_template_fields("config")
    # Airflow would read every nested string that ends so as a file.
    template_ext: Sequence[str] = ()
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        config: Mapping[str, Any] | str | None = None,
        wait_for_completion: bool = True,
        waiter_delay: float = conf.getfloat("airflow_shadow", "waiter_delay", fallback=30.0),
        waiter_max_attempts: int | None = None,
        waiter_timeout: float | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        validate: Literal["strict", "warn"] = "strict",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.wait_for_completion = wait_for_completion
        self.waiter_delay = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts
        self.waiter_timeout = waiter_timeout
        self.deferrable = deferrable
        self.validate = validate

    # --- requests ------------------------------------------------------------------------

    def _given(self, more: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """Return the request as the user gave it, in the API's words: `config`, then arguments.

        :param more: members to lay over the structures of the request
        """
        shape = self.hook.input_shape(self.api_operation)
        given = self._structure("config", self.config) or {}
        if not isinstance(given, Mapping):
            raise InvalidRequestError(
                asked="config", found=f"{type(given).__name__} instead of the request's fields"
            )
        given = dict(given)
        for argument, member in field_names(shape).items():
            if getattr(self, argument, None) is not None:
                given[member] = getattr(self, argument)
        for member in given.keys() & shape.members.keys():
            if shape.members[member].type_name in _STRUCTURED:
                given[member] = self._structure(member, given[member])
        for member, values in (more or {}).items():
            if values:
                given[member] = {**(given.get(member) or {}), **values}
        return given

    def _structure(self, what: str, value: Any) -> Any:
        env = self.get_template_env() if isinstance(value, str) else None
        return load_structure(value, what=what, env=env)

    def _rendered_arguments(self) -> str:
        """Return a hash of the arguments as the user rendered them, not of what they lead to."""
        return digest({name: getattr(self, name) for name in sorted(self.template_fields)})

    def _identity(self, context: Context) -> Identity:
        ti = context["ti"]
        return Identity(
            deployment=conf.get("airflow_shadow", "deployment", fallback=""),
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=getattr(ti, "map_index", -1),
            # A clear raises max_tries by the tries that were used; a retry does not.
            generation=int(ti.max_tries) - int(self.retries or 0),
            arguments=self._rendered_arguments(),
        )

    # --- running -------------------------------------------------------------------------

    def begin(self, context: Context) -> Step:
        """Do the first step; operators override it."""
        raise NotImplementedError

    def finish(self, context: Context, experiment: View) -> Any:
        """Push the description to the XCom `experiment` and return the experiment's name."""
        if self.do_xcom_push:
            context["ti"].xcom_push(key="experiment", value=experiment)
        return experiment.get("Name")

    def execute(self, context: Context) -> Any:
        """Run the operator; `TaskDeferred` leaves it where it must wait."""
        return self._run(context, lambda: self.begin(context))

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        """Go on after a wait in the triggerer; the event carries all that is needed."""
        if event is None:
            raise AirflowException("The trigger sent no event. Next: retry the task.")
        outcome = Outcome.from_dict(event["outcome"])
        return self._run(
            context, lambda: self._resume(context, event["then"], outcome, event["carry"])
        )

    def _run(self, context: Context, first: Callable[[], Step]) -> Any:
        try:
            step = self._insist(first)
            while isinstance(step, Wait):
                outcome = self._wait(step)
                step = self._insist(partial(self._resume, context, step.then, outcome, step.carry))
            return self.finish(context, step)
        except ShadowError as error:
            raise translated(error) from error

    def _resume(
        self, context: Context, then: str, outcome: Outcome, carry: Mapping[str, Any]
    ) -> Step:
        step: Step = getattr(self, then)(context, outcome, dict(carry))
        return step

    def _wait(self, step: Wait) -> Outcome:
        policy = Policy(
            delay=self.waiter_delay,
            deadline=step.deadline,
            max_attempts=self.waiter_max_attempts,
        )
        defers = self.deferrable and can_defer(self)
        outcome = self.hook.wait_for(
            step.goal, policy=policy, progress=step.progress, patient=not defers
        )
        return outcome or defer(self, step, policy)

    def _deadline(self) -> float:
        return deadline(self.deadline_row, self.waiter_timeout)

    def _settled(self, _context: Context, outcome: Outcome, _carry: dict[str, Any]) -> Step:
        """End with what was waited for, or with its error."""
        if outcome.error:
            raise outcome.error
        return outcome.view

    def _insist(self, step: Callable[[], Step]) -> Step:
        """Do a step, again while AWS is unavailable: asking twice does no harm."""
        done: Step = self.hook.insist(step, delay=min(self.waiter_delay, _PAUSE))
        return done

    def _delete(self, name: str) -> None:
        """Delete an experiment; one that is gone is a success, for botocore resends by itself."""
        with suppress(ExperimentNotFoundError):
            self.hook.delete_inference_experiment(name)

    def _after_conflict(self, error: AwsRefusedError, carry: Mapping[str, Any]) -> dict[str, Any]:
        """Return what to carry on with after a refusal that another look may explain.

        Right after somebody's change AWS may still describe the state before it, so one more look
        is not enough.
        """
        conflicts = carry.get("conflicts", 0) + 1
        if error.code != CONFLICT or conflicts > _CONFLICTS:
            raise error
        time.sleep(min(self.waiter_delay, _PAUSE))
        return {**carry, "conflicts": conflicts}


def deadline(row: str, seconds: float | None = None) -> float:
    """Return the epoch seconds until which to wait; by default what the table says."""
    return time.time() + (DEADLINES[row].seconds if seconds is None else seconds)


def translated(error: ShadowError) -> Exception:
    """Return Airflow's exception for ours: one that fails at once where a retry is pointless."""
    kind = AirflowException if error.retriable else AirflowFailException
    return kind(str(error))
