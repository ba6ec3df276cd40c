"""One fault, met by every operator at once: a run of all tasks, each with its own endpoint."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from airflow_shadow import exceptions
from airflow_shadow.experiments.lifecycle import sampling
from airflow_shadow.waiters import FILLING_SECONDS
from tests.e2e.api import ENDED, Api
from tests.e2e.aws import Aws
from tests.e2e.faults import victims
from tests.e2e.faults.cast import CAST, ROWS, nothing
from tests.e2e.faults.components import Components
from tests.e2e.processes import NeverHappenedError, until
from tests.e2e.stack import SPEED, Stack

Mode = Literal["worker", "deferred", "short", "keyless", "nowhere"]
Hold = Literal["hold-before", "hold-after"]
SURVIVES = dict.fromkeys(ROWS, "survives")
AT_ONCE = dict.fromkeys(ROWS, 1)
#: Statuses at which AWS does nothing.
_RESTS = {"Created", "Running", "Completed", "Cancelled"}
#: How often a connection is lost: more often than botocore asks again by itself.
OFTEN = 7
#: Generous: four busy loops may run beside it.
PATIENCE = 270.0
#: Seconds between two looks at Airflow: many tasks start meanwhile, and need the machine.
_PAUSE = 0.7


class Stage:
    """The endpoints, the run whose tasks use them, and what may happen to it."""

    def __init__(self, stack: Stack, api: Api, aws: Aws) -> None:
        self.stack, self.api, self.aws = stack, api, aws
        self.airflow = Components(stack)
        self.endpoints: dict[str, str] = {}
        self.dag = self.run = ""
        self.since = 0

    # --- before the run --------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the endpoints and what stands on them, in an AWS that is empty otherwise."""
        self.aws.control("POST", "reset")
        with ThreadPoolExecutor(len(ROWS)) as pool:
            self.endpoints = dict(zip(ROWS, pool.map(self._prepare, ROWS), strict=True))

    def _prepare(self, row: str) -> str:
        endpoint = self.aws.endpoint(row, candidates=("v2",), traffic=CAST[row].traffic)
        CAST[row].prepare(self.aws, endpoint)
        return endpoint

    def speed(self, speed: float) -> None:
        """Let AWS's clock run; at 0 nothing is ever done."""
        self.aws.control("POST", "clock", {"speed": speed})

    def freeze(self) -> None:
        """Let AWS finish nothing until :meth:`thaw`: whoever waits goes on waiting."""
        self.speed(0)

    def thaw(self) -> None:
        """Let AWS finish what it has begun, and all that comes."""
        self.speed(SPEED)

    def fault(self, kind: str, rows: tuple[str, ...] = ROWS, **more: Any) -> None:
        """Let something go wrong about some operators' endpoints."""
        for row in rows:
            self.aws.fault(kind=kind, about=self.endpoints[row], **more)

    def fault_polls(self, kind: str, **more: Any) -> None:
        """Let the polls of the deferred tasks go wrong: so many are read from the list."""
        self.aws.fault(kind=kind, operation="ListInferenceExperiments", **more)

    def fault_calls(self, kind: str, rows: tuple[str, ...] = ROWS, **more: Any) -> None:
        """Let it go wrong with the one call of each operator."""
        for row in rows:
            self.fault(kind, (row,), operation=CAST[row].calls, **more)

    def begin(self, mode: Mode, *, busy: bool = False) -> None:
        """Trigger the run.

        :param busy: let each operator find something under way that it has to wait for first
        """
        for row, role in CAST.items():
            role.stir(self.aws, self.endpoints[row])
            (role.busies if busy else nothing)(self.aws, self.endpoints[row])
        self.since = len(self.aws.history())
        self.dag = f"e2e_fault_{mode}"
        self.api.unpause(self.dag)
        self.run = self.api.trigger(self.dag, {**self.endpoints, **self._window()})["dag_run_id"]

    def _window(self) -> dict[str, str]:
        """Return the window of the analysis, whose last minute still fills: it waits for that."""
        now = datetime.fromisoformat(self.aws.control("GET", "clock")["now"])
        begin, end = (now - timedelta(seconds=ago) for ago in (540, FILLING_SECONDS - 10))
        return {"since": begin.isoformat(), "until": end.isoformat()}

    # --- places in a run -------------------------------------------------------------------

    def await_tasks(self, fits: Callable[[dict[str, Any]], bool], *, what: str) -> None:
        """Wait until each of the run's tasks is as it should be."""
        self._until(lambda: all(map(fits, self.tasks().values())), f"all tasks to be {what}")

    def _until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait for a condition, and say how the tasks stand if it does not come."""
        try:
            until(condition, what=what, seconds=PATIENCE, pause=_PAUSE)
        except NeverHappenedError as error:
            states = self.api.states(self.dag, self.run)
            raise NeverHappenedError(f"{error}; tasks: {states}") from error

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Return the run's task instances by operator."""
        return {task["task_id"]: task for task in self.api.tasks(self.dag, self.run)}

    def tries(self) -> dict[str, int]:
        """Return how often each operator's task has been tried."""
        return {row: task["try_number"] for row, task in self.tasks().items()}

    def await_deferred(self) -> None:
        """Wait until all tasks wait in the triggerer, which has taken them up."""
        self.await_tasks(
            lambda task: (
                task["state"] == "deferred"
                and task["triggerer_job"]
                and self.stack.knows_of_end(task)
            ),
            what="deferred",
        )

    def await_events(self) -> None:
        """Wait until all waits in the triggerer have ended."""
        self.await_tasks(lambda task: task["state"] != "deferred", what="called back")

    def await_late(self) -> None:
        """Wait until each task has given up a wait."""
        self.await_tasks(
            lambda task: task["try_number"] > 1 or task["state"] in {"up_for_retry", "failed"},
            what="late",
        )

    def await_rest(self) -> None:
        """Wait until AWS has done all that was asked of it."""
        self._until(
            lambda: all(_RESTS >= set(self._statuses(row)) for row in ROWS),
            "the experiments to rest",
        )

    def await_shown(self, row: str) -> None:
        """Wait until reads do not lag any more behind what an operator created."""

        def shown() -> bool:
            with suppress(self.aws.client.exceptions.ResourceNotFound):
                return bool(self.experiments(row))
            return False

        self._until(shown, f"the experiment of {row} to be shown")

    def await_struck(self) -> None:
        """Wait until all faults have struck."""
        self._until(lambda: not self.aws.control("GET", "faults"), "the faults to strike")

    def await_held(self, rows: tuple[str, ...] = ROWS, *, each: int = 1) -> None:
        """Wait until calls of these operators are held."""

        def held() -> bool:
            names = [str(call["name"]) for call in self.aws.control("GET", "held")]
            return all(sum(self.endpoints[row] in name for name in names) >= each for row in rows)

        self._until(held, f"calls of {rows} to be held")

    def hold_polls(self) -> None:
        """Hold each task's next look after its call, at a clock that stands still."""
        for row in ROWS[:6]:
            self._until(lambda row=row: self.calls(row), f"{row} to call AWS")
        self.fault("hold-before", operation="DescribeInferenceExperiment")
        self.await_held()

    def let_go(self, *, drop: bool = False) -> None:
        """Let all held calls go on, or end their connections."""
        self.aws.let_go("", drop=drop)

    def pids(self) -> list[int]:
        """Return the processes of the tasks that run."""
        found = [task["pid"] for task in self.tasks().values() if task["state"] == "running"]
        assert len(found) == len(ROWS), f"{len(found)} of {len(ROWS)} tasks run"
        return found

    def close_gate(self) -> None:
        """Stop each task before its operator's code, from now on."""
        self._gate.mkdir(parents=True)

    def await_at_gate(self) -> list[int]:
        """Wait until all tasks stand at the gate and return their processes."""
        self._until(
            lambda: len(list(self._gate.iterdir())) == len(ROWS), "all tasks to come to the gate"
        )
        return [int(file.read_text()) for file in self._gate.iterdir()]

    def open_gate(self) -> None:
        """Let the tasks go on."""
        if self._gate.exists():
            shutil.rmtree(self._gate.rename(self._gate.with_suffix(".open")))

    @property
    def _gate(self) -> Path:
        return self.stack.home / "gates" / self.run

    @contextmanager
    def given_up(self) -> Iterator[list[int]]:
        """Let Airflow give up the tasks that run: their supervisors stand still meanwhile.

        Yields the processes of those tasks, which go on.
        """
        copies = self.pids()
        supervisors = [victims.supervisor(pid) for pid in copies]
        victims.pause(supervisors)
        self.airflow.forget_tasks(self.run)
        try:
            yield copies
        finally:
            victims.resume(supervisors)
        for pid in copies:
            until(lambda pid=pid: victims.gone(pid), what=f"process {pid} to end")

    def mend(self) -> None:
        """Leave all as the next test wants to find it."""
        self.aws.control("DELETE", "faults")
        self.let_go()
        self.thaw()
        self.open_gate()
        self.airflow.mend()
        if self.run and self.api.run(self.dag, self.run)["state"] not in ENDED:
            path = f"/dags/{self.dag}/dagRuns/{self.run}"
            self.api.call("PATCH", path, json={"state": "failed"})
        until(self.api.healthy, what="Airflow to be healthy again")

    # --- what came of it -------------------------------------------------------------------

    def outcome(
        self, serves: Mapping[str, str] | None = None, **calls: list[str]
    ) -> dict[str, str]:
        """Wait until the run has ended, and say of each operator how.

        :param serves: the models that serve in the end where somebody else deployed one
        :param calls: the changing calls that AWS accepted, of operators that make more than one
        """
        self._until(lambda: self.api.run(self.dag, self.run)["state"] in ENDED, "the run to end")
        missed = [
            one["about"] for one in self.aws.control("GET", "faults") if one["times"] == OFTEN
        ]
        assert [] == missed, f"no call was lost about {missed}"
        self.aws.control("DELETE", "faults")  # those left over would meet our own looks
        states = self.api.states(self.dag, self.run)
        return {row: self._word(row, states[row], calls, serves or {}) for row in ROWS}

    def _word(
        self, row: str, state: str, calls: Mapping[str, list[str]], serves: Mapping[str, str]
    ) -> str:
        if state != "success":
            model, planned = self.aws.serves(self.endpoints[row]), serves.get(row, "v1")
            return self.error(row) if model == planned else f"{self.error(row)}, but {model} serves"
        role = CAST[row]
        model = serves.get(row, role.serves)
        right = (role.shows, model, "InService", calls.get(row, role.changes))
        came = (*self._ends(row), self.calls(row))
        return "survives" if right == came else f"{came} instead of {right}"

    def _ends(self, row: str) -> tuple[list[tuple[str, int]] | None, str, str]:
        endpoint = self.endpoints[row]
        described = self.aws.client.describe_endpoint(EndpointName=endpoint)
        shown = [(str(one["Status"]), sampling(one)[1] or 0) for one in self.experiments(row)]
        seen = None if CAST[row].shows is None else shown
        return seen, self.aws.serves(endpoint), str(described["EndpointStatus"])

    def experiments(self, row: str) -> list[dict[str, Any]]:
        """Return the descriptions of the experiments on an operator's endpoint."""
        client, endpoint = self.aws.client, self.endpoints[row]
        rows = client.list_inference_experiments(NameContains=endpoint)["InferenceExperiments"]
        return [client.describe_inference_experiment(Name=row["Name"]) for row in rows]

    def _statuses(self, row: str) -> list[str]:
        return [str(one["Status"]) for one in self.experiments(row)]

    def calls(self, row: str) -> list[str]:
        """Return the changing calls about an operator's experiment that AWS accepted in the run."""
        return [
            entry["operation"]
            for entry in self.aws.history()[self.since :]
            if entry["kind"] == "call"
            and entry["operation"].endswith("InferenceExperiment")
            and entry["name"].startswith(self.endpoints[row])
        ]

    def error(self, row: str) -> str:
        """Return the class of our error that a task's last try failed with, else of Airflow's."""
        log = self.api.log(self.dag, self.run, row)
        chains = re.findall(r'"error_detail": ?(\[.*\])', log)
        raised = re.findall(r'"exc_type": ?"(\w+)"', chains[-1]) if chains else []
        # Airflow's exception comes first, then what caused it.
        ours = [name for name in raised if hasattr(exceptions, name)]
        return (ours or raised or [f"no error: {log[-1000:]}"])[0]
