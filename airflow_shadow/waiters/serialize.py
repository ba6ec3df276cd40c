"""All goals, as values that travel between worker and triggerer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from airflow_shadow.analysis import AnalysisSpec
from airflow_shadow.waiters.analysis import Judged
from airflow_shadow.waiters.approval import PromotionCleared
from airflow_shadow.waiters.conditions import (
    EndpointFree,
    ExperimentGone,
    ReachStatus,
    UpdateApplied,
)
from airflow_shadow.waiters.promotion import EndpointSettled, ShadowPromoted

AnyGoal = (
    ReachStatus
    | UpdateApplied
    | EndpointFree
    | EndpointSettled
    | ShadowPromoted
    | ExperimentGone
    | Judged
    | PromotionCleared
)
_GOALS = (
    ReachStatus,
    UpdateApplied,
    EndpointFree,
    EndpointSettled,
    ShadowPromoted,
    ExperimentGone,
    Judged,
    PromotionCleared,
)


def goal_to_dict(goal: AnyGoal) -> dict[str, Any]:
    """Return JSON-able values, for a trigger."""
    fields = dataclasses.asdict(goal)
    if isinstance(goal, Judged) and isinstance(goal.spec, AnalysisSpec):
        fields["spec"] = goal.spec.to_dict()
    return {"kind": goal.kind, **fields}


def goal_from_dict(data: Mapping[str, Any]) -> AnyGoal:
    """Return the goal that :func:`goal_to_dict` described."""
    fields = dict(data)
    kind = fields.pop("kind")
    goal_class = next(goal for goal in _GOALS if goal.kind == kind)
    for name in {"alarms", "targets", "tolerates"} & fields.keys():
        fields[name] = tuple(fields[name])  # JSON has no tuples
    return goal_class(**fields)
