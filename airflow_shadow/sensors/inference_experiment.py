"""Wait until an experiment shows one of some statuses."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NoReturn

from airflow.providers.amazon.aws.sensors.base_aws import AwsBaseSensor
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow._compat import (
    AirflowException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseOperator,
    Context,
    TaskDeferralError,
    conf,
    first_reschedule_date,
    is_deferral_timeout,
)
from airflow_shadow.exceptions import InvalidRequestError, ShadowError, WaitTimeoutError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.lifecycle import GRACE_SECONDS, Status
from airflow_shadow.operators.base import Wait, can_defer, defer, translated
from airflow_shadow.operators.templating import TextTemplates
from airflow_shadow.waiting import Outcome, Policy, ReachStatus


class InferenceExperimentSensor(TextTemplates, AwsBaseSensor[InferenceExperimentHook]):
    """Wait until a shadow test shows one of some statuses (DescribeInferenceExperiment).

    Timeout, soft-fail and errors are the same whether it pokes, reschedules or defers. A status
    that cannot lead to a target any more ends the wait at once.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param name: name of the experiment (templated)
    :param target_statuses: one status, or several of which one is enough (templated)
    :param missing_ok: wait for an experiment to appear instead of failing
    :param timeout: seconds until the wait fails; by default the experiment's scheduled end plus an
        hour, counted by AWS's clock
    :param poke_interval: seconds between two looks, in every mode
    :param deferrable: wait in the triggerer, which frees the worker
    :raises AirflowSensorTimeout: the timeout ran out
    :raises AirflowFailException: a target cannot be reached any more
    """

    aws_hook_class = InferenceExperimentHook
    template_fields: Sequence[str] = aws_template_fields("name", "target_statuses")
    template_ext: Sequence[str] = ()
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        name: str,
        target_statuses: str | Sequence[str],
        missing_ok: bool = False,
        timeout: float | timedelta | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs if timeout is None else {**kwargs, "timeout": timeout})
        self.name = name
        self.target_statuses = target_statuses
        self.missing_ok = missing_ok
        self.has_own_timeout = timeout is not None
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Wait as the mode says; one look at least."""
        try:
            goal = self._goal()
            deadline = self._deadline(context)
            policy = Policy(delay=self.poke_interval, deadline=deadline)
            return self._finish(context, self._wait(goal, policy))
        except ShadowError as error:
            self._fail(error)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        """Go on after a wait in the triggerer."""
        if event is None:
            raise AirflowException("The trigger sent no event. Next: retry the task.")
        try:
            return self._finish(context, Outcome.from_dict(event["outcome"]))
        except ShadowError as error:
            self._fail(error)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """Resume like an operator: the base sensor would skip on errors that a poke would raise."""
        try:
            return BaseOperator.resume_execution(self, next_method, next_kwargs, context)
        except TaskDeferralError as error:
            if not is_deferral_timeout(error):
                raise
            found = "no answer from the triggerer in time"
            self._fail(WaitTimeoutError(asked=self._goal().asked, found=found))

    def _goal(self) -> ReachStatus:
        given = self.target_statuses
        targets = (given,) if isinstance(given, str) else tuple(map(str, given or ()))
        unknown = sorted(set(targets) - set(Status))
        if unknown or not targets:
            raise InvalidRequestError(
                asked=f"target_statuses={given!r}",
                found=f"no such status: {', '.join(unknown)}" if unknown else "no status",
                next_step=f"Give one or more of {', '.join(Status)}.",
            )
        return ReachStatus(self.name, targets, missing_ok=self.missing_ok)

    def _deadline(self, context: Context) -> float:
        started = time.time()
        if self.reschedule and (first := first_reschedule_date(self, context)):
            started = first.timestamp()
        if self.has_own_timeout:
            return started + self.timeout
        find = partial(self.hook.find_experiment, self.name)
        experiment = self.hook.insist(find, delay=min(self.poke_interval, 5.0)) or {}
        end = (experiment.get("Schedule") or {}).get("EndTime")
        if end is None:
            return started + self.timeout  # Airflow's own default
        ahead = (datetime.fromisoformat(end) - self.hook.now()).total_seconds()
        return time.time() + ahead + GRACE_SECONDS

    def _wait(self, goal: ReachStatus, policy: Policy) -> Outcome:
        step = Wait(goal, "execute_complete", policy.deadline)
        defers = self.deferrable and can_defer(self)
        outcome = self.hook.wait_for(
            goal,
            policy=policy,
            progress=step.progress,
            patient=not (defers or self.reschedule),
        )
        if outcome is None and defers:
            defer(self, step, policy)
        if outcome is None:
            raise AirflowRescheduleException(  # type: ignore[no-untyped-call]
                datetime.now(UTC) + timedelta(seconds=self.poke_interval)
            )
        return outcome

    def _finish(self, context: Context, outcome: Outcome) -> Any:
        if outcome.error:
            raise outcome.error
        if self.do_xcom_push:
            context["ti"].xcom_push(key="experiment", value=outcome.view)
        return outcome.view.get("Name")

    def _fail(self, error: ShadowError) -> NoReturn:
        """Raise Airflow's exception; what another try would not mend is a skip with `soft_fail`."""
        timed_out = isinstance(error, WaitTimeoutError)
        pointless = timed_out or not error.retriable
        if self.never_fail or (self.soft_fail and pointless):
            raise AirflowSkipException(str(error)) from error
        raise (AirflowSensorTimeout(str(error)) if timed_out else translated(error)) from error
