"""The example Dags in Airflow's own pages: `make airflow`, until Ctrl-C.

With `--check` every example is triggered, one after the other, and what became of it is printed.

Scheduler, Dag processor, triggerer and API server run in one process group, which ends as a whole:
`airflow standalone` would leave its children behind, and serve logs on all addresses.
"""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from demo.clicks import Clicks
from demo.examples import BAD, EXAMPLES, GOOD, NIGHTS, RUNS, candidate, night, set_up_fleet
from demo.setup import ROOT, airflow_environment, emulator

LOG, REPORTS = ROOT / ".demo" / "standalone.log", ROOT / ".demo" / "pages"
#: Seconds until Airflow must be healthy, and until its processes must have ended.
PATIENCE, GRACE = 600, 20
PARTS = (
    ("scheduler", "--skip-serve-logs"),
    ("dag-processor",),
    ("triggerer", "--skip-serve-logs"),
    ("api-server",),
)
HEALTH = "/api/v2/monitor/health"
#: Seconds that a poll moves the emulator's clock. Each Dag's polls move it for all: with more, an
#: experiment would end while a busy machine starts its next task.
LEAP = 60
#: Airflow lets a policy change what Dags say: here nothing begins by itself, because a schedule's
#: run for today would make all runs for earlier nights skip, and a retry need not wait a minute.
POLICY = """
from datetime import timedelta

from airflow.timetables.simple import NullTimetable

def dag_policy(dag):
    if isinstance(dag.schedule, str):
        dag.timetable = NullTimetable()

def task_policy(task):
    task.retry_delay = timedelta(seconds=5)
"""


def main(*, check: bool = False) -> int:
    """Serve until Ctrl-C or SIGTERM; return 0 if Airflow became healthy.

    :param check: trigger every example, one after the other, and return 0 if all ended well
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt), running() as demo:
        clicks = Clicks(demo.page)
        if check:
            return try_all(clicks)
        run_readme(clicks)
        print(f"Open {demo.page} and trigger any of the others, each with a logical date of its")
        print(f"own: there is a candidate for each night from {night(GOOD + 1):%Y-%m-%d} to")
        print(f"{night(NIGHTS[-1]):%Y-%m-%d}. Ctrl-C ends it all.", flush=True)
        demo.airflow.wait()
    print("All has ended.")
    return 0


@dataclass(frozen=True, kw_only=True)
class Running:
    """An Airflow with the examples, and the emulator it talks to.

    page, emulator: their addresses
    airflow: the process
    """

    page: str
    emulator: str
    airflow: Any


@contextmanager
def running() -> Iterator[Running]:
    """Start emulator and Airflow, and end both; exit if Airflow does not become healthy."""
    with (
        tempfile.TemporaryDirectory(prefix="airflow-shadow-ui-") as home,
        emulator(seconds_per_poll=LEAP) as url,
        served_reports() as reports,
    ):
        set_up_fleet(url)
        write_policy(Path(home))
        page = f"http://127.0.0.1:{free_port()}"
        print(f"The emulator is at {url}, its own page at {url}/shadow.", flush=True)
        print(f"Airflow starts; its log is in {LOG.relative_to(ROOT)}.", flush=True)
        with standalone({**settings(home, url, page), **reports}) as airflow:
            if not healthy(page, airflow):
                raise SystemExit("Airflow did not start; the end of its log says why.")
            yield Running(page=page, emulator=url, airflow=airflow)


def make_database(home: str) -> str:
    """Make a SQLite database in which nobody who reads waits for who writes; return its address."""
    file = Path(home) / "airflow.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=WAL")
    # Seconds that a write waits for another; SQLite's five are too few on a busy machine.
    return f"sqlite:///{file}?timeout=60"


def write_policy(home: Path) -> None:
    """Put Airflow's local settings where it looks for them."""
    (home / "config").mkdir()
    (home / "config" / "airflow_local_settings.py").write_text(POLICY, encoding="utf-8")


def run_readme(clicks: Clicks) -> None:
    """Let the README's Dag run for a bad and a good candidate, one after the other."""
    wait_for_dags(clicks, {"promote_churn"})
    for days, kind in ((BAD, "fails every 14th request"), (GOOD, "is as good as production")):
        clicks.trigger("promote_churn", night(days))
        print(f"promote_churn runs for {candidate(days)}, which {kind}.", flush=True)


def wait_for_dags(clicks: Clicks, dag_ids: set[str]) -> None:
    """Wait until Airflow has read some Dags."""
    deadline = time.monotonic() + PATIENCE
    while not dag_ids <= set(clicks.dags()) and time.monotonic() < deadline:
        time.sleep(1)


def try_all(clicks: Clicks) -> int:
    """Trigger every example, one after the other; return 0 if all ended well."""
    wait_for_dags(clicks, EXAMPLES)
    return max(try_one(clicks, *run) for run in RUNS)


def try_one(clicks: Clicks, dag_id: str, days: int | None) -> int:
    """Trigger an example, say what became of it; return 0 if it ended well."""
    begin = time.monotonic()
    run_id = clicks.trigger(dag_id, None if days is None else night(days))
    state = clicks.finish(dag_id, run_id, seconds=PATIENCE)
    print(f"{dag_id}: {state} after {time.monotonic() - begin:.0f} s", flush=True)
    for task_id, of_task in clicks.tasks(dag_id, run_id).items():
        print(f"  {task_id}: {of_task}", flush=True)
    return int(state != "success")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def settings(home: str, url: str, page: str) -> dict[str, str]:
    """Return the settings of an Airflow with its own pages, open to whoever is on this machine."""
    return {
        **airflow_environment(home, url),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": make_database(home),
        # Seconds; with Airflow's 30 a part that a busy machine holds up counts as dead.
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "120",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "120",
        "AIRFLOW__API__BASE_URL": page,
        "AIRFLOW__API__HOST": "127.0.0.1",
        # Seconds; every third, an open page keeps a busy machine from running tasks.
        "AIRFLOW__API__AUTO_REFRESH_INTERVAL": "10",
        # What the examples set for themselves; it is for Dags that are tried beside them.
        "AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "3",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "10",
        "AIRFLOW__API__PORT": page.rsplit(":", 1)[-1],
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{page}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    }


@contextmanager
def served_reports() -> Iterator[dict[str, str]]:
    """Serve the reports, as browsers open no local file from a page; give Airflow's settings."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    handler = partial(QuietHandler, directory=str(REPORTS))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {
            "AIRFLOW__AIRFLOW_SHADOW__REPORTS_FOLDER": str(REPORTS),
            "AIRFLOW__AIRFLOW_SHADOW__REPORTS_URL": f"http://127.0.0.1:{server.server_port}",
        }
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def standalone(environment: dict[str, str]) -> Iterator[Any]:
    """Run Airflow's parts as a process group of their own, give its leader, and end the group."""
    LOG.parent.mkdir(exist_ok=True)
    airflow = str(Path(sys.executable).parent / "airflow")
    with LOG.open("w", encoding="utf-8") as log:
        how: dict[str, Any] = {"env": environment, "stdout": log, "stderr": subprocess.STDOUT}
        subprocess.run([airflow, "db", "migrate"], check=False, **how)
        parts = [subprocess.Popen([airflow, *PARTS[0]], process_group=0, **how)]
        how["process_group"] = parts[0].pid
        try:
            parts.extend(subprocess.Popen([airflow, *part], **how) for part in PARTS[1:])
            yield parts[0]
        finally:
            end_group(*parts)


def end_group(leader: Any, *others: Any) -> None:
    """Ask the group to end, then make it."""
    deadline = time.monotonic() + GRACE
    with suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            for process in (leader, *others):
                process.poll()  # one that has ended belongs to its group until then
            os.killpg(leader.pid, 0)  # raises when the last one has ended
            time.sleep(0.2)
        os.killpg(leader.pid, signal.SIGKILL)
    for process in (leader, *others):
        process.wait()


def healthy(page: str, airflow: Any) -> bool:
    """Wait until Airflow's own health page says that all of its parts are well."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and airflow.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{page}{HEALTH}") as answer:  # noqa: S310
            if b"unhealthy" not in answer.read():
                return True
        time.sleep(0.5)
    return False


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv))
