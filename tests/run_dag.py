"""Run a Dag with `dag.test()`: python run_dag.py FILE RUN..., a run is a date or JSON params."""

from __future__ import annotations

import inspect
import json
import runpy
import sys
from datetime import UTC, datetime
from typing import Any


def arguments(run: str, *, old: bool) -> dict[str, Any]:
    """Return what `dag.test()` takes: a date, or a form as a person fills it in, without one."""
    if run.startswith("{"):
        form = {"run_conf": json.loads(run)}
        return form if old else {"logical_date": None, **form}
    when = datetime.fromisoformat(run).replace(tzinfo=UTC)
    return {"execution_date": when} if old else {"logical_date": when}


def main(file: str, *runs: str) -> int:
    """Return 0 if every run succeeded."""
    dag = runpy.run_path(file)["dag"]
    old = "execution_date" in inspect.signature(dag.test).parameters  # Airflow 2.11
    for run in runs:
        done = dag.test(**arguments(run, old=old))
        state = str(getattr(done.state, "value", done.state))
        print(f"run of {run}: {state}", flush=True)  # noqa: T201 - read by the test
        if state != "success":
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
