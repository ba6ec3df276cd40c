"""How the counts of a variant's metrics agree with one another, and where they do not."""

from datetime import timedelta

import pytest

from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.fleet import create_endpoint, create_model, experiment_request
from airflow_shadow.emulator.traffic import Traffic
from tests.metrics import Metrics

CALM = Behaviour(noise=0.0)
FLAT = Traffic(requests_per_minute=400, daily_swing=0, late_seconds=0)


@pytest.fixture
def met(emulator, client, connect):
    """What the requests to two variants met with in some hours."""

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
    """By default each request sends 0 or 1: SampleCount is the number of requests."""
    metrics = met(Behaviour(error_rate=0.01))
    counts = metrics.points("Invocation5XXErrors", "Shadow", "SampleCount")
    assert metrics.points("Invocations", "Shadow") == counts


@pytest.mark.parametrize(
    "name", ["Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors"]
)
def test_ones_alone_count_only_errors(met, emulator, name):
    """SampleCount is Sum, and a minute without errors has no point."""
    metrics = met(Behaviour(error_rate=0.001, client_error_rate=0.001))
    both = metrics.points(name, "Shadow")
    emulator.error_samples = "ones"
    ones = metrics.points(name, "Shadow")
    assert {time: errors for time, errors in both.items() if errors} == ones
    assert metrics.points(name, "Shadow", "SampleCount") == ones
    assert 0 < len(ones) < len(both)


def test_ones_alone_leave_other_metrics(met, emulator):
    """Only errors have zeros to lose."""
    metrics = met(hours=1)
    before = metrics.points("ModelLatency", "Shadow")
    emulator.error_samples = "ones"
    assert before == metrics.points("ModelLatency", "Shadow")
