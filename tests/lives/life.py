"""One whole life, as Airflow would run its tasks: tries, clears, and what each leaves the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from airflow.triggers.base import BaseTrigger

from airflow_shadow._compat import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
)
from airflow_shadow.emulator import Emulator, fleet
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    ShadowVerdictBranchOperator,
    UpdateInferenceExperimentOperator,
)
from airflow_shadow.sensors import ShadowAnalysisSensor
from tests.lives.calls import Calls, KilledError
from tests.lives.others import ENDPOINT
from tests.lives.trouble import Trouble, Try, keys_kept
from tests.tasks import Tasks

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow.models import DAG
    from airflow.operators.empty import EmptyOperator

RETRIES = 3
CANDIDATE = "churn-v2"
#: In their order; a clear takes along all that come after.
TASKS = ("create", "ramp", "analysis", "decide", "promote", "remove", "clean_up")
OPERATORS = {
    "create": CreateInferenceExperimentOperator,
    "ramp": UpdateInferenceExperimentOperator,
    "analysis": ShadowAnalysisSensor,
    "promote": PromoteShadowVariantOperator,
    "remove": RemoveShadowVariantOperator,
    "clean_up": RemoveShadowVariantOperator,
}
#: The least that the judge takes.
SPEC = {"min_duration": 600, "initial_delay": 60, "min_periods": 10, "min_effective_periods": 5}
#: Real seconds: a life that hangs is a fault, too.
_PATIENCE = 60
#: Seconds of AWS's time that pass with each call, while a window is judged and otherwise.
_MINUTES, _SECOND = 120.0, 1.0


class SturdyTasks(Tasks):
    """Runs tasks whose trigger begins anew where its triggerer was killed."""

    def _event(self, trigger: BaseTrigger) -> dict[str, Any]:
        while True:
            try:
                return super()._event(trigger)
            except KilledError:
                pass


@dataclass
class Life:
    """A run of a Dag: create, ramp up, judge, decide, promote or remove, clean up.

    :param good: whether the candidate is as good as production
    :param story: what happened, for whoever reads of a failure
    """

    random: Random
    good: bool
    emulator: Emulator
    calls: Calls
    trouble: Trouble
    tasks: Tasks
    story: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    decisive: list[str] = field(default_factory=list)
    passed_at: str | None = None
    _values: dict[str, Any] = field(default_factory=dict)
    _xcoms: dict[str, dict[str, Any]] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)
    _most: dict[str, int] = field(default_factory=dict)
    _clears: int = 0

    def run(self) -> None:
        """Run all tasks; now and then somebody clears one, with those after it."""
        index = 0
        while index < len(TASKS):
            task = TASKS[index]
            self.states[task] = self._state(task)
            self.story.append(f"{task}: {self.states[task]}")
            index += 1
            cleared = self._cleared(task)
            if cleared:
                self._clear(cleared)
                index = TASKS.index(cleared)

    # --- clears ------------------------------------------------------------------------------

    def _cleared(self, task: str) -> str | None:
        """Return the task that somebody clears now: one that a template failed, or any."""
        if self.states[task] == "failed" and self.decisive[-1:] == [f"template of {task}"]:
            self.decisive.pop()
            return task
        has_created = self.states["create"] == "success" and not self.decisive
        if self._clears < 2 and has_created and self.random.random() < 0.12:
            return self.random.choice([t for t in self._clearable() if t in self._values])
        return None

    def _clearable(self) -> tuple[str, ...]:
        """Return the tasks that another run of changes nothing for: an ended test is not ramped."""
        return TASKS[2:] if {"promote", "remove"} & self._values.keys() else TASKS

    def _clear(self, task: str) -> None:
        self.story.append(f"somebody cleared {task}")
        self._clears += 1
        for each in TASKS[TASKS.index(task) :]:
            # As Airflow does: what was used up, and the retries once more.
            self._most[each] = self._tries.get(each, 0) + RETRIES
            self.states.pop(each, None)

    # --- one task ----------------------------------------------------------------------------

    def _state(self, task: str) -> str:
        """Run a task if its turn has come, and return its state."""
        if task in {"ramp", "analysis", "decide"}:
            before = TASKS[TASKS.index(task) - 1]
            if self.states[before] != "success":
                return "upstream_failed"
        if task in {"promote", "remove"}:
            if self.states["decide"] != "success":
                return "upstream_failed"
            if task not in self._values["decide"] and not self._is_skip_forgotten(task):
                return "skipped"
        return self._until_done(task)

    def _is_skip_forgotten(self, task: str) -> bool:
        """Tell whether Airflow forgets a branch's skip, as 3.2 and 3.3 do in mapped groups."""
        forgets = task == "promote" and self.random.random() < 0.3
        if forgets:
            self.story.append("Airflow forgot to skip promote")
        return forgets

    def _until_done(self, task: str) -> str:
        most = self._most.setdefault(task, RETRIES)
        while True:
            number = self._tries[task] = self._tries.get(task, 0) + 1
            is_last = number > most
            this = Try(task, is_last, self.random)
            try:
                state = self._try(this)
            finally:
                self.story.append(f"  try {number}: {', '.join(this.drawn + this.decisive)}")
                if this.decisive and "somebody" in this.decisive[-1]:
                    self.decisive.append(this.decisive[-1])
            if state != "up_for_retry":
                if state == "failed" and this.arguments:
                    self.decisive.append(f"template of {task}")
                return state
            if is_last:
                return "failed"

    def _try(self, this: Try) -> str:
        self.calls.begin(step=_MINUTES if this.task == "analysis" else _SECOND)
        try:
            with keys_kept():
                self.trouble.strike(this)
                self._values[this.task] = self._execute(this)
        except AirflowSkipException as skip:
            self.story.append(f"  {skip}")
            return "skipped"
        except (AirflowFailException, AirflowSensorTimeout) as error:
            self.story.append(f"  for good: {error}")
            return "failed"
        except (AirflowException, KilledError) as error:
            self.story.append(f"  {type(error).__name__}: {error}")
            return "up_for_retry"
        finally:
            self.emulator.faults.clear()
        return "success"

    def _execute(self, this: Try) -> Any:
        if this.task == "decide":
            return self._branch(this)
        self._xcoms[this.task] = {}  # Airflow forgets those of the try before
        ti = {
            "task_id": this.task,
            "try_number": self._tries[this.task],
            "max_tries": self._most[this.task],
            "xcoms": self._xcoms[this.task],
        }
        dag_run = {"clear_number": self._clears}
        arguments = {**self._arguments(this.task), "retries": RETRIES, **this.arguments}
        run = self.tasks.run(OPERATORS[this.task], ti=ti, dag_run=dag_run, **arguments)
        if this.task == "analysis" and run.value["outcome"] == "PASS":
            self.passed_at = self.passed_at or self.emulator.clock.now().isoformat()
        return run.value

    def _branch(self, this: Try) -> list[str]:
        ways = {"on_pass": "promote", "on_fail": "remove", "on_inconclusive": "remove"}
        given = {"verdict": self._values["analysis"], **this.arguments}
        with DAG("lives", schedule=None):
            decide = ShadowVerdictBranchOperator(
                task_id="decide", promote_on="operational", **ways, **given
            )
            decide >> [EmptyOperator(task_id="promote"), EmptyOperator(task_id="remove")]
        decide.render_template_fields({})
        return decide.choose_branch({}) or []

    def _arguments(self, task: str) -> dict[str, Any]:
        """Return what the Dag says of a task, with what those before it have left."""
        name, waiting = self._values.get("create"), {"waiter_timeout": _PATIENCE}
        if task == "create":
            return {
                "role_arn": fleet.ROLE_ARN,
                "endpoint_name": ENDPOINT,
                "shadow_model_name": CANDIDATE,
                "sampling_percentage": 50,
                "duration": "50h",
                "endpoint_timeout": _PATIENCE,
                **waiting,
            }
        if task == "ramp":
            return {"name": name, "sampling_percentage": 100, **waiting}
        if task == "analysis":
            since = self._xcoms["ramp"]["since"]
            window = {"since": since, "duration": "40m", "interval": 120, "spec": SPEC}
            patience = {"poke_interval": 0.01, "timeout": _PATIENCE, "min_remaining": 3600}
            return {"name": name, **window, **patience}
        if task == "promote":
            verdict = self._values["analysis"]
            judged = {"verdict": verdict, "promote_on": "operational"}
            return {"name": name, **judged, **waiting}
        if task == "remove":
            return {"name": name, **waiting}
        begun = (self._xcoms["create"].get("shadow_test") or {}).get("name")
        return {"name": name or begun, "missing_ok": True, **waiting}
