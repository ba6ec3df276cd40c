"""What a promotion waits for at its endpoint: before the call, and after it."""

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
from airflow_shadow.waiters.engine import Asking, Judgement, Look, Progress, View


@dataclass(frozen=True)
class EndpointSettled:
    """Wait until an endpoint is in service and nobody deploys to it, with or without a shadow.

    :param name: the endpoint
    """

    name: str
    kind: ClassVar[str] = "settled"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"endpoint {self.name!r} to be InService, with no deployment under way"

    def look(self, _progress: Progress) -> Asking:
        """Describe the endpoint."""
        endpoint = (yield Look("endpoint", self.name)).view
        if endpoint is None:
            return Judgement("missing", error=endpoint_missing(self.asked, self.name))
        if error := endpoint_failed(self.asked, endpoint):
            return Judgement(str(endpoint["EndpointStatus"]), error=error, view=endpoint)
        seen = f"endpoint {self.name!r} is {endpoint['EndpointStatus']}"
        return Judgement(seen, done=in_service(endpoint), view=endpoint, is_sentence=True)


@dataclass(frozen=True)
class ShadowPromoted:
    """Wait until a promotion of ours has happened: concluded, and the endpoint serves the model.

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

    def look(self, progress: Progress) -> Asking:
        """Describe the experiment and, once it is concluded, what its endpoint runs."""
        experiment = (yield Look("experiment", self.name)).view
        if experiment is None:
            return Judgement("missing", error=missing(self.asked, self.name))
        note_health(experiment, progress)
        shown = str(experiment.get("Status"))
        if error := ended_badly(self.asked, experiment, progress):
            return Judgement(shown, error=error, view=experiment)
        if status_of(experiment) not in CONCLUDED:
            return Judgement(shown, view=experiment)
        if recorded_promotion(experiment) is False:
            return Judgement(shown, error=self._not_promoted(experiment), view=experiment)
        return (yield from self._look_at_endpoint(experiment))

    def _look_at_endpoint(self, experiment: View) -> Asking:
        endpoint = (yield Look("running", self.endpoint_name)).view
        if endpoint is None:
            return Judgement(
                "missing", error=endpoint_missing(self.asked, self.endpoint_name), view=experiment
            )
        if error := endpoint_failed(self.asked, endpoint):
            return Judgement(str(endpoint["EndpointStatus"]), error=error, view=experiment)
        serves = endpoint.get("ModelName")
        seen = f"endpoint {self.endpoint_name!r} is {endpoint['EndpointStatus']}, serves {serves!r}"
        rests = in_service(endpoint)
        is_recorded = recorded_promotion(experiment) is True
        proven = is_recorded or self._is_its_variant(endpoint, experiment)
        if rests and not proven:
            return Judgement(seen, error=self._not_promoted(experiment), view=experiment)
        if rests and not endpoint["Config"]:
            seen = f"the shadow's variant serves, configuration {endpoint['EndpointConfigName']!r} "
            return Judgement(f"{seen}was deleted", done=True, view=experiment)
        if rests and is_recorded and serves != self.model_name:
            seen = f"{seen}, but the shadow was promoted before"
            return Judgement(seen, done=True, view=experiment)
        return Judgement(seen, done=rests and serves == self.model_name, view=experiment)

    @staticmethod
    def _is_its_variant(endpoint: View, experiment: View) -> bool:
        """Tell whether production bears the shadow's name: a model can be tested against itself."""
        shadow, _ = sampling(experiment)
        return shadow in {one["VariantName"] for one in endpoint.get("ProductionVariants") or ()}

    def _not_promoted(self, experiment: View) -> ShadowError:
        found = f"experiment {self.name!r} is {experiment['Status']}, its shadow not promoted"
        return StatusUnreachableError(
            asked=self.asked, found=found, reason=experiment.get("StatusReason") or ""
        )
