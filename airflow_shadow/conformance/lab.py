"""The run's endpoint and experiments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from airflow_shadow.conformance.account import Account, Document
from airflow_shadow.conformance.checks import CannotSeeError
from airflow_shadow.experiments.lifecycle import CONCLUDED, Status, status_of
from airflow_shadow.waiters import in_service

#: The operation whose members :meth:`Lab.codes_of` takes.
STOP = "StopInferenceExperiment"
#: The two variants.
PRODUCTION, SHADOW = "production", "shadow"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person asked for.

    :param models: names of production's model and of the candidate; they are not changed
    """

    models: tuple[str, str]
    role_arn: str
    instance_type: str


class Poll(NamedTuple):
    """What an experiment and its endpoint showed at one moment."""

    experiment: Document
    endpoint: Document


@dataclass(kw_only=True)
class Lab(Account):
    """An account with what the checks of a run need: an endpoint, and experiments on it."""

    order: Order
    #: The experiment that the checks of a stage look at, and what it has shown on its way.
    experiment: str = ""
    polls: list[Poll] = field(default_factory=list)
    #: Descriptions that a later check compares with.
    kept: dict[str, Document] = field(default_factory=dict)
    #: Seconds by AWS's clock that each deployment took.
    durations: list[tuple[str, float]] = field(default_factory=list)

    # --- the endpoint --------------------------------------------------------------------

    def endpoint(self) -> dict[str, Any]:
        """Describe the run's endpoint, and write down a configuration that AWS made for it.

        :raises CannotSeeError: there is none
        """
        found = self.find("endpoint", self.run)
        if found is None or not self.journal.knows(self.run):
            raise CannotSeeError("the run has no endpoint")
        self.note_config(found)
        return found

    def ready_endpoint(self) -> dict[str, Any]:
        """Wait for the run's endpoint to be InService, and describe it.

        :raises CannotSeeError: it is not, or there is none
        """
        began, polls = self.hook.now(), list[Document]()

        def is_done() -> bool:
            polls.append(self.endpoint())
            if polls[-1]["EndpointStatus"] == "Failed":
                raise CannotSeeError(f"the endpoint failed: {polls[-1].get('FailureReason')}")
            return in_service(polls[-1])

        self.until(is_done, what="the endpoint to be InService")
        if len(polls) > 1:
            self._took("endpoint", began)
        return dict(polls[-1])

    def config(self, endpoint: Document) -> dict[str, Any]:
        """Describe the configuration that an endpoint shows."""
        return self.find("endpoint-config", str(endpoint["EndpointConfigName"])) or {}

    def _took(self, what: str, began: datetime) -> None:
        self.durations.append((what, (self.hook.now() - began).total_seconds()))

    # --- experiments ---------------------------------------------------------------------

    def variant(self, name: str, *, model: str | None = None) -> dict[str, Any]:
        """Return a ModelVariantConfig: one instance, of the model that the variant serves."""
        own = self.order.models[name == SHADOW]
        size = {"InstanceType": self.order.instance_type, "InstanceCount": 1}
        return {
            "ModelName": model or own,
            "VariantName": name,
            "InfrastructureConfig": {
                "InfrastructureType": "RealTimeInference",
                "RealTimeInferenceConfig": size,
            },
        }

    def mode(self, sampling: int, *, source: str = PRODUCTION) -> dict[str, Any]:
        """Return a ShadowModeConfig."""
        shadow = {"ShadowModelVariantName": SHADOW, "SamplingPercentage": sampling}
        return {"SourceModelVariantName": source, "ShadowModelVariants": [shadow]}

    def creation(self, **members: Any) -> dict[str, Any]:
        """Return the members of a CreateInferenceExperiment but for name and tags."""
        return {
            "Type": "ShadowMode",
            "RoleArn": self.order.role_arn,
            "EndpointName": self.run,
            "ModelVariants": [self.variant(PRODUCTION), self.variant(SHADOW)],
            "ShadowModeConfig": self.mode(10),
            **members,
        }

    def schedule(self, **length: float) -> dict[str, Any]:
        """Return a schedule that begins tomorrow, so that nothing is deployed."""
        start = self.hook.now() + timedelta(days=1)
        return {"StartTime": start, "EndTime": start + timedelta(**length)}

    def create(self, label: str, **members: Any) -> str:
        """Create an experiment and return the code of a refusal."""
        self.ready_endpoint()
        operation = "CreateInferenceExperiment"
        return self.make("experiment", f"{self.run}-{label}", operation, **self.creation(**members))

    def begin(self, label: str, **members: Any) -> None:
        """Create the experiment that the stage looks at, at once or as scheduled.

        :raises CannotSeeError: AWS refuses it
        """
        self.experiment, self.polls = "", []
        if code := self.create(label, **members):
            raise CannotSeeError(f"the creation was refused: {code}")
        self.experiment = f"{self.run}-{label}"

    def described(self, *statuses: Status) -> dict[str, Any]:
        """Describe the stage's experiment.

        :param statuses: in which it has to be; any unless given
        :raises CannotSeeError: there is none, or it is in another one
        """
        found = self.find("experiment", self.experiment) if self.experiment else None
        if found is None:
            raise CannotSeeError("the stage's experiment is not there")
        if statuses and status_of(found) not in statuses:
            raise CannotSeeError(f"the stage's experiment is {found['Status']}")
        return found

    def follow(
        self,
        what: str,
        *statuses: Status,
        shows: Callable[[Document], bool] = lambda _: True,
    ) -> list[Poll]:
        """Poll the stage's experiment and its endpoint until it rests, and return all polls.

        :param what: the transition, in words
        :param statuses: one of which is waited for; an experiment that is concluded ends the wait
        :param shows: what else its description has to show
        :raises CannotSeeError: it ends in another status, or does not end
        """
        began, self.polls = self.hook.now(), []

        def is_done() -> bool:
            self.polls.append(Poll(self.described(), self.find("endpoint", self.run) or {}))
            experiment, endpoint = self.polls[-1]
            self.note_config(endpoint)
            status = status_of(experiment)
            return status in CONCLUDED or (status in statuses and shows(experiment))

        self.until(is_done, what=what)
        self._took(what, began)
        if status_of(self.polls[-1].experiment) not in statuses:
            raise CannotSeeError(f"{what}: {self.polls[-1].experiment['Status']}")
        return self.polls

    def shown(self) -> list[Poll]:
        """Return the polls of the last transition.

        :raises CannotSeeError: there was none
        """
        if not self.polls:
            raise CannotSeeError("the transition before it did not happen")
        return self.polls

    def codes_of(self, *operations: str, **members: Any) -> dict[str, str]:
        """Call operations on the stage's experiment, and return their codes by operation.

        :param members: of a stop; other operations get none
        """
        return {
            operation.removesuffix("InferenceExperiment"): self.change(
                "experiment", self.experiment, operation, **(members if operation == STOP else {})
            )
            for operation in operations
        }
