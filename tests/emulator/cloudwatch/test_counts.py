"""How the counts of a variant's metrics agree with one another, and where they differ."""

import math
from dataclasses import replace
from datetime import timedelta
from statistics import NormalDist

import pytest

from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.fleet import create_endpoint, create_model, experiment_request
from airflow_shadow.emulator.traffic import Traffic
from tests.metrics import Metrics, query

CALM = Behaviour(noise=0.0)
FLAT = Traffic(requests_per_minute=400, daily_swing=0, late_seconds=0)


@pytest.fixture
def met(emulator, client, connect):
    """Send requests to two variants for some hours and return their metrics."""

    def run(shadow=CALM, *, production=CALM, traffic=FLAT, sampling=100, hours=6):
        for name, behaviour in (("m1", production), ("m2", shadow)):
            create_model(client, name=name, environment=environment(behaviour))
        moment = emulator.clock.now()
        emulator.clock.advance(60 - moment.second - moment.microsecond / 1e6)
        create_endpoint(client, endpoint_name="ep", model_name="m1", traffic=traffic)
        request = experiment_request(
            name="x",
            endpoint_name="ep",
            model_name="m1",
            shadow_model_name="m2",
            sampling_percentage=sampling,
        )
        client.create_inference_experiment(**request)
        while client.describe_inference_experiment(Name="x")["Status"] != "Running":
            continue
        metrics = Metrics(connect("cloudwatch"), emulator)
        emulator.clock.advance(timedelta(hours=hours))
        return metrics

    return run


def test_zeros_make_errors_count_their_requests(met):
    """By default each request sends 0 or 1, so SampleCount is the number of requests."""
    metrics = met(Behaviour(error_rate=0.01))
    counts = metrics.points("Invocation5XXErrors", "Shadow", "SampleCount")
    assert metrics.points("Invocations", "Shadow") == counts


@pytest.mark.parametrize(
    "name", ["Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors"]
)
def test_ones_alone_count_only_errors(met, emulator, name):
    """With "ones" SampleCount equals Sum, and a minute without errors has no point."""
    metrics = met(Behaviour(error_rate=0.001, client_error_rate=0.001))
    both = metrics.points(name, "Shadow")
    emulator.error_samples = "ones"
    ones = metrics.points(name, "Shadow")
    assert {time: errors for time, errors in both.items() if errors} == ones
    assert ones == metrics.points(name, "Shadow", "SampleCount")
    assert 0 < len(ones) < len(both)


def test_ones_alone_leave_other_metrics(met, emulator):
    """The setting changes error metrics only."""
    metrics = met(hours=1)
    before = metrics.points("ModelLatency", "Shadow")
    emulator.error_samples = "ones"
    assert before == metrics.points("ModelLatency", "Shadow")


@pytest.mark.parametrize("name", ["ModelLatency", "OverheadLatency"])
def test_latency_may_cover_only_a_part_of_the_requests(met, name):
    """SampleCount is the declared share of Invocations, and the mean stays the same."""
    metrics = met(replace(CALM, latency_coverage=0.4), hours=12)
    requests = metrics.points("Invocations", "Shadow")
    samples = metrics.points(name, "Shadow", "SampleCount")
    shares = [samples[time] / requests[time] for time in requests]
    means = [whole(metrics, name, variant, "Average") for variant in ("Shadow", "AllTraffic")]
    assert max(shares) < 0.6
    assert pytest.approx(0.4, abs=0.01) == sum(samples.values()) / sum(requests.values())
    assert pytest.approx(means[1], rel=0.01) == means[0]


def test_without_coverage_there_is_no_latency(met):
    """At coverage 0 there are no latencies, but requests are counted."""
    metrics = met(replace(CALM, latency_coverage=0.0), hours=1)
    found = [len(metrics.values(name, "Shadow")) for name in ("ModelLatency", "Invocations")]
    assert [0, 60] == found


def whole(metrics, name, variant, stat):
    """Return a statistic over all the time, as one period."""
    asked = query(name, variant, stat, period=86_400)
    [result] = metrics.data(asked)["MetricDataResults"]
    [value] = result["Values"]
    return value


def test_the_slowest_requests_may_never_be_answered(met):
    """The shadow counts fewer requests, and its latencies end where the missing ones begin."""
    metrics = met(replace(CALM, drop_slowest=0.05, latency_spread=0.6), hours=12)
    cut = 50_000 * math.exp(0.6 * NormalDist().inv_cdf(0.95) - 0.6**2 / 2)
    requests = [whole(metrics, "Invocations", name, "Sum") for name in ("Shadow", "AllTraffic")]
    mean = 50_000 * NormalDist().cdf(NormalDist().inv_cdf(0.95) - 0.6) / 0.95
    assert pytest.approx(0.95, abs=0.003) == requests[0] / requests[1]
    assert whole(metrics, "ModelLatency", "Shadow", "Maximum") <= cut
    assert pytest.approx(mean, rel=0.005) == whole(metrics, "ModelLatency", "Shadow", "Average")


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_what_remains_of_the_slowest_is_the_rest_of_the_distribution(met, share):
    """A percentile of the answered requests is a lower percentile of all requests."""
    metrics = met(replace(CALM, drop_slowest=0.2), hours=12)
    found = whole(metrics, "ModelLatency", "Shadow", f"p{share * 100:g}")
    exact = 50_000 * math.exp(0.3 * NormalDist().inv_cdf(share * 0.8) - 0.3**2 / 2)
    assert pytest.approx(exact, rel=0.01) == found


def test_production_answers_its_slowest_requests(met):
    """Only a shadow drops its slowest requests."""
    behaviour = replace(CALM, drop_slowest=0.2)
    metrics = met(CALM, production=behaviour)
    p99 = [whole(metrics, "ModelLatency", name, "p99") for name in ("AllTraffic", "Shadow")]
    assert pytest.approx(p99[1], rel=0.02) == p99[0]


BAD = replace(FLAT, bad_request_rate=0.02)


def test_bad_requests_fail_with_both_variants(met):
    """At full sampling both count the same failures, minute by minute."""
    metrics = met(traffic=BAD)
    both = [metrics.points("Invocation5XXErrors", name) for name in ("AllTraffic", "Shadow")]
    rate = whole(metrics, "Invocation5XXErrors", "AllTraffic", "Average")
    assert both[0] == both[1]
    assert pytest.approx(0.02, abs=0.002) == rate


def test_sampling_thins_bad_requests(met):
    """The shadow counts the bad requests that were copied to it, at the same rate."""
    metrics = met(traffic=BAD, sampling=30)
    production, shadow = (
        metrics.points("Invocation5XXErrors", name) for name in ("AllTraffic", "Shadow")
    )
    rate = whole(metrics, "Invocation5XXErrors", "Shadow", "Average")
    share = sum(shadow.values()) / sum(production.values())
    assert all(shadow[time] <= production[time] for time in production)
    assert (pytest.approx(0.02, abs=0.003), pytest.approx(0.3, abs=0.03)) == (rate, share)


def test_a_models_own_errors_come_on_top(met):
    """The model's error rate applies to the requests that are not bad."""
    metrics = met(Behaviour(error_rate=0.5), traffic=replace(FLAT, bad_request_rate=0.5))
    rate = whole(metrics, "Invocation5XXErrors", "Shadow", "Average")
    assert pytest.approx(0.75, abs=0.005) == rate


def test_traffic_without_bad_requests_is_the_same(met, emulator):
    """Bad requests do not change the number of requests."""
    counts = []
    for traffic in (FLAT, BAD):
        emulator.reset()
        counts.append(met(traffic=traffic, hours=1).values("Invocations", "AllTraffic"))
    assert counts[0] == counts[1]
