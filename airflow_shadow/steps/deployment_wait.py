"""Changes of an experiment, which AWS refuses while somebody deploys to its endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_shadow.exceptions import AwsAccessDeniedError, AwsRefusedError
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.steps.operator import Operator_co, OperatorSteps
from airflow_shadow.steps.wait import Carry, Step, Wait, view_of
from airflow_shadow.waiters import Description, EndpointSettled, WaitResult, in_service


class DeploymentWaitSteps(OperatorSteps[Operator_co]):
    """Wait until a deployment to the endpoint is over, then begin again."""

    def begin_again(self, carry: Carry) -> Step:
        """Read everything again; the kinds of change override it."""
        raise NotImplementedError

    def attempt(
        self, call: Callable[[], Any], experiment: Description, carry: Carry
    ) -> Step | None:
        """Change an experiment; return what to do instead where a conflict prevents that.

        A deployment takes minutes, so it is waited for (assumed: endpoint-not-ready); any other
        conflict means that somebody else has just changed the experiment.
        """
        try:
            call()
        except AwsRefusedError as error:
            endpoint_name = experiment["EndpointMetadata"]["EndpointName"]
            if error.code == CONFLICT and self._is_deployed_to(endpoint_name):
                return self.await_settled(endpoint_name, carry)
            return self.begin_again(self.after_conflict(error, carry))
        return None

    def _is_deployed_to(self, endpoint_name: str) -> bool:
        try:
            endpoint = self.hook.find_endpoint(endpoint_name)
        except AwsAccessDeniedError:
            return False
        return endpoint is not None and not in_service(endpoint)

    def await_settled(self, endpoint_name: str, carry: Carry) -> Wait:
        """Wait until nobody deploys to an endpoint any more, then begin again."""
        self.log.info("Somebody is changing endpoint %r; waiting.", endpoint_name)
        until = carry.get("settled_until") or self.deadline()
        goal = EndpointSettled(endpoint_name)
        return Wait(goal, self.settled_again, until, {**carry, "settled_until": until})

    def settled_again(self, outcome: WaitResult, carry: Carry) -> Step:
        """Begin again: the experiment may have ended by what was done to the endpoint."""
        view_of(outcome)
        return self.begin_again(carry)
