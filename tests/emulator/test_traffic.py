"""Which minutes have points for which variant, and how many requests they have."""

import json
from datetime import UTC, datetime, timedelta
from statistics import fmean, stdev
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from airflow_shadow.emulator.fleet import create_endpoint, shadow_mode
from airflow_shadow.emulator.traffic import Traffic, spans
from tests.metrics import Metrics

FLAT = Traffic(requests_per_minute=400, daily_swing=0, late_seconds=0)


@pytest.fixture
def metrics(emulator, connect):
    """Return a reader of metrics."""
    return Metrics(connect("cloudwatch"), emulator)


@pytest.fixture
def busy(emulator, experiments, metrics):
    """Create endpoint "ep" with flat traffic, from the begin of a minute on."""
    second = emulator.clock.now()
    emulator.clock.advance(60 - second.second - second.microsecond / 1e6)
    metrics.start = emulator.clock.now()
    emulator.traffic("ep", FLAT)
    return experiments


def minutes_of(points, metrics):
    """Return the minutes since the start of traffic that have a point."""
    return [round((time - metrics.start).total_seconds() / 60) for time in points]


def share(metrics, variant="Shadow", of="AllTraffic", since=0, until=10**6):
    """Return the requests of one variant over those of another in a span of minutes."""
    counts = [
        sum(
            value
            for time, value in metrics.points("Invocations", name).items()
            if since <= (time - metrics.start).total_seconds() / 60 < until
        )
        for name in (variant, of)
    ]
    return counts[0] / counts[1]


def test_without_traffic_there_are_no_metrics(emulator, experiments, metrics):
    """Without traffic there is not even utilisation."""
    emulator.clock.advance(timedelta(hours=1))
    assert {} == metrics.points("CPUUtilization", "AllTraffic", "Average")


def test_requests_are_poisson_around_the_rate(busy, emulator, metrics):
    """The mean and the spread are those of a Poisson distribution."""
    emulator.clock.advance(timedelta(hours=12))
    values = metrics.values("Invocations", "AllTraffic")
    assert (
        pytest.approx(400, rel=0.01),
        pytest.approx(20, rel=0.1),
    ) == (fmean(values), stdev(values))


def test_the_rate_swings_once_a_day(busy, emulator, metrics):
    """The rate is highest at the peak hour and lowest twelve hours later."""
    emulator.traffic("ep", Traffic(requests_per_minute=600, daily_swing=0.5, peak_hour=9))
    emulator.clock.advance(timedelta(days=1))
    by_hour = {}
    for time, value in metrics.points("Invocations", "AllTraffic").items():
        by_hour.setdefault(time.astimezone(UTC).hour, []).append(value)
    assert (
        pytest.approx(900, rel=0.03),
        pytest.approx(300, rel=0.04),
    ) == (fmean(by_hour[9]), fmean(by_hour[21]))


def test_a_minute_without_requests_has_no_point(busy, emulator, metrics):
    """Only utilisation is measured in a minute without requests."""
    emulator.traffic("ep", Traffic(requests_per_minute=0.5, daily_swing=0, late_seconds=0))
    emulator.clock.advance(timedelta(hours=2))
    present = {
        name: set(metrics.points(name, "AllTraffic"))
        for name in ("Invocations", "Invocation5XXErrors", "ModelLatency", "CPUUtilization")
    }
    assert present["Invocations"] == present["Invocation5XXErrors"] == present["ModelLatency"]
    assert 20 < len(present["Invocations"]) < 80
    assert 120 == len(present["CPUUtilization"])


def test_the_shadow_begins_when_the_experiment_runs(busy, emulator, metrics):
    """Production has all minutes, the shadow those since Running."""
    emulator.clock.advance(timedelta(minutes=10))
    busy.running()
    emulator.clock.advance(timedelta(minutes=10))
    seen = {
        name: minutes_of(metrics.points("Invocations", name), metrics)
        for name in ("AllTraffic", "Shadow")
    }
    assert {"AllTraffic": [*range(20)], "Shadow": [*range(10, 20)]} == seen


def test_production_has_no_gap_while_the_endpoint_is_updating(busy, emulator, metrics):
    """Production serves through a deployment, also at pace "time"."""
    emulator.pace = "time"
    busy.create()
    emulator.clock.advance(timedelta(minutes=4, seconds=30))
    busy.status()
    emulator.clock.advance(timedelta(minutes=5, seconds=30))
    points = metrics.points("Invocations", "AllTraffic")
    assert [*range(10)] == minutes_of(points, metrics)
    assert min(points.values()) > 300


def test_a_variant_gets_its_part_of_the_minute_it_begins_in(busy, emulator, metrics):
    """A variant that begins half a minute in gets half of the requests."""
    emulator.pace = "time"
    emulator.clock.advance(30)
    busy.create(sampling_percentage=100)
    emulator.clock.advance(timedelta(minutes=10))
    [part, *_] = metrics.points("Invocations", "Shadow").values()
    [whole, *_] = list(metrics.points("Invocations", "AllTraffic").values())[4:]
    assert pytest.approx(0.5, abs=0.01) == part / whole


@pytest.mark.parametrize("percentage", [5, 50, 100])
def test_the_shadow_gets_what_is_sampled(busy, emulator, metrics, percentage):
    """The shadow gets the sampled share of production's requests."""
    busy.running(sampling_percentage=percentage)
    emulator.clock.advance(timedelta(hours=6))
    assert pytest.approx(percentage / 100, abs=0.01) == share(metrics)


def test_at_full_sampling_every_request_is_copied(busy, emulator, metrics):
    """At full sampling both variants have the same requests in every minute."""
    busy.running(sampling_percentage=100)
    emulator.clock.advance(timedelta(hours=1))
    both = [metrics.values("Invocations", name) for name in ("AllTraffic", "Shadow")]
    assert both[0] == both[1]


def test_sampling_holds_from_the_end_of_its_update(busy, client, emulator, metrics):
    """A tenth is copied until the update is done, then everything."""
    busy.running(sampling_percentage=10)
    emulator.clock.advance(timedelta(hours=1))
    mode = shadow_mode(source="AllTraffic", shadow="Shadow", sampling_percentage=100)
    client.update_inference_experiment(Name="x", ShadowModeConfig=mode)
    busy.seen_until("Updating")
    busy.seen_until("Running")
    emulator.clock.advance(timedelta(hours=1))
    shares = (share(metrics, until=60), share(metrics, since=60))
    assert (pytest.approx(0.1, abs=0.02), 1.0) == shares


def test_a_removed_shadow_keeps_its_old_points_and_gets_no_new_ones(busy, emulator, metrics):
    """Production continues alone."""
    busy.running()
    emulator.clock.advance(timedelta(minutes=5))
    busy.ended()
    emulator.clock.advance(timedelta(minutes=5))
    seen = {
        name: minutes_of(metrics.points("Invocations", name), metrics)
        for name in ("AllTraffic", "Shadow")
    }
    assert {"AllTraffic": [*range(10)], "Shadow": [*range(5)]} == seen


def test_a_promoted_shadow_goes_on_under_its_name_with_all_traffic(busy, emulator, metrics):
    """The former production variant gets no new points."""
    busy.running(sampling_percentage=10)
    emulator.clock.advance(timedelta(minutes=5))
    busy.ended(busy.promote)
    emulator.clock.advance(timedelta(minutes=5))
    points = metrics.points("Invocations", "Shadow")
    assert [*range(5)] == minutes_of(metrics.points("Invocations", "AllTraffic"), metrics)
    assert min(list(points.values())[5:]) > 300


def test_an_experiment_that_expires_ends_the_shadows_points(busy, emulator, metrics):
    """The shadow's points end with the schedule, without any call."""
    busy.running(Schedule={"EndTime": emulator.clock.now() + timedelta(hours=2)})
    emulator.pace = "time"
    emulator.clock.advance(timedelta(hours=3))
    assert 123 == len(metrics.points("Invocations", "Shadow"))


def test_points_outlive_the_endpoint(busy, client, emulator, metrics):
    """Points stay readable after DeleteEndpoint, and no new ones come."""
    emulator.clock.advance(timedelta(minutes=5))
    client.delete_endpoint(EndpointName="ep")
    emulator.clock.advance(timedelta(minutes=5))
    points = metrics.points("Invocations", "AllTraffic")
    assert [*range(5)] == minutes_of(points, metrics)


def test_the_newest_minutes_arrive_late_and_fill(busy, emulator, metrics):
    """A minute shows nothing at its end, all two minutes later, and never less than before."""
    emulator.traffic("ep", Traffic(requests_per_minute=400, daily_swing=0))
    seen = []
    for _ in range(9):
        emulator.clock.advance(30)
        seen.append(metrics.values("Invocations", "AllTraffic")[:1])
    counts = [count for [count] in filter(None, seen)]
    assert [[], []] == seen[:2]
    assert sorted(counts) == counts
    assert pytest.approx(0.5, abs=0.01) == counts[1] / counts[-1]
    assert counts[-1] == counts[-2] == counts[-3] > counts[-5]


def test_reading_order_changes_nothing(busy, emulator, metrics):
    """Numbers do not depend on what was read before."""
    busy.running()
    emulator.clock.advance(timedelta(minutes=30))
    metrics.values("ModelLatency", "Shadow", "p99")
    early = metrics.values("ModelLatency", "AllTraffic", "Average")
    emulator.clock.advance(timedelta(minutes=30))
    late = metrics.values("ModelLatency", "AllTraffic", "Average")
    assert early == late[:30]


@pytest.mark.parametrize(("seed", "same"), [(0, True), (1, False)])
def test_the_seed_decides(busy, emulator, metrics, seed, same):
    """Two runs of the same steps differ only if their seeds do."""
    emulator.clock.advance(timedelta(minutes=30))
    first = metrics.values("ModelLatency", "AllTraffic", "Average")
    emulator.reset()
    client = busy.client
    moment = emulator.clock.now()
    emulator.clock.advance(60 - moment.second - moment.microsecond / 1e6)
    metrics.start = emulator.clock.now()
    traffic = Traffic(requests_per_minute=400, daily_swing=0, late_seconds=0, seed=seed)
    create_endpoint(client, endpoint_name="ep", model_name="m1", traffic=traffic)
    emulator.clock.advance(timedelta(minutes=30))
    assert (first == metrics.values("ModelLatency", "AllTraffic", "Average")) is same


def test_other_traffic_holds_from_its_declaration(busy, emulator, metrics):
    """New traffic leaves the points before it unchanged."""
    emulator.clock.advance(timedelta(minutes=10))
    before = metrics.values("Invocations", "AllTraffic")
    emulator.traffic("ep", Traffic(requests_per_minute=4000, daily_swing=0, late_seconds=0))
    emulator.clock.advance(timedelta(minutes=10))
    values = metrics.values("Invocations", "AllTraffic")
    assert (before, min(values[10:]) > 3000) == (values[:10], True)


def test_a_tag_declares_traffic(emulator, client, experiments, metrics):
    """Any client can declare traffic by a tag, in any account and region."""
    tag = {"Key": "shadow-traffic", "Value": "requests_per_minute=50 daily_swing=0 seed=3"}
    client.create_endpoint(EndpointName="e2", EndpointConfigName="ep-config", Tags=[tag])
    answer = _call(emulator, "GET")
    assert [("e2", 50.0, 3)] == [
        (one["endpoint"], one["requests_per_minute"], one["seed"]) for one in answer
    ]


def test_a_wrong_tag_is_refused(client, experiments):
    """The error names the settings that exist."""
    tag = {"Key": "shadow-traffic", "Value": "rate=50"}
    refusal = experiments.refusal(
        client.create_endpoint, EndpointName="e2", EndpointConfigName="ep-config", Tags=[tag]
    )
    assert (
        "ValidationException",
        True,
    ) == (refusal.code, "there are bad_request_rate" in refusal.message)


def _call(emulator, method, **body):
    data = json.dumps(body).encode() if body else None
    request = Request(f"{emulator.url}/shadow-api/traffic", data=data, method=method)
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_traffic_can_be_declared_over_http(emulator, experiments, metrics):
    """Other processes can declare traffic."""
    declared = _call(emulator, "POST", endpoint="ep", requests_per_minute=90, late_seconds=0)
    emulator.clock.advance(timedelta(minutes=5))
    assert (datetime.fromisoformat(declared[0].pop("since")) <= emulator.clock.now()) is True
    assert [
        {
            "account": "123456789012",
            "region": "us-east-1",
            "endpoint": "ep",
            "requests_per_minute": 90.0,
            "daily_swing": 0.5,
            "peak_hour": 14.0,
            "seed": 0,
            "late_seconds": 0.0,
            "bad_request_rate": 0.0,
            "hours_before": 0.0,
            "inference_ids": 1.0,
            "repeated_inputs": 0.0,
        }
    ] == declared
    assert len(metrics.values("Invocations", "AllTraffic")) >= 4


@pytest.mark.parametrize(
    "body",
    [
        {"requests_per_minute": 5},
        {"endpoint": "ep", "requests_per_minute": -1},
        {"endpoint": "ep", "rate": 5},
        {"endpoint": "ep", "bad_request_rate": 1.5},
        {"endpoint": "ep", "hours_before": 24 * 456},
    ],
    ids=["no endpoint", "negative", "unknown", "more than all", "older than all points"],
)
def test_wrong_traffic_is_refused_over_http(emulator, body):
    """Wrong traffic is answered with status 400."""
    with pytest.raises(HTTPError) as caught:
        _call(emulator, "POST", **body)
    assert 400 == caught.value.code


def test_a_deleted_model_goes_on_behaving(busy, client, emulator, metrics):
    """DeleteModel does not change what an endpoint runs."""
    busy.running()
    client.delete_model(ModelName="m2")
    busy.ended(busy.promote)
    emulator.clock.advance(timedelta(minutes=5))
    assert 5 == len(metrics.values("Invocations", "Shadow"))


def test_an_endpoint_without_traffic_has_no_spans():
    """Nothing was ever declared for it."""
    assert [] == list(spans([], range(10)))
