"""UpdateInferenceExperimentOperator."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import UpdateInferenceExperimentOperator
from tests.helpers import accepted, described, expire, fails, somebodys, statuses, stop

NAME = "theirs"


@pytest.fixture
def update(tasks):
    """Run an update in both modes."""
    return lambda **arguments: tasks.run(
        UpdateInferenceExperimentOperator, **{"name": NAME, **arguments}
    )


@pytest.fixture
def once(worker):
    """Run an update in the worker alone."""
    return lambda **arguments: worker.run(
        UpdateInferenceExperimentOperator, **{"name": NAME, **arguments}
    )


@pytest.fixture
def running(churn, sagemaker):
    """Let an experiment run."""
    return somebodys(sagemaker, NAME, Description="first")


@pytest.fixture
def scheduled(churn, sagemaker, emulator):
    """Let an experiment wait for its start in five hours."""
    start = emulator.clock.now() + timedelta(hours=5)
    return somebodys(sagemaker, NAME, rests="Created", Schedule={"StartTime": start})


def updates(emulator):
    """Return the names that were updated."""
    return accepted(emulator, "UpdateInferenceExperiment")


def percentage(experiment):
    """Return the sampling percentage of a description."""
    return experiment["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"]


@pytest.mark.parametrize("value", [50, "{{ 50 }}"])
def test_sampling_alone_is_enough(update, running, emulator, value):
    """Everything else is read and kept, and the wait ends when the new value shows."""
    run = update(sampling_percentage=value)
    assert (50, "first", NAME) == (
        percentage(run.experiment),
        run.experiment["Description"],
        run.value,
    )
    assert ["Creating", "Running", "Updating", "Running"] == statuses(emulator, NAME)


def test_an_end_alone_is_enough(update, running):
    """The start is kept."""
    end = running["Schedule"]["StartTime"] + timedelta(days=3)
    run = update(end_time=end.isoformat())
    shown = datetime.fromisoformat(run.experiment["Schedule"]["EndTime"])
    assert abs(shown - end) < timedelta(seconds=1)


def test_a_duration_counts_from_the_start(update, running):
    """`duration` means the whole length, whenever the update is made."""
    schedule = update(duration="3d").experiment["Schedule"]
    start, end = (datetime.fromisoformat(schedule[key]) for key in ("StartTime", "EndTime"))
    assert 3 * 86400 == pytest.approx((end - start).total_seconds(), abs=1)


def test_a_scheduled_one_is_moved(update, scheduled, emulator):
    """Before it runs the start may change too."""
    start = scheduled["Schedule"]["StartTime"] + timedelta(hours=1)
    schedule = update(start_time=start.isoformat(), duration="2h").experiment["Schedule"]
    assert abs(datetime.fromisoformat(schedule["StartTime"]) - start) < timedelta(seconds=1)
    assert "Created" == statuses(emulator, NAME)[-1]


def test_a_scheduled_one_changes_its_instances(once, scheduled):
    """Before it runs the infrastructure may change."""
    shadow = fleet.model_variant(variant_name="churn-v2", model_name="churn-v2", instance_count=4)
    production = fleet.model_variant(variant_name="AllTraffic", model_name="churn-v1")
    shown = once(model_variants=[production, shadow]).experiment["ModelVariants"]
    uses = shown[1]["InfrastructureConfig"]["RealTimeInferenceConfig"]
    assert 4 == uses["InstanceCount"]


@pytest.mark.parametrize("argument", [{"sampling_percentage": 10}, {"description": "first"}])
def test_what_holds_already_is_not_sent(update, running, emulator, argument):
    """An update that is in place is a success."""
    assert NAME == update(**argument).value
    assert [] == updates(emulator)


def test_a_retry_sends_nothing(once, running, emulator):
    """The second try finds the work of the first."""
    once(sampling_percentage=50, description="second")
    once(sampling_percentage=50, description="second")
    assert [NAME] == updates(emulator)


@pytest.mark.parametrize("kind", ["drop-after", "drop-before", "throttle"])
def test_a_lost_answer_does_no_harm(update, running, emulator, kind):
    """Whether or not AWS has acted, the new value holds at the end."""
    emulator.faults.add(kind=kind, operation="UpdateInferenceExperiment")
    retries = {"retries": {"total_max_attempts": 1}}
    run = update(sampling_percentage=50, botocore_config=retries)
    assert (50, [NAME]) == (percentage(run.experiment), updates(emulator))


VARIANTS = [
    fleet.model_variant(variant_name="AllTraffic", model_name="churn-v1"),
    fleet.model_variant(variant_name="churn-v2", model_name="churn-v2", instance_count=4),
]


@pytest.mark.parametrize(
    ("argument", "field"),
    [
        ({"model_variants": VARIANTS}, "ModelVariants"),
        ({"data_storage_config": {"Destination": "s3://b/c"}}, "DataStorageConfig"),
        ({"start_time": "2030-01-01"}, "Schedule.StartTime"),
        (
            {
                "shadow_mode_config": fleet.shadow_mode(
                    source="AllTraffic", shadow="other", sampling_percentage=5
                )
            },
            "ShadowModeConfig (other than the sampling percentage)",
        ),
    ],
)
def test_fixed_fields_are_refused_by_name(once, running, emulator, argument, field):
    """While it runs, only description, sampling and end may change (AWS documents it)."""
    text = fails(AirflowFailException, once, **argument)
    assert f"Asked: to change {field} of experiment 'theirs'.\nFound: it is Running." in text
    assert [] == updates(emulator)


def test_what_is_fixed_may_be_repeated(once, running, emulator):
    """A field that stays as it is does no harm."""
    same = [{k: v for k, v in one.items() if k != "Status"} for one in running["ModelVariants"]]
    once(model_variants=same, description="second")
    assert [NAME] == updates(emulator)


def test_an_update_under_way_is_waited_for(update, running, sagemaker, emulator):
    """AWS takes one update after the other."""
    sagemaker.update_inference_experiment(Name=NAME, Description="somebody's")
    run = update(sampling_percentage=50)
    assert ("somebody's", 50) == (run.experiment["Description"], percentage(run.experiment))


def test_somebody_was_faster(update, running, sagemaker, log, emulator):
    """A conflict means to look again, once."""
    log.when(
        "Experiment 'theirs' is",
        lambda: sagemaker.update_inference_experiment(Name=NAME, Description="somebody's"),
    )
    run = update(sampling_percentage=50)
    assert ("somebody's", 50) == (run.experiment["Description"], percentage(run.experiment))


def test_without_waiting_it_returns_at_once(update, running):
    """The description may still show the old values."""
    run = update(sampling_percentage=50, wait_for_completion=False)
    assert (10, 0) == (percentage(run.experiment), run.deferrals)


def test_a_rolled_back_update_fails(update, running, emulator):
    """Idle again with the old values and a new FailureReason: AWS took the update back."""
    emulator.faults.add(kind="fail-update", rollback=True, reason="No capacity.")
    text = fails(AirflowException, update, sampling_percentage=50)
    assert "is Running with its old values.\nAWS says: No capacity." in text


def test_an_old_failure_is_not_todays(update, running, emulator):
    """A FailureReason that stood there before says nothing of the next update."""
    emulator.faults.add(kind="fail-update", rollback=True, reason="No capacity.")
    fails(AirflowException, update, sampling_percentage=50)
    assert 50 == percentage(update(sampling_percentage=50).experiment)


def test_an_update_that_breaks_the_experiment_fails(update, running, emulator):
    """Cancelled after a failure is no update."""
    emulator.faults.add(kind="fail-update", reason="No capacity.")
    text = fails(AirflowFailException, update, sampling_percentage=50)
    assert "is Cancelled after a failure.\nAWS says: No capacity." in text


def test_a_concluded_one_is_refused(update, running, emulator, sagemaker):
    """What has ended does not change any more."""
    emulator.clock.advance(timedelta(days=8))
    expire(emulator, sagemaker, NAME)
    text = fails(AirflowFailException, update, sampling_percentage=50)
    assert "is Completed and cannot become" in text


def test_a_stopped_one_is_refused(update, running, sagemaker):
    """The person's reason is shown."""
    stop(sagemaker, NAME, Reason="Enough.")
    text = fails(AirflowFailException, update, sampling_percentage=50)
    assert "was stopped by somebody.\nAWS says: Enough." in text


def test_a_missing_one_is_named(update, churn):
    """There is nothing to wait for."""
    text = fails(AirflowFailException, update, sampling_percentage=50)
    assert "no experiment named 'theirs'" in text


def test_nothing_to_change_is_a_mistake(once, running):
    """A task without effect is not what its author meant."""
    assert "Found: no change." in fails(AirflowFailException, once)


def test_too_much_sampling_is_refused(once, running, emulator):
    """The model's maximum holds here too."""
    text = fails(AirflowFailException, once, sampling_percentage=101)
    assert "SamplingPercentage" in text
    assert [] == updates(emulator)


def test_it_shows_what_aws_shows(once, running, sagemaker):
    """The XCom is the description after the update."""
    run = once(description="second")
    assert described(sagemaker, NAME)["Description"] == run.experiment["Description"]
