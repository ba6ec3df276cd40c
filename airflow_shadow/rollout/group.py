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
from airflow_shadow.rollout.plan import Plan
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
    promote_on: PromoteOn = "outputs",
    approval: Approval = "none",
    approval_timeout: timedelta | float | str = timedelta(days=1),
    require_approved_model_package: bool | str = False,
    dry_run: bool = False,
    fail_on: Collection[Literal["PASS", "FAIL", "INCONCLUSIVE"]] = (),
    report: str | None = None,
    create: Mapping[str, Any] | None = None,
    promote: Mapping[str, Any] | None = None,
    **shared: Any,
) -> TaskGroup:
    """Test a candidate on more and more live traffic, and promote it on evidence or remove it.

    Each stage is judged on its own data. The first FAIL ends the ramp, and only the last stage, at
    100 %, can promote. The creation is a setup and its teardown removes what was not concluded, so
    however the run ends, no shadow is left, except as the table of endings in docs/rollout.md says;
    it draws the graph, too.

    The three arguments without a default test and judge; without `promote_on="operational"` or an
    `approval` nothing is promoted, which the logs of `plan` and `result` say.

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
    :param metrics: metrics that are not SageMaker's own, likewise
    :param interval: time between two looks, likewise (duration)
    :param promote_on: `"outputs"` promotes only if the answers themselves were compared, which no
        task of this package does yet, so that only an `approval` leads to a promotion, and without
        one the shadow is removed; `"operational"` promotes on latency and errors alone
    :param approval: ask a person before a promotion: never, if the verdict is INCONCLUSIVE, or on
        PASS and INCONCLUSIVE; needs Airflow 3.1
    :param approval_timeout: how long to wait for the approval of a person, then the candidate is
        removed; or of the model registry, then the promotion is skipped (duration)
    :param require_approved_model_package: promote only what the model registry shows as approved,
        as for :class:`~airflow_shadow.operators.PromoteShadowVariantOperator` (templated)
    :param dry_run: do all but the conclusion, and say in the log what it would be
    :param fail_on: outcomes that fail the task `result`, such as `("FAIL",)`
    :param report: where to write an HTML report of all stages, as for
        :class:`~airflow_shadow.sensors.ShadowAnalysisSensor` (templated)
    :param create: further arguments of the creation, such as `tags` or `{"pool": ...}`; its
        `on_kill_action` is `"stop"` unless given
    :param promote: further arguments of the promotion; `alarms` replaces the critical alarms of the
        specification, which are waited for otherwise
    :param shared: arguments of all tasks that know them, such as `aws_conn_id`, `region_name`,
        `deferrable`, `retries`, `allow_older` or `on_backfill`; with an approval also
        `assigned_users` and `notifiers` of Airflow's `HITLBranchOperator`
    :raises ValueError: naming all that is wrong, as far as it is known when the Dag is read: stages
        that are too short to PASS, or `promote` and `require_approved_model_package` where nothing
        could promote, too
    :raises InvalidRequestError: the specification or a duration cannot be read
    """
    patience = parse_duration(approval_timeout, argument="approval_timeout")
    if interval is not None:
        parse_duration(interval, argument="interval")
    approvals = (approval != "none") + bool(require_approved_model_package)
    rollout = RolloutTasks(
        plan=Plan(
            ramp=tuple(ramp) if isinstance(ramp, Sequence) else (ramp,),
            stage=parse_duration(stage_duration, argument="stage_duration"),
            max_stage=(
                None
                if max_stage_duration is None
                else parse_duration(max_stage_duration, argument="max_stage_duration")
            ),
            approval=approvals * patience,
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
    # A shadow that is left behind must not go unnoticed.
    # Were a plain creation the only setup, one that fails would leave its shadow behind.
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
