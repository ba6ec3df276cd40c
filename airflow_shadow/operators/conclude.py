"""Conclude an experiment: promote its candidate to production, or remove it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow._compat import Context
from airflow_shadow.exceptions import (
    AwsRefusedError,
    ExperimentNotFoundError,
    InvalidRequestError,
    ProductionChangeError,
    PromotionRefusedError,
)
from airflow_shadow.hooks.endpoints import model_variant, running
from airflow_shadow.lifecycle import (
    CONCLUDED,
    SETTLED,
    Action,
    Ending,
    Status,
    is_promoted,
    mark,
    production_variant,
    sampling,
    shadow_variant,
    status_of,
    stop_request,
)
from airflow_shadow.operators.base import ShadowOperator, Step, Wait
from airflow_shadow.service_model.scalars import to_timestamp
from airflow_shadow.waiting import (
    ANY_ENDING,
    ExperimentGone,
    Outcome,
    ReachStatus,
    ShadowPromoted,
    View,
)

_FULL_SAMPLING = 100


class _ConcludeOperator(ShadowOperator):
    """What promotion and removal share: wait until the experiment rests, then stop it once."""

    api_operation = "StopInferenceExperiment"

    def __init__(
        self, *, name: str | None = None, reason: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.reason = reason

    def _await_rest(self, carry: dict[str, Any]) -> Wait:
        targets = tuple(map(str, SETTLED | CONCLUDED))
        goal = ReachStatus(str(self.name or ""), targets, tolerates=ANY_ENDING)
        return Wait(goal, "_conclude", self._deadline(), carry)

    def _text(self, context: Context, verb: str) -> str:
        ti = context["ti"]
        return self.reason or f"{verb} by Airflow: {ti.dag_id}, run {ti.run_id}, task {ti.task_id}."

    def _stop(self, request: Mapping[str, Any], carry: Mapping[str, Any]) -> Wait | None:
        """Stop the experiment; a conflict means that somebody was faster, so look again."""
        try:
            self.hook.stop_inference_experiment(request, validate=self.validate)
        except AwsRefusedError as error:
            return self._await_rest(self._after_conflict(error, carry))
        return None


class PromoteShadowVariantOperator(_ConcludeOperator):
    """Make the shadow variant production (StopInferenceExperiment) and wait until it serves.

    Production's variant is removed and the shadow promoted under its own name, so alarms and
    scaling policies that name the old variant must follow. The promoted variant keeps the tested
    instance type and gets at least as many instances as production has at that moment.

    A promotion that has already happened is a success. One that can rest on no evidence is refused:
    below 100 % sampling, after the experiment expired, or if production changed under it.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param name: name of the experiment (templated)
    :param reason: why, at most 1,024 characters; becomes the `StatusReason` (templated)
    :param creation_time: `CreationTime` of the experiment that was judged; another one of the same
        name is refused (templated)
    :param allow_partial_sampling: promote below 100 % sampling
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    deadline_row = "promote"
    template_fields: Sequence[str] = aws_template_fields("creation_time", "name", "reason")

    def __init__(
        self,
        *,
        creation_time: datetime | str | None = None,
        allow_partial_sampling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.creation_time = creation_time
        self.allow_partial_sampling = allow_partial_sampling

    def begin(self, context: Context) -> Step:
        """Wait out an update or a start that is under way."""
        return self._await_rest({})

    def _conclude(self, context: Context, outcome: Outcome, carry: dict[str, Any]) -> Step:
        if outcome.error:
            raise outcome.error
        experiment = outcome.view
        self._refuse_another(experiment)
        if status_of(experiment) in CONCLUDED:
            return self._already(experiment)
        self._refuse_untested(experiment)
        request = self._request(context, experiment)
        again = self._stop(request, carry)
        return again or self._await_promotion(experiment)

    def _await_promotion(self, experiment: View) -> Step:
        if not self.wait_for_completion:
            return self.hook.describe_inference_experiment(experiment["Name"])
        shadow = shadow_variant(experiment) or {}
        goal = ShadowPromoted(
            name=experiment["Name"],
            endpoint_name=experiment["EndpointMetadata"]["EndpointName"],
            model_name=shadow["ModelName"],
        )
        return Wait(goal, "_settled", self._deadline())

    def _already(self, experiment: View) -> Step:
        """Judge a concluded experiment by its own record; the endpoint may have moved on since."""
        if not is_promoted(experiment):
            raise PromotionRefusedError(
                asked=self._asked(experiment),
                found=f"it is {experiment['Status']} and was not promoted",
                reason=experiment.get("StatusReason") or "",
            )
        self.log.info("The candidate of %r was promoted before.", experiment["Name"])
        return experiment

    @staticmethod
    def _asked(experiment: View) -> str:
        return f"to promote the candidate of experiment {experiment['Name']!r}"

    def _refuse_another(self, experiment: View) -> None:
        if self.creation_time is None:
            return
        judged, found = _moment(self.creation_time), _moment(experiment["CreationTime"])
        if judged != found:
            raise PromotionRefusedError(
                asked=f"{self._asked(experiment)} that was created at {judged.isoformat()}",
                found=f"one created at {found.isoformat()}: not the one that was judged",
            )

    def _refuse_untested(self, experiment: View) -> None:
        if status_of(experiment) is not Status.RUNNING:
            raise PromotionRefusedError(
                asked=self._asked(experiment),
                found=f"it is {experiment['Status']}: it has not started",
                next_step="Start it, test the candidate, then promote it.",
            )
        _, percentage = sampling(experiment)
        if percentage != _FULL_SAMPLING and not self.allow_partial_sampling:
            raise PromotionRefusedError(
                asked=self._asked(experiment),
                found=f"it copies {percentage} % of the requests, so it never bore the full load",
                next_step="Update it to sampling_percentage=100 and test again, or pass "
                "allow_partial_sampling=True.",
            )

    def _request(self, context: Context, experiment: View) -> dict[str, Any]:
        """Return the stop that promotes: tested type, no fewer instances than production has."""
        endpoint_name = experiment["EndpointMetadata"]["EndpointName"]
        now_runs = running(self.hook, endpoint_name, asked=self._asked(experiment))
        production = production_variant(experiment) or {}
        if now_runs.model_name != production.get("ModelName"):
            raise ProductionChangeError(
                asked=self._asked(experiment),
                found=f"production runs {now_runs.model_name!r} now, but the candidate was tested "
                f"against {production.get('ModelName')!r}",
                next_step="Test the candidate against what production runs now.",
            )
        shadow = shadow_variant(experiment) or {}
        tested = shadow["InfrastructureConfig"]["RealTimeInferenceConfig"]
        reason = mark(Action.PROMOTE, self._text(context, "Promoted"))
        request = stop_request(
            experiment, promote=True, desired_state=str(Status.COMPLETED), reason=reason
        )
        request["DesiredModelVariants"] = [
            model_variant(
                model_name=shadow["ModelName"],
                variant_name=shadow["VariantName"],
                instance_type=tested["InstanceType"],
                instance_count=max(tested["InstanceCount"], now_runs.instance_count),
            )
        ]
        return request


class RemoveShadowVariantOperator(_ConcludeOperator):
    """Remove the shadow variant and keep production (StopInferenceExperiment).

    An experiment that has concluded already is a success, however it ended: no shadow of it is
    left. That makes the operator a teardown.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param name: name of the experiment (templated)
    :param reason: why, at most 1,024 characters; becomes the `StatusReason` (templated)
    :param desired_state: `Cancelled`, or `Completed` if the test has served its purpose
    :param missing_ok: an experiment that does not exist is a success too, as in a teardown after a
        create that never happened
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    deadline_row = "remove"
    template_fields: Sequence[str] = aws_template_fields("name", "reason")

    def __init__(
        self,
        *,
        desired_state: Literal["Cancelled", "Completed"] = "Cancelled",
        missing_ok: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.desired_state = desired_state
        self.missing_ok = missing_ok

    def begin(self, context: Context) -> Step:
        """Wait out an update or a start that is under way."""
        if self.missing_ok and not self.name:
            return self._nothing()
        return self._await_rest({})

    def _nothing(self) -> View:
        self.log.info("There is no experiment %r, so there is nothing to remove.", self.name)
        return {"Name": self.name}

    def _conclude(self, context: Context, outcome: Outcome, carry: dict[str, Any]) -> Step:
        if isinstance(outcome.error, ExperimentNotFoundError) and self.missing_ok:
            return self._nothing()
        if outcome.error:
            raise outcome.error
        experiment = outcome.view
        if status_of(experiment) in CONCLUDED:
            self.log.info("%r is %s already.", experiment["Name"], experiment["Status"])
            return experiment
        if status_of(experiment) is Status.CREATED:
            # No shadow stands yet; CloudFormation deletes it likewise.
            self._delete(experiment["Name"])
            return Wait(ExperimentGone(experiment["Name"]), "_settled", self._deadline())
        reason = mark(Action.REMOVE, self._text(context, "Removed"))
        request = stop_request(
            experiment, promote=False, desired_state=self.desired_state, reason=reason
        )
        again = self._stop(request, carry)
        return again or self._await_end(experiment["Name"])

    def _await_end(self, name: str) -> Step:
        if not self.wait_for_completion:
            return self.hook.describe_inference_experiment(name)
        goal = ReachStatus(name, tuple(map(str, CONCLUDED)), tolerates=(str(Ending.STOPPED),))
        return Wait(goal, "_settled", self._deadline())


def _moment(value: datetime | str) -> datetime:
    try:
        return to_timestamp(value)
    except ValueError as error:
        raise InvalidRequestError(asked=f"creation_time={value!r}", found="not a time") from error
