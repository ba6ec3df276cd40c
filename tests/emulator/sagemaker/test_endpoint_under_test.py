"""What others do to an endpoint under test, and what Describe shows of it."""

from datetime import timedelta
from itertools import pairwise
from operator import mul

import pytest

from airflow_shadow.emulator.fleet import create_model, shadow_mode, wait_in_service
from airflow_shadow.emulator.traffic import Traffic
from tests.metrics import Metrics

FLAT = Traffic(requests_per_minute=400, daily_swing=0, late_seconds=0)
VARIANT = {
    "VariantName": "AllTraffic",
    "ModelName": "m3",
    "InstanceType": "ml.m5.xlarge",
    "InitialInstanceCount": 3,
    "InitialVariantWeight": 1.0,
}


@pytest.fixture
def running(client, experiments):
    """Run an experiment, and create a configuration "other" with another model."""
    create_model(client, name="m3")
    client.create_endpoint_config(EndpointConfigName="other", ProductionVariants=[VARIANT])
    experiments.running()
    return experiments


@pytest.fixture
def metrics(emulator, running, connect):
    """Return its metrics of the last ten minutes, at the begin of a minute."""
    moment = emulator.clock.now()
    emulator.clock.advance(60 - moment.second - moment.microsecond / 1e6)
    emulator.traffic("ep", FLAT)
    metrics = Metrics(connect("cloudwatch"), emulator)
    emulator.clock.advance(timedelta(minutes=10))
    return metrics


def scale(client, variant, count):
    """Change a variant's instance count."""
    wanted = {"VariantName": variant, "DesiredInstanceCount": count}
    client.update_endpoint_weights_and_capacities(
        EndpointName="ep", DesiredWeightsAndCapacities=[wanted]
    )


def counts(description):
    """Return the current and desired instance counts of both variants."""
    return {
        one["VariantName"]: (one["CurrentInstanceCount"], one["DesiredInstanceCount"])
        for one in (
            *description["ProductionVariants"],
            *description.get("ShadowProductionVariants", ()),
        )
    }


@pytest.mark.parametrize("variant", ["AllTraffic", "Shadow"])
def test_variants_scale_while_an_experiment_runs(client, running, variant):
    """The desired count shows first, then the current one; the experiment stays Running."""
    scale(client, variant, 5)
    updating = running.endpoint()
    wait_in_service(client, endpoint_name="ep")
    after = running.endpoint()
    other = {"AllTraffic": (2, 2), "Shadow": (2, 2)}
    assert [other | {variant: (2, 5)}, other | {variant: (5, 5)}] == [
        counts(updating),
        counts(after),
    ]
    assert (
        "Running",
        updating["EndpointConfigName"],
    ) == (running.status(), after["EndpointConfigName"])


def test_metrics_follow_the_scaling(client, emulator, metrics):
    """The same requests are shared by more instances."""
    scale(client, "AllTraffic", 8)
    wait_in_service(client, endpoint_name="ep")
    emulator.clock.advance(timedelta(minutes=10))
    requests, shared = (
        metrics.values(name, "AllTraffic") for name in ("Invocations", "InvocationsPerInstance")
    )
    instances = [2] * 10 + [8] * 10
    assert pytest.approx([*map(mul, instances, shared)]) == requests


def test_somebody_elses_deployment_is_accepted(client, running):
    """The experiment stays Running, although the endpoint has no shadow any more."""
    client.update_endpoint(EndpointName="ep", EndpointConfigName="other")
    wait_in_service(client, endpoint_name="ep")
    endpoint = running.endpoint()
    assert ("Running", "other") == (running.status(), endpoint["EndpointConfigName"])
    assert {"AllTraffic": (3, 3)} == counts(endpoint)


def test_metrics_follow_somebody_elses_deployment(client, emulator, metrics):
    """Production continues with the other model, and the shadow's points end."""
    client.update_endpoint(EndpointName="ep", EndpointConfigName="other")
    wait_in_service(client, endpoint_name="ep")
    emulator.clock.advance(timedelta(minutes=10))
    lengths = [len(metrics.values("Invocations", name)) for name in ("AllTraffic", "Shadow")]
    assert [20, 10] == lengths


def _update_endpoint(client, experiments):
    client.update_endpoint(EndpointName="ep", EndpointConfigName="other")


def _repeat(client, experiments):
    config = experiments.endpoint()["EndpointConfigName"]
    client.update_endpoint(EndpointName="ep", EndpointConfigName=config)


def _scale(client, experiments):
    scale(client, "AllTraffic", 5)


def _sampling(client, experiments):
    mode = shadow_mode(source="AllTraffic", shadow="Shadow", sampling_percentage=75)
    client.update_inference_experiment(Name="x", ShadowModeConfig=mode)


def _promote(client, experiments):
    experiments.stop(experiments.promote)


def _remove(client, experiments):
    experiments.stop()


CHANGES = [_update_endpoint, _repeat, _scale, _sampling, _promote, _remove]


@pytest.mark.parametrize("change", CHANGES)
def test_an_endpoints_last_modified_moves_with_each_update(client, emulator, running, change):
    """LastModifiedTime moves when an update begins and when it is done."""
    times = [running.endpoint()["LastModifiedTime"]]
    emulator.clock.advance(60)
    change(client, running)
    times.append(running.endpoint()["LastModifiedTime"])
    emulator.clock.advance(60)
    wait_in_service(client, endpoint_name="ep")
    times.append(running.endpoint()["LastModifiedTime"])
    assert [60, 60] == [
        round((later - earlier).total_seconds()) for earlier, later in pairwise(times)
    ]


def test_an_endpoints_last_modified_moves_when_an_experiment_starts(client, emulator, experiments):
    """LastModifiedTime moves at the start, not when the experiment is scheduled."""
    created = experiments.endpoint()["LastModifiedTime"]
    emulator.clock.advance(60)
    start = emulator.clock.now() + timedelta(hours=1)
    experiments.create(Schedule={"StartTime": start, "EndTime": start + timedelta(days=1)})
    experiments.seen_until("Created")
    planned = experiments.endpoint()["LastModifiedTime"]
    emulator.clock.advance(timedelta(hours=1))
    experiments.seen_until("Running")
    started = experiments.endpoint()["LastModifiedTime"]
    assert (created, True) == (planned, started >= start.replace(microsecond=0))


def test_an_endpoints_last_modified_moves_when_an_experiment_expires(client, emulator, running):
    """LastModifiedTime moves at the end of the schedule, without any call."""
    emulator.clock.advance(timedelta(days=8))
    running.seen_until("Completed")
    age = emulator.clock.now() - running.endpoint()["LastModifiedTime"]
    assert age < timedelta(days=1)


@pytest.mark.parametrize(
    "look",
    [
        lambda client: client.describe_endpoint(EndpointName="ep"),
        lambda client: client.update_inference_experiment(Name="x", Description="new"),
        lambda client: client.add_tags(
            ResourceArn=client.describe_endpoint(EndpointName="ep")["EndpointArn"],
            Tags=[{"Key": "k", "Value": "v"}],
        ),
    ],
    ids=["read", "description", "tags"],
)
def test_an_endpoints_last_modified_stays_where_nothing_is_deployed(
    client, emulator, running, look
):
    """Reads, tags and changes of a description do not move LastModifiedTime."""
    before = running.endpoint()["LastModifiedTime"]
    emulator.clock.advance(60)
    look(client)
    running.seen_until("Running")
    for _ in range(3):
        running.status()
    assert before == running.endpoint()["LastModifiedTime"]
