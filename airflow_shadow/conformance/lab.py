"""Ask AWS on behalf of the checks: nothing is changed that this run has not made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from airflow_shadow.conformance.checks import CannotSeeError
from airflow_shadow.conformance.journal import Entry, Journal, Kind
from airflow_shadow.exceptions import (
    AwsRefusedError,
    AwsUnavailableError,
    InvalidRequestError,
)
from airflow_shadow.experiments.lifecycle import CONCLUDED, Status, status_of
from airflow_shadow.hooks.errors import NOT_FOUND, VALIDATION
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.waiters import backoff, in_service

Document = Mapping[str, Any]
Answer = TypeVar("Answer")

#: The tag of all that a run makes; its value is the run's name.
TAG = "airflow-shadow:conformance"
#: The two variants.
PRODUCTION, SHADOW = "production", "shadow"
#: How long AWS may be unavailable, seconds.
PATIENCE = 300.0
#: AWS's clock as its answers tell it has whole seconds, and a few answers are on their way.
_SLACK = timedelta(seconds=10)
#: How often tags are read again that a new thing does not show yet.
_READS = 3


class _Operations(NamedTuple):
    describe: str
    delete: str
    name: str
    arn: str


OPERATIONS: Mapping[Kind, _Operations] = {
    "experiment": _Operations(
        "DescribeInferenceExperiment", "DeleteInferenceExperiment", "Name", "Arn"
    ),
    "endpoint": _Operations("DescribeEndpoint", "DeleteEndpoint", "EndpointName", "EndpointArn"),
    "endpoint-config": _Operations(
        "DescribeEndpointConfig", "DeleteEndpointConfig", "EndpointConfigName", "EndpointConfigArn"
    ),
}


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a person asked for.

    :param models: names of production's model and of the candidate; they are not changed
    :param delay: seconds between two polls
    :param limit: seconds that a deployment is waited for
    """

    models: tuple[str, str]
    role_arn: str
    instance_type: str
    delay: float
    limit: float


class Poll(NamedTuple):
    """What an experiment and its endpoint showed at one moment."""

    experiment: Document
    endpoint: Document


@dataclass
class Lab:
    """The run's endpoint and experiments.

    :param say: writes a line for whoever watches
    """

    hook: InferenceExperimentHook
    order: Order
    journal: Journal
    say: Callable[[str], None]
    #: The experiment that the checks of a stage look at, and what it has shown on its way.
    experiment: str = ""
    polls: list[Poll] = field(default_factory=list)
    #: Descriptions that a later check compares with.
    kept: dict[str, Document] = field(default_factory=dict)
    #: Operation, code and text of each refusal.
    refusals: list[tuple[str, str, str]] = field(default_factory=list)
    #: Seconds by AWS's clock that each deployment took.
    durations: list[tuple[str, float]] = field(default_factory=list)
    _outage: float | None = None

    @property
    def run(self) -> str:
        """Name of the run, and of its endpoint."""
        return self.journal.run

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tag of all that the run makes."""
        return [{"Key": TAG, "Value": self.run}]

    # --- calls ---------------------------------------------------------------------------

    def insist(self, call: Callable[[], Answer]) -> Answer:
        """Repeat a call while AWS is unavailable.

        :raises AwsUnavailableError: it has been for five minutes, whatever was called
        """
        failures = 0
        while True:
            try:
                answer = call()
            except AwsUnavailableError as error:
                failures += 1
                self._outage = self._outage or time.monotonic()
                if time.monotonic() > self._outage + PATIENCE:
                    raise
                if failures == 1:
                    self.say(f"AWS cannot be asked ({error.reason or error.found}); trying again.")
                time.sleep(backoff(self.order.delay, failures))
            else:
                self._outage = None
                return answer

    def read(self, operation: str, params: Document) -> dict[str, Any]:
        """Call an operation that changes nothing."""
        return self.insist(lambda: self.hook.call(operation, params))

    def attempt(self, operation: str, params: Document) -> str:
        """Call an operation and return the code with which AWS refuses; empty if it accepts.

        :raises CannotSeeError: it was refused after an answer was lost, which may be why
        """
        tries = 0

        def call() -> None:
            nonlocal tries
            tries += 1
            self.hook.call(operation, params)

        try:
            self.insist(call)
        except AwsRefusedError as error:
            self.refusals.append((operation, error.code, error.reason))
            if tries > 1 or _resent(error):
                raise CannotSeeError(f"{operation} was refused after an answer was lost") from error
            return error.code
        return ""

    def pause(self) -> None:
        """Let time pass between two polls."""
        time.sleep(self.order.delay)

    def until(self, is_done: Callable[[], bool], *, what: str) -> None:
        """Poll until something is so.

        :param what: what is waited for, in words
        :raises CannotSeeError: it was not, for as long as is waited
        """
        deadline = time.monotonic() + self.order.limit
        while not is_done():
            if time.monotonic() > deadline:
                minutes = self.order.limit / 60
                raise CannotSeeError(f"{what}: not within {minutes:.0f} minutes")
            self.pause()

    # --- what there is, and whose it is --------------------------------------------------

    def find(self, kind: Kind, name: str) -> dict[str, Any] | None:
        """Describe something, `None` if there is none of the name."""
        how = OPERATIONS[kind]
        try:
            return self.read(how.describe, {how.name: name})
        except AwsRefusedError as error:
            if error.code not in {VALIDATION, NOT_FOUND}:
                raise
            return None

    def why_not_ours(self, entry: Entry, found: Document) -> str:
        """Return why something is not this run's, empty if it is: by name, tag and age."""
        began = datetime.fromisoformat(self.journal.began)
        if not self.journal.knows(entry.name):
            return "it is not in the journal"
        if datetime.fromisoformat(str(found["CreationTime"])) < began - _SLACK:
            return f"it was created before the run began ({found['CreationTime']})"
        if entry.by_service:
            return ""
        return self._why_not_tagged(str(found[OPERATIONS[entry.kind].arn]))

    def _why_not_tagged(self, arn: str) -> str:
        for _ in range(_READS):
            tags = self.insist(lambda: self.hook.find_tags(arn))
            if TAG in tags:
                return "" if tags[TAG] == self.run else "its tag names another run"
            self.pause()
        return "it has no tag of the run"

    def own(self, kind: Kind, name: str) -> dict[str, Any]:
        """Describe something of this run, right before it is changed.

        :raises CannotSeeError: it is not there any more
        :raises InvalidRequestError: it is somebody else's
        """
        found = self.find(kind, name)
        if found is None:
            raise CannotSeeError(f"{kind} {name} is not there")
        if why := self.why_not_ours(Entry(kind, name), found):
            raise InvalidRequestError(
                asked=f"to change {kind} {name!r}",
                found=f"it is not of this run: {why}",
                next_step="Nothing of it was changed.",
            )
        return found

    def change(self, kind: Kind, name: str, operation: str, **params: Any) -> str:
        """Call an operation on something of this run; return the code of a refusal."""
        self.own(kind, name)
        return self.attempt(operation, {OPERATIONS[kind].name: name, **params})

    def make(self, kind: Kind, name: str, operation: str, **params: Any) -> str:
        """Write down and make something; return the code of a refusal, which makes nothing.

        :raises CannotSeeError: whether AWS has made it is not known; it stays written down
        """
        entry = Entry(kind, name)
        self.journal.add(entry)
        named = {OPERATIONS[kind].name: name, "Tags": self.tags, **params}
        try:
            code = self.attempt(operation, named)
        except CannotSeeError:
            found = self.find(kind, name)
            if found is None or self.why_not_ours(entry, found):
                raise
            return ""  # the first time, whose answer was lost
        if code:
            self.journal.remove(entry)
        return code

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

    def note_config(self, endpoint: Document) -> None:
        """Write down a configuration that AWS made for the run's endpoint."""
        config = str(endpoint.get("EndpointConfigName") or "")
        if not config or self.journal.knows(config):
            return
        if not self.why_not_ours(Entry("endpoint", self.run), endpoint):
            self.journal.add(Entry("endpoint-config", config, by_service=True))

    def shown(self) -> list[Poll]:
        """Return the polls of the last transition.

        :raises CannotSeeError: there was none
        """
        if not self.polls:
            raise CannotSeeError("the transition before it did not happen")
        return self.polls


def _resent(error: AwsRefusedError) -> bool:
    """Tell whether botocore sent the call again by itself before AWS refused it."""
    response = getattr(error.__cause__, "response", {})
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts"))
