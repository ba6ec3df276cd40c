"""What a person or a program does to Airflow: its public API, and its command line."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.e2e.aws import REGION
from tests.e2e.processes import until
from tests.e2e.stack import AIRFLOW, Stack

#: States that a run or a task instance does not leave by itself.
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_TRANSIENT = frozenset({500, 502, 503, 504})


class Api:
    """Airflow's public API (v2) and command line."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.Client(base_url=f"{stack.page}/api/v2", timeout=60)
        self._token = ""

    # --- plumbing ------------------------------------------------------------------------

    def call(self, method: str, path: str, **given: Any) -> Any:
        """Call the API and return what it answers; raises on a refusal."""
        answer = self.try_call(method, path, **given)
        if answer.status_code >= 400:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def try_call(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Call the API, again while it is busy, and return whatever it answers."""
        if not self._token:
            self._token = httpx.get(f"{self.stack.page}/auth/token").json()["access_token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        seen: list[httpx.Response] = []

        def answered() -> bool:
            with suppress(httpx.TransportError):
                seen.append(self.http.request(method, path, headers=headers, **given))
                return seen[-1].status_code not in _TRANSIENT
            return False

        until(answered, what=f"{method} {path} to be answered", seconds=60)
        return seen[-1]

    def healthy(self) -> bool:
        """Tell whether every component says that it is well."""
        with suppress(httpx.HTTPError):
            parts = self.http.get("/monitor/health").json()
            wanted = ("metadatabase", "scheduler", "triggerer", "dag_processor")
            return all(parts[part]["status"] == "healthy" for part in wanted)
        return False

    def alive(self, job_type: str) -> set[str]:
        """Return the host names of the live programs of a kind, such as `TriggererJob`."""
        wanted = {"job_type": job_type, "is_alive": "true"}
        answer = self.try_call("GET", "/jobs", params=wanted)
        return {job["hostname"] for job in answer.json()["jobs"]} if answer.is_success else set()

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the `airflow` command line."""
        return subprocess.run(
            [AIRFLOW, *arguments],
            env=self.stack.environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=300,
        )

    # --- Dags and runs -------------------------------------------------------------------

    def unpause(self, dag_id: str) -> None:
        """Wait until the Dag is parsed, then let it run."""
        until(
            lambda: self.try_call("GET", f"/dags/{dag_id}").status_code == 200,
            what=f"Dag {dag_id} to be parsed; import errors: {self.import_errors()}",
        )
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def import_errors(self) -> list[str]:
        """Return what kept Dag files from being imported."""
        found = self.call("GET", "/importErrors")["import_errors"]
        return [f"{one['filename']}: {one['stack_trace'][-800:]}" for one in found]

    def trigger(
        self, dag_id: str, conf: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Trigger a run as the form does: without a logical date."""
        body = {"logical_date": None, "conf": {"region": REGION, **(conf or {})}, **more}
        body.setdefault("dag_run_id", f"manual__{uuid.uuid4().hex[:12]}")
        run: dict[str, Any] = self.call("POST", f"/dags/{dag_id}/dagRuns", json=body)
        return run

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the Dag's runs, oldest first."""
        found: list[dict[str, Any]] = self.call(
            "GET", f"/dags/{dag_id}/dagRuns", params={"order_by": "id", "limit": 100}
        )["dag_runs"]
        return found

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return one run."""
        found: dict[str, Any] = self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")
        return found

    def finish(self, dag_id: str, run_id: str, *, seconds: float = 240) -> str:
        """Wait until a run has ended and return its state."""
        until(
            lambda: self.run(dag_id, run_id)["state"] in ENDED,
            what=f"run {run_id} of {dag_id} to end",
            seconds=seconds,
        )
        return str(self.run(dag_id, run_id)["state"])

    # --- task instances ------------------------------------------------------------------

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return a run's task instances."""
        found: list[dict[str, Any]] = self.call(
            "GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", params={"limit": 200}
        )["task_instances"]
        return found

    def task(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """Return one task instance."""
        return next(
            one
            for one in self.tasks(dag_id, run_id)
            if (one["task_id"], one["map_index"]) == (task_id, map_index)
        )

    def changed(self, *, since: float) -> list[str]:
        """Return the states of all tasks that changed since a moment, newest first.

        :param since: epoch seconds
        """
        moment = datetime.fromtimestamp(since, UTC).isoformat()
        found = self.call(
            "GET",
            "/dags/~/dagRuns/~/taskInstances",
            params={"updated_at_gte": moment, "limit": 100, "order_by": "-start_date"},
        )["task_instances"]
        return [
            f"{one['dag_id']} {one['dag_run_id']} {_label(one)}: {one['state']}, "
            f"try {one['try_number']}"
            for one in found
        ]

    def states(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return the state of each task of a run; `task[0]` names the mapped ones."""
        return {_label(one): one["state"] for one in self.tasks(dag_id, run_id)}

    def await_task(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        states: Iterable[str],
        *,
        map_index: int = -1,
        also: Callable[[dict[str, Any]], bool] = lambda _: True,
        seconds: float = 240,
    ) -> dict[str, Any]:
        """Wait until a task instance is in one of some states and return it."""
        wanted = set(states)
        seen: dict[str, Any] = {}

        def arrived() -> bool:
            found = [
                one
                for one in self.tasks(dag_id, run_id)
                if (one["task_id"], one["map_index"]) == (task_id, map_index)
            ]
            seen.update(found[0] if found else {})
            return bool(found) and seen["state"] in wanted and also(seen)

        until(arrived, what=f"{dag_id}.{task_id} to be {' or '.join(wanted)}", seconds=seconds)
        return seen

    def clear(self, dag_id: str, run_id: str, *task_ids: str, **more: Any) -> None:
        """Clear tasks of a run, all if none is named."""
        body: dict[str, Any] = {
            "dry_run": False,
            "dag_run_id": run_id,
            "only_failed": False,
            "reset_dag_runs": True,
            "include_downstream": False,
            **more,
        }
        if task_ids:
            body["task_ids"] = list(task_ids)
        self.call("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)

    def mark(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Mark a task as a person does: `success` or `failed`."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        self.call("PATCH", path, json={"new_state": state})

    def mark_run(self, dag_id: str, run_id: str, state: str) -> None:
        """Mark a run as a person does: `success` or `failed`."""
        self.call("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": state})

    def log(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1) -> str:
        """Return the task's log, all tries, as its files have it."""
        folder = self.stack.home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}"
        folder /= f"task_id={task_id}"
        if map_index >= 0:
            folder /= f"map_index={map_index}"
        return "\n".join(file.read_text() for file in sorted(folder.glob("attempt=*.log*")))

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """Return an XCom's value."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self.call("GET", path, params={"deserialize": True})["value"]


def _label(task: Mapping[str, Any]) -> str:
    index = task["map_index"]
    return str(task["task_id"]) if index < 0 else f"{task['task_id']}[{index}]"
