"""Models behave as their environment declares."""

import math
from dataclasses import replace
from datetime import timedelta
from statistics import NormalDist, correlation, fmean, stdev

import pytest

from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.fleet import create_endpoint, create_model, experiment_request
from airflow_shadow.emulator.traffic import Traffic
from tests.metrics import Metrics

CALM = Behaviour(noise=0.0)
FLAT = Traffic(requests_per_minute=400, daily_swing=0, late_seconds=0)


@pytest.fixture
def met(emulator, client, connect):
    """Send requests to an endpoint for some hours and return its metrics."""

    def run(behaviour, *, hours=4, traffic=FLAT, **members):
        create_model(client, name="m", environment=environment(behaviour))
        create_endpoint(client, endpoint_name="ep", model_name="m", traffic=traffic, **members)
        metrics = Metrics(connect("cloudwatch"), emulator)
        emulator.clock.advance(timedelta(hours=hours))
        return metrics

    return run


@pytest.fixture
def experiments_on(client, emulator):
    """Run a shadow with a declared behaviour for a day."""

    def run(model, declared, metrics, sampling=100):
        create_model(client, name="candidate", environment=declared)
        request = experiment_request(
            name="x",
            endpoint_name="ep",
            model_name=model,
            shadow_model_name="candidate",
            sampling_percentage=sampling,
        )
        client.create_inference_experiment(**request)
        while client.describe_inference_experiment(Name="x")["Status"] != "Running":
            continue
        emulator.clock.advance(timedelta(hours=24))

    return run


def test_the_mean_latency_is_the_declared_one(met):
    """ModelLatency is in microseconds."""
    values = met(replace(CALM, latency_ms=80)).values("ModelLatency", "AllTraffic", "Average")
    assert pytest.approx(80_000, rel=0.005) == fmean(values)


def test_the_overhead_is_the_declared_one(met):
    """OverheadLatency is in microseconds."""
    values = met(replace(CALM, overhead_ms=7)).values("OverheadLatency", "AllTraffic", "Average")
    assert pytest.approx(7_000, rel=0.005) == fmean(values)


@pytest.mark.parametrize("requests", [20, 2000])
def test_the_noise_of_a_minutes_mean_goes_with_the_root_of_its_requests(met, requests):
    """Its standard error is the spread of single requests over the square root of n."""
    traffic = replace(FLAT, requests_per_minute=requests)
    metrics = met(replace(CALM, latency_spread=0.5), hours=20, traffic=traffic)
    values = metrics.values("ModelLatency", "AllTraffic", "Average")
    single = math.sqrt(math.exp(0.5**2) - 1) * 50_000
    assert pytest.approx(single / math.sqrt(requests), rel=0.1) == stdev(values)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_percentiles_are_those_of_a_log_normal(met, share):
    """Percentiles over four hours are those of the declared distribution."""
    metrics = met(replace(CALM, latency_spread=0.4))
    [point] = metrics.client.get_metric_statistics(
        **metrics.window(),
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[
            {"Name": "EndpointName", "Value": "ep"},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        Period=86_400,
        ExtendedStatistics=[f"p{share * 100:g}"],
    )["Datapoints"]
    [value] = point["ExtendedStatistics"].values()
    exact = 50_000 * math.exp(0.4 * NormalDist().inv_cdf(share) - 0.4**2 / 2)
    assert pytest.approx(exact, rel=0.02) == value


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("Invocation5XXErrors", 0.02),
        ("Invocation4XXErrors", 0.05),
        ("InvocationModelErrors", 0.1),
    ],
)
def test_error_rates_are_the_declared_ones(met, name, rate):
    """Model errors include the 4XX, the 5XX, and those without an answer."""
    behaviour = Behaviour(error_rate=0.02, client_error_rate=0.05, model_error_rate=0.03)
    values = met(behaviour).values(name, "AllTraffic", "Average")
    assert pytest.approx(rate, rel=0.1) == fmean(values)


def test_each_request_is_a_sample_of_an_error_metric(met):
    """Each request sends 0 or 1, so SampleCount is the number of requests."""
    metrics = met(Behaviour(error_rate=0.02))
    counts = metrics.values("Invocation5XXErrors", "AllTraffic", "SampleCount")
    assert counts == metrics.values("Invocations", "AllTraffic")


def test_latency_drifts(met):
    """Ten per cent a day are compounded."""
    metrics = met(replace(CALM, drift_per_day=0.1), hours=49)
    values = metrics.values("ModelLatency", "AllTraffic", "Average")
    assert pytest.approx(50_000 * 1.1**2, rel=0.01) == fmean(values[2850:2910])


def test_a_new_variant_starts_cold(met):
    """The first five minutes have three times the latency."""
    metrics = met(replace(CALM, cold_start_seconds=300, cold_start_factor=3))
    values = metrics.values("ModelLatency", "AllTraffic", "Average")
    slow = [value > 100_000 for value in values]
    assert [True] * 4 == slow[:4]
    assert not any(slow[6:])


def test_latency_follows_the_load(met):
    """Latency is lowest twelve hours after the peak."""
    traffic = replace(FLAT, daily_swing=0.6)
    metrics = met(replace(CALM, load_sensitivity=0.5), hours=24, traffic=traffic)
    rates = metrics.values("Invocations", "AllTraffic")
    latencies = metrics.values("ModelLatency", "AllTraffic", "Average")
    assert correlation(rates, latencies) > 0.8


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_the_noise_remembers(met, memory):
    """Its lag-one correlation is the declared one."""
    behaviour = Behaviour(noise=0.2, noise_memory=memory)
    values = met(behaviour, hours=40).values("ModelLatency", "AllTraffic", "Average")
    logs = [math.log(value) for value in values]
    assert pytest.approx(memory, abs=0.08) == correlation(logs[:-1], logs[1:])


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_the_noise_is_partly_common_to_both_variants(met, experiments_on, shared):
    """Its correlation between the variants is the declared one."""
    behaviour = Behaviour(noise=0.2, load_correlation=shared)
    metrics = met(behaviour, hours=0)
    experiments_on("m", environment(behaviour), metrics)
    both = [metrics.points("ModelLatency", name, "Average") for name in ("AllTraffic", "Shadow")]
    times = sorted(set(both[0]) & set(both[1]))
    logs = [[math.log(points[time]) for time in times] for points in both]
    assert pytest.approx(shared, abs=0.1) == correlation(*logs)


def test_a_shadow_without_capacity_loses_requests(met, experiments_on):
    """A tenth of the requests never reaches the shadow."""
    metrics = met(CALM, hours=0)
    experiments_on("m", environment(replace(CALM, drop_rate=0.1)), metrics)
    reached = sum(metrics.values("Invocations", "Shadow"))
    assert pytest.approx(0.9, abs=0.01) == reached / sum(
        metrics.values("Invocations", "AllTraffic")
    )


@pytest.mark.parametrize("instance_type", ["ml.m5.xlarge", "ml.g5.xlarge"])
def test_only_gpus_have_gpu_metrics(met, instance_type):
    """Other instance types have no points of GPU metrics."""
    metrics = met(CALM, hours=1, instance_type=instance_type)
    values = metrics.values("GPUMemoryUtilization", "AllTraffic", "Average")
    assert (instance_type == "ml.g5.xlarge") == bool(values)


def test_cpu_follows_from_requests_and_latency(met):
    """400 requests of 60 ms a minute keep a fifth of a core busy on each of two instances."""
    metrics = met(replace(CALM, latency_ms=60))
    values = metrics.values("CPUUtilization", "AllTraffic", "Average")
    assert pytest.approx(1.5 + 100 * 400 * 0.06 / 60 / 2, rel=0.02) == fmean(values)


def test_invocations_are_shared_by_the_instances(met):
    """InvocationsPerInstance is Invocations over the number of instances."""
    metrics = met(CALM, instance_count=4)
    halves = metrics.values("InvocationsPerInstance", "AllTraffic")
    assert [count / 4 for count in metrics.values("Invocations", "AllTraffic")] == halves


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"SHADOW_LATENCY_MS": "fast"}, "SHADOW_LATENCY_MS='fast' has to be a number"),
        ({"SHADOW_ERROR_RATE": "1.5"}, "has to be a number from 0 to 1"),
        ({"SHADOW_ERROR_RATE": "nan"}, "has to be a number from 0 to 1"),
        ({"SHADOW_DROP_SLOWEST": "1"}, "has to be a number from 0 to 0.99"),
        ({"SHADOW_REPORTS_LATE_SECONDS": "3601"}, "has to be a number from 0 to 3600"),
        ({"SHADOW_LATENCY": "5"}, "SHADOW_LATENCY is unknown; there are SHADOW_4XX_RATE,"),
        ({"SHADOW_ERROR_RATE": "0.6", "SHADOW_4XX_RATE": "0.6"}, "sum to 1.2"),
    ],
    ids=["text", "out of range", "no number", "slowest", "late", "unknown", "too many errors"],
)
def test_wrong_declarations_are_refused(client, experiments, declared, problem):
    """CreateModel says what is wrong and what is allowed."""
    refusal = experiments.refusal(create_model, client=client, name="m9", environment=declared)
    assert ("ValidationException", True) == (refusal.code, problem in refusal.message)


def test_all_faults_of_a_declaration_are_named_at_once(client, experiments):
    """One error names all wrong keys."""
    declared = {"SHADOW_NOISE": "loud", "SHADOW_DRIFT": "0"}
    refusal = experiments.refusal(create_model, client=client, name="m9", environment=declared)
    assert (
        True,
        True,
    ) == ("SHADOW_NOISE='loud'" in refusal.message, "SHADOW_DRIFT is" in refusal.message)


def test_the_models_own_environment_is_left_alone(client):
    """Only keys with the prefix declare behaviour."""
    create_model(client, name="m9", environment={"SAGEMAKER_PROGRAM": "inference.py"})
    container = client.describe_model(ModelName="m9")["PrimaryContainer"]
    assert {"SAGEMAKER_PROGRAM": "inference.py"} == container["Environment"]


def test_the_first_of_several_containers_declares(emulator, client, connect):
    """A model of several containers declares its behaviour in the first one."""
    first = {"Image": "one", "Environment": {"SHADOW_ERROR_RATE": "1"}}
    client.create_model(
        ModelName="m", ExecutionRoleArn="role-" * 5, Containers=[first, {"Image": "two"}]
    )
    create_endpoint(client, endpoint_name="ep", model_name="m", traffic=FLAT)
    metrics = Metrics(connect("cloudwatch"), emulator)
    emulator.clock.advance(timedelta(minutes=5))
    values = metrics.values("Invocation5XXErrors", "AllTraffic", "Average")
    assert {1.0} == set(values)
