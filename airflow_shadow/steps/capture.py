"""Capture what both variants answer: where to, who loses by it, and whether it happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow.exceptions import AwsAccessDeniedError, AwsRefusedError, InvalidRequestError
from airflow_shadow.experiments.capture import Capture, missing_capture
from airflow_shadow.experiments.lifecycle import Status, status_of
from airflow_shadow.experiments.production import ProductionVariant
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.operators.create import CreateInferenceExperimentOperator
from airflow_shadow.text.messages import short_repr
from airflow_shadow.waiters import Description

_STORAGE = "DataStorageConfig"


def with_capture(
    op: CreateInferenceExperimentOperator, given: dict[str, Any], *, region: str
) -> dict[str, Any]:
    """Return what the user gave, with `capture` in the API's words.

    :raises InvalidRequestError: it is no place in S3, or the capture is given twice
    """
    if op.capture is None:
        if op.capture_kms_key is not None:
            raise InvalidRequestError(
                asked="capture_kms_key",
                found="no capture",
                next_step="Give capture, too; data_storage_config has its own KmsKey.",
            )
        return given
    if _STORAGE in given:
        raise InvalidRequestError(
            asked="capture and data_storage_config",
            found="two places for one capture",
            next_step="Give one of them; nothing was sent to AWS.",
        )
    for name in ("capture", "capture_kms_key"):
        if not isinstance(value := getattr(op, name), str | None):
            raise InvalidRequestError(asked=name, found=f"{short_repr(value)}, which is not text")
    capture = Capture(destination=op.capture, kms_key=op.capture_kms_key)
    if faults := list(capture.faults(region)):
        raise InvalidRequestError(asked="to capture", found="; ".join(faults))
    return {**given, _STORAGE: capture.config}


def check_bucket(hook: InferenceExperimentHook, destination: str | None, *, asked: str) -> None:
    """Refuse a bucket that the experiment cannot write to, as far as the caller sees it.

    The role writes, not the caller, so a caller who may not look at the bucket is only warned, and
    no object is written to try it.

    :raises NotFoundError: there is no such bucket
    :raises InvalidRequestError: it is in another region
    """
    if destination is None:
        return
    bucket = Capture(destination=destination).bucket
    asked = f"{asked} that captures to {destination!r}"
    try:
        region = hook.capture.region_of_bucket(bucket, asked=asked)
    except AwsAccessDeniedError as error:
        hook.log.warning(
            "Whether bucket %r exists is unknown, because s3:ListBucket is denied: if the "
            "experiment's role cannot write there, nothing is captured. %s",
            bucket,
            error.reason,
        )
        return
    if region and region != hook.conn_region_name:
        raise InvalidRequestError(
            asked=asked,
            found=f"bucket {bucket!r} is in {region}, the experiment in {hook.conn_region_name}",
            next_step="Give a bucket of the experiment's region; nothing was sent to SageMaker.",
        )


def monitoring_of(hook: InferenceExperimentHook, production: ProductionVariant) -> str:
    """Return in words which monitoring schedules read what the endpoint captures itself."""
    try:
        names = hook.find_monitoring_schedules(production.endpoint_name)
    except (AwsAccessDeniedError, AwsRefusedError) as error:
        return f"; which monitoring schedules read it is unknown ({error.reason})"
    return f"; monitoring schedules that find nothing then: {', '.join(names)}" if names else ""


def warn_of_capture(
    hook: InferenceExperimentHook, experiment: Description, storage: Mapping[str, Any] | None
) -> None:
    """Log a warning if an experiment runs, but its endpoint does not capture what was asked.

    That is no error: the experiment serves its other purposes, and a failure would end it.

    :param storage: `DataStorageConfig` as asked for, if it was
    """
    if not storage or status_of(experiment) is not Status.RUNNING:
        return
    endpoint_name = experiment["EndpointMetadata"]["EndpointName"]
    active = (hook.find_endpoint(endpoint_name) or {}).get("DataCaptureConfig")
    if missing := missing_capture(storage, active):
        hook.log.warning(
            "Answers cannot be compared as asked: %s, though experiment %r is to capture to %s. "
            "Somebody may have deployed to endpoint %r; look at its DataCaptureConfig.",
            "; ".join(missing),
            experiment["Name"],
            storage.get("Destination"),
            endpoint_name,
        )
