"""What a rollout does before anything is created: check the specification, forecast the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_shadow.analysis import (
    AnalysisSpec,
    Forecast,
    History,
    PlannedStage,
    forecast,
    forecast_table,
)
from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    EndpointNotFoundError,
    InvalidRequestError,
    MetricsUnreadableError,
)
from airflow_shadow.hooks.history import LONGEST, read_history
from airflow_shadow.hooks.metric_sources import read_sources
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.steps.analysis import spec_of
from airflow_shadow.steps.buckets import check_buckets
from airflow_shadow.steps.extras import check_extra
from airflow_shadow.steps.operator import OperatorSteps
from airflow_shadow.steps.wait import Step
from airflow_shadow.waiters import Description, LookSchedule


def planned_stages(
    spec: AnalysisSpec, ramp: Sequence[int], *, first: float, most: float
) -> list[PlannedStage]:
    """Return the stages with their planned looks; only the last one can become longer.

    :param ramp: sampling percentages
    :param first: seconds up to the first planned look of each stage
    :param most: seconds up to the last planned look of the last stage
    """
    count = spec.planned_looks if most > first else 1
    looks = LookSchedule(0.0, first, most if count > 1 else first, None, count).planned
    *early, last = ramp
    return [
        *(PlannedStage(sampling_percentage=share, looks=(first,)) for share in early),
        PlannedStage(sampling_percentage=last, looks=tuple(looks)),
    ]


class PlanSteps(OperatorSteps[RolloutPlanOperator]):
    """The step of :class:`~airflow_shadow.operators.rollout.RolloutPlanOperator`."""

    def begin(self) -> Step:
        """Check the specification, log the plan, and forecast the verdict."""
        spec = spec_of(self.op)
        if spec.answers:
            self._check_comparison(spec)
        self.log.info("%s", self.op.summary)
        history = self._history(self.op.endpoint_name, spec) if self.op.endpoint_name else None
        if history is not None:
            first, most = self.op.stage_duration, self.op.max_stage_duration
            stages = planned_stages(spec, self.op.ramp, first=first, most=most)
            self._tell(spec, forecast(spec, history, stages))
        return {}

    def _check_comparison(self, spec: AnalysisSpec) -> None:
        """Refuse a comparison that could not be made in the end."""
        if self.op.engine == "worker":
            check_extra()
        if not self.op.captures:
            raise InvalidRequestError(
                asked="a rollout that compares answers, as its specification says",
                found="nothing captures them",
                next_step="Give capture='s3://bucket/prefix'; nothing was created.",
            )
        if self.op.capture:
            check_buckets(self.op, spec, captures=self.op.capture)

    def _history(self, endpoint: str, spec: AnalysisSpec) -> History | None:
        """Return production's metrics of the last days; without them there is no forecast."""
        metrics = read_sources(self.op.metrics)
        try:
            history = read_history(self.hook, spec, endpoint, metrics=metrics)
        except (AwsAccessDeniedError, EndpointNotFoundError, MetricsUnreadableError) as error:
            self.log.warning("No forecast: %s", error)
            return None
        if history.requests.times:
            return history
        self.log.warning(
            "No forecast: CloudWatch has no requests of endpoint %r in the last %d days.",
            endpoint,
            LONGEST.days,
        )
        return None

    def _tell(self, spec: AnalysisSpec, found: Forecast) -> None:
        self.log.info("From the last %.0f h of production:\n%s", found.hours, forecast_table(found))
        for criterion in found.stages[-1].criteria:
            self.log.info("%s", criterion.sentence)
        if self.op.do_xcom_push:
            self.context["ti"].xcom_push(key="forecast", value=found.to_dict())
        if found.ruled_out:
            self._refuse("; ".join(found.ruled_out))
        elif found.chance[1] < spec.min_power:
            self.log.warning(
                "%s That is below min_power, %.0f %%: give longer stages.",
                found.sentence,
                100 * spec.min_power,
            )

    def _refuse(self, found: str) -> None:
        if not self.op.refuses:
            self.log.warning("The last stage cannot PASS: %s", found)
            return
        raise InvalidRequestError(
            asked="a rollout that can promote",
            found=found,
            next_step=(
                "Give a longer stage_duration or max_stage_duration, or a specification that needs "
                "less data; nothing was created."
            ),
        )

    def finish(self, _: Description) -> None:
        """Return nothing: the task is not about an experiment."""
