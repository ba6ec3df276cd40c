"""The example Dags as they are tried in Airflow's pages: their endpoints, candidates and runs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.tested_endpoint import BAD as BAD_BEHAVIOUR
from airflow_shadow.emulator.traffic import Traffic
from demo.setup import ROOT, client

EXAMPLES = {file.stem for file in (ROOT / "example_dags").glob("*.py")}
FLEET = {
    "us-east-1": {"churn": ["churn-v1", "churn-v2"], "fraud": ["fraud-v6", "fraud-v7"]},
    "eu-west-1": {"churn": ["churn-v1", "churn-v2"]},
}
#: There the candidate fails every fifth request, so fleet_mapped leaves production as it is.
FAULTS = {"eu-west-1": {"SHADOW_ERROR_RATE": "0.2"}}
#: Days from today: each night from a week ago until tomorrow has its candidate on `churn`.
NIGHTS = range(-8, 2)
#: The README's Dag runs for these at once; the first one's candidate is bad.
BAD, GOOD = -8, -7
#: What is tried, each for a night of its own: another's would serve already, and so skip the run.
#: Later nights come later, for an older candidate would be skipped, and `None` is now. fleet_mapped
#: promotes what aa_test and shadow_on_demand must find untouched.
RUNS: Sequence[tuple[str, int | None]] = (
    ("promote_churn", BAD),
    ("promote_churn", GOOD),
    ("promote_nightly", -6),
    ("rollout_backfill", -5),
    ("rollout_on_answers", -4),
    ("rollout_on_evidence", -3),
    ("aa_test", None),
    ("shadow_on_demand", None),
    ("fleet_mapped", None),
    ("tell_when_concluded", None),
)


def night(days: int) -> datetime:
    """Return the midnight that begins a day, counted from today."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days)


def candidate(days: int) -> str:
    """Return the name of a night's candidate."""
    return f"churn-{night(days):%Y%m%d}"


def set_up_fleet(url: str) -> None:
    """Create what the examples ask for: a bucket, endpoints under traffic, and candidates."""
    client(url, service="s3").create_bucket(Bucket="captures")
    for region, endpoints in FLEET.items():
        sagemaker = client(url, region)
        for endpoint, (serving, release) in endpoints.items():
            fleet.create_endpoint(
                sagemaker, endpoint_name=endpoint, model_name=serving, traffic=Traffic()
            )
            fleet.create_model(sagemaker, name=release, environment=FAULTS.get(region, {}))
    sagemaker = client(url)
    for days in NIGHTS:
        behaviour = BAD_BEHAVIOUR if days == BAD else {}
        fleet.create_model(sagemaker, name=candidate(days), environment=behaviour)
