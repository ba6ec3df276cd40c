"""The sensor of a rollout's stages; `shadow_rollout` makes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_shadow.sensors.analysis import ShadowAnalysisSensor


class RolloutAnalysisSensor(ShadowAnalysisSensor):
    """Judge one stage of a rollout (GetMetricData, DescribeInferenceExperiment).

    After a clear the run may have a new experiment. Then its sampling is raised to this stage's
    (UpdateInferenceExperiment) and the window begins there.

    :param created: name of the experiment that the run has now (templated)
    :raises AirflowSensorTimeout: the timeout ran out
    :raises AirflowFailException: the experiment broke, or the metrics may not be read
    """

    flow = "airflow_shadow.flows.stages.StageWatch"
    template_fields: Sequence[str] = (*ShadowAnalysisSensor.template_fields, "created")

    def __init__(self, *, created: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.created = created
