"""One Airflow for several nights: Dag ids and dates come in on stdin, how each ended goes out.

An Airflow in a process of its own for each night would spend half a minute on starting.
"""

import os
import sys

from airflow_shadow.emulator.airflow_home import make_database
from airflow_shadow.emulator.dag_runs import run_dag


def main() -> None:
    """Run one Dag after the other until stdin ends, `DAG DATE` a line; answer with its state."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Airflow logs to stdout
    make_database()
    for line in sys.stdin:
        dag_id, date = line.split()
        print(run_dag(dag_id, date).state, file=answers, flush=True)


if __name__ == "__main__":
    main()
