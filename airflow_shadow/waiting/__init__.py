"""The waiting logic, without I/O: an engine that asks and gives up, and goals that judge."""

from airflow_shadow.waiting.engine import (
    Look,
    Outcome,
    Pause,
    Policy,
    Progress,
    Reply,
    Say,
    View,
    backoff,
    wait,
)
from airflow_shadow.waiting.goals import (
    AnyGoal,
    EndpointFree,
    ExperimentGone,
    ReachStatus,
    ShadowPromoted,
    UpdateApplied,
    goal_from_dict,
    goal_to_dict,
)

__all__ = [
    "AnyGoal",
    "EndpointFree",
    "ExperimentGone",
    "Look",
    "Outcome",
    "Pause",
    "Policy",
    "Progress",
    "ReachStatus",
    "Reply",
    "Say",
    "ShadowPromoted",
    "UpdateApplied",
    "View",
    "backoff",
    "goal_from_dict",
    "goal_to_dict",
    "wait",
]
