"""The waiting of the sensors, in whichever mode."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NoReturn

from airflow_shadow._compat import (
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    Context,
    first_reschedule_date,
)
from airflow_shadow.exceptions import InvalidRequestError, ShadowError, WaitTimeoutError
from airflow_shadow.flows.base import (
    PAUSE,
    Wait,
    can_defer,
    defer,
    nameless,
    persist_links,
    text_of,
    translated,
)
from airflow_shadow.flows.structures import list_of_text
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.lifecycle import GRACE_SECONDS, Ending, Status
from airflow_shadow.text.shown import listed, shown
from airflow_shadow.waiting import (
    AnyGoal,
    Outcome,
    Policy,
    Progress,
    ReachStatus,
    View,
    goal_from_dict,
    goal_to_dict,
)


class Watch:
    """What the sensors share: one wait, and Airflow's exceptions for how it ends.

    :param sensor: whose arguments say what is wanted
    :param context: Airflow's
    """

    def __init__(self, sensor: Any, context: Context) -> None:
        self.op = sensor
        self.context: Any = context
        self.hook: InferenceExperimentHook = sensor.hook
        #: The experiment's end, if this has moved it: AWS may still show the one before.
        self.ends: datetime | None = None
        #: When an own timeout runs out, epoch seconds: waiting on does not extend it.
        self._own_deadline: float | None = None

    @property
    def pause(self) -> float:
        """Seconds between two tries of one step."""
        return min(float(self.op.poke_interval), PAUSE)

    def goal(self) -> AnyGoal:
        """Return what is waited for; the sensors' own classes say it."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Do in the worker what must be done before the wait."""

    def progress(self) -> Progress:
        """Return what the wait begins with, asked after :meth:`prepare` and before :meth:`goal`."""
        return Progress()

    def goes_on(self, _goal: AnyGoal, _view: View) -> bool:
        """Do in the worker what must be done before the wait goes on; tell whether it does."""
        return False

    def finish(self, view: View) -> Any:
        """End well with what the wait has found."""
        raise NotImplementedError

    def run(self, event: Mapping[str, Any] | None = None) -> Any:
        """Wait, or end with what the event of a trigger tells."""
        try:
            goal, outcome = self._resumed(event) if event else self._begun()
            while outcome.error is None and self.goes_on(goal, outcome.view):
                outcome = self._wait(goal, outcome.progress)
            if outcome.error:
                raise outcome.error
            return self.finish(outcome.view)
        except ShadowError as error:
            self._fail(error)
        except AirflowSkipException as skip:
            self.op.log.info("%s", skip)
            raise

    def _begun(self) -> tuple[AnyGoal, Outcome]:
        if not self.op.name:
            raise nameless("to watch an experiment")
        self.prepare()
        progress = self.progress()
        goal = self.goal()
        return goal, self._wait(goal, progress)

    def _resumed(self, event: Mapping[str, Any]) -> tuple[AnyGoal, Outcome]:
        carry = event["carry"]
        self._own_deadline = carry["own_deadline"]
        return goal_from_dict(carry["goal"]), Outcome.from_dict(event["outcome"])

    def give_up(self) -> NoReturn:
        """Fail because the triggerer did not answer in time."""
        found = "no answer from the triggerer in time"
        self._fail(WaitTimeoutError(asked=self.goal().asked, found=found))

    def _wait(self, goal: AnyGoal, progress: Progress) -> Outcome:
        policy = Policy(delay=self.op.poke_interval, deadline=self._deadline())
        carry = {"goal": goal_to_dict(goal), "own_deadline": self._own_deadline}
        step = Wait(goal, "execute_complete", policy.deadline, carry, progress)
        defers = self.op.deferrable and can_defer(self.op)
        outcome = self.hook.wait_for(
            goal,
            policy=policy,
            progress=step.progress,
            patient=not (defers or self.op.reschedule),
        )
        if outcome is None and self.hook.described:
            persist_links(self.op, self.context, self.hook.described)
        if outcome is None and defers:
            defer(self.op, step, policy)
        if outcome is None:
            raise AirflowRescheduleException(  # type: ignore[no-untyped-call]
                datetime.now(UTC) + timedelta(seconds=self.op.poke_interval)
            )
        return outcome

    def _deadline(self) -> float:
        started, given = time.time(), float(self.op.timeout)
        if self.op.reschedule and (first := first_reschedule_date(self.op, self.context)):
            started = first.timestamp()
        if self.op.has_own_timeout:
            self._own_deadline = self._own_deadline or started + given
            return self._own_deadline
        find = partial(self.hook.find_experiment, self.op.name)
        experiment = self.hook.insist(find, delay=self.pause) or {}
        shown = (experiment.get("Schedule") or {}).get("EndTime")
        ends = [datetime.fromisoformat(shown)] if shown else []
        ends += [self.ends] if self.ends else []
        if not ends:
            return started + given  # Airflow's own default
        ahead = (max(ends) - self.hook.now()).total_seconds()
        # One that is over is judged all the same, and AWS may be unavailable meanwhile.
        return max(time.time() + ahead, started) + GRACE_SECONDS

    def _fail(self, error: ShadowError) -> NoReturn:
        """Raise Airflow's exception; what another try would not mend is a skip with `soft_fail`."""
        timed_out = isinstance(error, WaitTimeoutError)
        pointless = timed_out or not error.retriable
        if self.op.never_fail or (self.op.soft_fail and pointless):
            text = text_of(error, self.hook)
            self.op.log.info("%s", text)  # Airflow shows the exception in a folded group
            raise AirflowSkipException(text) from error
        if timed_out:
            raise AirflowSensorTimeout(str(error)) from error
        raise translated(error, self.hook) from error


class WatchStatus(Watch):
    """What :class:`InferenceExperimentSensor` does."""

    def goal(self) -> ReachStatus:
        """Wait for one of the statuses."""
        given = self.op.target_statuses
        targets = tuple(list_of_text(given, what="target_statuses"))
        unknown = sorted(set(targets) - set(Status))
        if unknown or not targets:
            raise InvalidRequestError(
                asked=f"target_statuses={shown(given)}",
                found=f"no such status: {listed(unknown)}" if unknown else "no status",
                next_step=f"Give one or more of {', '.join(Status)}.",
            )
        # Who waits for the end does not mind who brings it about.
        tolerates = (str(Ending.STOPPED),) if str(Status.CANCELLED) in targets else ()
        missing_ok = self.op.missing_ok
        return ReachStatus(self.op.name, targets, missing_ok=missing_ok, tolerates=tolerates)

    def finish(self, view: View) -> Any:
        """Push the description to the XCom `experiment` and return the experiment's name."""
        persist_links(self.op, self.context, view)
        if self.op.do_xcom_push:
            self.context["ti"].xcom_push(key="experiment", value=view)
        return view.get("Name")
