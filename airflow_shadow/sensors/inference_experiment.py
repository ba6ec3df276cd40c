"""Wait until an experiment shows one of some statuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow._compat import Context
from airflow_shadow.sensors.base import ShadowSensor

if TYPE_CHECKING:
    from airflow_shadow.steps.status import SensorSteps


class InferenceExperimentSensor(ShadowSensor):
    """Wait until a shadow test shows one of some statuses (DescribeInferenceExperiment).

    Timeout, `soft_fail` and errors are the same whether it pokes, reschedules or defers. A status
    that cannot become a target any more ends the wait at once. AWS shows `Cancelled` after a stop,
    which reaches that target whoever asked for it, and after a failure, which never does.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param target_statuses: one status, or several, of which one is enough (templated)
    :param missing_ok: wait for an experiment to appear instead of failing
    :raises AirflowSensorTimeout: the timeout ran out
    :raises AirflowFailException: a target cannot be reached any more
    """

    template_fields: Sequence[str] = aws_template_fields("name", "target_statuses")

    def __init__(
        self,
        *,
        target_statuses: str | Sequence[str],
        missing_ok: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.target_statuses = target_statuses
        self.missing_ok = missing_ok

    def _steps(self, context: Context) -> SensorSteps[Any]:
        from airflow_shadow.steps.status import StatusSensorSteps

        return StatusSensorSteps(self, context)
