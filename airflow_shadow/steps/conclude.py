"""Conclude an experiment: wait until it rests, then stop it; remove its candidate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, TypeVar

from airflow_shadow.exceptions import (
    AwsRefusedError,
    ExperimentNotFoundError,
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
from airflow_shadow.steps.branches import skip_unfollowed
from airflow_shadow.steps.deployment_wait import DeploymentWaitSteps
from airflow_shadow.steps.safeguards import warn_of_undoing
from airflow_shadow.steps.wait import Carry, Step, Wait
from airflow_shadow.waiters import (
    ANY_ENDING,
    ExperimentGone,
    Outcome,
    ReachStatus,
    ShadowPromoted,
    View,
)

Concluding_co = TypeVar(
    "Concluding_co", bound=ConcludeOperator | StopInferenceExperimentOperator, covariant=True
)
Removing_co = TypeVar("Removing_co", bound=RemoveShadowVariantOperator, covariant=True)


class ConcludeSteps(DeploymentWaitSteps[Concluding_co]):
    """What promotion, removal and stop share: wait until the experiment rests, then stop it."""

    def conclude(self, outcome: Outcome, carry: Carry) -> Step:
        """Do what is to be done with an experiment at rest; the kinds of conclusion override it."""
        raise NotImplementedError

    def begin_again(self, carry: Carry) -> Step:
        """Wait out whatever is under way by now."""
        return self.await_rest(carry)

    def await_rest(self, carry: Carry) -> Wait:
        """Wait out an update or a start that is under way, or the end."""
        targets = tuple(map(str, SETTLED | CONCLUDED))
        goal = ReachStatus(self.name(), targets, tolerates=ANY_ENDING)
        return Wait(goal, self.conclude, self.deadline(), carry)

    def text(self, verb: str) -> str:
        """Return the reason to send: the user's, or one that names the task."""
        ti = self.context["ti"]
        usual = f"{verb} by Airflow: {ti.dag_id}, run {ti.run_id}, task {ti.task_id}."
        return str(self.op.reason or usual)

    def stop(
        self, request: Mapping[str, Any] | Prepared, experiment: View, carry: Carry
    ) -> Wait | None:
        """Stop the experiment; a conflict means that somebody was faster, so look again."""
        try:
            self.hook.stop_inference_experiment(request)
        except AwsRefusedError as error:
            wait = self.await_deployment(error, experiment, carry)
            return wait or self.await_rest(self._after_conflict(error, experiment["Name"], carry))
        return None

    def _after_conflict(self, error: AwsRefusedError, name: str, carry: Carry) -> Carry:
        try:
            return self.after_conflict(error, carry)
        except AwsRefusedError:
            found = self.hook.find_experiment(name) if error.code == CONFLICT else None
            if status_of(found or {}) is not Status.CREATED:
                raise
            next_step = "It has not started: delete it, or use RemoveShadowVariantOperator."
            raise AwsRefusedError(**{**error.facts(), "next_step": next_step}) from error

    def ended_since(
        self, experiment: View, production: ProductionVariant, carry: Carry
    ) -> Wait | None:
        """Look again if production changed because the experiment was concluded since our look.

        Our own call may have done that: its answer was lost, or another copy of this task made it.
        Where production serves the candidate, AWS may only show the experiment as it was.
        """
        if production.model_name == (production_variant(experiment) or {}).get("ModelName"):
            return None
        found = self.hook.find_experiment(experiment["Name"])
        if found is None or status_of(found) is not Status.RUNNING:
            return self.await_rest(carry)
        candidate, looks = shadow_variant(experiment) or {}, carry.get("stale", 0) + 1
        if production.model_name != candidate.get("ModelName") or looks > MOST_CONFLICTS:
            return None
        time.sleep(self.pause)
        return self.await_rest({**carry, "stale": looks})

    def await_promotion(self, experiment: View) -> Step:
        """Wait until the endpoint serves the candidate."""
        if not self.op.wait_for_completion:
            return self.hook.describe_inference_experiment(experiment["Name"])
        shadow = shadow_variant(experiment) or {}
        goal = ShadowPromoted(
            name=experiment["Name"],
            endpoint_name=experiment["EndpointMetadata"]["EndpointName"],
            model_name=shadow["ModelName"],
        )
        return Wait(goal, self.settled, self.deadline())

    def await_end(self, name: str, carry: Carry | None = None) -> Step:
        """Wait until the experiment is concluded."""
        if not self.op.wait_for_completion:
            return self.hook.describe_inference_experiment(name)
        goal = ReachStatus(name, tuple(map(str, CONCLUDED)), tolerates=(str(Ending.STOPPED),))
        return Wait(goal, self.settled, self.deadline(), carry or {})


class RemoveShadowVariantSteps(ConcludeSteps[Removing_co]):
    """The steps of :class:`RemoveShadowVariantOperator`."""

    def begin(self) -> Step:
        """Ask what was decided, then wait out an update or a start that is under way."""
        skip_unfollowed(self, needs_decision=False)
        if self.op.missing_ok and not self.op.name:
            self.log.info("No name is given, so there is nothing to remove.")
            return {"Name": self.op.name}
        return self.await_rest({})

    def _nothing(self) -> View:
        where = self.hook.place
        self.log.info(
            "There is no experiment %r %s, so there is nothing to remove.", self.op.name, where
        )
        return {"Name": self.op.name}

    def conclude(self, outcome: Outcome, carry: Carry) -> Step:
        """Remove the shadow, unless it is gone."""
        if isinstance(outcome.error, ExperimentNotFoundError) and self.op.missing_ok:
            return self._look_twice(carry)
        if outcome.error:
            raise outcome.error
        experiment = outcome.view
        if status_of(experiment) in CONCLUDED:
            self._tell_concluded(experiment)
            return experiment
        if status_of(experiment) is Status.CREATED:
            # No shadow stands yet; CloudFormation deletes it likewise.
            try:
                self.delete(experiment["Name"])
            except AwsRefusedError as error:  # it has just started
                return self.await_rest(self.after_conflict(error, carry))
            gone = ExperimentGone(experiment["Name"])
            return Wait(gone, self.settled, self.deadline(), self.removing(experiment, carry))
        return self._remove(experiment, carry)

    def _tell_concluded(self, experiment: View) -> None:
        name, status = experiment["Name"], experiment["Status"]
        if is_promoted(experiment):
            self.log.warning(
                "%r is %s already: its candidate was promoted, so nothing is removed.", name, status
            )
        else:
            self.log.info("%r is %s already.", name, status)

    def removing(self, _experiment: View, carry: Carry) -> Carry:
        """Return what the wait for the end of a removal carries; kinds of it remember more."""
        return carry

    def _look_twice(self, carry: Carry) -> Step:
        """Believe in nothing at the second look: AWS may lag behind a creation of seconds ago."""
        if carry.get("missing"):
            return self._nothing()
        time.sleep(self.pause)
        return self.await_rest({**carry, "missing": True})

    def _remove(self, experiment: View, carry: Carry) -> Step:
        reason = mark(Action.REMOVE, self.text("Removed"))
        request = stop_request(
            experiment, promote=False, desired_state=self.op.desired_state, reason=reason
        )
        warn_of_undoing(self.hook, experiment)
        try:
            again = self.stop(request, experiment, carry)
        except ExperimentNotFoundError:  # somebody deleted it since our look
            if not self.op.missing_ok:
                raise
            return self._nothing()
        return again or self.await_end(experiment["Name"], self.removing(experiment, carry))
