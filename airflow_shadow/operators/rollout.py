"""The operators that only a rollout needs; `shadow_rollout` makes them, Dags do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_shadow._compat import AirflowException, Context
from airflow_shadow.exceptions import message
from airflow_shadow.links import EndpointLink, MetricsLink, ReportLink
from airflow_shadow.operators.answers import CompareAnswersOperator
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
    """Check the specification before anything is created, and forecast the verdict.

    Production's metrics of the last days say how likely a candidate as good as production passes
    (DescribeEndpoint, GetMetricData); the forecast goes to the log and to the XCom `forecast`.
    Without metrics, or the permission to read them, there is none, and the rollout goes on.

    It is a setup beside the creation, so that the teardown runs even if the creation fails.

    :param spec: as for the analyses (templated)
    :param metrics: as for the analyses
    :param summary: what is planned, for the log
    :param endpoint_name: whose production is forecast; no forecast unless given (templated)
    :param ramp: sampling percentages, one a stage
    :param stage_duration: how long each stage is watched (duration)
    :param max_stage_duration: how long the last stage is watched at most (duration)
    :param captures: whether the experiment is to capture what both variants answer, without which
        a specification's `answers` is an error
    :param capture: where to, if it is one address (templated)
    :param results: where the comparisons keep sums
    :param buckets: further buckets that they may read
    :param engine: where the comparisons read the captured files
    :param refuses: fail if no measurement could lead to a PASS; a warning otherwise, because a
        person may promote all the same
    """

    api_operation = "DescribeInferenceExperiment"
    deadline_row = "analysis"
    template_fields: Sequence[str] = template_fields("endpoint_name", "spec", "capture")
    file_fields = ("spec",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"spec": "json"}
    operator_extra_links = ()

    def __init__(
        self,
        *,
        spec: Any = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
        summary: str = "",
        endpoint_name: str | None = None,
        ramp: Sequence[int] = (100,),
        stage_duration: timedelta | float | str = "2h",
        max_stage_duration: timedelta | float | str = "6h",
        captures: bool = False,
        capture: str | None = None,
        results: str | None = None,
        buckets: Sequence[str] = (),
        engine: str = "worker",
        refuses: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.has_spec = spec is not None
        self.metrics = metrics
        self.summary = summary
        self.endpoint_name = endpoint_name
        self.ramp = ramp
        self.stage_duration: Any = stage_duration
        self.max_stage_duration: Any = max_stage_duration
        self.captures = captures
        self.capture = capture
        self.results = results
        self.buckets = buckets
        self.engine = engine
        self.refuses = refuses

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.plan import PlanSteps

        return PlanSteps(self, context)


class RolloutRampOperator(UpdateInferenceExperimentOperator):
    """Raise the sampling for the next stage (UpdateInferenceExperiment).

    :param verdict: of the stage before; after a FAIL the task is skipped (templated)
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


class RolloutCompareOperator(CompareAnswersOperator):
    """Compare the answers of one stage, and join that to the verdict of its analysis.

    A specification without `answers`, as from a template, leaves the verdict as it is.

    :param before: ids of the tasks that judge the earlier stages, in their order
    """

    def __init__(self, *, before: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.before = before

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.stage_answers import StageAnswersSteps

        return StageAnswersSteps(self, context)


class RolloutBranchOperator(ShadowVerdictBranchOperator):
    """Follow the verdict of the last stage that was judged.

    XComs for the tasks that conclude: the ids `followed`, `name` and `creation_time` of the
    experiment, `reason`, `evidence` in Markdown, and the critical `alarms` of the specification.

    :param stages: ids of the tasks that judge, in their order
    :param join: id of the task to follow in a dry run
    :param is_dry_run: say in the log which task would be followed, and follow `join`
    :param question: id of the task that asks a person, if there is one
    """

    def __init__(
        self,
        *,
        stages: Sequence[str],
        join: str,
        is_dry_run: bool = False,
        question: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(verdict={}, **kwargs)
        self.stages = stages
        self.join = join
        self.is_dry_run = is_dry_run
        self.question = question

    def _choose(self, context: Context) -> list[str] | None:
        from airflow_shadow.steps.rollout import conclusion_xcoms, final_verdict, is_over

        self.verdict = final_verdict(context, self.stages)
        ways = super()._choose(context)
        if is_over(self.verdict):
            # Nothing can be promoted any more, so nobody needs to be asked.
            ways = self._found("on_fail", self.on_fail)
        promotes = self.promote_on == "operational" or not self.verdict["operational_only"]
        for key, value in conclusion_xcoms(self.verdict, promotes=promotes).items():
            context["ti"].xcom_push(key=key, value=value)
        if self.is_dry_run:
            self.log.info("Dry run: without it, %s would be next.", ", ".join(ways or ["nothing"]))
            ways = [self.join]
        _tell(context, ways)
        if self.is_dry_run or self.question is None:
            return ways
        # It always runs and skips itself: otherwise its answer from before a clear would count.
        return [*(ways or []), *self._found("question", self.question)]


def _tell(context: Context, followed: Any) -> None:
    """Push the ids that a branch follows: the tasks behind it check whether they were chosen."""
    from airflow_shadow.steps.rollout import FOLLOWED

    context["ti"].xcom_push(key=FOLLOWED, value=followed)


def _skip_unchosen(operator: Any, context: Context) -> None:
    from airflow_shadow.steps.rollout import skip_unchosen

    skip_unchosen(operator, context)


class _ChosenOperator(ShadowOperator):
    """Skip the task unless it was chosen.

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
    """Promote the candidate if that was decided (StopInferenceExperiment)."""

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.clean_up import RolloutPromoteSteps

        return RolloutPromoteSteps(self, context)


class RolloutRemoveOperator(  # type: ignore[override]
    _ChosenOperator, RemoveShadowVariantOperator
):
    """Remove the candidate if that was decided (StopInferenceExperiment)."""


class RolloutCleanUpOperator(RemoveShadowVariantOperator):
    """Remove what a rollout left (StopInferenceExperiment), and fail if nobody had concluded it.

    Without the failure a run that was marked failed would become a success, because Airflow counts
    its teardown. A retry fails too: the experiment's Reason shows that this task removed it.

    :param promotion: id of the task that promotes; if it skips, as where a newer candidate serves,
        the removal is the planned end
    :param is_dry_run: the removal is the planned end
    """

    def __init__(self, *, promotion: str, is_dry_run: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.promotion = promotion
        self.is_dry_run = is_dry_run

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.clean_up import CleanUpSteps

        return CleanUpSteps(self, context)


class RolloutCreateOperator(CreateInferenceExperimentOperator):
    """Create the experiment of a rollout (CreateInferenceExperiment).

    A class of its own, so that its default of `on_kill_action` gives way to `default_args`.
    """

    def __init__(self, *, on_kill_action: OnKillAction = "stop", **kwargs: Any) -> None:
        super().__init__(on_kill_action=on_kill_action, **kwargs)


class RolloutResultOperator(ShadowOperator):
    """End a rollout: return its verdict, and write the report of all its stages.

    Returns the verdict of the last stage that was judged, with `promoted`. The log has its table,
    and how the rollout ended in one sentence.

    :param stages: ids of the tasks that judge, in their order
    :param promotion: id of the task that promotes
    :param needs_answers: only a verdict that compares the answers promotes; the reason of another
        PASS says so, and what to give
    :param metrics: as for the analyses
    :param fail_on: outcomes that fail the task
    :param report: as for the analyses (templated)
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
        needs_answers: bool = False,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
        fail_on: Collection[str] = (),
        report: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stages = stages
        self.promotion = promotion
        self.needs_answers = needs_answers
        self.metrics = metrics
        self.fail_on = fail_on
        self.report = report
        self.check_literals()

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.rollout import ResultSteps

        return ResultSteps(self, context)


def approval_operator() -> type[Any]:
    """Return an operator that asks a person, a kind of Airflow's own.

    :raises ValueError: this Airflow has none
    """
    try:
        from airflow.providers.standard.operators.hitl import HITLBranchOperator
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
