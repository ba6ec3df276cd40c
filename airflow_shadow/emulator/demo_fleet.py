"""The fleet "demo": a small team's endpoints under traffic, as they are after two days.

What it says of Dags, runs and verdicts is played, and says so; its traffic and metrics come from
the emulator as any others.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.tested_endpoint import BAD
from airflow_shadow.emulator.traffic import Traffic

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

REGION, OTHER_REGION = "us-east-1", "eu-west-1"
BUCKET = "captures"
#: Nights from today on, each of which has its candidate on `churn`; tomorrow's is a bad one.
NIGHTS, BAD_NIGHT = 7, 1
#: Endpoint, the model that serves, and the candidate.
_ENDPOINTS = (
    ("churn", "churn-v1", "churn-v2"),
    ("fraud", "fraud-v6", "fraud-v7"),
    ("pricing", "pricing-v1", "pricing-v2"),
    ("ranking", "ranking-v3", "ranking-v4"),
    ("search", "search-v1", "search-v2"),
    ("spam", "spam-v1", "spam-v2"),
)
_BEHAVIOURS: Mapping[str, Mapping[str, str]] = {
    "ranking-v4": {"SHADOW_LATENCY_MS": "46"},
    "spam-v2": BAD,
}
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def candidate(night: datetime) -> str:
    """Return the name of a night's candidate on `churn`."""
    return f"churn-{night:%Y%m%d}"


def fill(emulator: "Emulator") -> None:
    """Let a serving, empty emulator live through two days, which end now."""
    now, speed, pace = datetime.now(UTC), emulator.clock.speed, emulator.pace
    # Reads end all transitions at once, and the clock moves only when it is told to.
    emulator.clock.reset(speed=0.0, at=now - 2 * _DAY)
    emulator.pace = "count"
    try:
        _live_two_days(emulator, now)
    finally:
        emulator.pace, emulator.clock.speed = pace, speed


def _live_two_days(emulator: "Emulator", now: datetime) -> None:
    sagemaker = _client(emulator, "sagemaker")
    _client(emulator, "s3").create_bucket(Bucket=BUCKET)
    for number, (endpoint, serves, release) in enumerate(_ENDPOINTS):
        _create_endpoint(sagemaker, endpoint, serves, seed=number)
        fleet.create_model(sagemaker, name=release, environment=_BEHAVIOURS.get(release, {}))
    for night in range(NIGHTS):
        environment = BAD if night == BAD_NIGHT else {}
        name = candidate(now + night * _DAY)
        fleet.create_model(sagemaker, name=name, environment=environment)
    _scale_search(emulator)
    _create_other_region(emulator)
    _conclude_two(emulator, sagemaker)
    emulator.clock.advance(now - 3 * _HOUR - emulator.clock.now())
    _begin(emulator, sagemaker, "ranking", "ranking-v3", "ranking-v4", sampling=50, hours=8)
    emulator.clock.advance(now - emulator.clock.now())


def _client(emulator: "Emulator", service: str, region: str = REGION) -> Any:
    return boto3.client(
        service,
        endpoint_url=emulator.url,
        region_name=region,
        aws_access_key_id="demo",
        aws_secret_access_key="demo",  # noqa: S106 - the emulator takes any
    )


def _create_endpoint(client: Any, name: str, model: str, *, seed: int) -> None:
    rates = (300.0, 120.0, 600.0, 900.0, 450.0, 200.0)
    traffic = Traffic(requests_per_minute=rates[seed], seed=seed, hours_before=24)
    fleet.create_endpoint(client, endpoint_name=name, model_name=model, traffic=traffic)


def _create_other_region(emulator: "Emulator") -> None:
    """Create `churn` in the other region, where its candidate fails every fifth request."""
    client = _client(emulator, "sagemaker", OTHER_REGION)
    _create_endpoint(client, "churn", "churn-v1", seed=0)
    fleet.create_model(client, name="churn-v2", environment={"SHADOW_ERROR_RATE": "0.2"})


def _scale_search(emulator: "Emulator") -> None:
    """Scale `search` automatically, which a promotion refuses unless told otherwise."""
    _client(emulator, "application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/search/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=2,
        MaxCapacity=6,
    )


def _conclude_two(emulator: "Emulator", client: Any) -> None:
    """Promote a candidate after eight hours, and remove another one."""
    _begin(emulator, client, "pricing", "pricing-v1", "pricing-v2", sampling=100, hours=12)
    _begin(emulator, client, "spam", "spam-v1", "spam-v2", sampling=10, hours=12)
    emulator.clock.advance(8 * _HOUR)
    pricing = {"AllTraffic": "Remove", "pricing-v2": "Promote"}
    _stop(client, "pricing", pricing, "Completed", "PASS (played): promoted")
    spam = {"AllTraffic": "Retain", "spam-v2": "Remove"}
    _stop(client, "spam", spam, "Cancelled", "FAIL (played): removed")


def _begin(
    emulator: "Emulator",
    client: Any,
    endpoint: str,
    serves: str,
    shadow: str,
    *,
    sampling: int,
    hours: int,
) -> None:
    now = emulator.clock.now()
    request = fleet.experiment_request(
        name=shadow,
        endpoint_name=endpoint,
        model_name=serves,
        shadow_model_name=shadow,
        shadow_variant_name=shadow,
        sampling_percentage=sampling,
        Schedule={"EndTime": now + hours * _HOUR},
        Description="Part of the emulator's fleet 'demo'.",
        DataStorageConfig=fleet.data_storage(f"s3://{BUCKET}/{shadow}"),
        Tags=[{"Key": "airflow-shadow:task", "Value": _task(endpoint, now)}],
    )
    client.create_inference_experiment(**request)
    _read_until(client, shadow, "Running")


def _task(endpoint: str, now: datetime) -> str:
    """Return the tag of a task that created an experiment, as the operators write it."""
    return f"promote_{endpoint}/scheduled__{now:%Y-%m-%d}T00:00:00+00:00/shadow.create/-1"


def _stop(client: Any, endpoint: str, actions: dict[str, str], state: str, reason: str) -> None:
    name = f"{endpoint}-v2"
    action = "promote" if "Promote" in actions.values() else "remove"
    client.stop_inference_experiment(
        Name=name,
        ModelVariantActions=actions,
        DesiredState=state,
        Reason=f"{reason} by the fleet 'demo'. [airflow-shadow:{action}]",
    )
    _read_until(client, name, state)


def _read_until(client: Any, name: str, status: str) -> None:
    """Read an experiment until a status shows, which at pace "count" is after a few reads."""
    for _ in range(100):
        if client.describe_inference_experiment(Name=name)["Status"] == status:
            return
    raise RuntimeError(f"Experiment {name} did not become {status}.")
