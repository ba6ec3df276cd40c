"""Run what an operator does without a Dag: its own steps, with its own safeguards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_shadow._compat import AirflowException, AirflowSkipException
from airflow_shadow.exceptions import PromotionRefusedError, ShadowError
from airflow_shadow.operators.base import ShadowOperator
from airflow_shadow.steps.base import Steps


@dataclass
class TerminalTask:
    """What steps read of a task instance, and where they leave XComs; it belongs to no Dag."""

    dag_id: str = ""
    run_id: str = ""
    task_id: str = "airflow-shadow"
    map_index: int = -1
    max_tries: int = 0
    try_number: int = 1
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any, **_: Any) -> None:
        """Keep an XCom for the rest of the command."""
        self.xcoms[key] = value

    def xcom_pull(self, **_: Any) -> None:
        """Return nothing: there is no task upstream."""


@dataclass(frozen=True)
class TerminalRun:
    """What steps read of a Dag run: somebody triggered it just now."""

    run_type: str = "manual"
    run_after: datetime = field(default_factory=lambda: datetime.now(UTC))
    logical_date: datetime | None = None
    clear_number: int = 0


def make_context() -> Any:
    """Return the context of a task that a person runs by hand."""
    return {"ti": TerminalTask(), "dag_run": TerminalRun()}


def run_steps(steps: Steps[ShadowOperator]) -> Any:
    """Take an operator's steps, waiting in this process, and return what its task would.

    :raises ShadowError: as the operator's docstring says
    """
    try:
        return steps.run()
    except AirflowSkipException as skip:
        raise PromotionRefusedError(
            asked=f"to promote the candidate of experiment {steps.op.name!r}",  # type: ignore[attr-defined]
            found=_clause(str(skip)),
            next_step="Nothing was changed.",
        ) from skip
    except AirflowException as error:
        # The steps have translated it for Airflow, whose exceptions hold a text only.
        raise (error.__cause__ if isinstance(error.__cause__, ShadowError) else error) from error


def _clause(text: str) -> str:
    return text.removeprefix("Skipped: ").rstrip(".")
