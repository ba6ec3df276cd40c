"""When the minutes of a variant show."""

from datetime import timedelta

import pytest

from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.fleet import create_endpoint, create_model, experiment_request
from airflow_shadow.emulator.traffic import Traffic
from tests.metrics import Metrics

FLAT = Traffic(requests_per_minute=400, daily_swing=0, late_seconds=0)
LATE = Behaviour(reports_late_seconds=600)


@pytest.fixture
def run(emulator, client, connect):
    """Run a shadow beside production from the begin of a minute on."""

    def start(shadow, traffic=FLAT):
        create_model(client, name="m2", environment=environment(shadow))
        moment = emulator.clock.now()
        emulator.clock.advance(60 - moment.second - moment.microsecond / 1e6)
        create_endpoint(client, endpoint_name="ep", model_name="m1", traffic=traffic)
        request = experiment_request(
            name="x", endpoint_name="ep", model_name="m1", shadow_model_name="m2"
        )
        client.create_inference_experiment(**request)
        while client.describe_inference_experiment(Name="x")["Status"] != "Running":
            continue
        return Metrics(connect("cloudwatch"), emulator)

    return start


@pytest.mark.parametrize("name", ["Invocations", "ModelLatency", "CPUUtilization"])
def test_a_shadow_may_report_late(run, emulator, name):
    """A late shadow's minutes show later than production's, and none is lost."""
    metrics = run(LATE)
    emulator.clock.advance(timedelta(minutes=30))
    counts = [len(metrics.values(name, variant)) for variant in ("AllTraffic", "Shadow")]
    emulator.clock.advance(timedelta(minutes=10))
    assert [30, 20, 30] == [*counts, len(metrics.values(name, "Shadow"))]


def test_late_minutes_fill_like_others(run, emulator):
    """A late minute shows nothing, then more and more of itself, and never less."""
    metrics = run(LATE, Traffic(requests_per_minute=4000, daily_swing=0))
    emulator.clock.advance(timedelta(minutes=11))
    seen = []
    for _ in range(5):
        seen.append(sum(metrics.values("Invocations", "Shadow")[:1]))
        emulator.clock.advance(30)
    shares = [count / seen[-1] for count in seen]
    assert [0, 0.25, 0.5, 0.75, 1] == pytest.approx(shares, abs=0.01)


def test_late_minutes_hold_what_they_would_have_held(run, emulator):
    """Reporting late changes when minutes show, not their values."""
    values = []
    for behaviour in (Behaviour(), LATE):
        emulator.reset()
        metrics = run(behaviour)
        emulator.clock.advance(timedelta(minutes=30))
        values.append(metrics.values("ModelLatency", "Shadow", "p99")[:20])
    assert values[0] == values[1]
