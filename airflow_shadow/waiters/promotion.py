"""What a promotion waits for at its endpoint, before the call and after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from airflow_shadow.exceptions import ShadowError, StatusUnreachableError
from airflow_shadow.experiments.lifecycle import CONCLUDED, recorded_promotion, sampling, status_of
from airflow_shadow.waiters.conditions import (
    ended_badly,
    endpoint_failed,
    endpoint_missing,
    in_service,
    missing,
    note_health,
)
from airflow_shadow.waiters.engine import Description, Poll, Polling, PollResult, WaitState


@dataclass(frozen=True)
class EndpointSettled:
    """Wait until an endpoint is in service and nobody deploys to it, with or without a shadow."""

    name: str
    kind: ClassVar[str] = "settled"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"endpoint {self.name!r} to be InService, with no deployment under way"

    def poll(self, _state: WaitState) -> Polling:
        """Describe the endpoint."""
        endpoint = (yield Poll("endpoint", self.name)).description
        if endpoint is None:
            return PollResult("missing", error=endpoint_missing(self.asked, self.name))
        if error := endpoint_failed(self.asked, endpoint):
            return PollResult(str(endpoint["EndpointStatus"]), error=error, description=endpoint)
        seen = f"endpoint {self.name!r} is {endpoint['EndpointStatus']}"
        return PollResult(seen, done=in_service(endpoint), description=endpoint, is_sentence=True)


@dataclass(frozen=True)
class ShadowPromoted:
    """Wait until the experiment is concluded and the endpoint serves its candidate.

    :param name: the experiment
    :param endpoint_name: its endpoint
    :param model_name: the candidate's model
    """

    name: str
    endpoint_name: str
    model_name: str
    kind: ClassVar[str] = "promotion"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"endpoint {self.endpoint_name!r} to serve {self.model_name!r}"

    def poll(self, state: WaitState) -> Polling:
        """Describe the experiment and, once it is concluded, what its endpoint runs."""
        experiment = (yield Poll("experiment", self.name)).description
        if experiment is None:
            return PollResult("missing", error=missing(self.asked, self.name))
        note_health(experiment, state)
        shown = str(experiment.get("Status"))
        if error := ended_badly(self.asked, experiment, state):
            return PollResult(shown, error=error, description=experiment)
        if status_of(experiment) not in CONCLUDED:
            return PollResult(shown, description=experiment)
        if recorded_promotion(experiment) is False:
            return PollResult(shown, error=self._not_promoted(experiment), description=experiment)
        return (yield from self._poll_endpoint(experiment))

    def _poll_endpoint(self, experiment: Description) -> Polling:
        endpoint = (yield Poll("running", self.endpoint_name)).description
        if endpoint is None:
            return PollResult(
                "missing",
                error=endpoint_missing(self.asked, self.endpoint_name),
                description=experiment,
            )
        if error := endpoint_failed(self.asked, endpoint):
            return PollResult(str(endpoint["EndpointStatus"]), error=error, description=experiment)
        serves = endpoint.get("ModelName")
        seen = f"endpoint {self.endpoint_name!r} is {endpoint['EndpointStatus']}, serves {serves!r}"
        rests = in_service(endpoint)
        is_recorded = recorded_promotion(experiment) is True
        proven = is_recorded or self._is_its_variant(endpoint, experiment)
        if rests and not proven:
            return PollResult(seen, error=self._not_promoted(experiment), description=experiment)
        if rests and not endpoint["Config"]:
            seen = f"the shadow's variant serves, configuration {endpoint['EndpointConfigName']!r} "
            return PollResult(f"{seen}was deleted", done=True, description=experiment)
        if rests and is_recorded and serves != self.model_name:
            seen = f"{seen}, but the shadow was promoted before"
            return PollResult(seen, done=True, description=experiment)
        return PollResult(seen, done=rests and serves == self.model_name, description=experiment)

    @staticmethod
    def _is_its_variant(endpoint: Description, experiment: Description) -> bool:
        """Tell whether the shadow variant serves; models do not tell: both may have the same."""
        shadow, _ = sampling(experiment)
        return shadow in {one["VariantName"] for one in endpoint.get("ProductionVariants") or ()}

    def _not_promoted(self, experiment: Description) -> ShadowError:
        found = f"experiment {self.name!r} is {experiment['Status']}, its shadow not promoted"
        return StatusUnreachableError(
            asked=self.asked, found=found, reason=experiment.get("StatusReason") or ""
        )
