"""Change an experiment and wait until the change is in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow._compat import Context
from airflow_shadow.exceptions import AwsRefusedError, InvalidRequestError, UpdateRefusedError
from airflow_shadow.lifecycle import (
    UPDATABLE,
    Status,
    changes_beyond_running,
    failure_reason,
    shows,
    status_of,
)
from airflow_shadow.operators.base import ShadowOperator, Step, Wait
from airflow_shadow.operators.schedule import parse_duration
from airflow_shadow.service_model import to_plain
from airflow_shadow.waiting import Outcome, Progress, ReachStatus, UpdateApplied, View


class UpdateInferenceExperimentOperator(ShadowOperator):
    """Change a shadow test (UpdateInferenceExperiment) and wait until AWS shows what was asked.

    `sampling_percentage=50` or `end_time=...` alone is enough: the rest is read and kept. An update
    that is already in place is a success.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param name: name of the experiment (templated)
    :param sampling_percentage: share of requests copied to the candidate, 0 to 100 (templated)
    :param start_time: new start, while Created (templated)
    :param end_time: new end (templated)
    :param duration: new end, counted from the start (templated)
    :param schedule: `StartTime` and `EndTime` (templated)
    :param description: free text (templated)
    :param model_variants: infrastructure of the variants, while Created (templated)
    :param shadow_mode_config: the shadow's whole configuration (templated)
    :param data_storage_config: where to capture requests and responses, while Created (templated)
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    api_operation = "UpdateInferenceExperiment"
    deadline_row = "update"
    template_fields: Sequence[str] = aws_template_fields(
        "config",
        "data_storage_config",
        "description",
        "duration",
        "end_time",
        "model_variants",
        "name",
        "sampling_percentage",
        "schedule",
        "shadow_mode_config",
        "start_time",
    )
    template_fields_renderers = dict.fromkeys(
        ("config", "data_storage_config", "model_variants", "schedule", "shadow_mode_config"),
        "json",
    )

    def __init__(
        self,
        *,
        name: str | None = None,
        sampling_percentage: int | str | None = None,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
        duration: Any = None,
        schedule: Mapping[str, Any] | str | None = None,
        description: str | None = None,
        model_variants: Sequence[Mapping[str, Any]] | str | None = None,
        shadow_mode_config: Mapping[str, Any] | str | None = None,
        data_storage_config: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.sampling_percentage = sampling_percentage
        self.start_time = start_time
        self.end_time = end_time
        self.duration = duration
        self.schedule = schedule
        self.description = description
        self.model_variants = model_variants
        self.shadow_mode_config = shadow_mode_config
        self.data_storage_config = data_storage_config

    def begin(self, context: Context) -> Step:
        """Wait until AWS takes updates: it documents that only Created and Running do."""
        return self._await_ready({})

    def _await_ready(self, carry: dict[str, Any]) -> Wait:
        name = str(self._typed().get("Name") or "")
        goal = ReachStatus(name, tuple(map(str, UPDATABLE)))
        return Wait(goal, "_update", self._deadline(), carry)

    def _typed(self) -> dict[str, Any]:
        times = {"StartTime": self.start_time, "EndTime": self.end_time}
        more = {"Schedule": {key: value for key, value in times.items() if value is not None}}
        return self.hook.coerce(self.api_operation, self._given(more))

    def _update(self, context: Context, outcome: Outcome, carry: dict[str, Any]) -> Step:
        if outcome.error:
            raise outcome.error
        experiment = outcome.view
        request = self._request(experiment)
        expected = dict(to_plain({k: v for k, v in request.items() if k != "Name"}))
        if shows(experiment, expected):
            self.log.info("Experiment %r shows all this already; nothing to do.", request["Name"])
            return experiment
        self._refuse_beyond_running(experiment, expected)
        try:
            self.hook.update_inference_experiment(request, validate=self.validate)
        except AwsRefusedError as error:
            return self._await_ready(self._after_conflict(error, carry))
        if not self.wait_for_completion:
            return self.hook.describe_inference_experiment(request["Name"])
        return Wait(
            UpdateApplied(request["Name"], expected),
            "_settled",
            self._deadline(),
            progress=Progress(known_failure=failure_reason(experiment)),
        )

    def _request(self, experiment: View) -> dict[str, Any]:
        """Return the request with what is kept filled in from the experiment."""
        typed = self._typed()
        if self.sampling_percentage is not None:
            typed["ShadowModeConfig"] = self._with_sampling(typed, experiment)
        schedule = self._schedule(typed, experiment)
        if schedule:
            typed["Schedule"] = schedule
        if len(typed) == 1:
            raise InvalidRequestError(
                asked=f"an update of {typed.get('Name')!r}",
                found="no change",
                next_step="Give sampling_percentage, end_time or another field to change.",
            )
        return self.hook.prepare(self.api_operation, typed, validate=self.validate).params

    def _with_sampling(self, typed: Mapping[str, Any], experiment: View) -> dict[str, Any]:
        config = dict(typed.get("ShadowModeConfig") or experiment["ShadowModeConfig"])
        shadow = {
            **config["ShadowModelVariants"][0],
            "SamplingPercentage": self.sampling_percentage,
        }
        return {**config, "ShadowModelVariants": [shadow]}

    def _schedule(self, typed: Mapping[str, Any], experiment: View) -> dict[str, Any]:
        given = dict(typed.get("Schedule") or {})
        kept = {
            key: datetime.fromisoformat(value)
            for key, value in (experiment.get("Schedule") or {}).items()
        }
        if self.duration is not None:
            start = given.get("StartTime") or kept.get("StartTime") or self.hook.now()
            given["EndTime"] = start + parse_duration(self.duration)
        # AWS's own CloudFormation handler sends the unchanged start along.
        return {**kept, **given} if given else {}

    def _refuse_beyond_running(self, experiment: View, expected: Mapping[str, Any]) -> None:
        """Name the fields that AWS documents as fixed while the experiment runs."""
        if status_of(experiment) is not Status.RUNNING:
            return
        fixed = changes_beyond_running(experiment, expected)
        if fixed:
            raise UpdateRefusedError(
                asked=f"to change {', '.join(fixed)} of experiment {experiment['Name']!r}",
                found=f"it is {experiment['Status']}",
            )
