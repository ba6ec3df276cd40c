"""Stop an experiment with any map of actions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from airflow_shadow.exceptions import PromotionRefusedError
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    Action,
    Status,
    is_promoted,
    mark,
    recorded_promotion,
    status_of,
)
from airflow_shadow.operators.stop import StopInferenceExperimentOperator
from airflow_shadow.request_model import Prepared
from airflow_shadow.steps.branch_decisions import skip_unfollowed
from airflow_shadow.steps.conclude import ConcludeSteps
from airflow_shadow.steps.production import is_unchanged, read_production
from airflow_shadow.steps.safeguards import refuse_promotion_over
from airflow_shadow.steps.wait import Carry, Step, view_of
from airflow_shadow.waiters import Description, WaitResult, in_service


class StopInferenceExperimentSteps(ConcludeSteps[StopInferenceExperimentOperator]):
    """The steps of :class:`StopInferenceExperimentOperator`."""

    def begin(self) -> Step:
        """Check the request, and what was decided, before anything is waited for."""
        skip_unfollowed(self, needs_decision=_promotes(self.stop_request.params))
        return self.begin_again({})

    @cached_property
    def stop_request(self) -> Prepared:
        """The whole request, checked."""
        promotes = _promotes(self.request)
        ended = Status.COMPLETED if promotes else Status.CANCELLED
        reason = self.request.get("Reason") or self.reason("Stopped")
        marked = mark(Action.PROMOTE if promotes else Action.STOP, reason)
        request = {"DesiredState": str(ended), **self.request, "Reason": marked}
        return self.hook.prepare(self.op.api_operation, request)

    def conclude(self, outcome: WaitResult, carry: Carry) -> Step:
        """Stop it, unless it has ended as was asked."""
        experiment, request = view_of(outcome), self.stop_request
        promotes = _promotes(request.params)
        if status_of(experiment) in CONCLUDED:
            if promotes and recorded_promotion(experiment) is None:
                return self.await_promotion(experiment)
            if promotes and not is_promoted(experiment):
                raise PromotionRefusedError(
                    asked=f"to promote a variant of experiment {experiment['Name']!r}",
                    found=f"it is {experiment['Status']} and was not promoted",
                    reason=experiment.get("StatusReason") or "",
                )
            self.log.info("%r is %s already.", experiment["Name"], experiment["Status"])
            return experiment
        again = self._look_at_production(experiment, carry) if promotes else None
        again = again or self.stop(request, experiment, carry)
        if again:
            return again
        return self.await_promotion(experiment) if promotes else self.await_end()

    def _look_at_production(self, experiment: Description, carry: Carry) -> Step | None:
        """Refuse to replace another production, or by another candidate, than was tested."""
        asked = f"to promote a variant of experiment {experiment['Name']!r}"
        self.refuse_exchanged(experiment, asked=asked)
        production = read_production(
            self.hook, experiment["EndpointMetadata"]["EndpointName"], asked=asked
        )
        if not in_service(production.endpoint):
            return self.await_settled(production.endpoint_name, carry)
        if again := self.ended_since(experiment, production, carry):
            return again
        refuse_promotion_over(experiment, production, asked=asked)
        if is_unchanged(self.hook, production):
            return None
        return self.await_settled(production.endpoint_name, carry)


def _promotes(request: Mapping[str, Any]) -> bool:
    return "Promote" in (request.get("ModelVariantActions") or {}).values()
