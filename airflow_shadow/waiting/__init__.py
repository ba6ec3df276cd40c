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
    ended_badly,
    goal_from_dict,
    goal_to_dict,
    is_idle,
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
    "ended_badly",
    "goal_from_dict",
    "goal_to_dict",
    "is_idle",
    "wait",
]
