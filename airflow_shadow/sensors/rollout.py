"""The sensor of a rollout's stages; `shadow_rollout` makes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_shadow._compat import Context
from airflow_shadow.sensors.analysis import ShadowAnalysisSensor

if TYPE_CHECKING:
    from airflow_shadow.steps.status import SensorSteps


class RolloutAnalysisSensor(ShadowAnalysisSensor):
    """Judge one stage of a rollout (GetMetricData, DescribeInferenceExperiment).

    After a clear the run may have a new experiment. Then its sampling is raised to this stage's
    (UpdateInferenceExperiment) and the window begins there.

    :param created: name of the run's experiment, whatever `name` is (templated)
    :param before: ids of the tasks that judge the earlier stages, in their order
    :param stage: which stage this is, from 1
    :param stages: how many there are
    """

    template_fields: Sequence[str] = (*ShadowAnalysisSensor.template_fields, "created")

    def __init__(
        self,
        *,
        created: str | None = None,
        before: Sequence[str] = (),
        stage: int = 1,
        stages: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.created = created
        self.before = before
        self.stage = stage
        self.stages = stages

    def _steps(self, context: Context) -> SensorSteps[Any]:
        from airflow_shadow.steps.stage import StageSensorSteps

        return StageSensorSteps(self, context)
