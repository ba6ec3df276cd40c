"""The state of one account in one region: experiments, endpoints and their configurations."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from airflow_shadow.emulator.choices import Choices
from airflow_shadow.emulator.cloudwatch.timeline import Timeline
from airflow_shadow.emulator.faults import Fault, Faults, WorkFault
from airflow_shadow.emulator.history import EntryKind, History
from airflow_shadow.emulator.pace import Pace, Work
from airflow_shadow.emulator.traffic import Flow

Document = dict[str, Any]  # a structure in the API's own words
Status = Literal[
    "Creating",
    "Created",
    "Starting",
    "Running",
    "Updating",
    "Stopping",
    "Completed",
    "Cancelled",
]
EndpointStatus = Literal["Creating", "Updating", "InService", "Failed"]

CONCLUDED: frozenset[Status] = frozenset({"Completed", "Cancelled"})


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
    """An endpoint, what it runs, and what is being done to it."""

    name: str
    arn: str
    config: str
    created: datetime
    modified: datetime
    # A copy of the configuration it runs: the configuration itself may be deleted meanwhile.
    document: Document = field(default_factory=dict)
    status: EndpointStatus = "Creating"
    failure: str | None = None
    production: list[Deployed] = field(default_factory=list)
    shadow: list[Deployed] = field(default_factory=list)
    # Work of its own (CreateEndpoint, UpdateEndpoint...); an experiment's work is not kept here.
    work: Work | None = None
    next_config: str | None = None
    # The counts and weights the next deployment shall take over, by variant name.
    capacities: dict[str, Document] = field(default_factory=dict)
    # As it was before each of its updates, for reads that show that again.
    past: list["Endpoint"] = field(default_factory=list)

    @property
    def deployed(self) -> list[Deployed]:
        """All variants, production first."""
        return [*self.production, *self.shadow]

    def counts(self) -> dict[str, Document]:
        """Return the instance counts the variants have or are being scaled to, by name."""
        return {one.name: {"DesiredInstanceCount": one.desired_count} for one in self.deployed}


@dataclass(kw_only=True)
class Lag:
    """What reads show of an experiment for a while after a change of it.

    before: the experiment as it was, None if there was none
    descriptions, tags: how many reads of each still lag behind
    """

    before: "Experiment | None"
    descriptions: int
    tags: int


@dataclass(kw_only=True)
class Stop:
    """How an experiment shall end."""

    actions: dict[str, str]
    state: Literal["Completed", "Cancelled"]
    reason: str | None = None
    desired: list[Document] = field(default_factory=list)


@dataclass(kw_only=True)
class Experiment:
    """An inference experiment; `request` holds the members of Create as they hold now."""

    name: str
    arn: str
    request: Document
    start: datetime
    end: datetime
    created: datetime
    modified: datetime
    changed: datetime  # of the status
    modified_before: datetime | None = None  # the last update, for reads that lag behind it
    status: Status = "Creating"
    reason: str | None = None
    failure: str | None = None
    completed: datetime | None = None
    variants: dict[str, str] = field(default_factory=dict)
    work: Work | None = None
    idle: Status = "Created"
    update: Document = field(default_factory=dict)
    stop: Stop | None = None
    # What the endpoint ran before, to give it back (assumed: revert).
    former: Document | None = None
    former_counts: dict[str, Document] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return str(self.request["EndpointName"])

    @property
    def live(self) -> bool:
        """Whether the experiment has not ended."""
        return self.status not in CONCLUDED

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
    pace: Pace
    choices: Choices
    faults: Faults
    history: History
    experiments: dict[str, Experiment] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    # The members of CreateEndpointConfig, with CreationTime and EndpointConfigArn.
    configs: dict[str, Document] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    made_configs: int = 0
    lags: dict[str, Lag] = field(default_factory=dict)
    # By the endpoint's name; what CloudWatch shows is computed from these two.
    timelines: dict[str, Timeline] = field(default_factory=dict)
    flows: dict[str, list[Flow]] = field(default_factory=dict)

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a resource of this account and region."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:{kind}/{name}"

    @property
    def partition(self) -> str:
        """The AWS partition the region lies in."""
        prefixes = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        return next(
            (name for start, name in prefixes.items() if self.region.startswith(f"{start}-")), "aws"
        )

    def note(self, kind: EntryKind, at: datetime, **facts: Any) -> Document:
        """Write an entry of the history."""
        return self.history.add(at=at, account=self.account, region=self.region, kind=kind, **facts)

    def strike(self, kind: WorkFault, *, operation: str, names: str) -> Fault | None:
        """Take the fault that the work of an operation shall end in, if one waits."""
        return self.faults.strike(
            frozenset({kind}),
            operation=operation,
            account=self.account,
            region=self.region,
            names=names,
        )

    def live_on(self, endpoint: str) -> Experiment | None:
        """Return the live experiment that occupies an endpoint."""
        return next(
            (one for one in self.experiments.values() if one.live and one.endpoint == endpoint),
            None,
        )
