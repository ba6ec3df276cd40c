"""Pictures for the docs, from a real run: `make pictures`, in some minutes.

A browser triggers every example in Airflow's own pages, with what its form proposes, and waits
until each is green; then it follows a task's links to the report and to the emulator's page.
"""

import json
import sys
import time
from typing import Any

from airflow_shadow import __version__
from demo.airflow import EXAMPLES, running, wait_for_dags
from demo.browser import Pages, chromium
from demo.clicks import Clicks
from demo.setup import ROOT

FOLDER = ROOT / "docs" / "pictures"
#: What the pictures were made from, so that a test sees when they are too old.
MADE = FOLDER / "made.json"
#: Its run is in the pictures, so it comes first: the candidate of the night is promoted once.
SHOWN = "rollout_on_answers"


def main() -> int:
    """Take the pictures; return 0 if every example ended green."""
    FOLDER.mkdir(exist_ok=True)
    with running() as demo, chromium() as page:
        wait_for_dags(Clicks(demo.page), EXAMPLES)
        pages = Pages(page, demo.page)
        run, state = try_one(pages, SHOWN)
        take_pictures(pages, run)
        others = [try_one(pages, dag_id)[1] for dag_id in sorted(EXAMPLES - {SHOWN})]
    return int({state, *others} != {"success"})


def try_one(pages: Pages, dag_id: str) -> tuple[str, str]:
    """Trigger a Dag in the browser; return its run's address, and how it ended."""
    begin = time.monotonic()
    pages.trigger(dag_id)
    run, state = pages.newest_run(dag_id)
    print(f"{dag_id}: {state} after {time.monotonic() - begin:.0f} s", flush=True)
    return run, state


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
