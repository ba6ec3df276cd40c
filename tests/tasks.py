"""Run an operator as Airflow does: rendered, deferred, resumed in another process."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_shadow._compat import import_string

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow.models import DAG
try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:  # Airflow 3.1
    from airflow.exceptions import TaskDeferred

MODES = ("worker", "deferred")
SENSOR_MODES = ("poke", "reschedule", "deferrable")


def read(text: str) -> Any:
    """Read what Airflow kept as JSON: PostgreSQL makes integers of numbers like 1e22."""
    return json.loads(text, parse_float=_number, parse_int=lambda digits: int(_number(digits)))


def _number(digits: str) -> float:
    assert abs(float(digits)) < 2**63, f"Airflow cannot hand {digits} to a task"
    return float(digits)


@dataclass
class FakeTaskInstance:
    """The few attributes of a task instance that operators read."""

    dag_id: str = "promote"
    run_id: str = "scheduled__2026-03-01T00:00:00+00:00"
    task_id: str = "task"
    map_index: int = -1
    max_tries: int = 0
    try_number: int = 1
    first_look: datetime | None = None
    xcoms: dict[str, Any] = field(default_factory=dict)

    def get_first_reschedule_date(self, _: Any) -> datetime | None:
        """Return when a rescheduling sensor looked first."""
        return self.first_look

    def xcom_push(self, key: str, value: Any, **_: Any) -> None:
        """Keep what Airflow would store, which must be JSON."""
        text = json.dumps(value)
        assert os.environ["CONNECTION_PASSWORD"] not in text
        self.xcoms[key] = read(text)


@dataclass
class FakeDagRun:
    """The few attributes of a run that operators read, as Airflow 3 has them.

    :param run_after: what runs are compared by
    """

    run_type: str = "scheduled"
    run_after: datetime = datetime(2026, 3, 2, tzinfo=UTC)
    logical_date: datetime | None = None
    clear_number: int = 0
    conf: dict[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """What came of one try of a task."""

    value: Any
    ti: FakeTaskInstance
    deferrals: int = 0
    trigger: BaseTrigger | None = None
    operator: Any = None

    @property
    def experiment(self) -> dict[str, Any]:
        """Return the description that the task pushed."""
        return self.ti.xcoms["experiment"]


@dataclass
class Tasks:
    """Runs tasks in one mode; each run is a new context, as after a retry in another process.

    :param dag: arguments of the Dag that the tasks are in, if that matters
    """

    mode: str
    dag: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    triggers: list[dict[str, Any]] = field(default_factory=list)

    def run(
        self,
        operator_class: Callable[..., Any],
        *,
        ti: dict[str, Any] | None = None,
        context: dict[str, Any] | None = None,
        dag_run: dict[str, Any] | None = None,
        until_deferred: bool = False,
        in_flight: BaseTrigger | None = None,
        **arguments: Any,
    ) -> Run:
        """Run one try to its end, or until it leaves the worker.

        :param ti: attributes of the task instance, like `max_tries` after a clear
        :param context: more of the template context
        :param dag_run: attributes of the run, like `run_type`
        :param in_flight: the trigger that the task was deferred to before
        """
        waiting = {} if "poke_interval" in arguments else {"waiter_delay": 0.01}
        arguments = {**waiting, "deferrable": self.mode == "deferred", **arguments}
        instance = FakeTaskInstance(**(ti or {}))
        whole = {
            "ti": instance,
            "run_id": instance.run_id,
            "dag_run": FakeDagRun(**(dag_run or {})),
            **(context or {}),
        }

        run = Run(None, instance)

        def fresh() -> Any:
            dag = DAG(instance.dag_id, schedule=None, **self.dag) if self.dag else None
            operator = operator_class(task_id=instance.task_id, dag=dag, **arguments)
            operator.render_template_fields(whole)
            run.operator = operator
            return operator

        def resume(trigger: BaseTrigger, method: str = "execute_complete") -> Callable[[], Any]:
            event = self._event(trigger)
            return lambda: fresh().resume_execution(method, {"event": event}, whole)

        step = resume(in_flight) if in_flight else lambda: fresh().execute(whole)
        while True:
            try:
                run.value = step()
            except TaskDeferred as deferred:
                run.deferrals += 1
                run.trigger = deferred.trigger
                if until_deferred:
                    return run
                step = resume(deferred.trigger, deferred.method_name)
            else:
                return run

    def _event(self, trigger: BaseTrigger) -> dict[str, Any]:
        """Run a trigger as the triggerer does: from its serialised form, to its first event."""
        path, kwargs = trigger.serialize()
        kwargs = read(json.dumps(kwargs))
        self.triggers.append(kwargs)
        again = import_string(path)(**kwargs)

        async def first() -> TriggerEvent:
            return await anext(again.run())

        event = read(json.dumps(asyncio.run(first()).payload))
        # A trigger's row and its event lie unencrypted in Airflow's database.
        assert os.environ["CONNECTION_PASSWORD"] not in json.dumps([kwargs, event])
        self.events.append(event)
        return event
