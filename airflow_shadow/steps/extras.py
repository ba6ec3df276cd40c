"""Optional packages that a task needs, asked for before anything is waited for."""

from __future__ import annotations

from importlib.util import find_spec

from airflow_shadow.exceptions import InvalidRequestError


def check_extra() -> None:
    """Refuse to wait for what cannot be read in the end.

    :raises InvalidRequestError: the `answers` extra is not installed
    """
    if find_spec("duckdb") is None:
        raise InvalidRequestError(
            asked="to compare answers",
            found="DuckDB is not installed where this task runs",
            next_step="Install it on the workers: pip install 'airflow-shadow[answers]'.",
        )
