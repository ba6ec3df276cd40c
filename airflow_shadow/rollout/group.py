"""The task group from a creation to its conclusion; docs/rollout.md draws it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from inspect import getfullargspec
from typing import TYPE_CHECKING, Any, Literal

from airflow_shadow._compat import Label, TaskGroup
from airflow_shadow.decision import PromoteOn
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.rollout.checks import raise_faults
from airflow_shadow.rollout.comparison import comparison_time, is_captured, is_compared
from airflow_shadow.rollout.plan import Plan, is_templated, known_duration
from airflow_shadow.rollout.tasks import Approval, RolloutTasks

if TYPE_CHECKING:
    from airflow_shadow.analysis import AnalysisSpec


def shadow_rollout(
    group_id: str = "shadow_rollout",
    *,
    role_arn: str,
    endpoint_name: str,
    shadow_model_name: str,
    ramp: Sequence[int] | int = (10, 50, 100),
    stage_duration: timedelta | float | str = "2h",
    max_stage_duration: timedelta | float | str | None = None,
    spec: AnalysisSpec | Mapping[str, Any] | str | None = None,
    metrics: Mapping[str, Mapping[str, Any]] | None = None,
    interval: timedelta | float | str | None = None,
    promote_on: PromoteOn = "answers",
    approval: Approval = "none",
    approval_timeout: timedelta | float | str = timedelta(days=1),
    require_approved_model_package: bool | str = False,
    dry_run: bool = False,
    fail_on: Collection[Literal["PASS", "FAIL", "INCONCLUSIVE"]] = (),
    report: str | None = None,
    capture: str | None = None,
    capture_kms_key: str | None = None,
    create: Mapping[str, Any] | None = None,
    promote: Mapping[str, Any] | None = None,
    compare: Mapping[str, Any] | None = None,
    **shared: Any,
) -> TaskGroup:
    """Test a candidate on more and more live traffic, and promote it on evidence or remove it.

    Each stage is judged on its own data, and with a `capture` on what both variants answered, as
    the `answers` of `spec` say. The first FAIL ends the ramp, and only the last stage, at 100 %,
    can promote. A teardown removes what nobody has concluded: docs/rollout.md draws the
    graph, and its table of endings has the few cases in which a shadow stays.

    The three arguments without a default are enough to test and judge. Without answers,
    `promote_on="operational"` or an `approval` nothing is promoted, as the logs of `plan` and
    `result` say.

    The task `result` is the group's only end, so `shadow_rollout(...) >> notify` works. It returns
    the verdict of the last stage that was judged, with `promoted`.

    :param group_id: id of the group, which prefixes its tasks' ids
    :param role_arn: role that SageMaker assumes to manage the endpoint (templated)
    :param endpoint_name: endpoint whose traffic is copied (templated)
    :param shadow_model_name: the candidate's model (templated)
    :param ramp: sampling percentages, rising, the last one 100, or just 100
    :param stage_duration: how long each stage is watched, and the last one up to its first planned
        look (duration)
    :param max_stage_duration: how long the last stage is watched at most, if its planned looks
        decide nothing; three times as long unless given, or less if that would not fit into 30 days
        (duration)
    :param spec: what is judged, as for :class:`~airflow_shadow.sensors.ShadowAnalysisSensor`
        (templated)
    :param metrics: metrics that are not SageMaker's own, as for the sensor
    :param interval: time between two looks, as for the sensor (duration, templated)
    :param promote_on: `"answers"` promotes only if the answers themselves were compared: give a
        `capture` and a `spec` with `answers`, or let a person decide (`approval`);
        `"operational"` promotes on latency and errors alone
    :param approval: whether to ask a person before a promotion: `"none"`, `"inconclusive"` (if the
        verdict is INCONCLUSIVE) or `"always"` (on PASS, too); needs Airflow 3.1
    :param approval_timeout: how long to wait for a person's approval, then the candidate is
        removed, and for the model registry's, then the promotion is skipped; a day by default
        (duration)
    :param require_approved_model_package: promote only what the model registry shows as approved,
        as for :class:`~airflow_shadow.operators.PromoteShadowVariantOperator` (templated)
    :param dry_run: conclude nothing, but say in the log what would be done
    :param fail_on: outcomes that fail the task `result`, such as `("FAIL",)`
    :param report: where to write an HTML report of all stages, as for
        :class:`~airflow_shadow.sensors.ShadowAnalysisSensor` (templated)
    :param capture: where to capture what both variants are asked and answer, as
        `s3://bucket/prefix`, as for
        :class:`~airflow_shadow.operators.CreateInferenceExperimentOperator` (templated)
    :param capture_kms_key: the key that encrypts what is captured, as for the creation (templated)
    :param create: further arguments of the creation, such as `tags` or `{"pool": ...}`; its
        `on_kill_action` is `"stop"` unless given
    :param promote: further arguments of the promotion; it waits while a critical alarm of the
        specification fires, or instead one of those that `alarms` names
    :param compare: further arguments of the comparisons of answers, such as `results` or
        `memory_mb`, as for :class:`~airflow_shadow.operators.CompareAnswersOperator`
    :param shared: arguments for all tasks that have them, such as `aws_conn_id`, `region_name`,
        `deferrable`, `retries`, `allow_older` or `on_backfill`; with an approval also
        `assigned_users` and `notifiers` of Airflow's `HITLBranchOperator`
    :raises ValueError: when the Dag is read, naming all that is wrong: unknown arguments, stages
        that are too short to PASS, arguments of a promotion where nothing could promote
    :raises InvalidRequestError: the specification or a duration cannot be read
    """
    patience = known_duration(approval_timeout, argument="approval_timeout")
    longest = max_stage_duration
    if longest is not None:
        longest = known_duration(longest, argument="max_stage_duration")
    if interval is not None and not is_templated(interval):
        parse_duration(interval, argument="interval")
    approvals = (approval != "none") + bool(require_approved_model_package)
    captures = is_captured(capture, {**shared, **(create or {})})
    compares = is_compared(spec, captured=captures)
    rollout = RolloutTasks(
        plan=Plan(
            ramp=tuple(ramp) if isinstance(ramp, Sequence) else (ramp,),
            stage=known_duration(stage_duration, argument="stage_duration"),
            max_stage=longest,
            approval=approvals * patience,
            comparison=comparison_time(spec, {**shared, **(compare or {})})
            if compares
            else timedelta(),
        ),
        spec=spec,
        metrics=metrics,
        interval=interval,
        promote_on=promote_on,
        approval=approval,
        approval_timeout=patience,
        require_approved_model_package=require_approved_model_package,
        dry_run=dry_run,
        fail_on=[fail_on] if isinstance(fail_on, str) else list(fail_on),
        report=report,
        create=create or {},
        promote=promote or {},
        shared=shared,
        capture=capture,
        capture_kms_key=capture_kms_key,
        compare=compare or {},
        captures=captures,
        compares=compares,
    )
    raise_faults(rollout, own=set(getfullargspec(shadow_rollout).kwonlyargs))
    tooltip = f"Shadow test at {', '.join(map(str, rollout.plan.ramp))} %, promoted on evidence"
    defaults: Any = shared  # mypy takes the converter's type variable for the argument's type
    with TaskGroup(group_id, default_args=defaults, tooltip=tooltip) as group:
        _build(
            rollout,
            group,
            role_arn=role_arn,
            endpoint_name=endpoint_name,
            shadow_model_name=shadow_model_name,
        )
    return group


def _build(rollout: RolloutTasks, group: Any, **asked: Any) -> None:
    """Make the tasks of the group and their edges."""
    plan, create = rollout.planned(asked["endpoint_name"]), rollout.created(**asked)
    plan >> create
    stages = list(rollout.stages(create))
    decide = rollout.decided(stages, group.child_id("result"))
    promote, remove = rollout.promotion(decide), rollout.removal(decide)
    result = rollout.result(stages, promote.task_id)
    if rollout.approval == "none":
        decide >> Label("PASS") >> promote
        decide >> Label("FAIL, INCONCLUSIVE") >> remove
    else:
        _ask(rollout, decide, promote, remove)
    decide >> result
    [promote, remove] >> result
    # The plan is a setup, too, so that the teardown also runs if the creation fails, and a teardown
    # that fails makes the run fail, so that a shadow that is left behind is noticed.
    teardown = rollout.cleaned(create, promote.task_id).as_teardown(
        setups=[plan, create], on_failure_fail_dagrun=True
    )
    [*stages, promote, remove] >> teardown


def _ask(rollout: RolloutTasks, decide: Any, promote: Any, remove: Any) -> None:
    approve = rollout.approved(decide, promote, remove)
    if rollout.approval == "always":
        decide >> Label("PASS, INCONCLUSIVE") >> approve
    else:
        decide >> Label("INCONCLUSIVE") >> approve
        decide >> Label("PASS") >> promote
    decide >> Label("FAIL") >> remove
    approve >> [promote, remove]
