"""The operators under test: what each finds, what it does, and what holds once it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from tests.e2e.audit import made_by_hand
from tests.e2e.aws import Aws
from tests.e2e.processes import until

BY_HAND = "By hand."
REMOVAL = {"AllTraffic": "Retain", "candidate": "Remove"}
Act = Callable[[Aws, str], None]


def status(aws: Aws, endpoint: str) -> str:
    """Return the status of somebody's experiment."""
    return str(aws.client.describe_inference_experiment(Name=made_by_hand(endpoint))["Status"])


def reach(aws: Aws, endpoint: str, *statuses: str) -> None:
    """Wait until somebody's experiment shows a status."""
    until(lambda: status(aws, endpoint) in statuses, what=f"{endpoint} to be {statuses}")


def nothing(aws: Aws, endpoint: str) -> None:
    """Leave the endpoint alone."""


def create(aws: Aws, endpoint: str, **members: Any) -> None:
    """Ask for an experiment."""
    request = fleet.experiment_request(
        name=made_by_hand(endpoint),
        endpoint_name=endpoint,
        model_name="v1",
        shadow_model_name="v2",
        shadow_variant_name="candidate",
        sampling_percentage=100,
        **members,
    )
    aws.client.create_inference_experiment(**request)


def run(aws: Aws, endpoint: str) -> None:
    """Let an experiment run."""
    create(aws, endpoint)
    reach(aws, endpoint, "Running")


def run_long(aws: Aws, endpoint: str) -> None:
    """Let an experiment run for a while."""
    run(aws, endpoint)
    aws.control("POST", "clock", {"advance": 600})


def capture_long(aws: Aws, endpoint: str) -> None:
    """Let an experiment run for a while that captures requests and answers."""
    destination = f"s3://{aws.bucket('captures')}/answers"
    create(aws, endpoint, DataStorageConfig={"Destination": destination})
    reach(aws, endpoint, "Running")
    aws.control("POST", "clock", {"advance": 600})


def schedule(aws: Aws, endpoint: str) -> None:
    """Let an experiment wait for a start far ahead."""
    now = datetime.fromisoformat(aws.control("GET", "clock")["now"])
    ahead = {"StartTime": now + timedelta(days=20), "EndTime": now + timedelta(days=40)}
    create(aws, endpoint, Schedule=ahead)
    reach(aws, endpoint, "Created")


def stop(aws: Aws, endpoint: str) -> None:
    """Stop an experiment as a person does, and do not wait."""
    aws.client.stop_inference_experiment(
        Name=made_by_hand(endpoint),
        ModelVariantActions=REMOVAL,
        DesiredState="Cancelled",
        Reason=BY_HAND,
    )


def describe_anew(aws: Aws, endpoint: str) -> None:
    """Change an experiment's description, which keeps it busy for a while."""
    aws.client.update_inference_experiment(Name=made_by_hand(endpoint), Description=BY_HAND)
    status(aws, endpoint)  # the first look still shows the state before


def scale(aws: Aws, endpoint: str) -> None:
    """Change the endpoint's number of instances, which keeps it busy for a while."""
    more = {"VariantName": "AllTraffic", "DesiredInstanceCount": 3}
    aws.client.update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=[more]
    )


@dataclass(frozen=True, kw_only=True)
class Role:
    """One operator.

    :param calls: the operation by which it changes something, or what it looks for
    :param prepare: sets up what it finds
    :param stir: begins, right before the task does, what the task has to wait for first
    :param busies: the same for one that otherwise finds its experiment at rest
    :param shows: the experiments on the endpoint in the end: status and sampling percentage;
        `None` for who does not care
    :param breaks: the emulator's fault by which AWS fails to do what it was asked, if it was
    :param traffic: the requests that the endpoint gets
    """

    calls: str
    prepare: Act
    shows: list[tuple[str, int]] | None
    breaks: str | None
    stir: Act = nothing
    busies: Act = describe_anew
    serves: str = "v1"
    traffic: Traffic | None = None

    @property
    def changes(self) -> list[str]:
        """Return the changing calls that AWS accepts of it, each once."""
        return [] if self.calls.startswith(("Describe", "Get", "List")) else [self.calls]


_STOP = "StopInferenceExperiment"
CAST = {
    "create": Role(
        calls="CreateInferenceExperiment",
        prepare=nothing,
        busies=scale,
        shows=[("Running", 100)],
        breaks="fail-creation",
    ),
    "update": Role(
        calls="UpdateInferenceExperiment",
        prepare=run,
        shows=[("Running", 50)],
        breaks="fail-update",
    ),
    "start": Role(
        calls="StartInferenceExperiment",
        prepare=schedule,
        shows=[("Running", 100)],
        breaks="fail-start",
    ),
    "stop": Role(calls=_STOP, prepare=run, shows=[("Cancelled", 100)], breaks="fail-stop"),
    "promote": Role(
        calls=_STOP, prepare=run, shows=[("Completed", 100)], breaks="fail-stop", serves="v2"
    ),
    "remove": Role(calls=_STOP, prepare=run, shows=[("Cancelled", 100)], breaks="fail-stop"),
    "delete": Role(
        calls="DeleteInferenceExperiment",
        prepare=run,
        stir=stop,
        busies=nothing,
        shows=[],
        breaks="fail-stop",
    ),
    "sensor": Role(
        calls="DescribeInferenceExperiment",
        prepare=nothing,
        stir=create,
        busies=nothing,
        shows=[("Running", 100)],
        breaks="fail-creation",
    ),
    "analysis": Role(calls="GetMetricData", prepare=run_long, shows=None, breaks=None),
    "compare": Role(
        calls="ListObjectsV2",
        prepare=capture_long,
        shows=None,
        breaks=None,
        traffic=Traffic(requests_per_minute=60, daily_swing=0, late_seconds=0),
    ),
}
ROWS = tuple(CAST)
