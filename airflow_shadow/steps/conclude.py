"""Conclude an experiment: wait until it rests, then stop it; remove its candidate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from airflow_shadow.exceptions import (
    AwsRefusedError,
    ExperimentNotFoundError,
    PromotionRefusedError,
)
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    SETTLED,
    Action,
    Ending,
    Status,
    is_promoted,
    mark,
    production_variant,
    shadow_variant,
    status_of,
    stop_request,
)
from airflow_shadow.experiments.production import ProductionVariant
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.operators.conclude import ConcludeOperator, RemoveShadowVariantOperator
from airflow_shadow.operators.stop import StopInferenceExperimentOperator
from airflow_shadow.request_model import Prepared
from airflow_shadow.steps.base import MOST_CONFLICTS
from airflow_shadow.steps.branch_decisions import skip_unfollowed
from airflow_shadow.steps.deployment_wait import DeploymentWaitSteps
from airflow_shadow.steps.production import was_created_after
from airflow_shadow.steps.safeguards import warn_of_undoing
from airflow_shadow.steps.wait import Carry, Step, Wait, view_of
from airflow_shadow.waiters import (
    ANY_ENDING,
    Description,
    ExperimentGone,
    ShadowPromoted,
    WaitResult,
)

Concluding_co = TypeVar(
    "Concluding_co", bound=ConcludeOperator | StopInferenceExperimentOperator, covariant=True
)
Removing_co = TypeVar("Removing_co", bound=RemoveShadowVariantOperator, covariant=True)


class ConcludeSteps(DeploymentWaitSteps[Concluding_co]):
    """What promotion, removal and stop share: wait until the experiment rests, then stop it."""

    def conclude(self, outcome: WaitResult, carry: Carry) -> Step:
        """Do what is to be done with an experiment at rest; the kinds of conclusion override it."""
        raise NotImplementedError

    def begin_again(self, carry: Carry) -> Step:
        """Wait out an update or a start that is under way, or the end."""
        rest = SETTLED | CONCLUDED
        return self.await_statuses(self.conclude, rest, carry, tolerates=ANY_ENDING)

    def reason(self, verb: str) -> str:
        """Return the reason to send: the user's, or one that names the task.

        In a rollout the user's is the verdict's. A clean-up knows its own removal by this text.
        """
        ti = self.context["ti"]
        usual = f"{verb} by Airflow: {ti.dag_id}, run {ti.run_id}, task {ti.task_id}."
        return str(self.op.reason or usual)

    def stop(
        self, request: Mapping[str, Any] | Prepared, experiment: Description, carry: Carry
    ) -> Step | None:
        """Stop the experiment; a conflict means that somebody was faster, so describe it again."""
        call = partial(self.hook.stop_inference_experiment, request)
        return self.attempt(call, experiment, carry)

    def after_conflict(self, error: AwsRefusedError, carry: Carry) -> Carry:
        """Return what to carry on with, as for any change; a stop needs one that has started."""
        try:
            return super().after_conflict(error, carry)
        except AwsRefusedError:
            found = self.hook.find_experiment(self.name()) if error.code == CONFLICT else None
            if status_of(found or {}) is not Status.CREATED:
                raise
            next_step = "It has not started: delete it, or use RemoveShadowVariantOperator."
            raise AwsRefusedError(**{**error.facts(), "next_step": next_step}) from error

    def refuse_exchanged(self, experiment: Description, *, asked: str) -> None:
        """Refuse a candidate whose model was deleted and created again under its name.

        :raises PromotionRefusedError: it was
        """
        model_name = str((shadow_variant(experiment) or {}).get("ModelName"))
        if was_created_after(self.hook, model_name, experiment):
            raise PromotionRefusedError(
                asked=asked,
                found=f"model {model_name!r} was created after the experiment: deleted and created "
                "again under its name, it is not what was tested",
                next_step="Test the candidate again, under a model name of its own.",
            )

    def ended_since(
        self, experiment: Description, production: ProductionVariant, carry: Carry
    ) -> Step | None:
        """Begin again if production changed because the experiment was concluded in the meantime.

        Our own call may have done that: its answer was lost, or another copy of this task made it.
        Where production serves the candidate, AWS may only describe the experiment as it was.
        """
        if production.model_name == (production_variant(experiment) or {}).get("ModelName"):
            return None
        found = self.hook.find_experiment(experiment["Name"])
        if found is None or status_of(found) is not Status.RUNNING:
            return self.begin_again(carry)
        candidate, stale = shadow_variant(experiment) or {}, carry.get("stale", 0) + 1
        if production.model_name != candidate.get("ModelName") or stale > MOST_CONFLICTS:
            return None
        time.sleep(self.pause)
        return self.begin_again({**carry, "stale": stale})

    def await_promotion(self, experiment: Description) -> Step:
        """Wait until the endpoint serves the candidate."""
        shadow = shadow_variant(experiment) or {}
        goal = ShadowPromoted(
            name=experiment["Name"],
            endpoint_name=experiment["EndpointMetadata"]["EndpointName"],
            model_name=shadow["ModelName"],
        )
        return self.await_change(Wait(goal, self.settled, self.deadline()))

    def await_end(self, carry: Carry | None = None) -> Step:
        """Wait until the experiment is concluded."""
        stopped = (str(Ending.STOPPED),)
        wait = self.await_statuses(self.settled, CONCLUDED, carry, tolerates=stopped)
        return self.await_change(wait)


class RemoveShadowVariantSteps(ConcludeSteps[Removing_co]):
    """The steps of :class:`RemoveShadowVariantOperator`."""

    def begin(self) -> Step:
        """Check what was decided, then wait out an update or a start that is under way."""
        skip_unfollowed(self, needs_decision=False)
        if self.op.missing_ok and not self.op.name:
            self.log.info("No name is given, so there is nothing to remove.")
            return {"Name": self.op.name}
        return self.begin_again({})

    def _nothing(self) -> Description:
        where = self.hook.place
        self.log.info(
            "There is no experiment %r %s, so there is nothing to remove.", self.op.name, where
        )
        return {"Name": self.op.name}

    def conclude(self, outcome: WaitResult, carry: Carry) -> Step:
        """Remove the shadow, unless it is gone."""
        if isinstance(outcome.error, ExperimentNotFoundError) and self.op.missing_ok:
            return self._describe_twice(carry)
        experiment = view_of(outcome)
        if status_of(experiment) in CONCLUDED:
            self._log_concluded(experiment)
            return experiment
        if status_of(experiment) is Status.CREATED:
            return self._delete(experiment, carry)
        return self._remove(experiment, carry)

    def _delete(self, experiment: Description, carry: Carry) -> Step:
        """Delete what has no shadow yet, as CloudFormation does."""
        try:
            self.delete(experiment["Name"])
        except AwsRefusedError as error:  # it has just started
            return self.begin_again(super(ConcludeSteps, self).after_conflict(error, carry))
        gone = ExperimentGone(experiment["Name"])
        return Wait(gone, self.settled, self.deadline(), self.removing(experiment, carry))

    def _log_concluded(self, experiment: Description) -> None:
        name, status = experiment["Name"], experiment["Status"]
        if is_promoted(experiment):
            self.log.info(
                "%r is %s already: its candidate was promoted, so nothing is removed.", name, status
            )
        else:
            self.log.info("%r is %s already.", name, status)

    def removing(self, _experiment: Description, carry: Carry) -> Carry:
        """Return what the wait for the end of a removal carries; subclasses add to it."""
        return carry

    def _describe_twice(self, carry: Carry) -> Step:
        """Describe it once more: AWS may lag behind a creation of seconds ago."""
        if carry.get("missing"):
            return self._nothing()
        time.sleep(self.pause)
        return self.begin_again({**carry, "missing": True})

    def _remove(self, experiment: Description, carry: Carry) -> Step:
        reason = mark(Action.REMOVE, self.reason("Removed"))
        request = stop_request(
            experiment, promote=False, desired_state=self.op.desired_state, reason=reason
        )
        warn_of_undoing(self.hook, experiment)
        try:
            again = self.stop(request, experiment, carry)
        except ExperimentNotFoundError:  # somebody deleted it in the meantime
            if not self.op.missing_ok:
                raise
            return self._nothing()
        return again or self.await_end(self.removing(experiment, carry))
