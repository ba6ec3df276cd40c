"""Whose experiment is it? What a creation does about those of others, and of other Airflows."""

from __future__ import annotations

import json
import os
from importlib.metadata import version

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
)
from tests.helpers import (
    CLEARED,
    CREATE,
    accepted,
    created,
    fails,
    somebodys,
    statuses,
    stop,
    tags_of,
    until,
)

pytestmark = pytest.mark.usefixtures("churn")

RETRIED = {"try_number": 2}


# --- somebody else's ----------------------------------------------------------------------


@pytest.mark.parametrize("if_exists", ["fail", "adopt", "replace"])
def test_somebodys_other_live_one_is_never_touched(if_exists, create, emulator, sagemaker):
    """A live experiment of others with another configuration fails the task, whatever was asked."""
    somebodys(sagemaker, "theirs", Description="the control group")
    arguments = {"name": "theirs", "sampling_percentage": 20, "description": "mine"}
    text = fails(AirflowFailException, create, **arguments, if_exists=if_exists)
    assert "Description is 'the control group', this task asks for 'mine'" in text
    assert "SamplingPercentage is 10, this task asks for 20" in text
    assert ["Creating", "Running"] == statuses(emulator, "theirs")


@pytest.mark.parametrize("if_exists", ["fail", "replace"])
def test_somebodys_equal_live_one_is_not_taken_unasked(if_exists, create, emulator, sagemaker):
    """The same configuration is no licence to take over a live experiment."""
    somebodys(sagemaker, "theirs")
    text = fails(AirflowFailException, create, name="theirs", if_exists=if_exists)
    assert "nothing differs" in text
    assert ["Creating", "Running"] == statuses(emulator, "theirs")


@pytest.mark.parametrize("percentage", [10, "{{ 5 + 5 }}"])
def test_somebodys_equal_one_is_adopted(percentage, create, emulator, sagemaker, log):
    """With "adopt" the task goes on with an experiment of the same configuration, untagged."""
    somebodys(sagemaker, "theirs")
    run = create(name="theirs", if_exists="adopt", sampling_percentage=percentage)
    assert ("theirs", ["theirs"]) == (run.value, created(emulator))
    assert {} == tags_of(sagemaker, "theirs")
    line = "Found somebody else's experiment 'theirs' (Running) of the same configuration"
    assert [f"{line}, adopting it."] == log.containing("Found ")


def test_somebodys_broken_one_is_not_adopted(create, emulator, sagemaker):
    """An adopted experiment has to run, or to have run."""
    emulator.faults.add(kind="fail-creation", reason="No capacity.")
    somebodys(sagemaker, "theirs", rests="Cancelled")
    text = fails(AirflowFailException, create, name="theirs", if_exists="adopt")
    assert "No capacity." in text


def test_another_tasks_experiment_is_somebody_elses(create, emulator):
    """Two Dags that chose one name do not share an experiment by accident."""
    create(ti={"dag_id": "other"}, name="nightly")
    text = fails(AirflowFailException, create, name="nightly")
    assert "somebody else's experiment of that name" in text
    assert ["nightly"] == created(emulator)


def test_somebodys_concluded_one_is_replaced(create, emulator, sagemaker):
    """With "replace" a record that nobody needs any more makes room."""
    somebodys(sagemaker, "theirs")
    stop(sagemaker, "theirs")
    run = create(name="theirs", if_exists="replace")
    assert (["theirs"] * 2, ["theirs"]) == (
        created(emulator),
        accepted(emulator, "DeleteInferenceExperiment"),
    )
    assert "Running" == run.experiment["Status"]


def test_somebodys_concluded_one_fails_by_default(create, emulator, sagemaker):
    """Nobody's record is deleted unless asked for."""
    somebodys(sagemaker, "theirs")
    stop(sagemaker, "theirs")
    text = fails(AirflowFailException, create, name="theirs")
    assert 'if_exists="replace"' in text
    assert [] == accepted(emulator, "DeleteInferenceExperiment")


def test_unreadable_tags_make_it_somebody_elses(create, emulator):
    """Who may not read the tags cannot know that it is their own."""
    name = create().value
    emulator.faults.add(kind="access-denied", operation="ListTags", times=None)
    text = fails(AirflowFailException, create, ti=RETRIED)
    assert "somebody else's experiment of that name" in text
    assert [name] == created(emulator)


def test_unreadable_tags_and_adopt(create, emulator, log):
    """With "adopt" a retry works without the right to read tags, and the log says what is off."""
    name = create().value
    emulator.faults.add(kind="access-denied", operation="ListTags", times=None)
    assert name == create(ti=RETRIED, if_exists="adopt").value
    assert (
        f"sagemaker:ListTags is denied, so experiment {name!r} is taken for somebody else's."
        in log.lines
    )


def test_a_name_is_waited_for_while_somebody_stops_ours(create, emulator, sagemaker):
    """What is stopping when a clear looks has ended before the next experiment begins."""
    name = create().value
    sagemaker.stop_inference_experiment(
        Name=name,
        ModelVariantActions={"AllTraffic": "Retain", "churn-v2": "Remove"},
        DesiredState="Cancelled",
    )
    assert f"{name}-2" == create(ti=CLEARED).value
    assert "Cancelled" == until(sagemaker, name, "Cancelled")["Status"]


# --- another Airflow ----------------------------------------------------------------------

SECTION = "API" if version("apache-airflow") >= "3" else "WEBSERVER"


@pytest.fixture
def airflow_at(monkeypatch):
    """Let this be the Airflow at an address."""
    return lambda url: monkeypatch.setenv(f"AIRFLOW__{SECTION}__BASE_URL", url)


def test_the_same_dag_of_another_airflow_is_somebody_else(create, emulator, airflow_at):
    """Staging must not take production's test for its own, and then remove it."""
    airflow_at("https://prod.example.com/air")
    name = create().value
    airflow_at("https://staging.example.com/air")
    text = fails(AirflowFailException, create, ti=RETRIED)
    assert "the Airflow at prod.example.com/air, and this one is at staging.example.com" in text
    assert "Set [airflow_shadow] deployment" in text
    assert [name] == created(emulator)


@pytest.mark.parametrize("url", ["", "http://localhost:8080", "https://prod.example.com/air/"])
def test_an_unknown_address_says_nothing(create, emulator, airflow_at, url):
    """It is unset by default, and may be on some workers only."""
    airflow_at("https://prod.example.com/air")
    name = create().value
    airflow_at(url)
    assert name == create(ti=RETRIED).value
    assert [name] == created(emulator)


UNNAMED = "Neither [airflow_shadow] deployment"
NAMES: list[dict[str, str]] = [
    {},
    {"AIRFLOW__AIRFLOW_SHADOW__DEPLOYMENT": "prod"},
    {f"AIRFLOW__{SECTION}__BASE_URL": "https://prod.example.com"},
]


@pytest.mark.parametrize("names", NAMES)
def test_an_airflow_without_a_name_is_warned(worker, emulator, log, monkeypatch, names):
    """In an account at AWS another may run the same Dag."""
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    connection["extra"] |= {"endpoint_url": "http://sagemaker.us-east-1.amazonaws.com"}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    through = {"botocore_config": {"proxies": {"http": emulator.url}}}
    worker.run(CreateInferenceExperimentOperator, **CREATE, **through)
    assert (not names) == bool(log.containing(UNNAMED))


def test_an_emulator_needs_no_name(worker, log):
    """It is nobody else's."""
    worker.run(CreateInferenceExperimentOperator, **CREATE)
    assert [] == log.containing(UNNAMED)
