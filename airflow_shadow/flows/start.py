"""Start a scheduled experiment now."""

from __future__ import annotations

from typing import Any

from airflow_shadow.exceptions import AwsRefusedError
from airflow_shadow.flows.base import Flow, Step, Wait
from airflow_shadow.flows.harm import refuse_undoing
from airflow_shadow.lifecycle import Status, status_of
from airflow_shadow.waiting import Outcome, ReachStatus


class StartInferenceExperimentFlow(Flow):
    """The steps of :class:`StartInferenceExperimentOperator`."""

    def begin(self) -> Step:
        """Wait out a creation or an update that is under way."""
        return self._await_ready({})

    def _await_ready(self, carry: dict[str, Any]) -> Wait:
        ready = (Status.CREATED, Status.STARTING, Status.RUNNING)
        goal = ReachStatus(self.name(), tuple(map(str, ready)))
        return Wait(goal, "_start", self.deadline(), carry)

    def settled_again(self, outcome: Outcome, carry: dict[str, Any]) -> Step:
        """Begin anew: the experiment may have changed with what was done to the endpoint."""
        if outcome.error:
            raise outcome.error
        return self._await_ready(carry)

    def _start(self, outcome: Outcome, carry: dict[str, Any]) -> Step:
        if outcome.error:
            raise outcome.error
        name = outcome.view["Name"]
        if status_of(outcome.view) is Status.CREATED:
            asked = f"to start experiment {name!r}"
            if wait := refuse_undoing(self, outcome.view, carry, asked=asked, keeps_count=False):
                return wait
            try:
                self.hook.start_inference_experiment(name)
            except AwsRefusedError as error:
                return self._await_ready(self.after_conflict(error, carry))
        else:
            self.log.info("%r is %s already.", name, outcome.view["Status"])
        if not self.op.wait_for_completion:
            return self.hook.describe_inference_experiment(name)
        targets = (str(Status.RUNNING), str(Status.COMPLETED))
        return Wait(ReachStatus(name, targets), "settled", self.deadline())
