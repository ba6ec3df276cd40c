"""The fleet "demo": what there is when an emulator starts with it."""

import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from airflow_shadow.emulator import Emulator
from airflow_shadow.emulator.demo_fleet import NIGHTS, OTHER_REGION, REGION, candidate
from airflow_shadow.experiments.lifecycle import is_promoted
from airflow_shadow.experiments.ownership import TASK


@pytest.fixture(scope="module")
def demo():
    """Serve the fleet; time stands still once it is made."""
    with Emulator(speed=0.0, pace="time", fleet="demo") as emulator:
        yield emulator


def client(emulator, service="sagemaker", region=REGION):
    """Return a client of the emulator."""
    return boto3.client(
        service,
        endpoint_url=emulator.url,
        region_name=region,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


def experiments(emulator):
    """Return the descriptions of all experiments by name."""
    sagemaker = client(emulator)
    names = [one["Name"] for one in sagemaker.list_inference_experiments()["InferenceExperiments"]]
    return {name: sagemaker.describe_inference_experiment(Name=name) for name in names}


def test_its_two_days_end_now(demo):
    """The clock shows real time in the end, at the speed and pace that were asked for."""
    behind = datetime.now(UTC) - demo.clock.now()
    assert timedelta(0) <= behind < timedelta(minutes=10)
    assert (0.0, "time") == (demo.clock.speed, demo.pace)


def test_there_are_candidates_for_today_and_the_next_nights(demo):
    """They have the names that the README's Dag looks for."""
    today = demo.clock.now()
    expected = [candidate(today + timedelta(days=night)) for night in range(NIGHTS)]
    listed = [one["ModelName"] for one in client(demo).list_models(MaxResults=100)["Models"]]
    assert expected == sorted(name for name in listed if name.startswith("churn-2"))


def test_endpoints_of_each_kind_serve(demo):
    """All are InService, one is scaled automatically, one is in another region."""
    sagemaker, other = client(demo), client(demo, region=OTHER_REGION)
    statuses = Counter(one["EndpointStatus"] for one in sagemaker.list_endpoints()["Endpoints"])
    assert Counter({"InService": 6}) == statuses
    assert ["churn"] == [one["EndpointName"] for one in other.list_endpoints()["Endpoints"]]
    scaling = client(demo, "application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert "endpoint/search/variant/AllTraffic" == target["ResourceId"]


def test_experiments_are_live_promoted_and_removed(demo):
    """Their tags and reasons are read as the provider's."""
    found = experiments(demo)
    assert {
        "ranking-v4": ("Running", False),
        "pricing-v2": ("Completed", True),
        "spam-v2": ("Cancelled", False),
    } == {name: (one["Status"], is_promoted(one)) for name, one in found.items()}
    tags = client(demo).list_tags(ResourceArn=found["ranking-v4"]["Arn"])["Tags"]
    assert [TASK] == [tag["Key"] for tag in tags]
    reasons = [one["StatusReason"] for one in found.values() if "StatusReason" in one]
    assert [] == [reason for reason in reasons if "played" not in reason]


def test_the_live_experiment_has_metrics_of_both_variants(demo):
    """Its traffic is the emulator's own."""
    cloudwatch = client(demo, "cloudwatch")

    def requests(variant):
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[
                {"Name": "EndpointName", "Value": "ranking"},
                {"Name": "VariantName", "Value": variant},
            ],
            StartTime=demo.clock.now() - timedelta(hours=2),
            EndTime=demo.clock.now() - timedelta(hours=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    assert pytest.approx(0.5, abs=0.05) == requests("ranking-v4") / requests("AllTraffic")


def test_its_page_shows_what_it_has(demo):
    """Verdicts, Dags, captures and what was promoted."""
    with urllib.request.urlopen(f"{demo.url}/shadow") as answer:
        page = answer.read().decode()
    words = ["promote_ranking", "5 h left", "s3://captures/ranking-v4", ">PASS<", ">promoted<"]
    assert [] == [word for word in words if word not in page]


@pytest.mark.thorough
def test_a_reset_makes_it_anew():
    """Over HTTP, too; what was done since is gone."""
    with Emulator(speed=0.0, pace="time", fleet="demo") as emulator:
        client(emulator).stop_inference_experiment(
            Name="ranking-v4",
            ModelVariantActions={"AllTraffic": "Retain", "ranking-v4": "Remove"},
        )
        request = urllib.request.Request(f"{emulator.url}/shadow-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=60).close()
        assert "Running" == experiments(emulator)["ranking-v4"]["Status"]
