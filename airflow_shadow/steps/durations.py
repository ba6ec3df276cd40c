"""The arguments that are durations: a `timedelta`, seconds, or text such as `"90m"`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from airflow_shadow.experiments.schedule import parse_duration

#: Each of them, and whether it may be zero.
DURATIONS = MappingProxyType(
    {
        "approval_timeout": True,
        "capture_delay": True,
        "capture_timeout": True,
        "duration": False,
        "endpoint_timeout": True,
        "interval": False,
        "max_duration": False,
        "max_stage_duration": False,
        "min_remaining": True,
        "stage_duration": False,
        "waiter_delay": True,
        "waiter_timeout": True,
    }
)
#: Those that say how patient a task is, not what it does.
PATIENCE = frozenset(
    {
        "approval_timeout",
        "capture_delay",
        "capture_timeout",
        "endpoint_timeout",
        "waiter_delay",
        "waiter_timeout",
    }
)


def read_durations(task: Any) -> None:
    """Replace the durations among a task's arguments by seconds; `None` stays.

    It happens when the task begins, so that a mistake is reported before AWS is called.

    :param task: an operator or sensor, its templates rendered
    :raises InvalidRequestError: an argument is no duration
    """
    for name, may_be_zero in DURATIONS.items():
        if (value := getattr(task, name, None)) is not None:
            length = parse_duration(value, argument=name, may_be_zero=may_be_zero)
            setattr(task, name, length.total_seconds())
