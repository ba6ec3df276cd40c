"""What a promotion waits for: the registry's approval, silent alarms."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException, AirflowSkipException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import PromoteShadowVariantOperator
from airflow_shadow.waiters import PromotionCleared, condition_from_dict, condition_to_dict
from tests.conftest import client_of
from tests.helpers import accepted, described, expire, fails, serves, somebodys, stop, until
from tests.tasks import Tasks

NAME = "theirs"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/1"
PENDING = f"Model package '{ARN}' is PendingManualApproval; waiting, attempt 1."
FIRING = "CloudWatch alarms in ALARM: 'checkout-5xx'; waiting, attempt 1."


@pytest.fixture
def promote(tasks):
    """Run a promotion in both modes."""
    return lambda **arguments: tasks.run(
        PromoteShadowVariantOperator, **{"name": NAME, **arguments}
    )


@pytest.fixture
def approved(promote):
    """Run a promotion that needs an approved candidate."""
    return partial(promote, require_approved_model_package=True)


@pytest.fixture
def running(churn, sagemaker, emulator):
    """Let an experiment run at full sampling for two hours."""
    mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    schedule = {"EndTime": emulator.clock.now() + timedelta(hours=2)}
    return somebodys(sagemaker, NAME, ShadowModeConfig=mode, Schedule=schedule)


@pytest.fixture
def registered(sagemaker):
    """Register a version of a model, not yet approved."""
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    register(sagemaker, ModelPackageGroupName="churn", ModelApprovalStatus="PendingManualApproval")
    decide = partial(sagemaker.update_model_package, ModelPackageArn=ARN)
    return SimpleNamespace(
        approve=partial(decide, ModelApprovalStatus="Approved"),
        reject=partial(
            decide, ModelApprovalStatus="Rejected", ApprovalDescription="Unfair to cats"
        ),
    )


@pytest.fixture
def containers():
    """Return those of the candidate's model, which is created from the version."""
    return {"PrimaryContainer": {"ModelPackageName": ARN}}


@pytest.fixture
def version(churn, registered, containers, sagemaker, request):
    """Let the candidate's model be one that was created from the version, and test it."""
    remake(sagemaker, **containers)
    request.getfixturevalue("running")
    return registered


@pytest.fixture
def alarm(emulator):
    """Set up an alarm and return a call that sets its state."""
    cloudwatch = client_of(emulator, "cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="checkout-5xx",
        MetricName="m",
        Namespace="Own",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    return lambda state: cloudwatch.set_alarm_state(
        AlarmName="checkout-5xx", StateValue=state, StateReason="test"
    )


def register(sagemaker, **members):
    """Create a model package."""
    specification = {
        "Containers": [{"Image": fleet.IMAGE}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    sagemaker.create_model_package(InferenceSpecification=specification, **members)


def remake(sagemaker, **containers):
    """Create the candidate's model anew, of other containers."""
    sagemaker.delete_model(ModelName="churn-v2")
    sagemaker.create_model(ModelName="churn-v2", ExecutionRoleArn=fleet.ROLE_ARN, **containers)


def stops(emulator):
    """Return the names that were stopped."""
    return accepted(emulator, "StopInferenceExperiment")


# --- the registry -------------------------------------------------------------------------


def test_an_approved_candidate_is_promoted_at_once(approved, version, sagemaker, log):
    """Nothing is to be waited for, so nothing is said but that."""
    version.approve()
    approved()
    assert ["churn-v2"] == serves(sagemaker)
    said = f"Model package '{ARN}' is Approved."
    assert [said] == log.containing("Model package")


def test_an_approval_is_waited_for(approved, version, sagemaker, emulator, log):
    """Nothing is changed before somebody approves."""
    before = []
    log.when(PENDING, lambda: (before.extend(stops(emulator)), version.approve()))
    approved()
    assert [] == before
    assert ["churn-v2"] == serves(sagemaker)


def test_the_wait_for_approval_can_be_deferred(approved, version, tasks, log):
    """The worker is free meanwhile, and the wait goes on from where it was."""
    log.when(PENDING, version.approve)
    approved()
    expected = ["cleared", "promoted"] if tasks.mode == "deferred" else []
    assert expected == [event["then"] for event in tasks.events]


def test_a_rejected_candidate_skips(approved, version, sagemaker, emulator):
    """The line says who rejected what, and what becomes of the experiment."""
    version.reject()
    end = described(sagemaker, NAME)["Schedule"]["EndTime"].astimezone(UTC).isoformat()
    assert (
        f"Skipped: model package '{ARN}' is Rejected (Unfair to cats); experiment '{NAME}' is not "
        f"promoted and goes on until {end} unless it is removed."
    ) == fails(AirflowSkipException, approved)
    assert [] == stops(emulator)


def test_a_rejection_ends_the_wait(approved, version, log, emulator):
    """No is an answer, too."""
    log.when(PENDING, version.reject)
    assert "is Rejected (Unfair to cats)" in fails(AirflowSkipException, approved)
    assert [] == stops(emulator)


@pytest.mark.parametrize("seconds", [0, 0.1])
def test_an_approval_that_does_not_come_skips(approved, version, emulator, seconds):
    """The time for the approval is its own, and its end no failure."""
    text = fails(AirflowSkipException, approved, approval_timeout=seconds)
    assert f"model package '{ARN}' is PendingManualApproval, and was not approved until" in text
    assert [] == stops(emulator)


def test_the_operators_deadline_does_not_bind_the_approval(approved, version, log):
    """That is for AWS's work, this for a person's."""
    log.when(PENDING, version.approve)
    assert NAME == approved(waiter_timeout=0, wait_for_completion=False).value


def test_an_approval_has_a_day(version, worker):
    """Unless told otherwise."""
    begin = datetime.now(UTC).timestamp()
    run = worker.run(
        PromoteShadowVariantOperator,
        name=NAME,
        require_approved_model_package=True,
        deferrable=True,
        until_deferred=True,
    )
    assert 86400 == pytest.approx(run.trigger.deadline - begin, abs=60)


@pytest.mark.parametrize("given", [ARN, "{{ 'ARN' and '" + ARN + "' }}"])
def test_a_package_can_be_named(promote, running, registered, sagemaker, given):
    """As for a model that was created from an image and its data."""
    registered.approve()
    promote(require_approved_model_package=given)
    assert ["churn-v2"] == serves(sagemaker)


@pytest.mark.parametrize(("given", "after"), [("True", "churn-v1"), ("{{ 1 > 2 }}", "churn-v2")])
def test_the_switch_may_be_text(promote, version, sagemaker, given, after):
    """Templates render to text, and `"False"` is no name of a package."""
    version.reject()
    with suppress(AirflowSkipException):
        promote(require_approved_model_package=given)
    assert [after] == serves(sagemaker)


@pytest.mark.parametrize("argument", ["require_approved_model_package", "alarms"])
def test_a_safeguard_that_renders_to_nothing_is_an_error(promote, running, emulator, argument):
    """A wrong template must not take it away."""
    text = fails(AirflowFailException, promote, **{argument: "{{ none }}"})
    assert f"Asked: {argument}.\nFound: a template that rendered to nothing" in text
    assert [] == stops(emulator)


def test_an_approval_that_is_withdrawn_before_the_task_resumes(version, sagemaker, monkeypatch):
    """After the trigger's event a task may wait long for a worker."""
    deferred = Tasks("deferred")
    heard = deferred._event

    def then_withdrawn(trigger):
        version.approve()
        event = heard(trigger)
        version.reject()
        return event

    monkeypatch.setattr(deferred, "_event", then_withdrawn)
    arguments = {"name": NAME, "require_approved_model_package": True}
    text = fails(AirflowSkipException, deferred.run, PromoteShadowVariantOperator, **arguments)
    assert "Unfair to cats" in text
    assert ["churn-v1"] == serves(sagemaker)


@pytest.mark.parametrize("containers", [{"Containers": [{"ModelPackageName": ARN}]}])
def test_a_model_in_one_container_of_a_list(approved, version, sagemaker):
    """DescribeModel shows a model either way."""
    version.approve()
    approved()
    assert ["churn-v2"] == serves(sagemaker)


def test_a_model_without_a_package_is_refused(approved, running, emulator):
    """Nobody can have approved it, and the error says how to name what was."""
    text = fails(AirflowFailException, approved)
    assert "model 'churn-v2' was not created from one model package" in text
    assert 'require_approved_model_package="<its ARN>"' in text
    assert [] == stops(emulator)


def test_a_model_that_is_gone_is_refused(approved, running, sagemaker):
    """Its package cannot be read any more."""
    sagemaker.delete_model(ModelName="churn-v2")
    assert "no model named 'churn-v2' any more" in fails(AirflowFailException, approved)


def test_an_unknown_package_is_an_error(promote, running, emulator):
    """No approval will ever come."""
    text = fails(AirflowFailException, promote, require_approved_model_package="gone")
    assert "Found: no model package 'gone' in us-east-1 (connection 'aws_default').\nNext: " in text
    assert [] == stops(emulator)


def test_a_package_outside_of_a_group_is_refused(promote, running, sagemaker):
    """Those have no approval status."""
    register(sagemaker, ModelPackageName="single")
    text = fails(AirflowFailException, promote, require_approved_model_package="single")
    assert "model package 'single' has no approval status" in text


def test_a_denied_registry_is_an_error(approved, version, emulator):
    """The permission is named, and nothing promoted."""
    emulator.faults.add(kind="access-denied", operation="DescribeModelPackage", times=None)
    text = fails(AirflowFailException, approved)
    assert f"Asked: DescribeModelPackage '{ARN}'.\nFound: access denied." in text
    assert [] == stops(emulator)


@pytest.mark.thorough
def test_a_throttled_registry_is_asked_again(approved, version, emulator, sagemaker):
    """It cannot be asked for the moment, which says nothing."""
    version.approve()
    emulator.faults.add(kind="throttle", operation="DescribeModelPackage", times=4)
    approved()
    assert ["churn-v2"] == serves(sagemaker)


def test_a_promotion_that_happened_asks_nobody(approved, version, emulator):
    """Its retry stays a success, whatever the registry and the alarms say today."""
    version.approve()
    approved()
    version.reject()
    assert NAME == approved(alarms=["gone"]).value
    assert [NAME] == stops(emulator)


def test_the_approval_is_not_asked_for_what_is_refused(approved, churn, sagemaker):
    """Nobody should decide on a candidate that could not be promoted anyway."""
    somebodys(sagemaker, NAME)
    assert "10 % of the requests" in fails(AirflowFailException, approved)


# --- what happens meanwhile ---------------------------------------------------------------


def test_an_experiment_that_ends_meanwhile_came_too_late(
    approved, version, sagemaker, emulator, log
):
    """An approval could change nothing any more, so it is not waited for."""
    log.when(PENDING, lambda: expire(emulator, sagemaker, NAME))
    text = fails(AirflowFailException, approved)
    ended = described(sagemaker, NAME)["CompletionTime"].astimezone(UTC).isoformat()
    assert f"it ended by its schedule at {ended}, before the promotion, and AWS offers no" in text
    assert "Next: Test the candidate again, with a longer duration or a later end_time." in text


def test_one_that_is_removed_meanwhile_is_refused(approved, version, sagemaker, log):
    """By a person, whose reason is shown."""
    log.when(PENDING, lambda: stop(sagemaker, NAME, Reason="Enough."))
    assert "was not promoted.\nAWS says: Enough." in fails(AirflowFailException, approved)


def test_one_that_is_completed_by_hand_has_no_schedule_to_blame(promote, running, sagemaker):
    """`Completed` before its time was somebody's wish."""
    stop(sagemaker, NAME, DesiredState="Completed")
    text = fails(AirflowFailException, promote)
    assert "it is Completed and was not promoted." in text


def test_one_that_is_deleted_meanwhile_is_named(approved, version, sagemaker, log):
    """There is nothing to promote any more."""

    def delete():
        stop(sagemaker, NAME)
        sagemaker.delete_inference_experiment(Name=NAME)

    log.when(PENDING, delete)
    assert f"no experiment named '{NAME}'" in fails(AirflowFailException, approved)


def test_one_that_is_updated_meanwhile_is_checked_again(
    approved, version, sagemaker, emulator, log
):
    """Somebody who lowers the sampling during the wait takes the evidence away."""

    def lower():
        mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=20)
        sagemaker.update_inference_experiment(Name=NAME, ShadowModeConfig=mode)
        version.approve()

    log.when(PENDING, lower)
    assert "20 % of the requests" in fails(AirflowFailException, approved)
    assert [] == stops(emulator)


def test_an_update_under_way_after_the_wait_is_waited_for(
    approved, version, sagemaker, emulator, log
):
    """AWS takes one change after the other."""

    def update():
        emulator.pace = "time"
        sagemaker.update_inference_experiment(Name=NAME, Description="somebody's")
        until(sagemaker, NAME, "Updating")
        version.approve()

    log.when(PENDING, update)
    log.when(": Updating.", lambda: setattr(emulator, "pace", "count"))
    approved()
    assert ["churn-v2"] == serves(sagemaker)


def test_after_a_conflict_everything_is_asked_again(approved, version, sagemaker, emulator, log):
    """Between our look and our call the version was rejected and the experiment updated."""
    version.approve()
    emulator.reads = 9  # the update outlasts what is read before the call

    def both():
        version.reject()
        sagemaker.update_inference_experiment(Name=NAME, Description="somebody's")

    log.when("Model package", both)
    assert "is Rejected" in fails(AirflowSkipException, approved)
    assert [] == stops(emulator)


# --- alarms -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_a_silent_alarm_lets_pass(promote, running, alarm, sagemaker, state):
    """Only `ALARM` is against it."""
    alarm(state)
    promote(alarms=["checkout-5xx"])
    assert ["churn-v2"] == serves(sagemaker)


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    "given", [["checkout-5xx"], "checkout-5xx", '{{ ["checkout-5xx"] }}', ("{{ 'checkout-5xx' }}",)]
)
def test_a_firing_alarm_is_waited_for(promote, alarm, emulator, log, given):
    """However it is given, it is named in the log, and nothing changed meanwhile."""
    alarm("ALARM")
    before = []
    log.when(FIRING, lambda: (before.extend(stops(emulator)), alarm("OK")))
    promote(alarms=given)
    assert [] == before
    assert [NAME] == stops(emulator)


def test_an_alarm_that_stays_fails(promote, running, alarm, emulator):
    """A retry may help, so it is no final failure."""
    alarm("ALARM")
    text = fails(AirflowException, promote, alarms=["checkout-5xx"], waiter_timeout=0.2)
    assert "Found: CloudWatch alarms in ALARM: 'checkout-5xx', when the deadline ran out" in text
    assert [] == stops(emulator)


def test_an_unknown_alarm_is_an_error(promote, running, alarm, emulator):
    """It would never fire."""
    text = fails(AirflowFailException, promote, alarms=["checkout-5xx", "gone"])
    assert "no alarm named 'gone'" in text
    assert [] == stops(emulator)


def test_denied_alarms_are_an_error(promote, running, alarm, emulator):
    """The permission is named."""
    emulator.faults.add(kind="access-denied", operation="DescribeAlarms", times=None)
    text = fails(AirflowFailException, promote, alarms=["checkout-5xx"])
    assert "cloudwatch:DescribeAlarms 'checkout-5xx'" in text
    assert [] == stops(emulator)


def test_approval_then_alarms(approved, version, alarm, sagemaker, log):
    """Each has its own deadline; the one of the alarms begins after the approval."""
    alarm("ALARM")
    log.when(PENDING, version.approve)
    log.when(FIRING, lambda: alarm("OK"))
    approved(alarms=["checkout-5xx"])
    assert ["churn-v2"] == serves(sagemaker)
    both = f"Model package '{ARN}' is Approved, no alarm fires."
    assert log.containing(both)


def test_an_approval_may_be_withdrawn(approved, version, alarm, emulator, log):
    """While the alarms are waited for, the registry is asked, too."""
    alarm("ALARM")
    version.approve()
    log.when(FIRING, version.reject)
    text = fails(AirflowSkipException, approved, alarms=["checkout-5xx"])
    assert "is Rejected" in text
    assert [] == stops(emulator)


def test_the_goal_travels(running):
    """Through a trigger, which knows only JSON."""
    condition = PromotionCleared(NAME, ARN, 1.5, ("a", "b"))
    assert condition == condition_from_dict(json.loads(json.dumps(condition_to_dict(condition))))
