"""What changes of an experiment share: its endpoint may be deployed to meanwhile."""

from __future__ import annotations

from airflow_shadow.exceptions import AwsAccessDeniedError, AwsRefusedError
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.steps.operator import Operator_co, OperatorSteps
from airflow_shadow.steps.wait import Carry, Step, Wait
from airflow_shadow.waiters import EndpointSettled, Outcome, View, in_service


class DeploymentWaitSteps(OperatorSteps[Operator_co]):
    """Wait for whoever deploys to the endpoint, for AWS changes no experiment meanwhile."""

    def begin_again(self, carry: Carry) -> Step:
        """Look at everything anew; the kinds of change override it."""
        raise NotImplementedError

    def await_deployment(
        self, error: AwsRefusedError, experiment: View, carry: Carry
    ) -> Wait | None:
        """Return a wait for whoever deploys to the endpoint, if that explains a refusal.

        A deployment takes minutes, far more than a few looks (assumed: endpoint-not-ready).
        """
        if error.code != CONFLICT:
            return None
        endpoint_name = experiment["EndpointMetadata"]["EndpointName"]
        try:
            endpoint = self.hook.find_endpoint(endpoint_name)
        except AwsAccessDeniedError:
            return None
        if endpoint is None or in_service(endpoint):
            return None
        return self.await_settled(endpoint_name, carry)

    def await_settled(self, endpoint_name: str, carry: Carry) -> Wait:
        """Wait until nobody deploys to an endpoint any more, then begin again."""
        self.log.info("Somebody changes endpoint %r; waiting.", endpoint_name)
        until = carry.get("settled_until") or self.deadline()
        goal = EndpointSettled(endpoint_name)
        return Wait(goal, self.settled_again, until, {**carry, "settled_until": until})

    def settled_again(self, outcome: Outcome, carry: Carry) -> Step:
        """Begin again: the experiment may have ended by what was done to the endpoint."""
        if outcome.error:
            raise outcome.error
        return self.begin_again(carry)
