"""The tasks of a rollout, each with the XComs that it reads from the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow_shadow.decision import TO_PROMOTE, PromoteOn
from airflow_shadow.operators.rollout import (
    RolloutBranchOperator,
    RolloutCleanUpOperator,
    RolloutCompareOperator,
    RolloutCreateOperator,
    RolloutPlanOperator,
    RolloutPromoteOperator,
    RolloutRampOperator,
    RolloutRemoveOperator,
    RolloutResultOperator,
    approval_operator,
)
from airflow_shadow.rollout.plan import Plan, text_of
from airflow_shadow.sensors.rollout import RolloutAnalysisSensor

if TYPE_CHECKING:
    from airflow_shadow.analysis import AnalysisSpec

Approval = Literal["none", "inconclusive", "always"]

#: Run if nothing upstream failed and at least one task succeeded.
_ANY_WAY = "none_failed_min_one_success"


@dataclass(frozen=True, kw_only=True)
class RolloutTasks:
    """Makes the tasks of :func:`shadow_rollout` from its arguments."""

    plan: Plan
    spec: AnalysisSpec | Mapping[str, Any] | str | None
    metrics: Mapping[str, Mapping[str, Any]] | None
    interval: timedelta | float | str | None
    promote_on: PromoteOn
    approval: Approval
    approval_timeout: timedelta
    require_approved_model_package: bool | str
    dry_run: bool
    fail_on: Collection[str]
    report: str | None
    create: Mapping[str, Any]
    promote: Mapping[str, Any]
    shared: Mapping[str, Any]
    capture: str | None = None
    capture_kms_key: str | None = None
    compare: Mapping[str, Any] = field(default_factory=dict)
    captures: bool = False
    compares: bool = False

    @property
    def is_unattended(self) -> bool:
        """Tell whether the verdict alone decides."""
        return self.approval == "none" and not self.dry_run

    @property
    def needs_answers(self) -> bool:
        """Tell whether only a verdict that compares the answers themselves promotes."""
        return self.is_unattended and self.promote_on != "operational"

    def planned(self, endpoint_name: str) -> Any:
        """Return the task that checks the plan before anything is created."""
        summary = [self.plan.sentence]
        if self.needs_answers and not self.compares:
            summary.append(f"Latency and errors alone promote nothing here: {TO_PROMOTE}.")
        return RolloutPlanOperator(
            task_id="plan",
            spec=self.spec,
            metrics=self.metrics,
            summary="\n".join(summary),
            endpoint_name=endpoint_name,
            ramp=list(self.plan.ramp),
            stage_duration=text_of(self.plan.stage),
            max_stage_duration=text_of(self.plan.longest),
            captures=self.captures,
            capture=self.capture,
            results=self.compare.get("results"),
            buckets=self.compare.get("buckets", ()),
            engine=self.compare.get("engine", "worker"),
            refuses=self.is_unattended,
        )

    def created(self, **asked: Any) -> Any:
        """Return the task that creates the experiment, for as long as the first looks need."""
        return RolloutCreateOperator(
            task_id="create",
            sampling_percentage=self.plan.ramp[0],
            duration=text_of(self.plan.total),
            wait_for_completion=True,
            capture=self.capture,
            capture_kms_key=self.capture_kms_key,
            **{**asked, **self.create},
        )

    def stages(self, create: Any) -> Iterator[Any]:
        """Yield the tasks that judge, stage by stage."""
        judge = self._judge(0, create)
        before = [judge.task_id]
        yield judge
        for index, share in enumerate(self.plan.ramp[1:], start=1):
            ramp = RolloutRampOperator(
                task_id=f"ramp_{share}",
                name=_current(create),
                verdict=judge.output,
                sampling_percentage=share,
                wait_for_completion=True,
            )
            judge = self._judge(
                index,
                ramp,
                created=_current(create),
                sampling_percentage=share,
                before=list(before),
            )
            before.append(judge.task_id)
            yield judge

    def _judge(self, index: int, upstream: Any, **more: Any) -> Any:
        """Return the task whose verdict is the stage's: its analysis, or what compares after it."""
        analysis = self._analysis(index, upstream, **more)
        if not self.compares:
            return analysis
        return RolloutCompareOperator(
            task_id=f"compare_{self.plan.ramp[index]}",
            verdict=analysis.output,
            spec=self.spec,
            metrics=self.metrics,
            before=more.get("before", []),
            **self.compare,
        )

    def _analysis(self, index: int, upstream: Any, **more: Any) -> Any:
        is_last = index == len(self.plan.ramp) - 1
        return RolloutAnalysisSensor(
            task_id=f"analyse_{self.plan.ramp[index]}",
            name=upstream.output,
            since=upstream.output["since"],
            spec=self.spec,
            metrics=self.metrics,
            interval=self.interval,
            duration=text_of(self.plan.stage),
            max_duration=text_of(self.plan.longest) if is_last else None,
            min_remaining=self.plan.after(index).total_seconds(),
            stage=index + 1,
            stages=len(self.plan.ramp),
            **more,
        )

    def decided(self, stages: Sequence[Any], join: str) -> Any:
        """Return the branch on the last verdict."""
        asks = {"none": "remove", "inconclusive": "approve", "always": "approve"}
        decide = RolloutBranchOperator(
            task_id="decide",
            stages=[stage.task_id for stage in stages],
            join=join,
            is_dry_run=self.dry_run,
            on_pass="approve" if self.approval == "always" else "promote",
            on_fail="remove",
            on_inconclusive=asks[self.approval],
            promote_on=self.promote_on,
            question="approve" if self.approval != "none" else None,
            trigger_rule=_ANY_WAY,
        )
        for stage in stages:
            stage >> decide
        return decide

    def approved(self, decide: Any, promote: Any, remove: Any) -> Any:
        """Return the question to a person; without an answer the candidate is removed."""
        return approval_operator()(
            task_id="approve",
            decision=decide.task_id,
            subject="Promote the candidate of {{ dag.dag_id }}, run {{ run_id }}?",
            body=decide.output["evidence"],
            options=["Promote", "Remove"],
            options_mapping={"Promote": promote.task_id, "Remove": remove.task_id},
            defaults="Remove",
            response_timeout=self.approval_timeout,
        )

    def promotion(self, decide: Any) -> Any:
        """Return the promotion of the very experiment that was judged."""
        return RolloutPromoteOperator(
            task_id="promote",
            **_chosen_by(decide),
            name=decide.output["name"],
            creation_time=decide.output["creation_time"],
            reason=decide.output["reason"],
            require_approved_model_package=self.require_approved_model_package,
            approval_timeout=self.approval_timeout.total_seconds(),
            wait_for_completion=True,
            trigger_rule=_ANY_WAY,
            **{"alarms": decide.output["alarms"], **self.promote},
        )

    def removal(self, decide: Any) -> Any:
        """Return the removal of the candidate."""
        return RolloutRemoveOperator(
            task_id="remove",
            **_chosen_by(decide),
            name=decide.output["name"],
            reason=decide.output["reason"],
            wait_for_completion=True,
            trigger_rule=_ANY_WAY,
        )

    def cleaned(self, create: Any, promotion: str) -> Any:
        """Return the teardown, which removes what nobody has concluded."""
        return RolloutCleanUpOperator(
            task_id="clean_up",
            promotion=promotion,
            is_dry_run=self.dry_run,
            name=_begun(create),
            missing_ok=True,
            wait_for_completion=True,
        )

    def result(self, stages: Sequence[Any], promotion: str) -> Any:
        """Return the group's only end."""
        return RolloutResultOperator(
            task_id="result",
            stages=[stage.task_id for stage in stages],
            promotion=promotion,
            needs_answers=self.needs_answers,
            metrics=self.metrics,
            fail_on=self.fail_on,
            report=self.report,
            trigger_rule=_ANY_WAY,
        )


def _current(create: Any) -> str:
    """Return a template for the name of the run's experiment; an `output` would draw an edge."""
    return f"{{{{ ti.xcom_pull(task_ids={create.task_id!r}, map_indexes=ti.map_index) }}}}"


def _begun(create: Any) -> str:
    """Return a template for the name of the experiment, which also works if `create` failed."""
    pull = f"ti.xcom_pull(task_ids={create.task_id!r}, map_indexes=ti.map_index"
    return f"{{{{ {pull}) or ({pull}, key='shadow_test') or {{}}).get('name') }}}}"


def _chosen_by(decide: Any) -> dict[str, str]:
    """Return the tasks that say whether a conclusion was chosen."""
    return {"decision": decide.task_id, "question": decide.task_group.child_id("approve")}
