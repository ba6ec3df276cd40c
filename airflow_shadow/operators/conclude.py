"""Conclude an experiment: promote its candidate to production, or remove it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_shadow._compat import Context
from airflow_shadow.decision import PromoteOn
from airflow_shadow.operators.base import ShadowOperator, template_fields
from airflow_shadow.operators.choices import Autoscaling, Choices, EndState, OnBackfill

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps

#: The default of `verdict`, because the output of a skipped analysis is `None`.
_NOT_GIVEN: Any = object()


class ConcludeOperator(ShadowOperator):
    """Base of promotion and removal; not for use in Dags.

    :param name: name of the experiment (templated)
    :param reason: why, at most 1,024 characters; becomes the `StatusReason` (templated)
    """

    api_operation = "StopInferenceExperiment"

    def __init__(
        self, *, name: str | None = None, reason: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.reason = reason


class PromoteShadowVariantOperator(ConcludeOperator):
    """Make the shadow variant production (StopInferenceExperiment) and wait until it serves.

    Production's variant is removed and the shadow promoted under its own name, so alarms and
    scaling policies that name the old variant must be changed. The promoted variant keeps the
    tested instance type and gets at least as many instances as production has at that moment.

    The task skips itself if a branch directly upstream decided against it, because Airflow 3.2 and
    3.3 forget a branch's skips inside mapped task groups.

    The endpoint is tagged with the run's date, so that no older run promotes after it by mistake.
    A promotion that has already happened is a success. One without valid evidence is refused:
    below 100 % sampling, after the experiment expired, or if production was changed since.

    Before anything is changed it can wait for the approval of the candidate's model package
    (DescribeModelPackage) and for alarms to stop firing (DescribeAlarms), also with
    `wait_for_completion=False`. AWS promotes no experiment that ends in the meantime.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param creation_time: `CreationTime` of the experiment that was judged; another one of the same
        name is refused (templated)
    :param verdict: what the analysis returned: its `output`, a template, or JSON text. One that
        does not promote skips the task; the missing one of a skipped analysis, or that of another
        experiment, fails it (templated)
    :param promote_on: as for :class:`~airflow_shadow.operators.ShadowVerdictBranchOperator`:
        `"answers"` does not promote on operational metrics alone, `"operational"` does
    :param require_approved_model_package: `True` promotes only if the package of SageMaker's model
        registry that the candidate's model was created from is `Approved`; for a model created from
        an image and its data, give the ARN or name of the package. It waits for a package that is
        `PendingManualApproval`, and skips the task if that is `Rejected` (templated)
    :param approval_timeout: how long to wait for the approval, then the task is skipped; a day by
        default (duration, templated)
    :param alarms: names of CloudWatch alarms, metric or composite: while one is in `ALARM` the
        promotion waits, until `waiter_timeout` (templated)
    :param allow_partial_sampling: promote below 100 % sampling
    :param allow_older: promote even if a run with a later date has promoted what serves; otherwise
        the task is skipped
    :param allow_lost_settings: names of production's settings that the promoted variant may lose,
        as for the creation, or `True`
    :param autoscaling: `"refuse"` does not promote where production's variant is a target of
        automatic scaling (DescribeScalableTargets), which AWS does not remove; `"ignore"` promotes
        all the same
    :param on_backfill: `"skip"` and `"observe"` skip the promotion in a backfill; they differ for
        the creation
    :raises AirflowSkipException: nothing is to be promoted
    """

    deadline_row = "promote"
    choices: ClassVar[Choices] = {
        "autoscaling": get_args(Autoscaling),
        "on_backfill": get_args(OnBackfill),
        "promote_on": get_args(PromoteOn),
    }
    template_fields: Sequence[str] = template_fields(
        "alarms",
        "approval_timeout",
        "creation_time",
        "name",
        "reason",
        "require_approved_model_package",
        "verdict",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"verdict": "json"}

    def __init__(
        self,
        *,
        creation_time: datetime | str | None = None,
        verdict: Mapping[str, Any] | str | None = _NOT_GIVEN,
        promote_on: PromoteOn = "answers",
        require_approved_model_package: bool | str = False,
        approval_timeout: timedelta | float | str | None = None,
        alarms: Sequence[str] = (),
        allow_partial_sampling: bool = False,
        allow_older: bool = False,
        allow_lost_settings: bool | Collection[str] = False,
        autoscaling: Autoscaling = "refuse",
        on_backfill: OnBackfill = "run",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.creation_time = creation_time
        self.has_creation_time = creation_time is not None
        self.has_verdict = verdict is not _NOT_GIVEN
        self.verdict = verdict if self.has_verdict else None
        self.promote_on = promote_on
        self.require_approved_model_package = require_approved_model_package
        self.approval_timeout: Any = approval_timeout
        self.alarms = alarms
        self.allow_partial_sampling = allow_partial_sampling
        self.allow_older = allow_older
        self.allow_lost_settings = allow_lost_settings
        self.autoscaling = autoscaling
        self.on_backfill = on_backfill
        self.check_literals()

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.promote import PromoteShadowVariantSteps

        return PromoteShadowVariantSteps(self, context)


class RemoveShadowVariantOperator(ConcludeOperator):
    """Remove the shadow variant and keep production (StopInferenceExperiment).

    An experiment that has concluded already is a success, however it ended, for it has left no
    shadow. One that is still `Created` is deleted with its record. So the operator can be a
    teardown; if it is none, it skips itself if a branch directly upstream decided against it.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param desired_state: `Cancelled`, or `Completed` if the test has served its purpose
    :param missing_ok: succeed if the experiment does not exist, as in a teardown after a creation
        that failed
    """

    deadline_row = "remove"
    choices: ClassVar[Choices] = {"desired_state": get_args(EndState)}
    template_fields: Sequence[str] = template_fields("name", "reason")

    def __init__(
        self,
        *,
        desired_state: EndState = "Cancelled",
        missing_ok: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.desired_state = desired_state
        self.missing_ok = missing_ok
        self.check_literals()

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.conclude import RemoveShadowVariantSteps

        return RemoveShadowVariantSteps(self, context)
