"""PromoteShadowVariantOperator and RemoveShadowVariantOperator."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.emulator import fleet
from airflow_shadow.experiments.lifecycle import Action, mark
from airflow_shadow.operators import PromoteShadowVariantOperator, RemoveShadowVariantOperator
from tests.helpers import (
    accepted,
    deploy,
    described,
    expire,
    explicit,
    fails,
    meanwhile,
    redeploy,
    serves,
    somebodys,
    statuses,
    stop,
    until,
)

NAME = "theirs"
NO_RETRIES = {"botocore_config": {"retries": {"total_max_attempts": 1}}}
#: What the endpoint serves after each of them.
AFTER = {PromoteShadowVariantOperator: "churn-v2", RemoveShadowVariantOperator: "churn-v1"}


@pytest.fixture(params=AFTER)
def operator(request):
    """Try both ways to conclude."""
    return request.param


@pytest.fixture
def promote(tasks):
    """Run a promotion in both modes."""
    return lambda **arguments: tasks.run(
        PromoteShadowVariantOperator, **{"name": NAME, **arguments}
    )


@pytest.fixture
def remove(tasks):
    """Run a removal in both modes."""
    return lambda **arguments: tasks.run(RemoveShadowVariantOperator, **{"name": NAME, **arguments})


@pytest.fixture
def running(churn, sagemaker, emulator):
    """Let an experiment run at full sampling for two hours."""
    mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    schedule = {"EndTime": emulator.clock.now() + timedelta(hours=2)}
    return somebodys(sagemaker, NAME, ShadowModeConfig=mode, Schedule=schedule)


def stops(emulator):
    """Return the names that were stopped."""
    return accepted(emulator, "StopInferenceExperiment")


def counts(sagemaker):
    """Return the instances that each variant of the endpoint shall have."""
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    return {v["VariantName"]: v["DesiredInstanceCount"] for v in endpoint["ProductionVariants"]}


# --- both ---------------------------------------------------------------------------------


def test_an_update_under_way_is_waited_for(tasks, running, sagemaker, operator):
    """AWS takes one change after the other."""
    sagemaker.update_inference_experiment(Name=NAME, Description="somebody's")
    tasks.run(operator, name=NAME)
    assert [AFTER[operator]] == serves(sagemaker)


def test_somebody_was_faster(tasks, running, sagemaker, log, operator):
    """A change between our look and our call is a conflict, and then there is another look."""
    log.when(
        "Experiment 'theirs' is",
        lambda: sagemaker.update_inference_experiment(Name=NAME, Description="somebody's"),
    )
    tasks.run(operator, name=NAME)
    assert [AFTER[operator]] == serves(sagemaker)


@pytest.mark.parametrize("kind", ["drop-after", "drop-before", "throttle"])
def test_a_lost_answer_stops_once(worker, running, emulator, operator, kind):
    """Whether or not AWS has acted, there is one stop."""
    emulator.faults.add(kind=kind, operation="StopInferenceExperiment")
    worker.run(operator, name=NAME, **NO_RETRIES)
    assert [NAME] == stops(emulator)


def test_a_promotion_ends_before_its_answer_is_missed(promote, running, sagemaker, emulator, log):
    """That production changed by the task's own call, whose answer was lost, is no surprise."""
    emulator.faults.add(kind="drop-after", operation="StopInferenceExperiment")
    log.when("AWS could not be asked", lambda: until(sagemaker, NAME, "Completed"))
    assert NAME == promote(**NO_RETRIES).value
    assert ([NAME], ["churn-v2"]) == (stops(emulator), serves(sagemaker))


def test_a_second_run_stops_nothing(worker, running, emulator, operator):
    """A promotion or removal that already happened is a success."""
    worker.run(operator, name=NAME)
    assert NAME == worker.run(operator, name=NAME, ti={"max_tries": 1}).value
    assert [NAME] == stops(emulator)


def test_a_missing_one_is_named(tasks, churn, operator):
    """There is nothing to conclude."""
    text = fails(AirflowFailException, tasks.run, operator, name=NAME)
    assert "no experiment named 'theirs'" in text


def test_without_waiting_it_returns_at_once(tasks, running, operator):
    """The task ends while AWS still works."""
    run = tasks.run(operator, name=NAME, wait_for_completion=False)
    assert ("Stopping", 0) == (run.experiment["Status"], run.deferrals)


def test_the_reason_is_recorded(worker, running, sagemaker, operator):
    """A person reads the reason, and a later task finds our marker in it."""
    worker.run(operator, name=NAME, reason="p95 is {{ 12 }} % lower")
    reason = described(sagemaker, NAME)["StatusReason"]
    assert "p95 is 12 % lower [airflow-shadow:" in reason


def test_a_long_reason_is_cut(worker, running, sagemaker, operator):
    """AWS takes 1,024 characters, and the marker must be among them."""
    worker.run(operator, name=NAME, reason="x" * 2000)
    reason = described(sagemaker, NAME)["StatusReason"]
    assert 1024 == len(reason)
    assert reason.endswith("]")


# --- promotion ----------------------------------------------------------------------------


def test_promotes_and_waits_until_it_serves(promote, running, sagemaker, emulator):
    """The candidate becomes production under its own name."""
    run = promote()
    assert (NAME, "Completed") == (run.value, run.experiment["Status"])
    assert ["churn-v2"] == serves(sagemaker)
    assert {"churn-v2": 2} == counts(sagemaker)
    assert "[airflow-shadow:promote]" in run.experiment["StatusReason"]


def test_capacity_does_not_shrink(promote, running, sagemaker):
    """Production was scaled during the test, so the candidate takes over at that size."""
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 9}],
    )
    fleet.wait_in_service(sagemaker, endpoint_name="churn")
    promote()
    assert {"churn-v2": 9} == counts(sagemaker)


def test_the_tested_instance_type_is_kept(once, worker, churn, sagemaker):
    """What was tested is what serves."""
    variants = explicit()
    uses = variants["model_variants"][1]["InfrastructureConfig"]["RealTimeInferenceConfig"]
    uses |= {"InstanceType": "ml.c5.2xlarge", "InstanceCount": 5}
    name = once(**variants).value
    worker.run(PromoteShadowVariantOperator, name=name, allow_partial_sampling=True)
    config = sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"]
    [variant] = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    assert ("ml.c5.2xlarge", 5) == (variant["InstanceType"], variant["InitialInstanceCount"])


def test_partial_sampling_is_refused(promote, churn, sagemaker, emulator):
    """AWS advises to have copied all requests before promoting."""
    somebodys(sagemaker, NAME)
    text = fails(AirflowFailException, promote)
    assert "it copies 10 % of the requests" in text
    assert [] == stops(emulator)


def test_partial_sampling_can_be_allowed(promote, churn, sagemaker):
    """Who means it says so."""
    somebodys(sagemaker, NAME)
    promote(allow_partial_sampling=True)
    assert ["churn-v2"] == serves(sagemaker)


def test_an_expired_one_is_refused(promote, running, sagemaker, emulator):
    """`Completed` alone proves nothing: plain expiry ends there too."""
    expire(emulator, sagemaker, NAME)
    text = fails(AirflowFailException, promote)
    assert "it is Completed and was not promoted" in text
    assert ["churn-v1"] == serves(sagemaker)


def test_a_removed_one_is_refused(promote, worker, running):
    """What Airflow removed was not promoted."""
    worker.run(RemoveShadowVariantOperator, name=NAME, desired_state="Completed")
    text = fails(AirflowFailException, promote)
    assert "[airflow-shadow:remove]" in text


def test_a_stopped_one_is_refused(promote, running, sagemaker):
    """The person's reason is shown."""
    stop(sagemaker, NAME, Reason="Enough.")
    text = fails(AirflowFailException, promote)
    assert "it is Cancelled and was not promoted.\nAWS says: Enough." in text


def test_a_reason_is_not_believed(promote, running, sagemaker):
    """A person who removes the shadow can write what a promotion of ours writes."""
    reason = mark(Action.PROMOTE, "Promoted by Airflow.")
    stop(sagemaker, NAME, Reason=reason, DesiredState="Completed")
    text = fails(AirflowFailException, promote)
    assert "it is Completed and was not promoted" in text
    assert ["churn-v1"] == serves(sagemaker)


def test_a_promotion_by_hand_is_a_promotion(promote, running, sagemaker, emulator):
    """The experiment's own record decides: shadow InService, production Deleted."""
    actions = {"AllTraffic": "Remove", "churn-v2": "Promote"}
    stop(sagemaker, NAME, ModelVariantActions=actions, DesiredState="Completed")
    assert NAME == promote().value


def test_the_endpoint_may_have_moved_on(promote, worker, running, sagemaker):
    """A promotion of last week is one, though the endpoint serves another model today."""
    worker.run(PromoteShadowVariantOperator, name=NAME)
    deploy(sagemaker, "churn-v3")
    assert NAME == promote().value
    assert ["churn-v3"] == serves(sagemaker)


def test_one_that_has_not_started_is_refused(promote, churn, sagemaker, emulator):
    """Nothing was tested yet."""
    start = emulator.clock.now() + timedelta(hours=5)
    somebodys(sagemaker, NAME, rests="Created", Schedule={"StartTime": start})
    assert "it is Created: it has not started" in fails(AirflowFailException, promote)


def test_another_experiment_of_the_name_is_refused(promote, running, emulator):
    """A verdict belongs to the experiment that was judged."""
    text = fails(AirflowFailException, promote, creation_time="2026-01-01T00:00:00+00:00")
    assert "not the one that was judged" in text
    assert [] == stops(emulator)


@pytest.mark.parametrize("form", ["iso", "naive", "object"])
def test_the_judged_experiment_is_promoted(promote, running, sagemaker, form):
    """The creation time is compared as a moment, however it is written."""
    moment = running["CreationTime"].astimezone(UTC)
    forms = {
        "iso": moment.astimezone(timezone(timedelta(hours=2))).isoformat(),
        "naive": moment.replace(tzinfo=None).isoformat(),
        "object": moment,
    }
    promote(creation_time=forms[form])
    assert ["churn-v2"] == serves(sagemaker)


def test_a_time_that_is_none_is_refused(promote, running):
    """A word is no creation time."""
    text = fails(AirflowFailException, promote, creation_time="yesterday")
    assert "Asked: creation_time='yesterday'.\nFound: not a time." in text


def test_a_creation_time_that_renders_to_nothing_is_refused(promote, running, emulator):
    """Any experiment of the name would be promoted."""
    text = fails(AirflowFailException, promote, creation_time="{{ none }}")
    assert "Asked: creation_time.\nFound: a template that rendered to nothing" in text
    assert [] == stops(emulator)


def test_a_change_of_production_is_refused(promote, running, sagemaker, emulator):
    """A candidate that beat the last model has not beaten this one."""
    deploy(sagemaker, "churn-v3")
    text = fails(AirflowFailException, promote)
    assert "production runs 'churn-v3' now, but the candidate was tested against 'churn-v1'" in text
    assert [] == stops(emulator)


def test_a_promotion_that_breaks_fails(promote, running, emulator, sagemaker):
    """Cancelled after our own stop is no promotion, and AWS's reason is shown."""
    emulator.faults.add(kind="fail-stop", reason="No capacity.")
    text = fails(AirflowFailException, promote)
    assert "is Cancelled after a failure" in text
    assert "No capacity." in text


# --- removal ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["Cancelled", "Completed"])
def test_removes_and_keeps_production(remove, running, sagemaker, state):
    """The shadow goes, production stays, and the state is the one that was asked for."""
    run = remove(desired_state=state)
    assert (NAME, state) == (run.value, run.experiment["Status"])
    assert ["churn-v1"] == serves(sagemaker)
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    assert "ShadowProductionVariants" not in endpoint


def test_a_running_creation_is_waited_for(remove, churn, sagemaker, emulator):
    """A stop is not known to be possible before it runs."""
    somebodys(sagemaker, NAME, rests="Creating")
    remove()
    assert ["Creating", "Running", "Stopping", "Cancelled"] == statuses(emulator, NAME)


def test_an_expired_one_is_a_success(remove, running, sagemaker, emulator):
    """No shadow is left, however it went."""
    expire(emulator, sagemaker, NAME)
    assert ("Completed", []) == (remove().experiment["Status"], stops(emulator))


def test_a_promoted_one_is_told_of(remove, running, sagemaker, emulator, log):
    """A person promoted what was to be removed: the task can do nothing, and nothing is wrong."""
    actions = {"AllTraffic": "Remove", "churn-v2": "Promote"}
    stop(sagemaker, NAME, ModelVariantActions=actions, DesiredState="Completed")
    before = stops(emulator)
    remove()
    assert {"info"} == {*log.levels_of("its candidate was promoted, so nothing is removed")}
    assert (before, ["churn-v2"]) == (stops(emulator), serves(sagemaker))


def test_a_deployment_that_the_removal_may_undo_is_told_of(remove, running, sagemaker, log):
    """AWS puts back what ran before the test, now or at its planned end."""
    redeploy(sagemaker, model_name="churn-v3")
    assert "Cancelled" == remove().experiment["Status"]
    assert log.containing("restore what ran before: model 'churn-v3' would become 'churn-v1'")


def test_a_model_that_cannot_be_read_keeps_no_shadow(remove, running, emulator):
    """What a removal may undo is only told of."""
    emulator.faults.add(kind="server-error", operation="DescribeModel", times=None)
    one_try = {"retries": {"total_max_attempts": 1}}
    assert "Cancelled" == remove(botocore_config=one_try).experiment["Status"]


def test_one_that_somebody_stops_is_a_success(remove, running, sagemaker, emulator):
    """What a person does at the same time comes to the same."""
    actions = {"AllTraffic": "Retain", "churn-v2": "Remove"}
    sagemaker.stop_inference_experiment(Name=NAME, ModelVariantActions=actions)
    assert "Cancelled" == remove().experiment["Status"]


def test_a_broken_one_is_a_success(remove, churn, sagemaker, emulator):
    """A teardown after a failed creation has nothing to do."""
    emulator.faults.add(kind="fail-creation")
    somebodys(sagemaker, NAME, rests="Cancelled")
    assert NAME == remove().value


@pytest.mark.parametrize("kind", [None, "drop-after"])
def test_one_that_has_not_started_is_deleted(remove, churn, sagemaker, emulator, kind):
    """No shadow stands yet; AWS's own handlers delete it likewise."""
    start = emulator.clock.now() + timedelta(hours=5)
    somebodys(sagemaker, NAME, rests="Created", Schedule={"StartTime": start})
    if kind:
        emulator.faults.add(kind=kind, operation="DeleteInferenceExperiment")
    assert NAME == remove(**NO_RETRIES).value
    assert [NAME] == accepted(emulator, "DeleteInferenceExperiment")


def test_one_that_starts_just_then_is_removed(remove, churn, sagemaker, emulator):
    """AWS refuses the deletion, so another look is taken."""
    start = emulator.clock.now() + timedelta(hours=5)
    somebodys(sagemaker, NAME, rests="Created", Schedule={"StartTime": start})
    emulator.faults.add(kind="hold-before", operation="DeleteInferenceExperiment")
    with meanwhile(emulator, lambda: emulator.clock.advance(6 * 3600)):
        run = remove()
    assert ("Cancelled", []) == (
        run.experiment["Status"],
        accepted(emulator, "DeleteInferenceExperiment"),
    )


@pytest.mark.parametrize("name", [NAME, None, "{{ none }}"])
def test_a_missing_one_may_be_a_success(remove, churn, name):
    """A teardown runs also where the create never happened."""
    assert remove(name=name, missing_ok=True).value in {NAME, None}


def test_a_missing_one_is_said_with_the_place(remove, churn, log):
    """In another account or region its shadow may stand."""
    remove(missing_ok=True)
    place = "in us-east-1 (connection 'aws_default')"
    assert log.containing(
        f"There is no experiment {NAME!r} {place}, so there is nothing to remove."
    )


def test_a_removal_that_breaks_fails(remove, running, emulator):
    """A shadow that is still there is no success."""
    emulator.faults.add(kind="fail-stop", reason="Stuck.")
    assert "Stuck." in fails(AirflowFailException, remove)
