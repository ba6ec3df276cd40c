"""Calls to AWS in a run's name: what there is, whose it is, and changes of the run's own alone."""

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
from airflow_shadow.hooks.errors import NOT_FOUND, VALIDATION
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.waiters import backoff

Document = Mapping[str, Any]
Answer = TypeVar("Answer")

#: The tag of all that a run makes; its value is the run's name.
TAG = "airflow-shadow:conformance"
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


class Pace(NamedTuple):
    """How often AWS is polled, and for how long.

    :param delay: seconds between two polls
    :param limit: seconds that a deployment or a deletion is waited for
    """

    delay: float
    limit: float


@dataclass(kw_only=True)
class Account:
    """An account as a run sees it; nothing is changed that the run's journal does not name.

    :param say: writes a line for whoever watches
    """

    hook: InferenceExperimentHook
    journal: Journal
    pace: Pace
    say: Callable[[str], None]
    #: Is called before each call, and ends the run if somebody has asked for it.
    check: Callable[[], None] = lambda: None
    #: Operation, code and text of each refusal.
    refusals: list[tuple[str, str, str]] = field(default_factory=list)
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
            self.check()
            try:
                answer = call()
            except AwsUnavailableError as error:
                failures += 1
                self._outage = self._outage or time.monotonic()
                if time.monotonic() > self._outage + PATIENCE:
                    raise
                if failures == 1:
                    self.say(f"AWS cannot be asked ({error.reason or error.found}); trying again.")
                time.sleep(backoff(self.pace.delay, failures))
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
        time.sleep(self.pace.delay)

    def until(self, is_done: Callable[[], bool], *, what: str) -> None:
        """Poll until something is so.

        :param what: what is waited for, in words
        :raises CannotSeeError: it was not, for as long as is waited
        """
        deadline = time.monotonic() + self.pace.limit
        while not is_done():
            if time.monotonic() > deadline:
                minutes = self.pace.limit / 60
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

    def note_config(self, endpoint: Document) -> None:
        """Write down a configuration that AWS made for the run's endpoint."""
        config = str(endpoint.get("EndpointConfigName") or "")
        if not config or self.journal.knows(config):
            return
        if not self.why_not_ours(Entry("endpoint", self.run), endpoint):
            self.journal.add(Entry("endpoint-config", config, by_service=True))


def _resent(error: AwsRefusedError) -> bool:
    """Tell whether botocore sent the call again by itself before AWS refused it."""
    response = getattr(error.__cause__, "response", {})
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts"))
