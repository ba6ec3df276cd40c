"""CreateInferenceExperimentOperator, alone on its endpoint; see test_whose_experiment.py too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
)
from tests.helpers import (
    CREATE,
    accepted,
    described,
    fails,
    somebodys,
    statuses,
    tags_of,
)

pytestmark = pytest.mark.usefixtures("churn")


@pytest.fixture
def create(tasks):
    """Run a creation in both modes: the arguments of `CREATE`, and what a test changes."""
    return lambda **arguments: tasks.run(
        CreateInferenceExperimentOperator, **{**CREATE, **arguments}
    )


@pytest.fixture
def once(worker):
    """Run a creation in the worker alone."""
    return lambda **arguments: worker.run(
        CreateInferenceExperimentOperator, **{**CREATE, **arguments}
    )


def created(emulator):
    """Return the names that were created."""
    return accepted(emulator, "CreateInferenceExperiment")


def infrastructure(variant):
    """Return what a variant runs on."""
    uses = variant["InfrastructureConfig"]["RealTimeInferenceConfig"]
    return uses["InstanceCount"], uses["InstanceType"]


# --- waiting ------------------------------------------------------------------------------


def test_creates_and_waits_until_running(create, tasks, emulator):
    """A creation ends when the experiment runs, and returns its name."""
    run = create()
    assert [run.value] == created(emulator)
    assert ["Creating", "Running"] == statuses(emulator, run.value)
    assert "Running" == run.experiment["Status"]
    assert (tasks.mode == "deferred") == bool(run.deferrals)


def test_without_waiting_it_returns_at_once(create, emulator):
    """With `wait_for_completion=False` the task ends while AWS still works, and never defers."""
    run = create(wait_for_completion=False)
    assert ("Creating", 0) == (run.experiment["Status"], run.deferrals)


def test_a_start_in_the_future_waits_for_created(create, emulator):
    """A scheduled experiment need not have begun for the task to end."""
    start = emulator.clock.now() + timedelta(hours=5)
    run = create(start_time=start.isoformat())
    assert ["Creating", "Created"] == statuses(emulator, run.value)
    assert "Created" == run.experiment["Status"]


def test_a_timeout_says_what_was_seen(create, emulator):
    """A creation that takes too long may be retried, and the text says where it stood."""
    emulator.pace = "time"
    text = fails(AirflowException, create, waiter_timeout=0.05)
    assert "Found: Creating, when the deadline ran out." in text


def test_attempts_bind_too(create, emulator):
    """`waiter_max_attempts` ends a wait before its deadline."""
    emulator.pace = "time"
    text = fails(AirflowException, create, waiter_max_attempts=3)
    assert "Found: Creating, when 3 looks ran out." in text


# --- production stays ---------------------------------------------------------------------


def test_shadow_gets_what_production_has(once, sagemaker):
    """The candidate is tested on production's instance type and count, as AWS advises."""
    variants = once().experiment["ModelVariants"]
    expected = [("AllTraffic", "churn-v1"), ("churn-v2", "churn-v2")]
    assert expected == [(v["VariantName"], v["ModelName"]) for v in variants]
    assert [(2, "ml.m5.xlarge")] * 2 == [infrastructure(v) for v in variants]


def test_the_desired_count_wins_over_the_configuration(once, sagemaker):
    """An endpoint that was scaled keeps its size, whatever its configuration began with."""
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 7}],
    )
    fleet.wait_in_service(sagemaker, endpoint_name="churn")
    variants = once().experiment["ModelVariants"]
    assert [(7, "ml.m5.xlarge")] * 2 == [infrastructure(v) for v in variants]


def explicit(**production):
    """Return arguments that give both variants in full."""
    variant = {"variant_name": "AllTraffic", "model_name": "churn-v1", **production}
    return {
        "shadow_model_name": None,
        "sampling_percentage": None,
        "model_variants": [
            fleet.model_variant(**variant),
            fleet.model_variant(variant_name="Candidate", model_name="churn-v2"),
        ],
        "shadow_mode_config": fleet.shadow_mode(
            source=variant["variant_name"], shadow="Candidate", sampling_percentage=33
        ),
    }


def test_explicit_variants_are_sent_as_they_are(once):
    """Who gives both variants in full gets these."""
    experiment = once(**explicit()).experiment
    shadow = experiment["ShadowModeConfig"]["ShadowModelVariants"][0]
    assert {"ShadowModelVariantName": "Candidate", "SamplingPercentage": 33} == shadow


def test_more_instances_than_now_are_no_harm(once):
    """Production may be given more instances without leave."""
    variants = once(**explicit(instance_count=3)).experiment["ModelVariants"]
    assert (3, "ml.m5.xlarge") == infrastructure(variants[0])


@pytest.mark.parametrize(
    ("production", "difference"),
    [
        ({"model_name": "churn-v3"}, "model 'churn-v1' would become 'churn-v3'"),
        ({"instance_count": 1}, "2 instances would become 1"),
        (
            {"instance_type": "ml.m5.2xlarge"},
            "instance type 'ml.m5.xlarge' would become 'ml.m5.2xlarge'",
        ),
        ({"variant_name": "Main"}, "variant 'AllTraffic' would become 'Main'"),
    ],
)
def test_a_change_of_production_is_refused(once, emulator, production, difference):
    """CreateInferenceExperiment redeploys production, so a wrong entry must not get through."""
    text = fails(AirflowFailException, once, **explicit(**production))
    assert difference in text
    assert "allow_production_change=True" in text
    assert [] == created(emulator)


def test_a_change_of_production_can_be_allowed(once):
    """Who means it says so."""
    run = once(**explicit(model_name="churn-v3"), allow_production_change=True)
    assert "churn-v3" == run.experiment["ModelVariants"][0]["ModelName"]


def test_the_key_of_the_volumes_is_kept(once, sagemaker):
    """Without its key the redeployed endpoint would lose the encryption of its volumes."""
    key = "arn:aws:kms:us-east-1:123456789012:key/volumes"
    another(sagemaker, KmsKeyId=key)
    assert key == once(endpoint_name="other").experiment["KmsKey"]


def test_another_key_wins(once, sagemaker):
    """A key that is given is sent."""
    another(sagemaker, KmsKeyId="old-key")
    assert "new-key" == once(endpoint_name="other", kms_key="new-key").experiment["KmsKey"]


def test_the_next_night_has_another_variant_name(once, worker, emulator):
    """After a promotion production bears the last shadow's name, so a fixed one would collide."""
    name = once(sampling_percentage=100).value
    worker.run(PromoteShadowVariantOperator, name=name)
    again = once(name="again").experiment
    expected = ["churn-v2", "churn-v2-shadow"]
    assert expected == [v["VariantName"] for v in again["ModelVariants"]]


# --- endpoints that will not do -----------------------------------------------------------


def another(sagemaker, *variants, name="other", **members):
    """Create an endpoint of any kind."""
    usual = {
        "VariantName": "AllTraffic",
        "ModelName": "churn-v1",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 1,
    }
    production = [{**usual, **variant} for variant in variants or [{}]]
    production = [{k: v for k, v in one.items() if v is not None} for one in production]
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=production, **members
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    fleet.wait_in_service(sagemaker, endpoint_name=name)


NO_INSTANCES = {"InstanceType": None, "InitialInstanceCount": None}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}, **NO_INSTANCES}
ASYNC = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}}
CONTAINER = {"Image": fleet.IMAGE}


@pytest.mark.parametrize(
    ("variants", "members", "reason"),
    [
        ([SERVERLESS], {}, "it is serverless"),
        ([{}], ASYNC, "it is asynchronous"),
        ([{"ModelName": None}], {}, "it hosts inference components"),
        ([{"InstanceType": "ml.inf1.xlarge"}], {}, "it runs on Inf1 instances"),
        ([{}, {"VariantName": "B"}], {}, "it has 2 production variants"),
        ([{"ModelName": "two-containers"}], {}, "'two-containers' has 2 containers"),
        ([{"ModelName": "many-models"}], {}, "'many-models' is a multi-model container"),
        ([{"InstanceType": "ml.inf1.xlarge"}], ASYNC, "it is asynchronous; it runs on Inf1"),
    ],
)
def test_an_unsupported_endpoint_is_refused(once, sagemaker, emulator, variants, members, reason):
    """Each kind of endpoint that shadow tests exclude is refused before the call, with why."""
    role = fleet.ROLE_ARN
    sagemaker.create_model(
        ModelName="two-containers", ExecutionRoleArn=role, Containers=[CONTAINER, CONTAINER]
    )
    sagemaker.create_model(
        ModelName="many-models",
        ExecutionRoleArn=role,
        PrimaryContainer={**CONTAINER, "Mode": "MultiModel"},
    )
    another(sagemaker, *variants, **members)
    text = fails(AirflowFailException, once, endpoint_name="other")
    assert reason in text
    assert [] == created(emulator)


def test_a_shadow_without_an_experiment_is_refused(create, sagemaker):
    """A shadow that nobody owns never goes by itself, so waiting for it would be in vain."""
    shadow = {
        "VariantName": "old-shadow",
        "ModelName": "churn-v2",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 1,
    }
    another(sagemaker, ShadowProductionVariants=[shadow])
    text = fails(AirflowFailException, create, endpoint_name="other")
    assert "shadow variant 'old-shadow' on endpoint 'other', owned by no experiment" in text
    assert "Remove the shadow" in text


def test_a_missing_endpoint_is_refused(create):
    """An endpoint that does not exist does not come by waiting."""
    text = fails(AirflowFailException, create, endpoint_name="nowhere")
    assert "no endpoint named 'nowhere'" in text


def test_a_failed_endpoint_is_refused(create, sagemaker, emulator):
    """An endpoint that failed does not mend by waiting."""
    emulator.faults.add(kind="fail-endpoint", reason="No image.")
    with pytest.raises(RuntimeError, match="other failed"):
        another(sagemaker)
    text = fails(AirflowFailException, create, endpoint_name="other")
    assert "endpoint 'other' is Failed. AWS says: No image." in text


def test_a_missing_candidate_is_refused(once, emulator):
    """A candidate that does not exist is noticed before production is touched."""
    text = fails(AirflowFailException, once, shadow_model_name="churn-v9")
    assert "no model named 'churn-v9'" in text
    assert [] == created(emulator)


# --- a busy endpoint ----------------------------------------------------------------------


def gone(sagemaker, name):
    """Delete an experiment that has not started."""
    return lambda: sagemaker.delete_inference_experiment(Name=name)


def test_a_running_experiment_of_others_is_waited_for(create, sagemaker, emulator, log):
    """A shadow on the endpoint means a wait, with the holder and its end in the log."""
    shown = somebodys(sagemaker, Schedule={"EndTime": emulator.clock.now() + timedelta(hours=2)})
    until = shown["Schedule"]["EndTime"].astimezone(UTC).isoformat()
    busy = f"endpoint 'churn' is busy with experiment 'theirs' (Running) until {until}"
    log.when(busy, lambda: emulator.clock.advance(3 * 3600))
    assert ["theirs", create().value] == created(emulator)


@pytest.mark.parametrize("code", ["ResourceInUse", "ConflictException", "ValidationException"])
def test_a_scheduled_experiment_of_others_is_waited_for(create, sagemaker, emulator, log, code):
    """The endpoint shows nothing of it, so AWS's refusal is looked into, whatever its code."""
    emulator.busy_code = code
    start = emulator.clock.now() + timedelta(hours=5)
    somebodys(sagemaker, rests="Created", Schedule={"StartTime": start})
    log.when("is busy with experiment 'theirs' (Created)", gone(sagemaker, "theirs"))
    assert ["theirs", create().value] == created(emulator)
    assert 1 == len(log.containing("AWS refused the creation"))


@pytest.mark.parametrize("code", ["ResourceInUse", "ConflictException", "ValidationException"])
def test_two_tasks_that_ask_at_once(create, sagemaker, emulator, log, code):
    """Who comes second at the same moment waits for the first."""
    emulator.busy_code = code
    schedule = {"StartTime": emulator.clock.now() + timedelta(hours=5)}
    log.when("Creating 'churn-", lambda: somebodys(sagemaker, rests="Created", Schedule=schedule))
    log.when("is busy with experiment 'theirs'", gone(sagemaker, "theirs"))
    assert ["theirs", create().value] == created(emulator)


def test_two_copies_of_a_task_create_one_experiment(create, worker, emulator, log):
    """A task that Airflow runs twice finds its own experiment under the name it was refused."""
    log.when("Creating 'churn-", lambda: worker.run(CreateInferenceExperimentOperator, **CREATE))
    assert [create().value] == created(emulator)


def test_an_endpoint_that_is_updating_is_waited_for(create, sagemaker, emulator):
    """Somebody else's update of the endpoint ends by itself."""
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="churn-config")
    assert [create().value] == created(emulator)


def test_the_endpoint_has_a_deadline_of_its_own(create, sagemaker):
    """`endpoint_timeout` bounds the wait for the endpoint, and a retry may go on with it."""
    somebodys(sagemaker)
    text = fails(AirflowException, create, endpoint_timeout=0.05)
    assert "to be InService and free of other experiments" in text
    assert "endpoint 'churn' is busy with experiment 'theirs' (Running)" in text


def test_no_patience_with_the_endpoint(create, sagemaker):
    """A timeout of 0 looks once and does not mean the default."""
    somebodys(sagemaker)
    text = fails(AirflowException, create, endpoint_timeout=0)
    assert "when the deadline ran out" in text


def test_a_refusal_that_nothing_explains_is_raised(create, emulator):
    """Where the endpoint is free and the name too, AWS's own words are shown."""
    emulator.faults.add(kind="quota", operation="CreateInferenceExperiment")
    text = fails(AirflowFailException, create)
    assert "AWS says: ResourceLimitExceeded: The quota is used up" in text


def test_a_repeated_refusal_is_raised(create, emulator):
    """A validation that fails on a free endpoint is asked for twice and not for ever."""
    text = fails(AirflowFailException, create, duration="30m")
    assert "AWS says: ValidationException" in text


# --- lost answers and crowds --------------------------------------------------------------

#: One call is one try, so that a test sees our own patience and not botocore's.
NO_RETRIES = {"botocore_config": {"retries": {"total_max_attempts": 1}}}


@pytest.mark.parametrize("kind", ["drop-after", "drop-before"])
@pytest.mark.parametrize("config", [NO_RETRIES, {}])
def test_a_lost_answer_creates_once(create, emulator, kind, config):
    """Whether or not AWS acted before the connection broke, there is one experiment."""
    emulator.faults.add(kind=kind, operation="CreateInferenceExperiment")
    assert [create(**config).value] == created(emulator)


@pytest.mark.parametrize("kind", ["throttle", "server-error", "expired-token"])
def test_a_bad_spell_of_aws_is_waited_out(create, emulator, kind):
    """Throttling, 5xx and expired credentials are asked again, in calls and in waits."""
    emulator.faults.add(kind=kind, operation="CreateInferenceExperiment", times=3)
    emulator.faults.add(kind=kind, operation="DescribeInferenceExperiment", times=2)
    emulator.faults.add(kind=kind, operation="DescribeEndpoint", times=2)
    assert [create(**NO_RETRIES).value] == created(emulator)


# --- names --------------------------------------------------------------------------------


def test_no_logical_date_is_needed(once):
    """A manual run has none; endpoint and run id make the name."""
    run = once(ti={"run_id": "manual__2026-03-02T08:15:30.123456+00:00_Xy"})
    assert "churn-manual-2026-03-02T08-15-30-123456-00-00-Xy-" == run.value[:-8]


def test_mapped_tasks_have_names_of_their_own(worker, once, sagemaker):
    """The map index is part of the identity."""
    another(sagemaker)
    names = {
        once(ti={"map_index": index}, endpoint_name=endpoint).value[-8:]
        for index, endpoint in enumerate(["churn", "other"])
    }
    assert 2 == len(names)


@pytest.mark.parametrize(
    ("name", "legal"), [("nightly_run", "nightly-run"), ("-x-", "x"), ("n" * 121, "n" * 120)]
)
def test_an_illegal_name_is_refused_with_a_legal_one(once, emulator, name, legal):
    """A given name is sent as it is or not at all, and the error shows what would do."""
    text = fails(AirflowFailException, once, name=name)
    assert f"A name that AWS accepts: '{legal}'." in text
    assert [] == created(emulator)


# --- arguments ----------------------------------------------------------------------------

CONFIG = {
    "RoleArn": fleet.ROLE_ARN,
    "EndpointName": "churn",
    "Description": "from config",
    "DataStorageConfig": {"Destination": "s3://bucket/captured"},
    "Tags": [{"Key": "team", "Value": "ml"}],
}
YAML = """
RoleArn: arn:aws:iam::123456789012:role/shadow-tests
EndpointName: churn
Description: from config
DataStorageConfig:
  Destination: s3://bucket/captured
Tags:
  - {Key: team, Value: ml}
"""
CANDIDATE = {"shadow_model_name": "churn-v2", "sampling_percentage": 10}


@pytest.mark.parametrize("config", [CONFIG, json.dumps(CONFIG), YAML], ids=["dict", "json", "yaml"])
def test_config_is_the_whole_request(worker, config, sagemaker):
    """`config` speaks the API's words, as an object, as JSON or as YAML."""
    run = worker.run(CreateInferenceExperimentOperator, config=config, **CANDIDATE)
    shown = run.experiment
    assert "from config" == shown["Description"]
    assert {"Destination": "s3://bucket/captured"} == shown["DataStorageConfig"]
    assert "ml" == tags_of(sagemaker, run.value)["team"]


@pytest.mark.parametrize(("file", "text"), [("e.json", json.dumps(CONFIG)), ("e.yaml", YAML)])
@pytest.mark.parametrize("absolute", [True, False])
def test_config_from_a_file(worker, tmp_path, file, text, absolute):
    """A path is read from the Dag's template path, or as it is."""
    (tmp_path / file).write_text(text)
    worker.dag = {"template_searchpath": str(tmp_path)}
    path = str(tmp_path / file) if absolute else file
    run = worker.run(CreateInferenceExperimentOperator, config=path, **CANDIDATE)
    assert "from config" == run.experiment["Description"]


def test_a_missing_file_is_named(worker, tmp_path):
    """A path that leads nowhere is not taken for YAML text."""
    worker.dag = {"template_searchpath": str(tmp_path)}
    text = fails(
        AirflowFailException, worker.run, CreateInferenceExperimentOperator, config="no.json"
    )
    assert "Asked: config='no.json'. Found: no such file" in text


def test_explicit_arguments_win_over_config(worker):
    """What is given as an argument overrides the same field of `config`."""
    run = worker.run(
        CreateInferenceExperimentOperator, config=CONFIG, description="mine", **CANDIDATE
    )
    assert "mine" == run.experiment["Description"]


def test_a_description_that_looks_like_a_file_is_text(once):
    """Only whole structured arguments are read from files."""
    assert "see plan.json" == once(description="see plan.json").experiment["Description"]


def test_a_value_of_an_earlier_task(once):
    """An XComArg, or anything else that Airflow resolves, is an argument like others."""
    try:
        from airflow.sdk.definitions._internal.mixins import ResolveMixin  # noqa: PLC0415
    except ImportError:  # Airflow 2.11
        from airflow.utils.mixins import ResolveMixin  # noqa: PLC0415

    class Output(ResolveMixin):
        def iter_references(self):
            return iter(())

        def resolve(self, context, **_):
            return "churn-v3"

    run = once(shadow_model_name=Output())
    assert "churn-v3" == run.experiment["ModelVariants"][1]["ModelName"]


def test_keys_of_mappings_are_rendered(once, sagemaker):
    """Airflow itself leaves templates in keys as they are."""
    run = once(tags={"{{ 'te' + 'am' }}": "{{ run_id[:9] }}"})
    assert "scheduled" == tags_of(sagemaker, run.value)["team"]


def test_keys_that_become_one_are_refused(once):
    """Two keys that render to the same text would lose a value."""
    with pytest.raises(Exception, match=r"several keys rendered to \['a'\]"):
        once(tags={"{{ 'a' }}": "1", "a": "2"})


@pytest.mark.parametrize("text", ["1e5", "no", "None", "[1]", "0012"])
@pytest.mark.parametrize("quoted", [True, False])
def test_a_native_dag_keeps_text(worker, text, quoted):
    """Native rendering guesses types and destroys text; the service model knows them."""
    worker.dag = {"render_template_as_native_obj": True}
    description = f"{{{{ 'is ' + '{text}' }}}}" if quoted else text
    run = worker.run(CreateInferenceExperimentOperator, **CREATE, description=description)
    assert (f"is {text}" if quoted else text) == run.experiment["Description"]


@pytest.mark.parametrize("native", [True, False])
def test_types_come_from_the_service_model(worker, native):
    """A template renders to text, and integer, list and time arrive all the same."""
    worker.dag = {"render_template_as_native_obj": native}
    now = datetime.now(UTC)
    run = worker.run(
        CreateInferenceExperimentOperator,
        context={"percent": 25, "end": now + timedelta(hours=3), "team": "ml"},
        **{
            **CREATE,
            "duration": None,
            "sampling_percentage": "{{ percent }}",
            "schedule": '{"EndTime": "{{ end.isoformat() }}"}',
            "data_storage_config": "Destination: s3://bucket/{{ team }}",
        },
    )
    shown = run.experiment
    assert 25 == shown["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"]
    assert now + timedelta(hours=3) - datetime.fromisoformat(
        shown["Schedule"]["EndTime"]
    ) < timedelta(seconds=1)
    assert {"Destination": "s3://bucket/ml"} == shown["DataStorageConfig"]


@pytest.mark.parametrize("nothing", ["{{ none }}", "{{ '' }}"])
def test_what_rendered_to_nothing_is_left_out(once, log, nothing):
    """An empty field of a form is no value, and the log names it."""
    experiment = once(description=nothing, data_storage_config={"Destination": "s3://b/c"})
    assert "Description" not in experiment.experiment
    assert 1 == len(log.containing("escription rendered to nothing and is left out."))


def test_a_nested_field_that_rendered_to_nothing_is_left_out(once, log):
    """Likewise inside of a structure, with its path."""
    storage = {"Destination": "s3://bucket/x", "KmsKey": "{{ none }}"}
    shown = once(data_storage_config=storage).experiment
    assert {"Destination": "s3://bucket/x"} == shown["DataStorageConfig"]
    assert log.containing("DataStorageConfig.KmsKey rendered to nothing and is left out.")


def test_all_faults_come_in_one_message(once, emulator):
    """Nobody has to run a Dag five times to learn of five faults."""
    text = fails(
        AirflowFailException,
        once,
        name="a_b",
        role_arn="nobody",
        sampling_percentage=150,
        data_storage_config={"Destination": "nowhere"},
    )
    paths = ("Name", "RoleArn", "SamplingPercentage", "DataStorageConfig.Destination")
    assert [] == [path for path in paths if f"{path}: " not in text]
    assert [] == emulator_calls(emulator)


def emulator_calls(emulator):
    """Return the changing calls on experiments."""
    return [e for e in emulator.history() if "Experiment" in e.get("operation", "")]


def test_a_wrong_type_is_named_with_its_path(once):
    """A number that is none is found where it stands."""
    variants = explicit()
    uses = variants["model_variants"][0]["InfrastructureConfig"]["RealTimeInferenceConfig"]
    uses["InstanceCount"] = "two"
    text = fails(AirflowFailException, once, **variants)
    path = "ModelVariants[0].InfrastructureConfig.RealTimeInferenceConfig.InstanceCount"
    assert f"{path}: 'two' is not an integer" in text


def test_the_candidate_is_given_once(once):
    """Two ways of naming the candidate contradict each other."""
    text = fails(AirflowFailException, once, **{**explicit(), "shadow_model_name": "churn-v2"})
    assert "the candidate is given twice" in text


def test_the_candidate_is_needed(once):
    """A request without a candidate says what to give."""
    text = fails(AirflowFailException, once, shadow_model_name=None)
    assert "Give shadow_model_name and sampling_percentage" in text


def test_tags_of_the_user_stand_beside_ours(once, sagemaker):
    """The user's tags are kept, and ours tell whose experiment it is."""
    tags = tags_of(sagemaker, once(tags={"team": "ml"}).value)
    ours = [key for key in tags if key.startswith("airflow-shadow:")]
    assert ("ml", 5, 6) == (tags["team"], len(ours), len(tags))


def test_an_old_botocore_can_be_overruled(once, emulator):
    """With `validate="warn"` AWS itself decides what is beyond the model's maximum."""
    text = fails(AirflowFailException, once, sampling_percentage=150, validate="warn")
    assert "AWS says: ValidationException" in text


# --- times --------------------------------------------------------------------------------


def window(run):
    """Return the length of an experiment, rounded to seconds."""
    schedule = run.experiment["Schedule"]
    start, end = (datetime.fromisoformat(schedule[key]) for key in ("StartTime", "EndTime"))
    return round((end - start).total_seconds())


def test_a_start_in_the_past_means_now(once, emulator):
    """A scheduled run starts after its interval ends, so its dates lie behind."""
    now = emulator.clock.now()
    run = once(start_time=(now - timedelta(days=1)).isoformat(), duration="2d")
    assert "Running" == run.experiment["Status"]
    assert 86400 == pytest.approx(window(run), abs=5)


def test_a_window_in_the_past_is_refused(once):
    """A backfill's dates say nothing about when to test, so it has to say what it wants."""
    text = fails(AirflowFailException, once, start_time="2025-01-01", duration="1d")
    assert "the window lies wholly in the past" in text
    assert "shift_past_schedule=True" in text


def test_a_window_in_the_past_can_be_shifted(once):
    """The length is kept and the window begins now."""
    run = once(start_time="2025-01-01", duration="1d", shift_past_schedule=True)
    assert 86400 == pytest.approx(window(run), abs=5)


@pytest.mark.parametrize(
    "duration", [timedelta(hours=36), 129600, "129600", "36h", "1d12h", "PT36H"]
)
def test_forms_of_a_duration(once, duration):
    """Seconds, a timedelta, short text and ISO 8601 mean the same."""
    assert 129600 == pytest.approx(window(once(duration=duration)), abs=5)


def test_without_a_schedule_aws_decides(once):
    """AWS's own default is seven days."""
    assert 7 * 86400 == pytest.approx(window(once(duration=None)), abs=5)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"duration": "soon"}, "not a duration"),
        ({"duration": "0h"}, "not a duration"),
        ({"end_time": "2030-01-01"}, "end_time and duration are both given"),
        (
            {"start_time": "2030-01-02", "end_time": "2030-01-01", "duration": None},
            "the end is not after the start",
        ),
    ],
)
def test_a_contradictory_schedule_is_refused_before_any_wait(create, sagemaker, arguments, problem):
    """What no waiting mends is said at once, even if the endpoint is busy for days."""
    somebodys(sagemaker)
    assert problem in fails(AirflowFailException, create, **arguments)


def test_more_than_thirty_days_are_refused(once):
    """AWS's longest duration is known before the call."""
    assert "longer than 30 days" in fails(AirflowFailException, once, duration="31d")


def test_now_is_the_time_at_aws(once, emulator):
    """A window is past or not by AWS's clock, which a fast emulator moves ahead."""
    emulator.clock.advance(timedelta(days=30))
    end = datetime.now(UTC) + timedelta(days=29)
    text = fails(AirflowFailException, once, end_time=end.isoformat(), duration=None)
    assert "the window lies wholly in the past" in text


# --- results ------------------------------------------------------------------------------


def test_the_description_is_pushed_as_json(create, sagemaker):
    """Later tasks read the XCom `experiment`: plain values and ISO times, as AWS shows them."""
    run = create()
    shown = described(sagemaker, run.value)
    assert shown["CreationTime"] == datetime.fromisoformat(run.experiment["CreationTime"])
    assert shown["EndpointMetadata"] == run.experiment["EndpointMetadata"]
    assert "ResponseMetadata" not in run.experiment


def test_nothing_is_pushed_if_so_asked(create):
    """`do_xcom_push=False` is about the description too."""
    assert {} == create(do_xcom_push=False).ti.xcoms


def test_the_plan_is_logged(once, log):
    """Before it costs anything, the log says what will run until when."""
    once()
    [plan] = log.containing("Creating 'churn-")
    assert "on endpoint 'churn': 10 % of the requests to model 'churn-v2', until 20" in plan
    assert "up to 4 instance-hours of ml.m5.xlarge." in plan
