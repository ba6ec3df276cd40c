"""The waiting logic, without I/O: an engine that polls and gives up, and conditions that judge."""

from airflow_shadow.waiters.analysis import (
    FILLING_SECONDS,
    MARGIN_SECONDS,
    Judged,
    concluded_at,
    inconclusive,
    planned_window,
)
from airflow_shadow.waiters.approval import PromotionCleared
from airflow_shadow.waiters.captures import CapturesDue
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
    Description,
    LogLine,
    Policy,
    Poll,
    Reply,
    Sleep,
    WaitResult,
    WaitState,
    backoff,
    wait,
)
from airflow_shadow.waiters.look_schedule import LookSchedule
from airflow_shadow.waiters.processing import BROKEN_JOB, JobStatus, ProcessingJobDone
from airflow_shadow.waiters.promotion import EndpointSettled, ShadowPromoted
from airflow_shadow.waiters.serialize import AnyCondition, condition_from_dict, condition_to_dict

__all__ = [
    "ANY_ENDING",
    "BROKEN_JOB",
    "FILLING_SECONDS",
    "KILLED",
    "LAG_SECONDS",
    "MARGIN_SECONDS",
    "AnyCondition",
    "CapturesDue",
    "Description",
    "EndpointFree",
    "EndpointSettled",
    "ExperimentGone",
    "JobStatus",
    "Judged",
    "LogLine",
    "LookSchedule",
    "Policy",
    "Poll",
    "ProcessingJobDone",
    "PromotionCleared",
    "ReachStatus",
    "Reply",
    "ShadowPromoted",
    "Sleep",
    "UpdateApplied",
    "WaitResult",
    "WaitState",
    "backoff",
    "concluded_at",
    "condition_from_dict",
    "condition_to_dict",
    "ended_badly",
    "in_service",
    "inconclusive",
    "is_idle",
    "planned_window",
    "wait",
]
