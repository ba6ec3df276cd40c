"""Start a scheduled experiment now."""

from __future__ import annotations

from functools import partial

from airflow_shadow.experiments.lifecycle import Status, status_of
from airflow_shadow.operators.start import StartInferenceExperimentOperator
from airflow_shadow.steps.deployment_wait import DeploymentWaitSteps
from airflow_shadow.steps.safeguards import refuse_undoing
from airflow_shadow.steps.wait import Carry, Step, view_of
from airflow_shadow.waiters import Description, WaitResult


class StartInferenceExperimentSteps(DeploymentWaitSteps[StartInferenceExperimentOperator]):
    """The steps of :class:`StartInferenceExperimentOperator`."""

    def begin(self) -> Step:
        """Wait out a creation or an update that is under way."""
        return self.begin_again({})

    def begin_again(self, carry: Carry) -> Step:
        """Wait until it can be started, or has been."""
        ready = (Status.CREATED, Status.STARTING, Status.RUNNING)
        return self.await_statuses(self._start, ready, carry)

    def _start(self, outcome: WaitResult, carry: Carry) -> Step:
        experiment = view_of(outcome)
        if status_of(experiment) is not Status.CREATED:
            self.log.info("%r is %s already.", experiment["Name"], experiment["Status"])
        elif again := self._start_created(experiment, carry):
            return again
        running = (Status.RUNNING, Status.COMPLETED)
        return self.await_change(self.await_statuses(self.settled, running))

    def _start_created(self, experiment: Description, carry: Carry) -> Step | None:
        name = experiment["Name"]
        asked = f"to start experiment {name!r}"
        if not refuse_undoing(self.hook, experiment, asked=asked, keeps_count=False):
            return self.await_settled(experiment["EndpointMetadata"]["EndpointName"], carry)
        return self.attempt(partial(self.hook.start_inference_experiment, name), experiment, carry)
