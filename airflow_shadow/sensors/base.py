"""What the sensors share: when to look, when to give up, and how a wait resumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.sensors.base_aws import AwsBaseSensor

from airflow_shadow._compat import (
    AirflowException,
    AirflowFailException,
    BaseOperator,
    Context,
    TaskDeferralError,
    TaskDeferralTimeout,
    conf,
    is_deferral_timeout,
)
from airflow_shadow.exceptions import InvalidRequestError, no_event
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.links import EndpointLink, MetricsLink
from airflow_shadow.operators.base import DELAY
from airflow_shadow.operators.templating import LazyHook, TextTemplates

if TYPE_CHECKING:
    from airflow_shadow.steps.status import SensorSteps


def _seconds(argument: str, value: Any) -> float:
    """Return a duration that Airflow itself reads, as it wants it: when the Dag is read.

    :raises AirflowFailException: it is none
    """
    try:
        return parse_duration(value, argument=argument, may_be_zero=True).total_seconds()
    except InvalidRequestError as error:
        raise AirflowFailException(str(error)) from error


class ShadowSensor(  # type: ignore[override]
    TextTemplates, LazyHook, AwsBaseSensor[Any]
):
    """Base of the sensors; not for use in Dags.

    :param name: name of the experiment (templated)
    :param timeout: when the wait fails; by default at the experiment's scheduled end plus an hour,
        by AWS's clock, or after Airflow's own default if it has no scheduled end (duration)
    :param poke_interval: time between two polls, in every mode; `[airflow_shadow] waiter_delay`
        unless given (duration)
    :param deferrable: wait in the triggerer, which frees the worker
    """

    template_ext: Sequence[str] = ()
    ui_color = "#e8f0fe"
    operator_extra_links: tuple[Any, ...] = (EndpointLink(), MetricsLink())

    def __init__(
        self,
        *,
        name: str,
        timeout: timedelta | float | str | None = None,
        poke_interval: timedelta | float | str = DELAY,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        waiting = {"poke_interval": _seconds("poke_interval", poke_interval)}
        if timeout is not None:
            waiting["timeout"] = _seconds("timeout", timeout)
        super().__init__(**waiting, **kwargs)
        self.name = name
        self.has_own_timeout = timeout is not None
        self.deferrable = deferrable

    def _steps(self, context: Context) -> SensorSteps[Any]:
        """Return what it does; imported there, for a Dag file should not pay for it."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Wait as the mode says; one look at least."""
        return self._steps(context).run()

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        """Go on after a wait in the triggerer."""
        if event is None:
            raise AirflowException(no_event(self.task_id))
        return self._steps(context).run(event)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """Resume like an operator: the base sensor would skip on errors that a poke would raise."""
        try:
            return BaseOperator.resume_execution(self, next_method, next_kwargs, context)
        # Two classes in Airflow 3, neither a kind of the other.
        except (TaskDeferralError, TaskDeferralTimeout) as error:
            if not is_deferral_timeout(error):
                raise
            return self._steps(context).give_up()
