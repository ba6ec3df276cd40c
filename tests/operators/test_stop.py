"""StopInferenceExperimentOperator."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    DeleteInferenceExperimentOperator,
    StartInferenceExperimentOperator,
    StopInferenceExperimentOperator,
)
from airflow_shadow.request_model import field_names
from tests.helpers import accepted, described, expire, fails, serves, somebodys, statuses, stop

NAME = "theirs"
ONE_TRY = {"botocore_config": {"retries": {"total_max_attempts": 1}}}
REMOVE = {"AllTraffic": "Retain", "churn-v2": "Remove"}
PROMOTE = {"AllTraffic": "Remove", "churn-v2": "Promote"}
#: What each map leaves: the state it ends in unless told otherwise, and the models in production.
AFTER = [(REMOVE, ("Cancelled", ["churn-v1"])), (PROMOTE, ("Completed", ["churn-v2"]))]


@pytest.fixture
def halt(tasks):
    """Run a stop in both modes."""
    usual = {"name": NAME, "model_variant_actions": REMOVE}
    return lambda **arguments: tasks.run(StopInferenceExperimentOperator, **{**usual, **arguments})


@pytest.fixture
def once(worker):
    """Run a stop in the worker alone."""
    usual = {"name": NAME, "model_variant_actions": REMOVE}
    return lambda **arguments: worker.run(StopInferenceExperimentOperator, **{**usual, **arguments})


@pytest.fixture
def running(churn, sagemaker, emulator):
    """Let an experiment run for two hours."""
    schedule = {"EndTime": emulator.clock.now() + timedelta(hours=2)}
    return somebodys(sagemaker, NAME, Schedule=schedule)


def stops(emulator):
    """Return the names that were stopped."""
    return accepted(emulator, "StopInferenceExperiment")


def bigger(count, name="churn-v2"):
    """Return the infrastructure of a variant that stays."""
    return fleet.model_variant(variant_name=name, model_name=name, instance_count=count)


def instances(sagemaker):
    """Return the instances that each production variant shall have."""
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    return {v["VariantName"]: v["DesiredInstanceCount"] for v in endpoint["ProductionVariants"]}


# --- what it does -------------------------------------------------------------------------


@pytest.mark.parametrize(("actions", "leaves"), AFTER, ids=["removal", "promotion"])
def test_stops_as_the_map_says(halt, running, sagemaker, actions, leaves):
    """The state is AWS's word for what the map does, since AWS documents no default."""
    run = halt(model_variant_actions=actions)
    assert NAME == run.value
    assert leaves == (run.experiment["Status"], serves(sagemaker))


def test_both_variants_may_stay(halt, running, sagemaker):
    """A map that the other operators cannot send: the shadow remains on the endpoint."""
    halt(model_variant_actions={"AllTraffic": "Retain", "churn-v2": "Retain"})
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    assert ["churn-v2"] == [v["VariantName"] for v in endpoint["ShadowProductionVariants"]]


@pytest.mark.parametrize("state", ["Cancelled", "Completed", "{{ 'Completed' }}"])
def test_the_state_can_be_told(halt, running, state):
    """Who means another state says so."""
    expected = "Cancelled" if state == "Cancelled" else "Completed"
    assert expected == halt(desired_state=state).experiment["Status"]


def test_the_reason_names_the_task(once, running, sagemaker):
    """A person who reads the console finds the Dag, and a later task our marker."""
    once(ti={"dag_id": "nightly", "run_id": "manual__1", "task_id": "halt"})
    expected = "Stopped by Airflow: nightly, run manual__1, task halt. [airflow-shadow:stop]"
    assert expected == described(sagemaker, NAME)["StatusReason"]


@pytest.mark.parametrize(("actions", "marker"), [(REMOVE, "stop"), (PROMOTE, "promote")])
def test_the_reason_can_be_given(once, running, sagemaker, actions, marker):
    """The user's words come first, and the marker tells what the stop was for."""
    once(reason="p95 is {{ 12 }} % lower", model_variant_actions=actions)
    expected = f"p95 is 12 % lower [airflow-shadow:{marker}]"
    assert expected == described(sagemaker, NAME)["StatusReason"]


def test_a_reason_that_is_nothing_is_the_default(once, running, sagemaker, log):
    """An optional field that rendered to nothing is left out, and the log names it."""
    once(reason="{{ none }}")
    assert described(sagemaker, NAME)["StatusReason"].startswith("Stopped by Airflow: ")
    assert log.containing("reason rendered to nothing and is left out.")


@pytest.mark.parametrize(
    "actions",
    [
        {"{{ 'All' ~ 'Traffic' }}": "Retain", "churn-v{{ 2 }}": "{{ 'Remove' }}"},
        json.dumps(REMOVE),
        "{AllTraffic: Retain, churn-v2: Remove}",
        '{"AllTraffic": "Retain", "churn-v{{ 2 }}": "Remove"}',
    ],
    ids=["templated keys", "JSON", "YAML", "templated JSON"],
)
def test_the_map_comes_in_any_form(halt, running, sagemaker, actions):
    """Names of variants are known at run time only, so keys render too."""
    halt(model_variant_actions=actions)
    assert ["churn-v1"] == serves(sagemaker)


@pytest.mark.parametrize("as_text", [False, True])
def test_a_promoted_variant_gets_what_is_desired(halt, running, sagemaker, as_text):
    """`desired_model_variants` is what makes a promotion keep its capacity."""
    desired = [bigger("{{ 5 }}")]
    halt(
        model_variant_actions=PROMOTE,
        desired_model_variants=json.dumps(desired) if as_text else desired,
    )
    assert {"churn-v2": 5} == instances(sagemaker)


def test_all_fields_in_the_apis_words(once, running, sagemaker):
    """`config` takes the whole request, as the command line does."""
    config = {
        "Name": NAME,
        "ModelVariantActions": PROMOTE,
        "DesiredModelVariants": [bigger(7)],
        "DesiredState": "Completed",
        "Reason": "From a file.",
    }
    once(name=None, model_variant_actions=None, config=config)
    assert {"churn-v2": 7} == instances(sagemaker)
    assert "From a file. [airflow-shadow:promote]" == described(sagemaker, NAME)["StatusReason"]


def test_arguments_override_config(once, running):
    """What is said twice holds as the argument says."""
    config = {"DesiredState": "Completed", "ModelVariantActions": PROMOTE}
    run = once(config=config, desired_state="Cancelled")
    assert "Cancelled" == run.experiment["Status"]


@pytest.mark.parametrize(
    "operator",
    [
        StartInferenceExperimentOperator,
        StopInferenceExperimentOperator,
        DeleteInferenceExperimentOperator,
    ],
)
def test_every_field_of_the_api_is_a_templated_argument(operator, sagemaker):
    """What AWS adds to a request is noticed here."""
    model = sagemaker.meta.service_model.operation_model(operator.api_operation)
    assert set(field_names(model.input_shape)) <= set(operator.template_fields)


# --- twice, late, lost --------------------------------------------------------------------


def test_an_exchanged_candidate_is_not_promoted(once, running, emulator, sagemaker):
    """Deleted and created again under its name, its model is not what was tested."""
    emulator.clock.advance(60)
    sagemaker.delete_model(ModelName="churn-v2")
    fleet.create_model(sagemaker, name="churn-v2")
    said = fails(AirflowFailException, once, model_variant_actions=PROMOTE)
    assert "model 'churn-v2' was created after the experiment" in said
    assert [] == stops(emulator)
    assert ["churn-v1"] == serves(sagemaker)


@pytest.mark.parametrize(("actions", "leaves"), AFTER, ids=["removal", "promotion"])
def test_a_second_run_stops_nothing(halt, running, emulator, actions, leaves):
    """A retry in another process finds it concluded as asked."""
    halt(model_variant_actions=actions)
    again = halt(model_variant_actions=actions, ti={"try_number": 2})
    assert (leaves[0], [NAME]) == (again.experiment["Status"], stops(emulator))


def test_an_expired_one_is_a_success(halt, running, sagemaker, emulator):
    """It has ended, and nobody asked for a promotion."""
    expire(emulator, sagemaker, NAME)
    assert ("Completed", []) == (halt().experiment["Status"], stops(emulator))


@pytest.mark.parametrize("ended", ["by itself", "by somebody"])
def test_a_promotion_that_did_not_happen_is_no_success(halt, running, sagemaker, emulator, ended):
    """A concluded experiment can promote nothing any more."""
    if ended == "by itself":
        expire(emulator, sagemaker, NAME)
    else:
        stop(sagemaker, NAME, Reason="Enough.")
    text = fails(AirflowFailException, halt, model_variant_actions=PROMOTE)
    assert "Asked: to promote a variant of experiment 'theirs'." in text
    assert "and was not promoted" in text
    assert ["churn-v1"] == serves(sagemaker)


@pytest.mark.parametrize("kind", ["drop-after", "drop-before", "throttle"])
@pytest.mark.parametrize("actions", [REMOVE, PROMOTE], ids=["removal", "promotion"])
def test_a_lost_answer_stops_once(halt, running, emulator, kind, actions):
    """Whether or not AWS has acted, there is one stop."""
    emulator.faults.add(kind=kind, operation="StopInferenceExperiment")
    halt(model_variant_actions=actions, **ONE_TRY)
    assert [NAME] == stops(emulator)


def test_somebody_was_faster(halt, running, sagemaker, log, emulator):
    """A stop between our look and our call comes to the same."""
    log.when(
        "Experiment 'theirs' is",
        lambda: sagemaker.stop_inference_experiment(Name=NAME, ModelVariantActions=REMOVE),
    )
    assert ("Cancelled", [NAME]) == (halt().experiment["Status"], stops(emulator))


def test_a_running_creation_is_waited_for(halt, churn, sagemaker, emulator):
    """A stop is not known to be possible before it runs."""
    somebodys(sagemaker, NAME, rests="Creating")
    halt()
    assert ["Creating", "Running", "Stopping", "Cancelled"] == statuses(emulator, NAME)


def test_an_update_under_way_is_waited_for(halt, running, sagemaker, emulator):
    """AWS takes one change after the other."""
    sagemaker.update_inference_experiment(Name=NAME, Description="somebody's")
    assert ("Cancelled", "somebody's") == (
        (shown := halt().experiment)["Status"],
        shown["Description"],
    )


@pytest.mark.parametrize("actions", [REMOVE, PROMOTE], ids=["removal", "promotion"])
def test_without_waiting_it_returns_at_once(halt, running, actions):
    """The task ends while AWS still works."""
    run = halt(wait_for_completion=False, model_variant_actions=actions)
    assert ("Stopping", 0) == (run.experiment["Status"], run.deferrals)


def test_a_stop_that_takes_too_long_may_be_retried(halt, running, emulator):
    """The deadline binds, and another try goes on waiting."""
    emulator.pace, emulator.clock.speed = "time", 0
    text = fails(AirflowException, halt, waiter_timeout=0.1)
    assert "Found: Stopping, when the deadline ran out." in text
    emulator.pace = "count"
    assert "Cancelled" == halt(ti={"try_number": 2}).experiment["Status"]
    assert [NAME] == stops(emulator)


@pytest.mark.parametrize("actions", [REMOVE, PROMOTE], ids=["removal", "promotion"])
def test_a_stop_that_breaks_fails(halt, running, emulator, actions):
    """A shadow that is still there is no success, and AWS's reason is shown."""
    emulator.faults.add(kind="fail-stop", reason="Stuck.")
    text = fails(AirflowFailException, halt, model_variant_actions=actions)
    assert "is Cancelled after a failure.\nAWS says: Stuck." in text


# --- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"model_variant_actions": {}}, "ModelVariantActions"),
        ({"model_variant_actions": None}, "ModelVariantActions"),
        ({"model_variant_actions": "{{ none }}"}, "ModelVariantActions"),
        (
            {"desired_model_variants": [bigger("two")]},
            "InstanceCount: 'two' is not an integer",
        ),
    ],
    ids=["empty map", "no map", "map of nothing", "count"],
)
def test_a_wrong_request_is_refused_before_the_call(halt, running, emulator, arguments, part):
    """Each fault is named with its path, and nothing was sent or waited for."""
    before = emulator.history()
    assert part in fails(AirflowFailException, halt, **arguments)
    assert before == emulator.history()


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"model_variant_actions": {"AllTraffic": "Keep"}}, "ModelVariantActions.AllTraffic"),
        ({"desired_state": "Done"}, "DesiredState"),
    ],
)
def test_a_word_that_the_model_does_not_know_is_aws_to_refuse(halt, running, log, arguments, path):
    """AWS may know more words than the installed botocore, so a slip only warns before."""
    assert "AWS says: ValidationException" in fails(AirflowFailException, halt, **arguments)
    assert log.containing(f"{path}: ")


@pytest.mark.parametrize("name", [None, "", "{{ none }}"])
def test_a_name_that_is_nothing_is_refused(halt, running, emulator, name):
    """Nothing is asked of AWS under an empty name."""
    assert "Name" in fails(AirflowFailException, halt, name=name)
    assert [] == stops(emulator)


@pytest.mark.parametrize(
    "actions",
    [{"AllTraffic": "Remove", "churn-v2": "Remove"}, {"AllTraffic": "Retain", "other": "Remove"}],
    ids=["a pair AWS does not know", "another variant"],
)
def test_a_map_that_aws_refuses_is_explained(halt, running, emulator, actions):
    """Which maps AWS takes is not documented, so AWS is asked and its answer shown."""
    text = fails(AirflowFailException, halt, model_variant_actions=actions)
    assert "Asked: StopInferenceExperiment 'theirs'.\nFound: AWS refused the call." in text
    assert "AWS says: ValidationException: " in text
    assert [] == stops(emulator)


def test_one_that_has_not_started_is_explained(halt, churn, sagemaker, emulator):
    """Whether AWS stops a scheduled one is not documented either; here it does not."""
    start = emulator.clock.now() + timedelta(hours=5)
    somebodys(sagemaker, NAME, rests="Created", Schedule={"StartTime": start})
    text = fails(AirflowFailException, halt)
    assert "AWS says: ConflictException: theirs is Created and cannot be stopped" in text
    assert "It has not started: delete it, or use RemoveShadowVariantOperator." in text
    assert [] == stops(emulator)


def test_no_permission_fails_at_once(halt, running, emulator):
    """A permission does not come by waiting."""
    emulator.faults.add(kind="access-denied", operation="StopInferenceExperiment")
    text = fails(AirflowFailException, halt)
    assert "Asked: StopInferenceExperiment 'theirs'.\nFound: access denied." in text


def test_a_missing_one_is_named(halt, churn):
    """There is nothing to stop."""
    assert "no experiment named 'theirs'" in fails(AirflowFailException, halt)
