"""Change an experiment and wait until the change is in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_shadow._compat import Context
from airflow_shadow.operators.base import LiveExperimentOperator, template_fields

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


class UpdateInferenceExperimentOperator(LiveExperimentOperator):
    """Change a shadow test (UpdateInferenceExperiment) and wait until AWS shows the change.

    `sampling_percentage=50` or `end_time=...` alone is enough: the rest is read and kept. An update
    that is already in place is a success. A change of the sampling is refused where production was
    changed since the experiment was created (DescribeEndpoint), because AWS would undo that.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param sampling_percentage: share of requests copied to the candidate, 0 to 100 (templated)
    :param start_time: new start, while Created (templated)
    :param end_time: new end (templated)
    :param duration: new end, counted from the start, or from now if AWS shows no `StartTime`
        (duration, templated)
    :param schedule: `StartTime` and `EndTime` (templated)
    :param description: free text (templated)
    :param model_variants: infrastructure of the variants, while Created (templated)
    :param shadow_mode_config: the shadow's whole configuration (templated)
    :param data_storage_config: where to capture requests and responses, while Created (templated)
    """

    api_operation = "UpdateInferenceExperiment"
    deadline_row = "update"
    file_fields = (
        "config",
        "data_storage_config",
        "model_variants",
        "schedule",
        "shadow_mode_config",
    )
    template_fields: Sequence[str] = template_fields(
        *file_fields,
        "description",
        "duration",
        "end_time",
        "name",
        "sampling_percentage",
        "start_time",
    )
    template_fields_renderers = dict.fromkeys(file_fields, "json")

    def __init__(
        self,
        *,
        sampling_percentage: int | str | None = None,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
        duration: timedelta | float | str | None = None,
        schedule: Mapping[str, Any] | str | None = None,
        description: str | None = None,
        model_variants: Sequence[Mapping[str, Any]] | str | None = None,
        shadow_mode_config: Mapping[str, Any] | str | None = None,
        data_storage_config: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sampling_percentage = sampling_percentage
        self.start_time = start_time
        self.end_time = end_time
        self.duration: Any = duration
        self.schedule = schedule
        self.description = description
        self.model_variants = model_variants
        self.shadow_mode_config = shadow_mode_config
        self.data_storage_config = data_storage_config

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.update import UpdateInferenceExperimentSteps

        return UpdateInferenceExperimentSteps(self, context)
