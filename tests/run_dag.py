"""Run a Dag for some dates with `dag.test()`: python run_dag.py FILE DAG_ID DATE..."""

from __future__ import annotations

import runpy
import sys
from datetime import UTC, datetime


def main(file: str, dag_id: str, *dates: str) -> int:
    """Return 0 if every run succeeded."""
    module = runpy.run_path(file)
    task = next(
        v for v in module.values() if getattr(v, "dag_id", "") == dag_id and hasattr(v, "dag")
    )
    dag = task.dag
    for date in dates:
        when = datetime.fromisoformat(date).replace(tzinfo=UTC)
        try:
            run = dag.test(logical_date=when)
        except TypeError:  # Airflow 2.11
            run = dag.test(execution_date=when)
        state = str(getattr(run.state, "value", run.state))
        print(f"run of {date}: {state}", flush=True)  # noqa: T201 - read by the test
        if state != "success":
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
