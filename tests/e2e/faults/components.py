"""Airflow's scheduler and triggerer: killed, started again, and kept standing still."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Literal

import psycopg2

from tests.e2e.processes import until
from tests.e2e.stack import Stack

Component = Literal["scheduler", "triggerer"]
Signal = Callable[[signal.Signals], Any]
_TRANSACTIONS = (
    "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND state <> 'idle' LIMIT 1"
)
_FORGET_JOB = (
    "UPDATE job SET latest_heartbeat = latest_heartbeat - interval '1 day' "
    "WHERE state = 'running' AND job_type = %s"
)
_FORGET_TASKS = (
    "UPDATE task_instance SET last_heartbeat_at = last_heartbeat_at - interval '1 day' "
    "WHERE state = 'running' AND run_id = %s"
)


class Components:
    """The parts of Airflow that a test takes away.

    Airflow notices a loss by missing heartbeats, after minutes; here they are dated back at once.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def kill(self, component: Component) -> None:
        """Lose a component with all its processes, as with a machine."""
        self.stack.programs[component].kill()
        self._sql(_FORGET_JOB, f"{component.capitalize()}Job")

    def kill_alone(self, component: Component) -> None:
        """Lose a component's own process; its workers are others, and go on.

        They hold its connections to the database open. A transaction that it died in would last as
        long as they do, with all its locks, so it dies between two.
        """
        process = self.stack.programs[component].process
        if process is None:
            raise AssertionError(f"{component} was never started")
        self._stop(component, process.send_signal)
        process.kill()
        process.wait()
        self._sql(_FORGET_JOB, f"{component.capitalize()}Job")

    def start(self, component: Component) -> None:
        """Start a component anew."""
        self.stack.airflow(component, component, "--skip-serve-logs")

    @contextmanager
    def paused(self, component: Component) -> Iterator[None]:
        """Let a component with all its processes stand still meanwhile."""
        program = self.stack.programs[component]
        self._stop(component, program.signal)
        try:
            yield
        finally:
            program.signal(signal.SIGCONT)

    def _stop(self, component: Component, send: Signal) -> None:
        """Stop a component outside its transactions: all others would wait for its locks."""

        def stopped() -> bool:
            send(signal.SIGSTOP)
            if not self._sql(_TRANSACTIONS, component):
                return True
            send(signal.SIGCONT)
            return False

        until(stopped, what=f"the {component} to be outside a transaction")

    def mend(self) -> None:
        """Have both running."""
        for component in ("scheduler", "triggerer"):
            self.stack.programs[component].signal(signal.SIGCONT)
            if not self.stack.programs[component].alive:
                self.start(component)

    def forget_tasks(self, run: str) -> None:
        """Let the heartbeats of a run's tasks be missing."""
        self._sql(_FORGET_TASKS, run)

    def end_deferrals(self, run: str) -> None:
        """Let the time be over after which Airflow itself ends a deferral: minutes, by default."""
        self._sql("UPDATE task_instance SET trigger_timeout = now() WHERE run_id = %s", run)

    def _sql(self, statement: str, value: str) -> bool:
        """Run a statement in Airflow's database; tell whether it found a row."""
        address = self.stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        with (
            closing(psycopg2.connect(address.replace("+psycopg2", ""))) as database,
            database,
            database.cursor() as cursor,
        ):
            cursor.execute(statement, (value,))
            return bool(cursor.rowcount)
