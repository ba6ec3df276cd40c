"""Airflow's pages, as a person uses them: trigger a Dag, wait for its end."""

import json
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from typing import Any

ENDED = frozenset({"success", "failed"})


class Clicks:
    """What a person does in Airflow's pages, through the API that the pages use.

    :param page: Airflow's address
    """

    def __init__(self, page: str) -> None:
        self._page, self._token = page, ""

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        if not self._token:
            with urllib.request.urlopen(f"{self._page}/auth/token") as answer:  # noqa: S310
                self._token = json.load(answer)["access_token"]
        request = urllib.request.Request(  # noqa: S310
            f"{self._page}/api/v2/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def dags(self) -> list[str]:
        """Return the ids of the Dags that Airflow has read so far."""
        return sorted(dag["dag_id"] for dag in self._call("GET", "dags")["dags"])

    def trigger(self, dag_id: str, when: datetime | None = None) -> str:
        """Trigger a Dag as its form does, unpausing it, for now unless told otherwise."""
        self._call("PATCH", f"dags/{dag_id}", {"is_paused": False})
        body = {
            "logical_date": (when or datetime.now(UTC)).isoformat(),
            "dag_run_id": f"manual__{uuid.uuid4().hex[:12]}",
        }
        return str(self._call("POST", f"dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def finish(self, dag_id: str, run_id: str, *, seconds: float) -> str:
        """Wait for a run's end and return its state, whatever it is when time is up."""
        deadline = time.monotonic() + seconds
        while True:
            state = str(self._call("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])
            if state in ENDED or time.monotonic() > deadline:
                return state
            time.sleep(1)

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the states of a run's tasks."""
        found = self._call("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances")
        return {
            f"{one['task_id']}[{one['map_index']}]" if one["map_index"] >= 0 else one["task_id"]: (
                one["state"]
            )
            for one in found["task_instances"]
        }
