"""The operators that only a rollout needs; `shadow_rollout` makes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_shadow._compat import AirflowException, AirflowFailException, Context
from airflow_shadow.exceptions import ShadowError, message
from airflow_shadow.links import EndpointLink, MetricsLink, ReportLink
from airflow_shadow.operators.base import ShadowOperator, template_fields
from airflow_shadow.operators.branch import ShadowVerdictBranchOperator
from airflow_shadow.operators.choices import Choices, OnKillAction, VerdictOutcome
from airflow_shadow.operators.conclude import (
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)
from airflow_shadow.operators.create import CreateInferenceExperimentOperator
from airflow_shadow.operators.update import UpdateInferenceExperimentOperator

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


class RolloutPlanOperator(ShadowOperator):
    """Read the specification before anything is created, and say what can be expected of the plan.

    Production's metrics of the last days tell how likely a candidate as good as production passes
    (DescribeEndpoint, GetMetricData); the forecast goes to the log and to the XCom `forecast`.
    Without metrics, or the permission to read them, there is none, and the rollout goes on.

    It is a setup beside the creation, so that the teardown runs even where the creation fails
    (DescribeInferenceExperiment is the teardown's).

    :param spec: as for the analyses (templated)
    :param metrics: as for the analyses
    :param told: what is planned, a line each
    :param endpoint_name: endpoint whose production is looked at; no forecast unless given
        (templated)
    :param ramp: sampling percentages, one a stage
    :param stage_duration: how long each stage is watched (duration)
    :param max_stage_duration: how long the last stage is watched at most; three times as long
        unless given (duration)
    :param refuses: fail where the guards alone rule out a PASS; else that is a warning, for a
        person may promote all the same
    :raises AirflowFailException: the specification has faults, all of them are named; or the last
        stage could not PASS whatever is measured
    """

    api_operation = "DescribeInferenceExperiment"
    deadline_row = "analysis"
    template_fields: Sequence[str] = template_fields("endpoint_name", "spec")
    file_fields = ("spec",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"spec": "json"}
    operator_extra_links = ()

    def __init__(
        self,
        *,
        spec: Any = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
        told: str = "",
        endpoint_name: str | None = None,
        ramp: Sequence[int] = (100,),
        stage_duration: timedelta | float | str = "2h",
        max_stage_duration: timedelta | float | str | None = None,
        refuses: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.has_spec = spec is not None
        self.metrics = metrics
        self.told = told
        self.endpoint_name = endpoint_name
        self.ramp = ramp
        self.stage_duration: Any = stage_duration
        self.max_stage_duration: Any = max_stage_duration
        self.refuses = refuses

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.plan import PlanSteps

        return PlanSteps(self, context)


class RolloutRampOperator(UpdateInferenceExperimentOperator):
    """Raise the sampling for the next stage (UpdateInferenceExperiment).

    :param verdict: of the stage before; after a FAIL the task is skipped (templated)
    :raises AirflowSkipException: the stage before failed, or the experiment is over
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    template_fields: Sequence[str] = (
        *UpdateInferenceExperimentOperator.template_fields,
        "verdict",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **UpdateInferenceExperimentOperator.template_fields_renderers,
        "verdict": "json",
    }

    def __init__(self, *, verdict: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.verdict = verdict

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.rollout import RampSteps

        return RampSteps(self, context)


class RolloutBranchOperator(ShadowVerdictBranchOperator):
    """Follow the verdict of the last stage that was judged, and tell it to who concludes.

    XComs: the ids `followed`, `name` and `creation_time` of the experiment, `reason`, `evidence` in
    Markdown, and the critical `alarms` of the specification.

    :param stages: ids of the tasks that judge, in their order
    :param join: id of the task to follow in a dry run
    :param rehearses: say in the log which task would be followed, and follow `join`
    :param question: id of the task that asks a person, if there is one
    :raises AirflowFailException: there is no verdict
    """

    def __init__(
        self,
        *,
        stages: Sequence[str],
        join: str,
        rehearses: bool = False,
        question: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(verdict={}, **kwargs)
        self.stages = stages
        self.join = join
        self.rehearses = rehearses
        self.question = question

    def choose_branch(self, context: Context) -> list[str] | None:
        """Return the ids to follow."""
        from airflow_shadow.steps.rollout import is_over, told

        self.verdict = self._final(context)
        ways = super().choose_branch(context)
        if is_over(self.verdict):
            # Nothing could be promoted any more, so nobody need be asked.
            ways = self._found("on_fail", self.on_fail)
        promotes = self.promote_on == "operational" or not self.verdict["operational_only"]
        for key, value in told(self.verdict, promotes=promotes).items():
            context["ti"].xcom_push(key=key, value=value)
        if self.rehearses:
            self.log.info("Dry run: without it, %s would be next.", ", ".join(ways or ["nothing"]))
            ways = [self.join]
        _tell(context, ways)
        if self.rehearses or self.question is None:
            return ways
        # It runs in any case and skips itself: what it said before a clear would count otherwise.
        return [*(ways or []), *self._found("question", self.question)]

    def _final(self, context: Context) -> Mapping[str, Any]:
        from airflow_shadow.steps.rollout import final_verdict

        try:
            return final_verdict(context, self.stages)
        except ShadowError as error:
            raise AirflowFailException(str(error)) from error


def _tell(context: Context, followed: Any) -> None:
    """Leave the ids that a branch follows for those who ask whether they were chosen."""
    from airflow_shadow.steps.rollout import FOLLOWED

    context["ti"].xcom_push(key=FOLLOWED, value=followed)


def _skip_unchosen(operator: Any, context: Context) -> None:
    from airflow_shadow.steps.rollout import skip_unchosen

    skip_unchosen(operator, context)


class _ChosenOperator(ShadowOperator):
    """Do what the operator does if that was decided.

    :param decision: id of the task that decides
    :param question: id of the task that asks a person
    """

    def __init__(self, *, decision: str, question: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decision = decision
        self.question = question

    def execute(self, context: Context) -> Any:
        """Act, or skip."""
        _skip_unchosen(self, context)
        return super().execute(context)


class RolloutPromoteOperator(  # type: ignore[override]
    _ChosenOperator, PromoteShadowVariantOperator
):
    """Promote the candidate if that was decided (StopInferenceExperiment).

    :param decision: id of the task that decides
    :param question: id of the task that asks a person
    :raises AirflowSkipException: something else was decided, or nothing is to be promoted
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.clean_up import RolloutPromoteSteps

        return RolloutPromoteSteps(self, context)


class RolloutRemoveOperator(  # type: ignore[override]
    _ChosenOperator, RemoveShadowVariantOperator
):
    """Remove the candidate if that was decided (StopInferenceExperiment).

    :param decision: id of the task that decides
    :param question: id of the task that asks a person
    :raises AirflowSkipException: something else was decided
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """


class RolloutCleanUpOperator(RemoveShadowVariantOperator):
    """Remove what a rollout left (StopInferenceExperiment), and fail if nobody had concluded it.

    Airflow counts the teardown of a run that was marked failed, so that one would be a success. No
    retry helps: it finds nothing left, and what it removed before.

    :param promotion: id of the task that promotes; where it skips, as if a newer candidate serves,
        the removal is the conclusion
    :param rehearses: the removal is the planned end, as in a dry run
    :raises AirflowFailException: it has removed what nobody concluded; or another try would end the
        same
    :raises AirflowException: where a retry may help
    """

    def __init__(self, *, promotion: str, rehearses: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.promotion = promotion
        self.rehearses = rehearses

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.clean_up import CleanUpSteps

        return CleanUpSteps(self, context)


class RolloutCreateOperator(CreateInferenceExperimentOperator):
    """Create the experiment of a rollout (CreateInferenceExperiment).

    A class of its own for its default of `on_kill_action`, which `default_args` replace.

    :raises AirflowSkipException: nothing is to be created, and why
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    def __init__(self, *, on_kill_action: OnKillAction = "stop", **kwargs: Any) -> None:
        super().__init__(on_kill_action=on_kill_action, **kwargs)


class RolloutResultOperator(ShadowOperator):
    """End a rollout: return its verdict, and write the report of all its stages.

    Returns the verdict of the last stage that was judged, with `promoted`. The log has its table,
    and how the rollout ended in one sentence.

    :param stages: ids of the tasks that judge, in their order
    :param promotion: id of the task that promotes
    :param needs_outputs: nothing promotes but a verdict that has compared the answers themselves;
        the reason of another PASS says so, and what to give
    :param metrics: as for the analyses
    :param fail_on: outcomes that fail the task
    :param report: where to write an HTML report, such as `"{{ ds }}.html"`: a path below
        `[airflow_shadow] reports_folder`, or a local path or URL like `s3://bucket/{{ ds }}.html`,
        whose place is written out before any template (templated)
    :raises AirflowFailException: the outcome is one of `fail_on`
    :raises AirflowException: the report could not be written; the verdict is unharmed
    """

    api_operation = "DescribeInferenceExperiment"
    deadline_row = "analysis"
    choices: ClassVar[Choices] = {"fail_on": get_args(VerdictOutcome)}
    template_fields: Sequence[str] = template_fields("report")
    operator_extra_links = (EndpointLink(), MetricsLink(), ReportLink())

    def __init__(
        self,
        *,
        stages: Sequence[str],
        promotion: str,
        needs_outputs: bool = False,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
        fail_on: Collection[str] = (),
        report: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stages = stages
        self.promotion = promotion
        self.needs_outputs = needs_outputs
        self.metrics = metrics
        self.fail_on = fail_on
        self.report = report
        self.check_literals()

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.rollout import ResultSteps

        return ResultSteps(self, context)


def approval_operator() -> type[Any]:
    """Return a kind of Airflow's branch on a person's answer, which not every Airflow has.

    :raises ValueError: this one has none
    """
    try:
        from airflow.providers.standard.operators.hitl import (
            HITLBranchOperator,
        )
    # The provider refuses with Airflow's own exception.
    except (ImportError, AirflowException) as error:
        raise ValueError(
            message(
                asked="shadow_rollout with an approval",
                found="an Airflow before 3.1, which cannot ask a person",
                next_step="require_approved_model_package=True waits for the approval in "
                "SageMaker's model registry, on every Airflow.",
            )
        ) from error

    class RolloutApprovalOperator(HITLBranchOperator):
        """Ask a person, if that was decided."""

        def __init__(self, *, decision: str, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.decision = decision
            self.question = None

        def execute(self, context: Context) -> Any:
            _skip_unchosen(self, context)
            return super().execute(context)

        def do_branch(self, context: Context, branches_to_execute: Any) -> Any:
            _tell(context, branches_to_execute)
            return super().do_branch(context, branches_to_execute)

    return RolloutApprovalOperator
