"""A form, an XCom and a file beside the Dag, in a real Airflow (`dag.test()`)."""

from __future__ import annotations

import json

import pytest

from tests.helpers import created, described, explicit, run_dag, said, tags_of

DAG_FILE = """
from datetime import UTC, datetime

from airflow_shadow.operators import CreateInferenceExperimentOperator
from airflow_shadow.sensors import InferenceExperimentSensor

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task

with DAG(
    "forms",
    schedule=None,
    start_date=datetime(2026, 3, 1, tzinfo=UTC),
    params={"storage": ""},
    render_template_as_native_obj=True,
    default_args={"deferrable": True},
) as dag:

    @task
    def texts():
        return ["{{ 7 * 7 }}"]

    create = CreateInferenceExperimentOperator.partial(
        task_id="create", config="request.yaml", data_storage_config="{{ params.storage }}"
    ).expand(description=texts())
    sensor = InferenceExperimentSensor(
        task_id="runs",
        name="{{ ti.xcom_pull(task_ids='create', map_indexes=0) }}",
        target_statuses=["Running"],
    )
    create >> sensor
"""
REQUEST = """
RoleArn: arn:aws:iam::123456789012:role/shadow-tests
EndpointName: churn
Tags: {{version: '{{{{ 1.10 }}}}', release: '1.10', dag: '{{{{ dag.dag_id }}}}'}}
ModelVariants: {variants}
ShadowModeConfig: {mode}
"""


@pytest.fixture
def form(tmp_path, churn, airflow_db):
    """Return how to run the Dag with a form."""
    given = explicit()
    text = REQUEST.format(
        variants=json.dumps(given["model_variants"]), mode=json.dumps(given["shadow_mode_config"])
    )
    (tmp_path / "request.yaml").write_text(text)
    (tmp_path / "forms.py").write_text(DAG_FILE)
    return lambda **params: run_dag(tmp_path / "forms.py", json.dumps(params))


@pytest.mark.thorough
def test_a_form_an_xcom_and_a_file(form, emulator, sagemaker):
    """A file of the author's is rendered, an XCom stays text, and all values keep their types."""
    done = form(storage='{"Destination": "s3://bucket/captured"}')
    assert 0 == done.returncode, said(done)
    (name,) = created(emulator)
    shown, tags = described(sagemaker, name), tags_of(sagemaker, name)
    assert "{{ 7 * 7 }}" == shown["Description"]
    assert {"Destination": "s3://bucket/captured"} == shown["DataStorageConfig"]
    assert ("1.1", "1.10", "forms") == (tags["version"], tags["release"], tags["dag"])
