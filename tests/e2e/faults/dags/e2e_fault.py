"""Every operator as one task: waiting in the worker, deferred, and with a short patience.

And twice more, deferred: with the machine's credentials, and with a connection that got lost.
"""

import os
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Param

from airflow_shadow import operators
from airflow_shadow.sensors import InferenceExperimentSensor

GATES = Path(os.environ["AIRFLOW_HOME"]) / "gates"
ROWS = (
    *("create", "update", "start", "stop", "promote", "remove", "delete", "sensor", "analysis"),
    "compare",
)
#: Of requests that a candidate answers as production does.
ANSWERS = {
    "initial_delay": 60,
    "answers": {"churn": {"answer": "$.predictions[*].score", "kind": "score", "within": 0.05}},
}
#: Seconds of the short patience.
SHORT = 5


def gate(context):
    """Stand before the operator's own code while the run's gate is closed, and leave the pid."""
    place = GATES / context["ti"].run_id
    with suppress(FileNotFoundError):
        (place / context["ti"].task_id).write_text(str(os.getpid()))
    while place.exists():
        time.sleep(0.1)


def tasks(timeout):
    """Put one task of each operator into the Dag; the params name the endpoints."""
    # Not `params.update`: that is a method.
    patience = {"waiter_timeout": timeout}
    operators.CreateInferenceExperimentOperator(
        task_id="create",
        role_arn="arn:aws:iam::123456789012:role/shadow-tests",
        endpoint_name="{{ params['create'] }}",
        shadow_model_name="v2",
        sampling_percentage=100,
        duration="20d",
        **patience,
    )
    operators.UpdateInferenceExperimentOperator(
        task_id="update", name="{{ params['update'] }}-x", sampling_percentage=50, **patience
    )
    operators.StartInferenceExperimentOperator(
        task_id="start", name="{{ params['start'] }}-x", **patience
    )
    operators.StopInferenceExperimentOperator(
        task_id="stop",
        name="{{ params['stop'] }}-x",
        model_variant_actions={"AllTraffic": "Retain", "candidate": "Remove"},
        **patience,
    )
    operators.PromoteShadowVariantOperator(
        task_id="promote", name="{{ params['promote'] }}-x", **patience
    )
    operators.RemoveShadowVariantOperator(
        task_id="remove", name="{{ params['remove'] }}-x", **patience
    )
    operators.DeleteInferenceExperimentOperator(
        task_id="delete", name="{{ params['delete'] }}-x", **patience
    )
    InferenceExperimentSensor(
        task_id="sensor",
        name="{{ params['sensor'] }}-x",
        target_statuses="Running",
        timeout=timeout,
    )
    operators.ShadowAnalysisOperator(
        task_id="analysis",
        name="{{ params['analysis'] }}-x",
        since="{{ params['since'] }}",
        until="{{ params['until'] }}",
        **patience,
    )
    operators.CompareAnswersOperator(
        task_id="compare",
        name="{{ params['compare'] }}-x",
        since="{{ params['since'] }}",
        until="{{ params['until'] }}",
        spec=ANSWERS,
        **patience,
    )


for mode, arguments, timeout in (
    ("worker", {"retries": 3}, None),
    ("deferred", {"retries": 3, "deferrable": True}, None),
    ("short", {"retries": 9, "deferrable": True}, SHORT),
    ("keyless", {"retries": 3, "deferrable": True, "aws_conn_id": "aws_keyless"}, None),
    ("nowhere", {"retries": 3, "deferrable": True, "aws_conn_id": "{{ none }}"}, None),
):
    with DAG(
        f"e2e_fault_{mode}",
        schedule=None,
        params={row: Param(row, type="string") for row in (*ROWS, "since", "until")},
        default_args={
            "retry_delay": timedelta(seconds=1),
            "pre_execute": gate,
            # A held call is the emulator's doing, not a lost connection.
            "botocore_config": {"read_timeout": 280},
            **arguments,
        },
    ):
        tasks(timeout)
