"""The arguments of a creation: names, config, templates, types and times."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
)
from tests.helpers import (
    CREATE,
    another,
    created,
    explicit,
    fails,
    somebodys,
    tags_of,
)

pytestmark = pytest.mark.usefixtures("churn")


# --- names


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


# --- arguments

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
    assert "Asked: config='no.json'.\nFound: no such file" in text


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
    assert ("ml", 8, 9) == (tags["team"], len(ours), len(tags))


# --- times


def window(run):
    """Return the length of an experiment, rounded to seconds."""
    schedule = run.experiment["Schedule"]
    start, end = (datetime.fromisoformat(schedule[key]) for key in ("StartTime", "EndTime"))
    return round((end - start).total_seconds())


def test_a_start_in_the_past_means_now(create, emulator, log):
    """A scheduled run starts after its interval ends, so its dates lie behind; the log says so."""
    start = (emulator.clock.now() - timedelta(days=1)).astimezone(UTC).replace(microsecond=0)
    run = create(start_time=start.isoformat(), duration="2d")
    assert "Running" == run.experiment["Status"]
    assert 86400 == pytest.approx(window(run), abs=5)
    [line] = log.containing("lies in the past, so the experiment starts now, ")
    end = (start + timedelta(days=2)).isoformat()
    assert (True, True) == (line.startswith(f"The start at {start.isoformat()}"), end in line)


def test_times_ahead_are_not_explained(once, emulator, log):
    """A line means that something was changed."""
    once(start_time=(emulator.clock.now() + timedelta(hours=5)).isoformat())
    assert [] == log.containing("in the past")


def test_a_window_in_the_past_is_refused(once):
    """A backfill's dates say nothing about when to test, so it has to say what it wants."""
    text = fails(AirflowFailException, once, start_time="2025-01-01", duration="1d")
    assert "the window lies wholly in the past" in text
    assert "shift_past_schedule=True" in text


@pytest.mark.parametrize("end", [{"duration": "1d"}, {"end_time": "2025-01-02", "duration": None}])
def test_a_window_in_the_past_can_be_shifted(create, log, end):
    """The length is kept and the window begins now; the log says from what to what, and why."""
    run = create(start_time="2025-01-01", **end, shift_past_schedule=True)
    assert 86400 == pytest.approx(window(run), abs=5)
    [line] = log.containing(
        "The window from 2025-01-01T00:00:00+00:00 to 2025-01-02T00:00:00+00:00 lies wholly in "
    )
    shown = datetime.fromisoformat(run.experiment["Schedule"]["EndTime"])
    until = datetime.fromisoformat(line.rpartition(" until ")[2].partition(" ")[0])
    assert 0 == pytest.approx((shown - until).total_seconds(), abs=2)
    assert line.endswith(" (shift_past_schedule=True).")


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
        ({"start_time": "9999-12-31T23:59:59+00:00"}, "a time between the years 1970 and 9000"),
        (
            {"start_time": "9999-12-31T23:59:59+00:00", "duration": None},
            "a time between the years 1970 and 9000",
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
