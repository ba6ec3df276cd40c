"""Pictures for the docs, from a real run: `make pictures`, in some minutes.

A browser triggers every example in Airflow's own pages, each for a night of its own, and waits
until it is green; from one of them it follows a task's links to report and emulator.
"""

import json
import signal
import sys
import time
from collections import Counter
from typing import Any

from airflow_shadow import __version__
from demo.airflow import running, wait_for_dags
from demo.browser import Pages, chromium
from demo.clicks import Clicks
from demo.examples import EXAMPLES, RUNS, night
from demo.setup import ROOT

FOLDER = ROOT / "docs" / "pictures"
#: What the pictures were made from, so that a test sees when they are too old.
MADE = FOLDER / "made.json"
#: Its run is in the pictures.
SHOWN = "rollout_on_answers"


def main() -> int:
    """Take the pictures; return 0 if every example ended green."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    FOLDER.mkdir(exist_ok=True)
    with running() as demo, chromium() as page:
        wait_for_dags(Clicks(demo.page), EXAMPLES)
        pages = Pages(page, demo.page)
        states = [try_one(pages, *run) for run in RUNS]
    return int(set(states) != {"success"})


def try_one(pages: Pages, dag_id: str, days: int | None) -> str:
    """Trigger a Dag in the browser, take its pictures if they are shown; return how it ended."""
    begin = time.monotonic()
    pages.trigger(dag_id, None if days is None else night(days))
    run, state = pages.newest_run(dag_id)
    tasks = Clicks(pages.url).tasks(dag_id, run.rpartition("/")[2])
    counts = ", ".join(f"{n} {one}" for one, n in sorted(Counter(tasks.values()).items()))
    print(f"{dag_id}: {state} after {time.monotonic() - begin:.0f} s ({counts})", flush=True)
    if dag_id == SHOWN:
        take_pictures(pages, run)
    return state


def take_pictures(pages: Pages, run: str) -> None:
    """Take the run's graph, its report, and the endpoint on the emulator's page."""
    save(pages.show_graph(run), "airflow-graph", scale="device")  # its letters are small
    tasks = sorted(Clicks(pages.url).tasks(SHOWN, run.rpartition("/")[2]))
    facts = {"version": __version__, "tasks": tasks}
    MADE.write_text(f"{json.dumps(facts, indent=2)}\n", encoding="utf-8")
    result = f"{run}/tasks/rollout.result"
    save(pages.open_link(result, "Shadow test report"), "report")
    save(pages.open_link(result, "SageMaker endpoint"), "emulator")


def save(shown: Any, name: str, *, scale: str = "css") -> None:
    """Save what a page or an element of it shows."""
    shown.screenshot(path=FOLDER / f"{name}.png", scale=scale)


if __name__ == "__main__":
    sys.exit(main())
