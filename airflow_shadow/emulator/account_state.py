"""The state of an account in a region: experiments, endpoints and their configurations."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from airflow_shadow.emulator.capture.config import CaptureSpan
from airflow_shadow.emulator.capture.label_order import LabelOrder
from airflow_shadow.emulator.cloudwatch.timeline import Timeline
from airflow_shadow.emulator.faults import Fault, FaultKind, Faults
from airflow_shadow.emulator.history import EntryKind, History
from airflow_shadow.emulator.pace import Work
from airflow_shadow.emulator.settings import Settings
from airflow_shadow.emulator.traffic import Flow

Document = dict[str, Any]  # a structure as the API writes it
Status = Literal[
    "Creating",
    "Created",
    "Updating",
    "Running",
    "Starting",
    "Stopping",
    "Completed",
    "Cancelled",
]
EndpointStatus = Literal["Creating", "Updating", "InService", "Failed"]


@dataclass(kw_only=True)
class Deployed:
    """A variant as an endpoint runs it now."""

    name: str
    model: str | None
    image: str | None
    since: datetime
    instance_type: str | None
    current_count: int | None
    desired_count: int | None
    current_weight: float
    desired_weight: float
    serverless: Document | None = None


@dataclass(kw_only=True)
class Endpoint:
    """An endpoint, what it runs, and its work in progress."""

    name: str
    arn: str
    config: str
    created: datetime
    modified: datetime
    # A copy of the configuration it runs, because the configuration itself may be deleted.
    document: Document = field(default_factory=dict)
    status: EndpointStatus = "Creating"
    failure: str | None = None
    production: list[Deployed] = field(default_factory=list)
    shadow: list[Deployed] = field(default_factory=list)
    # Work of its own (CreateEndpoint, UpdateEndpoint...); an experiment's work is not kept here.
    work: Work | None = None
    next_config: str | None = None
    # The counts and weights that the next deployment keeps, by variant name.
    capacities: dict[str, Document] = field(default_factory=dict)
    # The endpoint before each of its last updates, for the fault "old-endpoint".
    past: list["Endpoint"] = field(default_factory=list)

    @property
    def deployed(self) -> list[Deployed]:
        """All variants, production first."""
        return [*self.production, *self.shadow]

    def counts(self) -> dict[str, Document]:
        """Return the variants' instance counts, or those that they are being scaled to, by name."""
        return {one.name: {"DesiredInstanceCount": one.desired_count} for one in self.deployed}


@dataclass(kw_only=True)
class Lag:
    """Stale reads of an experiment after a change of it.

    before: the experiment before the change, None if there was none
    descriptions, tags: how many reads of each are still stale
    """

    before: "Experiment | None"
    descriptions: int
    tags: int


@dataclass(kw_only=True)
class Stop:
    """A stop that was requested, or the end of the schedule."""

    actions: dict[str, str]
    state: Literal["Completed", "Cancelled"]
    reason: str | None = None
    desired: list[Document] = field(default_factory=list)


@dataclass(kw_only=True)
class Experiment:
    """An inference experiment; `request` has the current values of the members of Create."""

    name: str
    arn: str
    request: Document
    start: datetime
    end: datetime
    created: datetime
    modified: datetime
    changed: datetime  # of the status
    modified_before: datetime | None = None  # the last update, for stale reads
    status: Status = "Creating"
    reason: str | None = None
    failure: str | None = None
    completed: datetime | None = None
    variants: dict[str, str] = field(default_factory=dict)
    work: Work | None = None
    idle: Status = "Created"
    update: Document = field(default_factory=dict)
    stop: Stop | None = None
    # What the endpoint ran before the experiment, to be restored (assumed: revert).
    former: Document | None = None
    former_counts: dict[str, Document] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return str(self.request["EndpointName"])

    @property
    def source_name(self) -> str:
        """The production variant's name."""
        return str(self.request["ShadowModeConfig"]["SourceModelVariantName"])

    @property
    def shadow_name(self) -> str:
        """The shadow variant's name."""
        [shadow] = self.request["ShadowModeConfig"]["ShadowModelVariants"]
        return str(shadow["ShadowModelVariantName"])

    @property
    def sampling(self) -> int:
        """The sampling percentage, 0 to 100."""
        [shadow] = self.request["ShadowModeConfig"]["ShadowModelVariants"]
        return int(shadow["SamplingPercentage"])

    def variant(self, name: str) -> Document:
        """Return a variant's ModelVariantConfig."""
        found: Document = next(
            variant for variant in self.request["ModelVariants"] if variant["VariantName"] == name
        )
        return found


@dataclass(kw_only=True)
class AccountState:
    """Everything that one account owns in one region."""

    account: str
    region: str
    settings: Settings
    faults: Faults
    history: History
    experiments: dict[str, Experiment] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    # The members of CreateEndpointConfig, with CreationTime and EndpointConfigArn.
    configs: dict[str, Document] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    made_configs: int = 0
    # The summaries of monitoring schedules.
    schedules: dict[str, Document] = field(default_factory=dict)
    lags: dict[str, Lag] = field(default_factory=dict)
    # By the endpoint's name; what CloudWatch shows is computed from the first two, and with the
    # others what appears in S3.
    timelines: dict[str, Timeline] = field(default_factory=dict)
    flows: dict[str, list[Flow]] = field(default_factory=dict)
    captures: dict[str, list[CaptureSpan]] = field(default_factory=dict)
    labels: dict[str, list[LabelOrder]] = field(default_factory=dict)

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a resource of this account and region."""
        partitions = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        found = (name for prefix, name in partitions.items() if self.region.startswith(prefix))
        return f"arn:{next(found, 'aws')}:sagemaker:{self.region}:{self.account}:{kind}/{name}"

    def note(self, kind: EntryKind, at: datetime, **facts: Any) -> Document:
        """Add an entry to the history and return it."""
        return self.history.add(at=at, account=self.account, region=self.region, kind=kind, **facts)

    def take_fault(self, kind: FaultKind, *, operation: str, names: str) -> Fault | None:
        """Take a fault of this kind that was added for an operation, if there is one."""
        return self.faults.take(
            frozenset({kind}),
            operation=operation,
            account=self.account,
            region=self.region,
            names=names,
        )

    def live_on(self, endpoint: str) -> Experiment | None:
        """Return the experiment that has not ended and occupies an endpoint."""
        ended = ("Completed", "Cancelled")
        on_it = (one for one in self.experiments.values() if one.endpoint == endpoint)
        return next((one for one in on_it if one.status not in ended), None)
