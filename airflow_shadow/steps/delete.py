"""Delete the record of an experiment."""

from __future__ import annotations

from airflow_shadow.exceptions import AwsRefusedError, ExperimentNotFoundError
from airflow_shadow.experiments.lifecycle import CONCLUDED, SETTLED, Status, status_of
from airflow_shadow.operators.delete import DeleteInferenceExperimentOperator
from airflow_shadow.steps.operator import OperatorSteps
from airflow_shadow.steps.wait import Carry, Step, Wait, view_of
from airflow_shadow.waiters import ANY_ENDING, Description, ExperimentGone, WaitResult


class DeleteInferenceExperimentSteps(OperatorSteps[DeleteInferenceExperimentOperator]):
    """The steps of :class:`DeleteInferenceExperimentOperator`."""

    def begin(self) -> Step:
        """Wait until nothing is under way: AWS deletes no experiment that is changing."""
        return self._await_rest({})

    def _await_rest(self, carry: Carry) -> Wait:
        rest = SETTLED | CONCLUDED
        return self.await_statuses(self._delete, rest, carry, tolerates=ANY_ENDING)

    def _delete(self, outcome: WaitResult, carry: Carry) -> Step:
        if isinstance(outcome.error, ExperimentNotFoundError):
            return self._gone()
        experiment = view_of(outcome)
        try:
            self.hook.delete_inference_experiment(experiment["Name"])
        except ExperimentNotFoundError:
            return self._gone()  # somebody was faster, or our own first call was
        except AwsRefusedError as error:
            return self._refused(error, carry)
        if not self.op.wait_for_completion:
            return experiment
        return Wait(ExperimentGone(experiment["Name"]), self.settled, self.deadline())

    def _gone(self) -> Description:
        name, where = self.name(), self.hook.place
        self.log.info("There is no experiment %r %s, so there is nothing to delete.", name, where)
        return {"Name": self.name()}

    def _refused(self, error: AwsRefusedError, carry: Carry) -> Wait:
        """Wait again after a conflict, unless it is Running: that ends by a conclusion only."""
        again = self.after_conflict(error, carry)
        found = self.hook.find_experiment(self.name())
        if found and status_of(found) is Status.RUNNING:
            raise AwsRefusedError(
                asked=f"to delete experiment {found['Name']!r}",
                found="it is Running",
                reason=error.reason,
                code=error.code,
                next_step="Promote or remove its shadow variant first, then delete it.",
            ) from error
        return self._await_rest(again)
