"""Start a scheduled experiment now."""

from __future__ import annotations

from airflow_shadow.exceptions import AwsRefusedError
from airflow_shadow.experiments.lifecycle import Status, status_of
from airflow_shadow.operators.start import StartInferenceExperimentOperator
from airflow_shadow.steps.deployment_wait import DeploymentWaitSteps
from airflow_shadow.steps.safeguards import refuse_undoing
from airflow_shadow.steps.wait import Carry, Step, Wait
from airflow_shadow.waiters import Outcome, ReachStatus


class StartInferenceExperimentSteps(DeploymentWaitSteps[StartInferenceExperimentOperator]):
    """The steps of :class:`StartInferenceExperimentOperator`."""

    def begin(self) -> Step:
        """Wait out a creation or an update that is under way."""
        return self._await_ready({})

    def begin_again(self, carry: Carry) -> Step:
        """Wait until it can be started, or has been."""
        return self._await_ready(carry)

    def _await_ready(self, carry: Carry) -> Wait:
        ready = (Status.CREATED, Status.STARTING, Status.RUNNING)
        goal = ReachStatus(self.name(), tuple(map(str, ready)))
        return Wait(goal, self._start, self.deadline(), carry)

    def _start(self, outcome: Outcome, carry: Carry) -> Step:
        if outcome.error:
            raise outcome.error
        name = outcome.view["Name"]
        if status_of(outcome.view) is Status.CREATED:
            asked = f"to start experiment {name!r}"
            if not refuse_undoing(self.hook, outcome.view, asked=asked, keeps_count=False):
                return self.await_settled(outcome.view["EndpointMetadata"]["EndpointName"], carry)
            try:
                self.hook.start_inference_experiment(name)
            except AwsRefusedError as error:
                wait = self.await_deployment(error, outcome.view, carry)
                return wait or self._await_ready(self.after_conflict(error, carry))
        else:
            self.log.info("%r is %s already.", name, outcome.view["Status"])
        if not self.op.wait_for_completion:
            return self.hook.describe_inference_experiment(name)
        targets = (str(Status.RUNNING), str(Status.COMPLETED))
        return Wait(ReachStatus(name, targets), self.settled, self.deadline())
