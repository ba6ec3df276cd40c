"""Create an experiment, or find the one that this task has created."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_shadow._compat import Context
from airflow_shadow.operators.base import LiveExperimentOperator, template_fields
from airflow_shadow.operators.choices import Choices, IfExists, OnBackfill

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


class CreateInferenceExperimentOperator(LiveExperimentOperator):
    """Create a shadow test on an endpoint (CreateInferenceExperiment) and wait until it runs.

    With `shadow_model_name` and `sampling_percentage`, everything else is read from the endpoint as
    it runs now, so that production stays as it is. A retry, a clear or a second copy of the task
    finds a live experiment again instead of creating another.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param role_arn: role that SageMaker assumes to manage the endpoint (templated)
    :param endpoint_name: endpoint whose traffic is copied (templated)
    :param shadow_model_name: the candidate's model (templated)
    :param sampling_percentage: share of requests copied to the candidate, 0 to 100 (templated)
    :param shadow_variant_name: name of the shadow variant; derived from the model if not given
        (templated)
    :param name: name of the experiment; derived from endpoint and run if not given (templated)
    :param type: AWS knows no other type than `ShadowMode` (templated)
    :param schedule: `StartTime` and `EndTime` (templated)
    :param start_time: instead of `schedule`; a time in the past means now (templated)
    :param end_time: instead of `schedule` (templated)
    :param duration: instead of an end (duration, templated)
    :param shift_past_schedule: move a window that is wholly in the past to now
    :param description: free text (templated)
    :param model_variants: production and shadow in full, instead of `shadow_model_name` (templated)
    :param shadow_mode_config: which variant shadows which, with `model_variants` (templated)
    :param capture: where to capture what both variants are asked and answer, as
        `s3://bucket/prefix` in the experiment's region; `role_arn` must be allowed to write there.
        JSON and CSV are captured as text (templated)
    :param capture_kms_key: id, ARN or alias of the key that encrypts what is captured, with
        `capture` (templated)
    :param data_storage_config: the same in the API's words, instead of `capture` (templated)
    :param kms_key: key of the instances' volumes; the endpoint's own if not given (templated)
    :param tags: mapping, or list of `Key` and `Value` (templated)
    :param if_exists: how to resolve an experiment of somebody else's with the same name: `"fail"`,
        `"adopt"` it if its configuration is the same, or `"replace"` it if it is concluded
    :param allow_production_change: create even if `model_variants` changes what production runs
    :param allow_lost_settings: names of production's settings that may be lost during the test and
        after a promotion, because a shadow test cannot keep them, such as `VolumeSizeInGB`,
        `RoutingConfig`, or the endpoint's own `DataCaptureConfig`; or `True` for all
    :param allow_serving: test a candidate that is production's model already, on the same instance
        type; otherwise the task is skipped
    :param allow_older: create even if a run with a later date has promoted what serves; otherwise
        the task is skipped
    :param on_backfill: `"skip"` skips the task in a backfill; `"observe"` creates there, for a
        promotion with the same argument to skip
    :param endpoint_timeout: how long to wait for a busy endpoint, a day by default (duration,
        templated)
    :raises AirflowSkipException: nothing is to be created
    """

    api_operation = "CreateInferenceExperiment"
    deadline_row = "create"
    choices: ClassVar[Choices] = {
        "if_exists": get_args(IfExists),
        "on_backfill": get_args(OnBackfill),
    }
    file_fields = (
        "config",
        "data_storage_config",
        "model_variants",
        "schedule",
        "shadow_mode_config",
        "tags",
    )
    template_fields: Sequence[str] = template_fields(
        *file_fields,
        "capture",
        "capture_kms_key",
        "description",
        "duration",
        "end_time",
        "endpoint_name",
        "endpoint_timeout",
        "kms_key",
        "name",
        "role_arn",
        "sampling_percentage",
        "shadow_model_name",
        "shadow_variant_name",
        "start_time",
        "type",
    )
    template_fields_renderers = dict.fromkeys(file_fields, "json")

    def __init__(
        self,
        *,
        role_arn: str | None = None,
        endpoint_name: str | None = None,
        shadow_model_name: str | None = None,
        sampling_percentage: int | str | None = None,
        shadow_variant_name: str | None = None,
        name: str | None = None,
        type: str = "ShadowMode",  # noqa: A002 - the API's field
        schedule: Mapping[str, Any] | str | None = None,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
        duration: timedelta | float | str | None = None,
        shift_past_schedule: bool = False,
        description: str | None = None,
        model_variants: Sequence[Mapping[str, Any]] | str | None = None,
        shadow_mode_config: Mapping[str, Any] | str | None = None,
        capture: str | None = None,
        capture_kms_key: str | None = None,
        data_storage_config: Mapping[str, Any] | str | None = None,
        kms_key: str | None = None,
        tags: Mapping[str, str] | Sequence[Mapping[str, str]] | str | None = None,
        if_exists: IfExists = "fail",
        allow_production_change: bool = False,
        allow_lost_settings: bool | Collection[str] = False,
        allow_serving: bool = False,
        allow_older: bool = False,
        on_backfill: OnBackfill = "run",
        endpoint_timeout: timedelta | float | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.role_arn = role_arn
        self.endpoint_name = endpoint_name
        self.shadow_model_name = shadow_model_name
        self.sampling_percentage = sampling_percentage
        self.shadow_variant_name = shadow_variant_name
        self.type = type
        self.schedule = schedule
        self.start_time = start_time
        self.end_time = end_time
        self.duration: Any = duration
        self.shift_past_schedule = shift_past_schedule
        self.description = description
        self.model_variants = model_variants
        self.shadow_mode_config = shadow_mode_config
        self.capture = capture
        self.capture_kms_key = capture_kms_key
        self.data_storage_config = data_storage_config
        self.kms_key = kms_key
        self.tags = tags
        self.if_exists = if_exists
        self.allow_production_change = allow_production_change
        self.allow_lost_settings = allow_lost_settings
        self.allow_serving = allow_serving
        self.allow_older = allow_older
        self.on_backfill = on_backfill
        self.endpoint_timeout: Any = endpoint_timeout
        self.check_literals()

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.create import CreateInferenceExperimentSteps

        return CreateInferenceExperimentSteps(self, context)
