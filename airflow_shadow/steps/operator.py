"""What the steps of all operators share: a typed request, a deadline, a way out of conflicts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

from airflow_shadow._compat import base_url, conf
from airflow_shadow.exceptions import AwsRefusedError, ExperimentNotFoundError, InvalidRequestError
from airflow_shadow.experiments.lifecycle import DEADLINES, Status
from airflow_shadow.experiments.ownership import Identity, address_of, digest
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.operators.base import ShadowOperator
from airflow_shadow.request_model import field_names
from airflow_shadow.steps.base import MOST_CONFLICTS, Steps, nameless
from airflow_shadow.steps.durations import PATIENCE
from airflow_shadow.steps.load_argument import load_structure
from airflow_shadow.steps.wait import Carry, Step, Wait, view_of
from airflow_shadow.waiters import Description, Policy, ReachStatus, WaitResult

Operator_co = TypeVar("Operator_co", bound=ShadowOperator, covariant=True)

_STRUCTURED = frozenset({"structure", "list", "map"})


class OperatorSteps(Steps[Operator_co]):
    """What one operator does, step by step."""

    @property
    def delay(self) -> float:
        """Seconds between two polls of AWS."""
        return float(self.op.waiter_delay)

    def policy(self, step: Wait) -> Policy:
        """Return how to wait."""
        return Policy(self.op.waiter_delay, step.deadline, self.op.waiter_max_attempts)

    def finish(self, view: Description) -> Any:
        """Push the description to the XCom `experiment` and return the experiment's name."""
        return self.push(view)

    def settled(self, outcome: WaitResult, _carry: Carry) -> Step:
        """End with what was waited for, or with its error."""
        return view_of(outcome)

    # --- requests ------------------------------------------------------------------------

    @cached_property
    def request(self) -> Mapping[str, Any]:
        """The request as the user gave it, with the API's types; not complete, and not checked."""
        return self.hook.coerce(self.op.api_operation, self._given())

    def times(self) -> Mapping[str, Any]:
        """Return the fields of `Schedule` that are arguments of their own."""
        return {}

    def _given(self) -> dict[str, Any]:
        """Return the request in the API's words: `config`, then arguments."""
        shape = self.hook.input_shape(self.op.api_operation)
        given = load_structure(getattr(self.op, "config", None), what="config") or {}
        if not isinstance(given, Mapping):
            raise InvalidRequestError(
                asked="config", found=f"{type(given).__name__} instead of the request's fields"
            )
        given = dict(given)
        for argument, member in field_names(shape).items():
            if getattr(self.op, argument, None) is not None:
                given[member] = getattr(self.op, argument)
        for member in given.keys() & shape.members.keys():
            if shape.members[member].type_name in _STRUCTURED:
                given[member] = load_structure(given[member], what=member)
        if times := {key: value for key, value in self.times().items() if value is not None}:
            given["Schedule"] = {**(given.get("Schedule") or {}), **times}
        return given

    def name(self) -> str:
        """Return the experiment's name.

        :raises InvalidRequestError: none is given
        """
        name = self.request.get("Name")
        if not name:
            raise nameless(self.op.api_operation)
        return str(name)

    @cached_property
    def identity(self) -> Identity:
        """The task instance, with a hash of the arguments as the user rendered them."""
        ti, op = self.context["ti"], self.op
        rendered = {name: getattr(op, name) for name in sorted({*op.template_fields} - PATIENCE)}
        return Identity(
            deployment=conf.get("airflow_shadow", "deployment", fallback="") or "",
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=getattr(ti, "map_index", -1),
            # A clear raises it by the tries that were used; a retry and a new Dag version do not.
            generation=int(ti.max_tries),
            arguments=digest(rendered),
            try_number=int(ti.try_number),
            clears=int(getattr(self.context["dag_run"], "clear_number", 0)),
            retries=int(op.retries or 0),
            address=address_of(base_url()),
        )

    # --- waiting and changing ------------------------------------------------------------

    def deadline(self) -> float:
        """Return when a wait that begins now gives up, epoch seconds."""
        return deadline(self.op.deadline_row, self.op.waiter_timeout)

    def await_statuses(
        self,
        then: Callable[[WaitResult, Carry], Step],
        statuses: Iterable[Status],
        carry: Carry | None = None,
        *,
        tolerates: tuple[str, ...] = (),
    ) -> Wait:
        """Wait until the experiment has one of some statuses, then go on with a step."""
        goal = ReachStatus(self.name(), tuple(map(str, statuses)), tolerates=tolerates)
        return Wait(goal, then, self.deadline(), carry or {})

    def await_change(self, wait: Wait) -> Step:
        """Wait until a change is in place, or only describe it without `wait_for_completion`."""
        if self.op.wait_for_completion:
            return wait
        return self.hook.describe_inference_experiment(self.name())

    def delete(self, name: str) -> None:
        """Delete an experiment; one that is gone is a success, for botocore resends by itself."""
        with suppress(ExperimentNotFoundError):
            self.hook.delete_inference_experiment(name)

    def after_conflict(self, error: AwsRefusedError, carry: Carry) -> Carry:
        """Return what to carry on with after a refusal that the next description may explain.

        Right after somebody's change AWS may still describe the state before it, so one more
        description is not enough.

        :raises AwsRefusedError: it was no conflict, or describing again did not help
        """
        conflicts = carry.get("conflicts", 0) + 1
        if error.code != CONFLICT or conflicts > MOST_CONFLICTS:
            raise error
        time.sleep(self.pause)
        return {**carry, "conflicts": conflicts}


def deadline(row: str, seconds: float | None = None) -> float:
    """Return the epoch seconds until which to wait; by default what the table says."""
    return time.time() + (DEADLINES[row].seconds if seconds is None else seconds)
