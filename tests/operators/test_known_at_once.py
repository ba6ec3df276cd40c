"""What can be known before a wait for the endpoint is said before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.experiments.ownership import Identity
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
)
from tests.helpers import CREATE, accepted, created, explicit, fails, somebodys, until


@pytest.fixture
def busy(tasks, churn, sagemaker, log):
    """Create on an endpoint that is busy for days; a wait would never end."""
    somebodys(sagemaker)

    def create(**more):
        text = fails(
            AirflowFailException,
            tasks.run,
            CreateInferenceExperimentOperator,
            **{**CREATE, "endpoint_timeout": 2, **more},
        )
        assert [] == log.containing("is busy with experiment")
        return text

    return create


def test_a_model_that_does_not_exist(busy):
    """It is read before the endpoint is waited for, not a day later."""
    assert "no model named 'churn-v9' in us-east-1" in busy(shadow_model_name="churn-v9")


def test_a_model_of_explicit_variants_that_does_not_exist(busy):
    """Whichever of the variants it is."""
    assert "no model named 'churn-v0'" in busy(**explicit(model_name="churn-v0"))


def test_a_window_in_the_past(busy):
    """It will not be any later by then."""
    past = datetime(2020, 1, 1, tzinfo=UTC)
    window = {"duration": None, "start_time": past, "end_time": past + timedelta(hours=2)}
    assert "the window lies wholly in the past" in busy(**window)


def test_a_window_that_is_too_long(busy):
    """AWS ends a test after 30 days at most."""
    assert "longer than 30 days" in busy(duration="31d")


def test_too_many_tags(busy):
    """The error says how many of the 50 that AWS allows are ours."""
    own = len(Identity("", "dag", "run", "task", -1).tags(known_failure=""))
    tags = [{"Key": f"key-{n}", "Value": "v"} for n in range(46)]
    found = f"Found: AWS allows 50, and this package needs {own} of them."
    assert found in busy(tags=tags)


@pytest.mark.parametrize("member", ["SourceModelVariantName", "ShadowModelVariantName"])
def test_variant_names_that_do_not_match(busy, member):
    """A mode that names a variant which is not there."""
    given = explicit()
    mode = given["shadow_mode_config"]
    holder = mode if member in mode else mode["ShadowModelVariants"][0]
    holder[member] = "Other"
    text = busy(**given)
    assert "ShadowModeConfig with variant 'Other'" in text
    assert "Found: ModelVariants has 'AllTraffic', 'Candidate'." in text


def test_a_window_that_is_very_short_is_warned_of(tasks, churn, sagemaker, emulator, log):
    """AWS documents its minimum for the console only, so it has the last word."""
    short = {**CREATE, "duration": "30m"}
    fails(AirflowFailException, tasks.run, CreateInferenceExperimentOperator, **short)
    warning = "The experiment would last 0:30:00, but AWS's console allows no less than an hour."
    assert [warning] == log.containing("AWS's console allows")


def test_what_stands_already_is_past_these_checks(tasks, churn, sagemaker, emulator):
    """A retry finds its experiment, though the window is over by now."""
    end = emulator.clock.now() + timedelta(hours=2)
    given = {**CREATE, "duration": None, "end_time": end}
    name = tasks.run(CreateInferenceExperimentOperator, **given).value
    emulator.clock.advance(timedelta(hours=3))
    until(sagemaker, name, "Completed")
    assert name == tasks.run(CreateInferenceExperimentOperator, **given).value


def test_a_fixed_name_in_the_second_run(tasks, churn, emulator):
    """Who bears the name, in what it differs, and how each run gets a name of its own."""
    fixed = {**CREATE, "name": "nightly"}
    tasks.run(CreateInferenceExperimentOperator, **fixed)
    second = {**fixed, "sampling_percentage": 50, "ti": {"run_id": "second"}}
    text = fails(AirflowFailException, tasks.run, CreateInferenceExperimentOperator, **second)
    first = "promote/scheduled__2026-03-01T00:00:00_00:00/task/-1"
    assert f"created by Dag, run and task {first}" in text.replace("+", "_")
    path = "ShadowModeConfig.ShadowModelVariants[0].SamplingPercentage"
    assert f"; {path} is 10, this task asks for 50." in text
    assert "Next: Leave name out, or put {{ run_id }} into it" in text


def test_differences_are_short(tasks, churn, sagemaker):
    """Whatever a form gave as a description."""
    somebodys(sagemaker, "nightly")
    given = {**CREATE, "name": "nightly", "description": "x" * 1000}
    text = fails(AirflowFailException, tasks.run, CreateInferenceExperimentOperator, **given)
    assert "; Description is None, this task asks for 'xxx" in text
    assert "x" * 100 not in text


# --- a configuration that a cleaner deleted -----------------------------------------------


def clean(sagemaker):
    """Delete the configuration that the endpoint runs on."""
    name = sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"]
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    return name


def test_a_deleted_configuration_is_said(tasks, churn, sagemaker, emulator):
    """Nothing tells any more what production runs, which is no kind of endpoint."""
    name = clean(sagemaker)
    text = fails(AirflowFailException, tasks.run, CreateInferenceExperimentOperator, **CREATE)
    assert f"endpoint 'churn' runs configuration {name!r}, which was deleted" in text
    assert [] == created(emulator)


def test_a_promotion_needs_no_configuration(tasks, churn, sagemaker, emulator, log):
    """The experiment's own record tells that it has happened."""
    tasks.run(
        CreateInferenceExperimentOperator, **{**CREATE, "name": "x", "sampling_percentage": 100}
    )

    def conclude_and_clean():
        until(sagemaker, "x", "Completed")
        clean(sagemaker)

    log.when("Waiting for endpoint 'churn' to serve", conclude_and_clean)
    run = tasks.run(PromoteShadowVariantOperator, name="x", waiter_timeout=10)
    assert ("x", ["x"]) == (run.value, accepted(emulator, "StopInferenceExperiment"))
