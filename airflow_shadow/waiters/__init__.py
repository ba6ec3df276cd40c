"""The waiting logic, without I/O: an engine that asks and gives up, and goals that judge."""

from airflow_shadow.waiters.analysis import (
    FILLING_SECONDS,
    MARGIN_SECONDS,
    Judged,
    concluded_at,
    inconclusive,
    planned_window,
)
from airflow_shadow.waiters.approval import PromotionCleared
from airflow_shadow.waiters.conditions import (
    ANY_ENDING,
    LAG_SECONDS,
    EndpointFree,
    ExperimentGone,
    ReachStatus,
    UpdateApplied,
    ended_badly,
    in_service,
    is_idle,
)
from airflow_shadow.waiters.engine import (
    KILLED,
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
from airflow_shadow.waiters.looks import Looks
from airflow_shadow.waiters.promotion import EndpointSettled, ShadowPromoted
from airflow_shadow.waiters.serialize import AnyGoal, goal_from_dict, goal_to_dict

__all__ = [
    "ANY_ENDING",
    "FILLING_SECONDS",
    "KILLED",
    "LAG_SECONDS",
    "MARGIN_SECONDS",
    "AnyGoal",
    "EndpointFree",
    "EndpointSettled",
    "ExperimentGone",
    "Judged",
    "Look",
    "Looks",
    "Outcome",
    "Pause",
    "Policy",
    "Progress",
    "PromotionCleared",
    "ReachStatus",
    "Reply",
    "Say",
    "ShadowPromoted",
    "UpdateApplied",
    "View",
    "backoff",
    "concluded_at",
    "ended_badly",
    "goal_from_dict",
    "goal_to_dict",
    "in_service",
    "inconclusive",
    "is_idle",
    "planned_window",
    "wait",
]
