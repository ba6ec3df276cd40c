"""Run a Dag with `dag.test()`: python run_dag.py FILE RUN..., a run is a date or JSON params."""

from __future__ import annotations

import json
import runpy
import sys
from typing import Any

from airflow_shadow.emulator.dag_runs import arguments


def form(run: str) -> tuple[str | None, dict[str, Any]]:
    """Return a run's date and form: one of the two is given, as a person fills in a form."""
    return (None, json.loads(run)) if run.startswith("{") else (run, {})


def main(file: str, *runs: str) -> int:
    """Return 0 if every run succeeded."""
    dag = runpy.run_path(file)["dag"]
    for run in runs:
        done = dag.test(**arguments(dag, *form(run)))
        state = str(getattr(done.state, "value", done.state))
        print(f"run of {run}: {state}", flush=True)  # noqa: T201 - read by the test
        if state != "success":
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
