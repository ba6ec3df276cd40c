"""A template took the address away: nothing is created elsewhere instead."""

from __future__ import annotations

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.operators import CreateInferenceExperimentOperator, RemoveShadowVariantOperator
from airflow_shadow.sensors import InferenceExperimentSensor
from tests.helpers import CREATE, created, fails, somebodys

pytestmark = pytest.mark.usefixtures("churn")

NOTHING = ["{{ none }}", "{{ '' }}", "{{ params.gone or '' }}"]


@pytest.mark.parametrize("template", NOTHING)
@pytest.mark.parametrize("argument", ["aws_conn_id", "region_name", "kms_key"])
def test_a_creation_goes_nowhere_else(tasks, emulator, argument, template):
    """The worker's own credentials, or another region, were never meant."""
    given = {**CREATE, argument: template, "context": {"params": {"gone": None}}}
    text = fails(AirflowFailException, tasks.run, CreateInferenceExperimentOperator, **given)
    assert f"Asked: {argument}.\nFound: a template or an XCom that rendered to nothing" in text
    assert [] == created(emulator)


@pytest.mark.parametrize("argument", ["aws_conn_id", "region_name"])
def test_nor_does_anything_else(tasks, sagemaker, argument):
    """Sensors ask the same way."""
    somebodys(sagemaker)
    given = {"name": "theirs", argument: "{{ none }}"}
    fails(AirflowFailException, tasks.run, RemoveShadowVariantOperator, **given)
    given |= {"target_statuses": "Running", "poke_interval": 0.01}
    fails(AirflowFailException, tasks.run, InferenceExperimentSensor, **given)


def test_none_that_the_author_wrote_is_meant(tasks, emulator, monkeypatch):
    """`aws_conn_id=None` is Airflow's word for the worker's own credentials."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    tasks.run(CreateInferenceExperimentOperator, **CREATE, aws_conn_id=None, region_name=None)
    assert 1 == len(created(emulator))
