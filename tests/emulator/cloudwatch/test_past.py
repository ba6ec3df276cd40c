"""Traffic that began before it was declared: an endpoint with a past."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.request import Request, urlopen

import pytest

from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.fleet import create_endpoint, create_model, experiment_request
from airflow_shadow.emulator.traffic import Traffic
from tests.metrics import Metrics

FLAT = Traffic(requests_per_minute=100, daily_swing=0, late_seconds=0)
DAY = Traffic(requests_per_minute=100, daily_swing=0, late_seconds=0, hours_before=24)


@pytest.fixture
def metrics(emulator, connect):
    """Return a reader of metrics, at the begin of a minute."""
    moment = emulator.clock.now()
    emulator.clock.advance(60 - moment.second - moment.microsecond / 1e6)
    return Metrics(connect("cloudwatch"), emulator)


def ages(metrics, emulator, variant="AllTraffic", name="Invocations"):
    """Return the ages of a variant's points within three days, in minutes, oldest first."""
    window = {"StartTime": emulator.clock.now() - timedelta(days=3)}
    times = metrics.points(name, variant, **window)
    return [round((emulator.clock.now() - time).total_seconds() / 60) for time in times]


def by_fleet(emulator, client, traffic):
    """Declare traffic together with the endpoint."""
    create_endpoint(client, endpoint_name="ep", model_name="m1", traffic=traffic)


def by_tag(emulator, client, traffic):
    """Declare traffic by the endpoint's tag, as any client can."""
    tag = {"Key": "shadow-traffic", "Value": "late_seconds=0 hours_before=24"}
    create_endpoint(client, endpoint_name="other", model_name="m1")
    client.create_endpoint(EndpointName="ep", EndpointConfigName="other-config", Tags=[tag])
    client.get_waiter("endpoint_in_service").wait(EndpointName="ep", WaiterConfig={"Delay": 0})


def by_emulator(emulator, client, traffic):
    """Declare traffic for an existing endpoint."""
    create_endpoint(client, endpoint_name="ep", model_name="m1")
    emulator.traffic("ep", traffic)


def over_http(emulator, client, traffic):
    """Declare traffic from another process."""
    create_endpoint(client, endpoint_name="ep", model_name="m1")
    body = json.dumps({"endpoint": "ep", "late_seconds": 0, "hours_before": 24})
    request = Request(f"{emulator.url}/shadow-api/traffic", data=body.encode(), method="POST")
    with urlopen(request, timeout=10) as answer:
        assert 24.0 == json.load(answer)[0]["hours_before"]


@pytest.mark.parametrize("declare", [by_fleet, by_tag, by_emulator, over_http])
def test_an_endpoint_may_have_a_past(client, emulator, metrics, declare):
    """A new endpoint has production's points of a whole day."""
    declare(emulator, client, DAY)
    emulator.clock.advance(timedelta(minutes=10))
    assert [*range(1450, 0, -1)] == ages(metrics, emulator)


@pytest.mark.parametrize("name", ["ModelLatency", "Invocation5XXErrors", "CPUUtilization"])
def test_the_past_has_all_metrics(client, emulator, metrics, name):
    """The past has the same metrics as the time since the declaration."""
    by_fleet(emulator, client, DAY)
    assert [*range(1440, 0, -1)] == ages(metrics, emulator, name=name)


def test_a_past_has_no_gap_at_pace_time(client, emulator, metrics):
    """The five minutes of the creation leave no gap, and no minute counts twice."""
    create_endpoint(client, endpoint_name="other", model_name="m1")
    emulator.pace = "time"
    emulator.traffic("ep", DAY)
    client.create_endpoint(EndpointName="ep", EndpointConfigName="other-config")
    emulator.clock.advance(timedelta(minutes=10))
    assert [*range(1450, 0, -1)] == ages(metrics, emulator)


def test_only_production_has_a_past(client, emulator, metrics):
    """A shadow's points begin with its experiment."""
    by_fleet(emulator, client, DAY)
    create_model(client, name="m2")
    request = experiment_request(
        name="x", endpoint_name="ep", model_name="m1", shadow_model_name="m2"
    )
    client.create_inference_experiment(**request)
    while client.describe_inference_experiment(Name="x")["Status"] != "Running":
        continue
    emulator.clock.advance(timedelta(minutes=10))
    assert [*range(10, 0, -1)] == ages(metrics, emulator, "Shadow")
    assert [*range(1450, 0, -1)] == ages(metrics, emulator)


def test_production_with_a_past_is_warm(client, emulator, metrics):
    """Its cold start is at the begin of the past, and its latency has drifted since."""
    behaviour = Behaviour(noise=0.0, cold_start_seconds=600, cold_start_factor=3, drift_per_day=0.1)
    create_model(client, name="m1", environment=environment(behaviour))
    by_fleet(emulator, client, DAY)
    window = {"StartTime": emulator.clock.now() - timedelta(days=3)}
    values = metrics.values("ModelLatency", "AllTraffic", "Average", **window)
    ratios = (values[2] / 50_000, sum(values[-60:]) / 60 / 50_000)
    assert (pytest.approx(3, rel=0.15), pytest.approx(1.1, rel=0.02)) == ratios


def test_a_past_takes_the_place_of_what_came(client, emulator, metrics):
    """A past replaces earlier traffic where they overlap; no minute counts twice."""
    by_fleet(emulator, client, FLAT)
    for _ in range(2):
        emulator.clock.advance(timedelta(hours=1))
        emulator.traffic("ep", Traffic(requests_per_minute=1000, daily_swing=0, late_seconds=0))
    emulator.clock.advance(timedelta(hours=1))
    emulator.traffic("ep", replace(DAY, hours_before=2.5))
    window = {"StartTime": metrics.start}
    values = metrics.values("Invocations", "AllTraffic", **window)
    assert (180, True) == (len(values), max(values) < 200)


def test_a_burst_of_failures_leaves_the_past(client, emulator, metrics):
    """Five minutes of other traffic change nothing before or after them."""
    by_fleet(emulator, client, DAY)
    window = {"StartTime": emulator.clock.now() - timedelta(days=3)}
    before = metrics.values("Invocations", "AllTraffic", **window)
    for rate in (0.8, 0.0):
        emulator.traffic("ep", replace(FLAT, bad_request_rate=rate))
        emulator.clock.advance(timedelta(minutes=5))
    rates = metrics.values("Invocation5XXErrors", "AllTraffic", "Average", **window)
    after = metrics.values("Invocations", "AllTraffic", **window)
    assert [0.0] * 1440 + [0.8] * 5 + [0.0] * 5 == pytest.approx(rates, abs=0.2)
    assert before == after[:1440]


@pytest.mark.parametrize("again", [DAY, None], ids=["with a past", "without"])
def test_a_past_ends_at_the_deletion_of_a_namesake(client, emulator, metrics, again):
    """A deleted endpoint's points stay, and the new one's past begins after the deletion."""
    by_fleet(emulator, client, DAY)
    emulator.clock.advance(timedelta(minutes=30))
    window = {"StartTime": emulator.clock.now() - timedelta(days=3)}
    before = metrics.values("Invocations", "AllTraffic", **window)
    client.delete_endpoint(EndpointName="ep")
    emulator.clock.advance(timedelta(minutes=30))
    client.delete_endpoint_config(EndpointConfigName="ep-config")
    create_endpoint(client, endpoint_name="ep", model_name="m1", traffic=again)
    emulator.clock.advance(timedelta(minutes=10))
    gap = [] if again else [*range(40, 10, -1)]
    assert [age for age in range(1510, 0, -1) if age not in gap] == ages(metrics, emulator)
    assert before == metrics.values("Invocations", "AllTraffic", **window)[: len(before)]
