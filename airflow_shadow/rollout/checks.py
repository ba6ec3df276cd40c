"""What could be wrong with a rollout, told when its Dag is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)
from airflow_shadow.operators.rollout import RolloutResultOperator, approval_operator
from airflow_shadow.rollout.plan import (
    argument_faults,
    choice_faults,
    could_promote,
    known_spec,
    outcome_faults,
)
from airflow_shadow.rollout.tasks import Approval, PromoteOn, Rollout
from airflow_shadow.sensors.rollout import RolloutAnalysisSensor

#: Where somebody may be asked.
ASKING = ("inconclusive", "always")
#: What the tasks get from the rollout itself, whoever else gives it.
_EVERYWHERE = frozenset(
    {"dag", "do_xcom_push", "task_group", "task_id", "trigger_rule", "wait_for_completion"}
)
_CREATES = _EVERYWHERE | {
    "config",
    "duration",
    "end_time",
    "endpoint_name",
    "model_variants",
    "role_arn",
    "sampling_percentage",
    "schedule",
    "shadow_mode_config",
    "shadow_model_name",
    "start_time",
}
_PROMOTES = _EVERYWHERE | {
    "allow_partial_sampling",
    "approval_timeout",
    "creation_time",
    "name",
    "promote_on",
    "reason",
    "require_approved_model_package",
    "verdict",
}
_ANALYSES = frozenset(
    {
        "before",
        "created",
        "fail_on",
        "max_duration",
        "metrics",
        "min_remaining",
        "report",
        "since",
        "spec",
        "stage",
    }
)
#: What the promotion and the question have of their own; only `promote` can give alarms.
_ASKS = frozenset(
    {
        "alarms",
        "body",
        "defaults",
        "multiple",
        "options",
        "options_mapping",
        "promotion",
        "response_timeout",
        "subject",
    }
)
_BRANCHES = frozenset(
    {
        "decision",
        "join",
        "on_fail",
        "on_inconclusive",
        "on_pass",
        "question",
        "rehearses",
        "stages",
        "told",
    }
)


def faults_of(rollout: Rollout) -> Iterator[str]:
    """Yield what is wrong, as far as it is known when the Dag is read."""
    yield from choice_faults(
        promote_on=(rollout.promote_on, PromoteOn), approval=(rollout.approval, Approval)
    )
    yield from outcome_faults(rollout.fail_on)
    yield from rollout.plan.faults()
    if rollout.approval == "none" and not rollout.dry_run:
        yield from could_promote(
            known_spec(rollout.spec), rollout.plan, promote_on=rollout.promote_on
        )
    yield from _argument_faults(rollout)


def _argument_faults(rollout: Rollout) -> Iterator[str]:
    kinds: list[Any] = [CreateInferenceExperimentOperator, PromoteShadowVariantOperator]
    given = {"create": rollout.create, "promote": rollout.promote}
    own = {"create": _CREATES, "promote": _PROMOTES}
    for (what, names), kind in zip(given.items(), kinds, strict=True):
        yield from argument_faults(what, names, classes=[kind], own=own[what])
    kinds += [RolloutAnalysisSensor, RemoveShadowVariantOperator, RolloutResultOperator]
    kinds += [approval_operator()] if rollout.approval in ASKING else []
    reserved = _CREATES | _PROMOTES | _ANALYSES | _BRANCHES | _ASKS
    yield from argument_faults("shadow_rollout", rollout.shared, classes=kinds, own=reserved)
