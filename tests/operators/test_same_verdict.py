"""A window that is judged again gives the verdict that it gave, whatever was done since."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.operators import ShadowAnalysisOperator
from tests.helpers import accepted, redeploy, scale, stop, tags_of, until
from tests.shadows import run_shadow

pytestmark = pytest.mark.thorough

NAME, HOUR, DAY = "theirs", timedelta(hours=1), timedelta(days=1)
LIMITS = "airflow-shadow:limits"


@pytest.fixture
def shadow(emulator, sagemaker):
    """Run a shadow under traffic; return since when. The clock stands still from then on."""

    def run(**members):
        fleet.create_model(sagemaker, name="v3")
        return run_shadow(emulator, sagemaker, **members)

    return run


@pytest.fixture
def judge(emulator, tasks, log):
    """Judge two hours from their begin on, while something happens in the middle."""

    def run(since, act=None):
        def middle():
            emulator.clock.advance(HOUR)
            if act:
                act()
            emulator.clock.advance(since + 2 * HOUR + HOUR / 4 - emulator.clock.now())

        log.when("Waiting for a verdict", middle)
        window = {"since": since.isoformat(), "duration": "2h"}
        return tasks.run(ShadowAnalysisOperator, name=NAME, **window).value

    return run


def slow(verdict):
    """Return the finding on slow requests."""
    return next(one for one in verdict["findings"] if one["name"] == "slow requests")


def told(verdict):
    """Return what must be the same."""
    return verdict["outcome"], verdict["reason"], verdict["findings"]


def ends(sagemaker):
    """Conclude the experiment, so that the endpoint of today tells nothing any more."""
    stop(sagemaker, NAME)
    redeploy_free(sagemaker)


def redeploy_free(sagemaker):
    """Put another model behind production, now that the shadow is gone."""
    variant = {"VariantName": "AllTraffic", "ModelName": "v3", "InstanceType": "ml.m5.xlarge"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="next", ProductionVariants=[{**variant, "InitialInstanceCount": 2}]
    )
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="next")
    fleet.wait_in_service(sagemaker, endpoint_name="churn")


def test_an_endpoint_that_nobody_changes(sagemaker, shadow, judge):
    """What it serves after the experiment is no evidence."""
    since = shadow()
    first = judge(since)
    ends(sagemaker)
    again = judge(since)
    assert ("PASS", told(first)) == (first["outcome"], told(again))
    assert [("v1", 2, 2)] == [
        (state["model"], state["instances"], state["shadow_instances"])
        for state in again["baseline"]
    ]


def test_an_endpoint_that_somebody_changes(emulator, sagemaker, shadow, judge):
    """The verdict says when, also when the endpoint is another's long since."""
    since = shadow()
    first = judge(since, lambda: redeploy(sagemaker, model_name="v3"))
    assert "INCONCLUSIVE" == first["outcome"]
    assert f"production was changed at {since + HOUR:%a %H:%M} UTC" in first["reason"]
    ends(sagemaker)
    assert told(first) == told(judge(since))


def test_updates_of_the_experiment_itself(sagemaker, shadow, judge):
    """AWS makes new configurations for them, and production stays the same."""
    since = shadow()

    def updates():
        for percentage in (50, 100):
            mode = fleet.shadow_mode(
                source="AllTraffic", shadow="Shadow", sampling_percentage=percentage
            )
            sagemaker.update_inference_experiment(Name=NAME, ShadowModeConfig=mode)
            until(sagemaker, NAME, "Updating")
            until(sagemaker, NAME, "Running")

    first = judge(since, updates)
    assert 2 == len({state["configuration"] for state in first["baseline"]})
    assert "production was changed" not in first["reason"]
    stop(sagemaker, NAME)
    assert told(first) == told(judge(since))


def test_a_change_after_the_window_is_none_in_it(sagemaker, shadow, judge):
    """The window is judged as it was."""
    since = shadow()
    first = judge(since)
    redeploy(sagemaker, model_name="v3")
    assert ("PASS", told(first)) == (first["outcome"], told(judge(since)))


def test_an_endpoint_that_scales(sagemaker, shadow, judge):
    """Instances alone decide nothing."""
    since = shadow()
    first = judge(since, lambda: scale(sagemaker, "AllTraffic", 4))
    ends(sagemaker)
    assert ("PASS", told(first)) == (first["outcome"], told(judge(since)))


def test_a_shadow_with_more_instances(sagemaker, shadow, judge):
    """Half of the window it had more than production."""
    since = shadow()
    first = judge(since, lambda: scale(sagemaker, "AllTraffic", 1))
    assert "INCONCLUSIVE" == first["outcome"]
    assert "the shadow had more instances than production" in first["reason"]
    ends(sagemaker)
    assert told(first) == told(judge(since))


@pytest.mark.parametrize("days", [16, 70])
def test_a_window_whose_minutes_cloudwatch_has_forgotten(emulator, shadow, judge, days):
    """Longer periods are fewer, and the guards know that."""
    since = shadow(before=DAY)
    first = judge(since)
    emulator.clock.advance(timedelta(days=days))
    again = judge(since)
    outcomes = [first["outcome"], again["outcome"]]
    assert (slow(first)["limit"], slow(first)["outcome"]) == (slow(again)["limit"], "PASS")
    assert ["PASS", "PASS" if days < 63 else "INCONCLUSIVE"] == outcomes


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_variants_that_report_late(shadow, judge, minutes):
    """What is not there yet is no FAIL."""
    since = shadow(late_seconds=60 * minutes)
    assert "FAIL" != judge(since)["outcome"]


# --- production's own limit ---------------------------------------------------------------------


def test_the_limit_is_kept_with_the_experiment(emulator, sagemaker, shadow, judge):
    """Read once; a verdict that is asked for again finds it in a tag."""
    since = shadow(before=DAY)
    limit = slow(judge(since))["limit"]
    assert f"ModelLatency:p99={limit!r}" == tags_of(sagemaker, NAME)[LIMITS]
    arn = sagemaker.describe_inference_experiment(Name=NAME)["Arn"]
    other = [{"Key": LIMITS, "Value": "ModelLatency:p99=60000.0"}]
    sagemaker.add_tags(ResourceArn=arn, Tags=other)
    assert 60_000 == slow(judge(since))["limit"]


def test_tags_are_written_once(emulator, shadow, judge):
    """By the task at the window's begin, never by its trigger."""
    since = shadow(before=DAY)
    judge(since)
    judge(since)
    assert 1 == len(accepted(emulator, "AddTags"))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "access-denied", "operation": "ListTags"},
        {"kind": "access-denied", "operation": "AddTags"},
        {"kind": "quota", "operation": "AddTags"},
    ],
)
def test_tags_that_may_not_be_used_cost_a_warning(emulator, shadow, judge, log, fault):
    """The limit is used all the same."""
    since = shadow(before=DAY)
    emulator.faults.add(**fault, times=None)
    assert slow(judge(since))["limit"] > 0
    assert 1 == len(
        log.containing("The state of production cannot be kept in the tags of experiment 'theirs'")
    )


def test_a_specification_without_a_tail_needs_no_day_before(emulator, sagemaker, shadow, worker):
    """Then neither is CloudWatch asked nor the tag written."""
    since = shadow(before=DAY)
    emulator.clock.advance(2 * HOUR)
    latency = {"name": "it", "metric": "ModelLatency", "statistic": "Average", "tolerance": 0.1}
    spec = {"criteria": [latency]}
    worker.run(ShadowAnalysisOperator, name=NAME, since=since.isoformat(), spec=spec)
    assert LIMITS not in tags_of(sagemaker, NAME)
