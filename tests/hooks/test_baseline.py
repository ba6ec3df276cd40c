"""What production is at a look, and the record of it over a window."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from airflow_shadow.analysis import Baseline
from airflow_shadow.emulator import fleet
from airflow_shadow.hooks.baseline import recorded, thinned
from tests.helpers import redeploy, scale, stop, until
from tests.hooks.words import HOUR, sampled


@pytest.fixture
def production(shadowed, hook, emulator):
    """Run a shadow, and return how to go on with the record of its window."""
    test = shadowed()
    fleet.create_model(hook.conn, name="v3")

    def go_on(record=(), *, end=None):
        experiment = hook.describe_inference_experiment("x")
        end = end or emulator.clock.now()
        start = test.start.timestamp()
        return recorded(hook, experiment, record, start=start, end=end.timestamp())

    return go_on


def test_what_production_is(production, hook, sagemaker):
    """Variant, model and configuration, both counts, and when AWS says that it was changed."""
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    experiment = sagemaker.describe_inference_experiment(Name="x")
    (state,) = production()
    assert abs(state.at - hook.now().timestamp()) < 3
    expected = Baseline(
        at=state.at,
        changed=endpoint["LastModifiedTime"].timestamp() // 1,
        modified=experiment["LastModifiedTime"].timestamp() // 1,
        variant="AllTraffic",
        model="v1",
        configuration=endpoint["EndpointConfigName"],
        instances=2,
        shadow_instances=2,
    )
    assert expected == state


def test_a_look_that_sees_nothing_new_adds_nothing(production, emulator):
    """The record is small."""
    first = production()
    emulator.clock.advance(HOUR)
    assert first == production(first)


def test_somebody_elses_model_is_seen(production, sagemaker):
    """With the time at which the endpoint was changed."""
    first = production()
    redeploy(sagemaker, model_name="v3")
    changed = sagemaker.describe_endpoint(EndpointName="churn")["LastModifiedTime"]
    _, state = production(first)
    assert ("v3", "by-hand", changed.timestamp() // 1) == (
        state.model,
        state.configuration,
        state.at,
    )
    assert not first[0].is_own_update(state)


def test_the_same_model_in_another_configuration_is_seen(production, sagemaker):
    """It may differ in all that a configuration says."""
    first = production()
    redeploy(sagemaker, model_name="v1")
    _, state = production(first)
    assert ("v1", False) == (state.model, first[0].is_own_update(state))


def test_a_model_that_was_changed_before_the_first_look_is_seen(production, sagemaker):
    """The experiment knows what it deployed as production."""
    redeploy(sagemaker, model_name="v3")
    assert ["v1", "v3"] == [state.model for state in production()]


def test_an_update_of_the_experiment_is_no_other_baseline(production, sagemaker):
    """AWS makes a configuration for it, and the experiment tells when it was changed."""
    first = production()
    sampled(sagemaker, 50)
    _, state = production(first)
    assert first[0].configuration != state.configuration
    assert first[0].is_own_update(state)


def test_an_update_under_way_is_not_recorded(production, sagemaker):
    """What the endpoint shows meanwhile is neither the one nor the other."""
    first = production()
    mode = fleet.shadow_mode(source="AllTraffic", shadow="Shadow", sampling_percentage=50)
    sagemaker.update_inference_experiment(Name="x", ShadowModeConfig=mode)
    until(sagemaker, "x", "Updating")
    assert first == production(first)


def test_scaling_is_recorded(production, sagemaker):
    """Of production and of the shadow."""
    record = production()
    for variant, count in (("AllTraffic", 4), ("Shadow", 3), ("AllTraffic", 2)):
        scale(sagemaker, variant, count)
        record = production(record)
    counts = [(state.instances, state.shadow_instances) for state in record]
    assert [(2, 2), (4, 2), (4, 3), (2, 3)] == counts


def test_what_changes_after_the_window_is_no_evidence(production, emulator, sagemaker):
    """As for a window that is judged late."""
    end = emulator.clock.now()
    first = production()
    emulator.clock.advance(HOUR)
    redeploy(sagemaker, model_name="v3")
    assert (first, ()) == (production(first, end=end), production((), end=end))


def test_a_concluded_experiment_leaves_the_endpoint_to_others(production, sagemaker):
    """The endpoint of today says nothing about the window."""
    first = production()
    stop(sagemaker, "x")
    assert (first, ()) == (production(first), production())


def test_an_endpoint_that_is_gone_is_said_once(production, sagemaker, log):
    """The look goes on without it."""
    first = production()
    sagemaker.delete_endpoint(EndpointName="churn")
    assert [first] * 2 == [production(first) for _ in range(2)]
    assert 1 == len(log.containing("endpoint 'churn' was deleted"))


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DescribeEndpointConfig"])
def test_a_denied_endpoint_is_said_once(production, emulator, operation, log):
    """With the permission that is missing."""
    emulator.faults.add(kind="access-denied", operation=operation, times=2)
    assert [()] * 2 == [production() for _ in range(2)]
    assert 1 == len(
        log.containing(f"It is unknown whether production stays the same. Asked: {operation}")
    )


def test_a_configuration_that_is_known_is_not_asked_for_again(production, emulator):
    """A look costs one call more, not two."""
    first = production()
    emulator.faults.add(kind="access-denied", operation="DescribeEndpointConfig")
    emulator.clock.advance(timedelta(minutes=5))
    assert first == production(first)


def test_a_deleted_configuration_is_no_change(production, sagemaker, log):
    """Its model is not known then."""
    name = sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"]
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    assert () == production()
    assert 1 == len(log.containing("endpoint 'churn' does not run the production variant"))


def test_a_long_record_keeps_what_decides():
    """Scaling up and down without end is left out first."""
    first = Baseline(
        at=0, changed=0, variant="a", model="m", configuration="c", instances=4, shadow_instances=4
    )
    scaled = [replace(first, at=n, instances=4 + n % 9) for n in range(60)]
    other = replace(first, at=60, model="n")
    assert (scaled[0], other) == thinned([*scaled, other])
