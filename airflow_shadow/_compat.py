"""What differs between Airflow 2.11 and 3.3; no other module asks which version runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow.configuration import AIRFLOW_HOME, conf

# One fallback for all names that moved in the same version.
try:
    from airflow.providers.standard.operators.branch import BaseBranchOperator
except ImportError:  # Airflow 2.11
    from airflow.operators.branch import BaseBranchOperator
try:
    from airflow.sdk import BaseOperator, Context, Label, TaskGroup

    _WEB_SECTION = "api"
except ImportError:  # Airflow 2.11
    from airflow.models.baseoperator import BaseOperator
    from airflow.utils.context import Context
    from airflow.utils.edgemodifier import Label
    from airflow.utils.task_group import TaskGroup

    _WEB_SECTION = "webserver"
try:
    from airflow.sdk.exceptions import AirflowException
    from airflow.sdk.module_loading import import_string
except ImportError:  # Airflow 3.0
    from airflow.exceptions import AirflowException
    from airflow.utils.module_loading import import_string
try:
    from airflow.sdk.exceptions import (
        AirflowFailException,
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferralError,
        TaskDeferralTimeout,
    )
except ImportError:  # Airflow 3.1
    from airflow.exceptions import (
        AirflowFailException,
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        TaskDeferralError,
    )

    try:
        from airflow.exceptions import TaskDeferralTimeout
    except ImportError:  # Airflow 2.11

        class TaskDeferralTimeout(AirflowException):
            """Never raised there: a timeout is a `TaskDeferralError`, known by its text."""


def first_reschedule_date(sensor: Any, context: Context) -> datetime | None:
    """Return when a rescheduling sensor first ran, `None` if it runs for the first time."""
    ti: Any = context["ti"]
    if hasattr(ti, "get_first_reschedule_date"):
        found: datetime | None = ti.get_first_reschedule_date(context)
        return found
    from airflow.sensors.base import _orig_start_date  # noqa: PLC0415 - in 2.11 only

    first_try = ti.max_tries - sensor.retries + 1
    start: datetime | None = _orig_start_date(
        ti.dag_id, ti.task_id, ti.run_id, ti.map_index, first_try
    )
    return start


def task_state(ti: Any) -> str | None:
    """Return a task instance's state as Airflow has it at this moment, `None` if it has none."""
    if hasattr(ti, "current_state"):  # Airflow 2.11
        return str(ti.current_state())
    from airflow.sdk.execution_time.task_runner import (  # noqa: PLC0415 - in 3.x only
        RuntimeTaskInstance,
    )

    states = RuntimeTaskInstance.get_task_states(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
    )
    return next((str(state) for state in states.get(ti.run_id, {}).values()), None)


#: Types of runs that people and tasks make; no set: Airflow's enum does not hash like its value.
_TRIGGERED = ("manual", "operator_triggered")


def is_backfill(context: Context) -> bool:
    """Tell whether a run is a backfill, by its type: a reprocessed scheduled run keeps its id."""
    run: Any = context["dag_run"]
    return bool(run.run_type == "backfill")


def run_moment(context: Context) -> datetime:
    """Return the moment that a run stands for, which it has without a logical date too.

    That is its `run_after`, because a nightly run with a data interval has the logical date of the
    day before; in Airflow 2.11 the later one of its two dates is the same. A run that somebody
    triggers for a date in the past stands for that date.
    """
    run: Any = context["dag_run"]
    logical_date: datetime | None = getattr(run, "logical_date", None)
    triggered = run.run_type in _TRIGGERED
    if hasattr(run, "run_after"):
        moments: list[datetime | None] = [run.run_after, logical_date if triggered else None]
        return min(moment for moment in moments if moment)
    moments = [logical_date, None if triggered else run.data_interval_end]
    return max(moment for moment in moments if moment)


def base_url() -> str:
    """Return the address that Airflow is configured to have, `""` if it is not."""
    return conf.get(_WEB_SECTION, "base_url", fallback="") or ""


def metrics() -> Any:
    """Return what sends Airflow's metrics."""
    try:
        return import_string("airflow.sdk.observability.stats.Stats")
    except ImportError:  # Airflow 3.2
        return import_string("airflow.stats.Stats")


def object_storage(scheme: str, conn_id: str | None) -> Any:
    """Return a file system of Airflow's object storage, as `fsspec` knows them.

    `ObjectStoragePath` of 2.11 does not work with universal-pathlib 0.3. The import is here to
    keep Dag files fast.

    :raises ValueError: no provider knows the scheme
    :raises ImportError: the provider lacks a library
    """
    try:
        from airflow.sdk.io import attach  # noqa: PLC0415
    except ImportError:  # Airflow 2.11
        from airflow.io.store import attach  # noqa: PLC0415
    return attach(scheme, conn_id).fs


def unlisted_data(task: Any, fields: Iterable[str], context: Context) -> list[str]:
    """Return the fields that `expand_kwargs()` got from an XCom.

    Airflow does not render what `expand()` got from an XCom, but does render these.
    """
    mapped, given = _expansion(task)
    if isinstance(given, Sequence):
        ti: Any = context["ti"]
        given = given[ti.map_index]
    if isinstance(given, Mapping):
        return []
    return [field for field in fields if field not in mapped.partial_kwargs]


def expanded_entries(task: Any) -> list[Any]:
    """Return the entries of `expand_kwargs()` as the Dag's author listed them, if they did."""
    _, given = _expansion(task)
    return list(given) if isinstance(given, Sequence) else []


def _expansion(task: Any) -> tuple[Any, Any]:
    """Return the mapped operator that a task was made of, and what it was expanded over."""
    mapped: Any = task.dag.task_dict.get(task.task_id) if task.has_dag() else None
    return mapped, mapped.expand_input.value if hasattr(mapped, "expand_input") else {}


def is_deferral_timeout(error: AirflowException) -> bool:
    """Tell whether a deferral ended because its `timeout` ran out, not because of its trigger."""
    return isinstance(error, TaskDeferralTimeout) or "Trigger/execution timeout" in str(error)


__all__ = [
    "AIRFLOW_HOME",
    "AirflowException",
    "AirflowFailException",
    "AirflowRescheduleException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "BaseBranchOperator",
    "BaseOperator",
    "Context",
    "Label",
    "TaskDeferralError",
    "TaskDeferralTimeout",
    "TaskGroup",
    "base_url",
    "conf",
    "expanded_entries",
    "first_reschedule_date",
    "import_string",
    "is_backfill",
    "is_deferral_timeout",
    "object_storage",
    "run_moment",
    "task_state",
    "unlisted_data",
]
