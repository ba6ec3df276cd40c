"""What a person reads when a task ends otherwise than hoped."""

from __future__ import annotations

import json
import os

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException, AirflowSkipException
from airflow_shadow.emulator import fleet
from airflow_shadow.exceptions import (
    EndpointConfigGoneError,
    EndpointNotFoundError,
    ExperimentNotFoundError,
    NotFoundError,
)
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    StartInferenceExperimentOperator,
)
from airflow_shadow.sensors import InferenceExperimentSensor
from tests.helpers import CREATE, fails, somebodys

NOT_FOUND = [
    EndpointConfigGoneError,
    EndpointNotFoundError,
    ExperimentNotFoundError,
    NotFoundError,
]
HERE = "in us-east-1 (connection 'aws_default')."


@pytest.mark.parametrize(
    ("operator", "arguments", "found"),
    [
        (CreateInferenceExperimentOperator, {"endpoint_name": "gone"}, "endpoint named 'gone'"),
        (CreateInferenceExperimentOperator, {"shadow_model_name": "v9"}, "model named 'v9'"),
        (StartInferenceExperimentOperator, {"name": "gone"}, "experiment named 'gone'"),
        (RemoveShadowVariantOperator, {"name": "gone"}, "experiment named 'gone'"),
    ],
)
def test_what_is_not_found_is_said_with_the_place(tasks, churn, operator, arguments, found):
    """The error says in which region and with which connection the name was looked for."""
    given = {**CREATE, **arguments} if operator is CreateInferenceExperimentOperator else arguments
    assert f"Found: no {found} {HERE}" in fails(AirflowFailException, tasks.run, operator, **given)


def test_an_alarm_that_is_not_found_is_said_with_the_place(tasks, churn, sagemaker):
    """The error names region and connection, and the first few of many missing alarms."""
    full = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    somebodys(sagemaker, ShadowModeConfig=full)
    promote = {"name": "theirs", "alarms": [f"gone-{n:02}" for n in range(20)]}
    text = fails(AirflowFailException, tasks.run, PromoteShadowVariantOperator, **promote)
    assert "no alarm named 'gone-00', 'gone-01', " in text
    assert f"'gone-09', ... {HERE}" in text


@pytest.mark.parametrize("error", NOT_FOUND)
def test_all_that_was_not_found_depends_on_the_place(error):
    """Each error about something missing is marked to name region and connection."""
    assert error.depends_on_place


def test_a_sensor_says_the_place_too(tasks, churn):
    """A sensor's error names region and connection, too."""
    sensor = {"name": "gone", "target_statuses": "Running", "poke_interval": 0.01}
    text = fails(AirflowFailException, tasks.run, InferenceExperimentSensor, **sensor)
    assert f"no experiment named 'gone' {HERE}" in text


def test_a_default_connection_that_is_missing_is_said(tasks, churn, monkeypatch, emulator):
    """Without the default connection the error says that it does not exist."""
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    text = fails(AirflowFailException, tasks.run, StartInferenceExperimentOperator, name="gone")
    assert "in us-east-1 (connection 'aws_default', which does not exist)." in text


def test_another_connection_that_is_missing_is_an_error(tasks, churn):
    """A named connection that does not exist fails the task: no other credentials are used."""
    gone = {**CREATE, "aws_conn_id": "aws_prod"}
    text = fails(AirflowException, tasks.run, CreateInferenceExperimentOperator, **gone)
    assert "Asked: connection 'aws_prod'.\nFound: no such connection.\nNext: Create" in text


@pytest.mark.parametrize("aws_says", [[], ["AWS says"]])
def test_an_error_is_one_line_each(tasks, churn, emulator, aws_says):
    """An error has one line for each fact, because Airflow's page does not wrap lines."""
    if aws_says:
        emulator.faults.add(kind="access-denied", operation="DescribeInferenceExperiment")
    text = fails(AirflowFailException, tasks.run, StartInferenceExperimentOperator, name="gone")
    lines = [line.partition(":")[0] for line in text.splitlines()]
    assert ["Asked", "Found", *aws_says, "Next"] == lines


def test_a_skip_says_why_in_the_log(tasks, churn, log):
    """The reason of a skip is a log line of its own; Airflow shows the exception folded."""
    serving = {**CREATE, "shadow_model_name": "churn-v1"}
    with pytest.raises(AirflowSkipException) as skip:
        tasks.run(CreateInferenceExperimentOperator, **serving)
    assert [str(skip.value)] == log.containing("Skipped: ")


def test_a_sensor_that_skips_says_why_in_the_log(tasks, churn, log):
    """With `soft_fail` the error becomes a skip, and is logged all the same."""
    sensor = {"name": "gone", "target_statuses": "Running", "poke_interval": 0.01}
    with pytest.raises(AirflowSkipException) as skip:
        tasks.run(InferenceExperimentSensor, soft_fail=True, **sensor)
    assert [str(skip.value)] == log.containing("Found: no experiment named 'gone'")


def test_a_password_in_the_address_reaches_nobody(tasks, churn, log, monkeypatch):
    """A password in the endpoint's address is in no log line, error or trigger event."""
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    connection["extra"]["endpoint_url"] = "http://user:hunter2@127.0.0.1:1"
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    wait = {"name": "x", "target_statuses": "Running", "poke_interval": 0.01, "timeout": 0.2}
    with pytest.raises(AirflowException) as caught:
        tasks.run(InferenceExperimentSensor, **wait)
    told = [str(caught.value), str(tasks.events), *log.lines]
    assert ([], True) == ([text for text in told if "hunter2" in text], "127.0.0.1" in told[0])
