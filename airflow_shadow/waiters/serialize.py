"""All conditions, as values that travel between worker and triggerer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, get_args

from airflow_shadow.analysis import AnalysisSpec
from airflow_shadow.waiters.analysis import Judged
from airflow_shadow.waiters.approval import PromotionCleared
from airflow_shadow.waiters.captures import CapturesDue
from airflow_shadow.waiters.conditions import (
    EndpointFree,
    ExperimentGone,
    ReachStatus,
    UpdateApplied,
)
from airflow_shadow.waiters.processing import ProcessingJobDone
from airflow_shadow.waiters.promotion import EndpointSettled, ShadowPromoted

AnyCondition = (
    ReachStatus
    | UpdateApplied
    | EndpointFree
    | EndpointSettled
    | ShadowPromoted
    | ExperimentGone
    | Judged
    | PromotionCleared
    | CapturesDue
    | ProcessingJobDone
)


def condition_to_dict(condition: AnyCondition) -> dict[str, Any]:
    """Return JSON-able values, for a trigger."""
    fields = dataclasses.asdict(condition)
    if isinstance(condition, Judged) and isinstance(condition.spec, AnalysisSpec):
        fields["spec"] = condition.spec.to_dict()
    return {"kind": condition.kind, **fields}


def condition_from_dict(data: Mapping[str, Any]) -> AnyCondition:
    """Return the condition that :func:`condition_to_dict` described."""
    fields = dict(data)
    kind = fields.pop("kind")
    for name in {"alarms", "targets", "tolerates"} & fields.keys():
        fields[name] = tuple(fields[name])  # JSON has no tuples
    found: AnyCondition = next(c for c in get_args(AnyCondition) if c.kind == kind)(**fields)
    return found
