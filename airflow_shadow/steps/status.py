"""The waiting of the sensors, in whichever mode."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NoReturn, TypeVar

from airflow_shadow._compat import (
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    Context,
    first_reschedule_date,
)
from airflow_shadow.exceptions import InvalidRequestError, ShadowError, WaitTimeoutError
from airflow_shadow.experiments.lifecycle import GRACE_SECONDS, Ending, Status
from airflow_shadow.sensors.base import ShadowSensor
from airflow_shadow.sensors.inference_experiment import InferenceExperimentSensor
from airflow_shadow.steps.base import Steps, nameless, text_of, translated
from airflow_shadow.steps.durations import read_durations
from airflow_shadow.steps.load_argument import list_of_text
from airflow_shadow.steps.wait import Carry, Step, Wait, view_of
from airflow_shadow.text.messages import short_repr, short_reprs
from airflow_shadow.waiters import (
    AnyCondition,
    Description,
    Policy,
    ReachStatus,
    WaitResult,
    WaitState,
    condition_from_dict,
    condition_to_dict,
)

Sensor_co = TypeVar("Sensor_co", bound=ShadowSensor, covariant=True)


class SensorSteps(Steps[Sensor_co]):
    """What the sensors share: one wait, and Airflow's exceptions for how it ends."""

    renamed: ClassVar[Mapping[str, str]] = {"execute_complete": "waited"}

    def __init__(self, operator: Sensor_co, context: Context) -> None:
        super().__init__(operator, context)
        #: The experiment's end, if this has moved it: AWS may still show the one before.
        self.ends: datetime | None = None
        #: When an own timeout runs out, epoch seconds: waiting on does not extend it.
        self._own_deadline: float | None = None

    @property
    def delay(self) -> float:
        """Seconds between two polls of AWS."""
        return float(self.op.poke_interval)

    def condition(self) -> AnyCondition:
        """Return what is waited for; the sensors' own classes say it."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Do in the worker what must be done before the wait."""

    def state(self) -> WaitState:
        """Return what the wait begins with, after :meth:`prepare` and before :meth:`condition`."""
        return WaitState()

    def goes_on(self, _goal: AnyCondition, _view: Description) -> bool:
        """Do in the worker what must be done before the wait goes on; tell whether it does."""
        return False

    def begin(self) -> Step:
        """Prepare the wait, and wait."""
        if not self.op.name:
            raise nameless("to watch an experiment")
        self.prepare()
        progress = self.state()
        return self._waits(self.condition(), progress)

    def _waits(self, goal: AnyCondition, progress: WaitState) -> Wait:
        deadline = self._deadline()
        carry: Carry = {"goal": condition_to_dict(goal), "own_deadline": self._own_deadline}
        return Wait(goal, self.waited, deadline, carry, progress)

    def waited(self, outcome: WaitResult, carry: Carry) -> Step:
        """End with what was found, or wait on."""
        view, goal = view_of(outcome), condition_from_dict(carry["goal"])
        self._own_deadline = carry["own_deadline"]
        return self._waits(goal, outcome.state) if self.goes_on(goal, view) else view

    def give_up(self) -> NoReturn:
        """Fail because the triggerer did not answer in time."""
        read_durations(self.op)
        found = "no answer from the triggerer in time"
        self.fail(WaitTimeoutError(asked=self.condition().asked, found=found))

    @property
    def is_patient(self) -> bool:
        """Whether the worker itself waits."""
        return not (self.defers or self.op.reschedule)

    def leave(self, step: Wait, policy: Policy) -> NoReturn:
        """Defer, or come again after a while."""
        if self.defers:
            super().leave(step, policy)
        raise AirflowRescheduleException(  # type: ignore[no-untyped-call]
            datetime.now(UTC) + timedelta(seconds=self.delay)
        )

    def _deadline(self) -> float:
        started, given = time.time(), float(self.op.timeout)
        if self.op.reschedule and (first := first_reschedule_date(self.op, self.context)):
            started = first.timestamp()
        if self.op.has_own_timeout:
            self._own_deadline = self._own_deadline or started + given
            return self._own_deadline
        experiment = self.hook.find_experiment(self.op.name) or {}
        shown = (experiment.get("Schedule") or {}).get("EndTime")
        ends = [datetime.fromisoformat(shown)] if shown else []
        ends += [self.ends] if self.ends else []
        if not ends:
            return started + given  # Airflow's own default
        ahead = (max(ends) - self.hook.now()).total_seconds()
        # One that is over is judged all the same, and AWS may be unavailable meanwhile.
        return max(time.time() + ahead, started) + GRACE_SECONDS

    def fail(self, error: ShadowError) -> NoReturn:
        """Raise Airflow's exception; what another try would not mend is a skip with `soft_fail`."""
        timed_out = isinstance(error, WaitTimeoutError)
        pointless = timed_out or not error.retriable
        if self.op.never_fail or (self.op.soft_fail and pointless):
            text = text_of(error, self.hook)
            self.log.info("%s", text)  # Airflow shows the exception in a folded group
            raise AirflowSkipException(text) from error
        if timed_out:
            raise AirflowSensorTimeout(str(error)) from error
        raise translated(error, self.hook) from error


class StatusSensorSteps(SensorSteps[InferenceExperimentSensor]):
    """What :class:`InferenceExperimentSensor` does."""

    def condition(self) -> ReachStatus:
        """Wait for one of the statuses."""
        given = self.op.target_statuses
        targets = tuple(list_of_text(given, what="target_statuses"))
        unknown = sorted(set(targets) - set(Status))
        if unknown or not targets:
            raise InvalidRequestError(
                asked=f"target_statuses={short_repr(given)}",
                found=f"no such status: {short_reprs(unknown)}" if unknown else "no status",
                next_step=f"Give one or more of {', '.join(Status)}.",
            )
        # Who waits for the end does not mind who brings it about.
        tolerates = (str(Ending.STOPPED),) if str(Status.CANCELLED) in targets else ()
        missing_ok = self.op.missing_ok
        return ReachStatus(self.op.name, targets, missing_ok=missing_ok, tolerates=tolerates)

    def finish(self, view: Description) -> Any:
        """Push the description to the XCom `experiment` and return the experiment's name."""
        return self.push(view)
