"""What sensors share: when to poll, when to give up, and how a wait resumes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.sensors.base_aws import AwsBaseSensor

from airflow_shadow._compat import (
    AirflowFailException,
    BaseOperator,
    Context,
    TaskDeferralError,
    TaskDeferralTimeout,
    conf,
    is_deferral_timeout,
)
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.operators.base import DELAY
from airflow_shadow.operators.task import ShadowTask

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


class ShadowSensor(ShadowTask, AwsBaseSensor[Any]):  # type: ignore[override]
    """Base of the sensors; not for use in Dags.

    :param name: name of the experiment (templated)
    :param timeout: how long to wait; by default until an hour after the experiment's scheduled end,
        by AWS's clock, or as long as Airflow's own default if it has none (duration)
    :param poke_interval: time between two polls, in every mode; `[airflow_shadow] waiter_delay`
        unless given (duration)
    :param deferrable: wait in the triggerer, which frees the worker
    """

    def __init__(
        self,
        *,
        name: str,
        timeout: timedelta | float | str | None = None,
        poke_interval: timedelta | float | str = DELAY,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        waiting: dict[str, Any] = {"poke_interval": _seconds("poke_interval", poke_interval)}
        if timeout is not None:
            waiting["timeout"] = _seconds("timeout", timeout)
        super().__init__(**waiting, **kwargs)
        self.name = name
        self.has_own_timeout = timeout is not None
        self.deferrable = deferrable

    def _steps(self, context: Context) -> SensorSteps[Any]:
        """Return what the sensor does."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Run the sensor; `TaskDeferred` leaves the worker where it must wait."""
        return self._run(context)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """Resume like an operator: the base sensor would skip on errors that a poke raises."""
        try:
            return BaseOperator.resume_execution(self, next_method, next_kwargs, context)
        # Two classes in Airflow 3, neither a subclass of the other.
        except (TaskDeferralError, TaskDeferralTimeout) as error:
            if not is_deferral_timeout(error):
                raise
            return self._steps(context).give_up()
