"""The rows of the input matrix: arguments as Python values, and the requests that must arrive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from airflow_shadow.emulator import fleet
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    DeleteInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    StartInferenceExperimentOperator,
    StopInferenceExperimentOperator,
    UpdateInferenceExperimentOperator,
)
from airflow_shadow.sensors import InferenceExperimentSensor
from tests.helpers import somebodys

NAME = "theirs"
#: Where the emulator's clock stands still.
BEGIN = datetime(2100, 1, 1, tzinfo=UTC)
TOMORROW, LATER = BEGIN + timedelta(days=1), BEGIN + timedelta(days=3)
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
FULL = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)


def empty(_: Any) -> None:
    """Leave only the endpoint."""


def captured(client: Any) -> None:
    """Make the bucket that captures go to."""
    region = client.meta.region_name
    s3 = boto3.client(
        "s3",
        endpoint_url=client.meta.endpoint_url,
        region_name=region,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="any",
    )
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": region})


def scheduled(client: Any) -> None:
    """Let an experiment wait for its start."""
    somebodys(client, NAME, "Created", Schedule={"StartTime": TOMORROW, "EndTime": LATER})


def begins(client: Any) -> None:
    """Let an experiment be on its way to Running."""
    client.create_inference_experiment(
        **fleet.experiment_request(
            name=NAME, endpoint_name="churn", model_name="churn-v1", shadow_model_name="churn-v2"
        )
    )


def runs(client: Any) -> None:
    """Let an experiment run at 100 %."""
    somebodys(client, NAME, ShadowModeConfig=FULL)


def ends(client: Any) -> None:
    """Let an experiment be on its way to its end."""
    runs(client)
    client.stop_inference_experiment(
        Name=NAME,
        ModelVariantActions={"AllTraffic": "Retain", "churn-v2": "Remove"},
        DesiredState="Cancelled",
    )


# --- the rows: the arguments as Python values, and the requests that must arrive

_VARIANTS = [
    fleet.model_variant(variant_name="AllTraffic", model_name="churn-v1"),
    fleet.model_variant(variant_name="Candidate", model_name="churn-v2"),
]
_KEPT = fleet.model_variant(variant_name="AllTraffic", model_name="churn-v1", instance_count=3)
_SHADOW = fleet.model_variant(variant_name="churn-v2", model_name="churn-v2")
_STORAGE = {
    "Destination": "s3://bucket/captured",
    "KmsKey": KEY,
    "ContentType": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
}
_CAPTURE = {
    **_STORAGE,
    "ContentType": {
        "CsvContentTypes": ["text/csv"],
        "JsonContentTypes": ["application/json", "application/jsonlines"],
    },
}
_WINDOW = {"StartTime": int(TOMORROW.timestamp()), "EndTime": int(LATER.timestamp())}
#: Texts that a reader which guesses types would destroy.
NUMBER, EXPONENT, NO = "0012", "1e5", "no"


def _mode(percentage: int) -> dict[str, Any]:
    return fleet.shadow_mode(
        source="AllTraffic", shadow="Candidate", sampling_percentage=percentage
    )


@dataclass(frozen=True)
class Row:
    """An operator with arguments, and what shall come of them.

    :param requests: changing operations with their requests, as JSON
    """

    operator: Any
    scene: Callable[[Any], None]
    arguments: dict[str, Any]
    requests: list[tuple[str, dict[str, Any]]]


_WHO = {"role_arn": fleet.ROLE_ARN, "endpoint_name": "churn"}
_CREATED = {
    "Name": "nightly",
    "Type": "ShadowMode",
    "RoleArn": fleet.ROLE_ARN,
    "EndpointName": "churn",
    "ModelVariants": _VARIANTS,
    "ShadowModeConfig": _mode(25),
    "Schedule": _WINDOW,
}
ROWS: dict[str, Row] = {
    "Create": Row(
        CreateInferenceExperimentOperator,
        empty,
        _WHO
        | {
            "name": "nightly",
            "shadow_model_name": "churn-v2",
            "sampling_percentage": 25,
            "shadow_variant_name": "Candidate",
            "start_time": TOMORROW,
            "duration": 2 * 86400,
            "description": NUMBER,
        },
        [("CreateInferenceExperiment", _CREATED | {"Description": NUMBER})],
    ),
    "Create with capture": Row(
        CreateInferenceExperimentOperator,
        captured,
        _WHO
        | {
            "name": "nightly",
            "model_variants": _VARIANTS,
            "shadow_mode_config": _mode(25),
            "start_time": TOMORROW,
            "end_time": LATER,
            "capture": "s3://bucket/captured",
            "capture_kms_key": KEY,
        },
        [("CreateInferenceExperiment", _CREATED | {"DataStorageConfig": _CAPTURE})],
    ),
    "Create in full": Row(
        CreateInferenceExperimentOperator,
        captured,
        _WHO
        | {
            "name": "nightly",
            "type": "ShadowMode",
            "schedule": {"StartTime": TOMORROW},
            "end_time": LATER,
            "model_variants": _VARIANTS,
            "shadow_mode_config": _mode(25),
            "data_storage_config": _STORAGE,
            "kms_key": KEY,
            "tags": {"team": NO},
        },
        [
            (
                "CreateInferenceExperiment",
                _CREATED
                | {
                    "DataStorageConfig": _STORAGE,
                    "KmsKey": KEY,
                    "Tags": [{"Key": "team", "Value": NO}],
                },
            )
        ],
    ),
    "Update": Row(
        UpdateInferenceExperimentOperator,
        scheduled,
        {
            "name": NAME,
            "sampling_percentage": 50,
            "start_time": TOMORROW,
            "duration": 86400,
            "description": EXPONENT,
        },
        [
            (
                "UpdateInferenceExperiment",
                {
                    "Name": NAME,
                    "Description": EXPONENT,
                    "Schedule": _WINDOW | {"EndTime": _WINDOW["StartTime"] + 86400},
                    "ShadowModeConfig": fleet.shadow_mode(
                        source="AllTraffic", shadow="churn-v2", sampling_percentage=50
                    ),
                },
            )
        ],
    ),
    "Update in full": Row(
        UpdateInferenceExperimentOperator,
        scheduled,
        {
            "name": NAME,
            "schedule": {"StartTime": TOMORROW},
            "end_time": LATER + timedelta(hours=1),
            "model_variants": [_KEPT, _SHADOW],
            "shadow_mode_config": FULL,
            "data_storage_config": _STORAGE,
        },
        [
            (
                "UpdateInferenceExperiment",
                {
                    "Name": NAME,
                    "Schedule": _WINDOW | {"EndTime": _WINDOW["EndTime"] + 3600},
                    "ModelVariants": [_KEPT, _SHADOW],
                    "ShadowModeConfig": FULL,
                    "DataStorageConfig": _STORAGE,
                },
            )
        ],
    ),
    "Start": Row(
        StartInferenceExperimentOperator,
        scheduled,
        {"name": NAME},
        [("StartInferenceExperiment", {"Name": NAME})],
    ),
    "Stop": Row(
        StopInferenceExperimentOperator,
        runs,
        {
            "name": NAME,
            "model_variant_actions": {"AllTraffic": "Retain", "churn-v2": "Remove"},
            "desired_model_variants": [_KEPT],
            "desired_state": "Completed",
            "reason": NUMBER,
        },
        [
            (
                "StopInferenceExperiment",
                {
                    "Name": NAME,
                    "ModelVariantActions": {"AllTraffic": "Retain", "churn-v2": "Remove"},
                    "DesiredModelVariants": [_KEPT],
                    "DesiredState": "Completed",
                    "Reason": f"{NUMBER} [airflow-shadow:stop]",
                },
            )
        ],
    ),
    "Promote": Row(
        PromoteShadowVariantOperator,
        runs,
        {"name": NAME, "reason": EXPONENT, "creation_time": BEGIN},
        [
            (
                "StopInferenceExperiment",
                {
                    "Name": NAME,
                    "ModelVariantActions": {"AllTraffic": "Remove", "churn-v2": "Promote"},
                    "DesiredModelVariants": [_SHADOW],
                    "DesiredState": "Completed",
                    "Reason": f"{EXPONENT} [airflow-shadow:promote]",
                },
            )
        ],
    ),
    "Remove": Row(
        RemoveShadowVariantOperator,
        runs,
        {"name": NAME, "reason": NO},
        [
            (
                "StopInferenceExperiment",
                {
                    "Name": NAME,
                    "ModelVariantActions": {"AllTraffic": "Retain", "churn-v2": "Remove"},
                    "DesiredState": "Cancelled",
                    "Reason": f"{NO} [airflow-shadow:remove]",
                },
            )
        ],
    ),
    "Delete": Row(
        DeleteInferenceExperimentOperator,
        ends,
        {"name": NAME},
        [("DeleteInferenceExperiment", {"Name": NAME})],
    ),
    "Sensor": Row(
        InferenceExperimentSensor,
        begins,
        {"name": NAME, "target_statuses": ["Running", "Completed"]},
        [],
    ),
}
