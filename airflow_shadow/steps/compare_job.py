"""Let a SageMaker Processing job compare answers: find it or start it, and read what it summed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

from airflow_shadow.analysis import AnalysisSpec, AnswerSums
from airflow_shadow.answers import CaptureStore
from airflow_shadow.answers.processing import DOCUMENT, INPUT, OUTPUT, ROOT, SUMS
from airflow_shadow.exceptions import AnswersJobFailedError, AwsRefusedError, InvalidRequestError
from airflow_shadow.hooks.errors import BUSY
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.operators.answers import CompareAnswersOperator
from airflow_shadow.steps.compare import captured_by, comparison_of
from airflow_shadow.waiters import BROKEN_JOB, JobStatus

#: What the task says itself of its job.
_OURS = ("ProcessingJobName", "ProcessingInputs", "ProcessingOutputConfig")
_ENTRYPOINT = ("python3", "-m", "airflow_shadow.answers.processing")
_CLUSTER = {"InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
_ASKED = "to compare answers in a Processing job"


def check_processing(op: CompareAnswersOperator) -> None:
    """Refuse what no job could be started with, before anything is waited for.

    :raises InvalidRequestError: naming what is missing or too much
    """
    found = ""
    if not str(op.results).startswith("s3://"):
        found = "no results in S3, the folder for the job's document and sums"
    elif not isinstance(op.processing, Mapping):
        found = "no processing, with the job's RoleArn and AppSpecification"
    elif given := sorted(set(_OURS) & set(op.processing)):
        found = f"{', '.join(given)} in processing, which the task says itself"
    elif op.examples:
        found = "examples, which only a worker can write"
    if found:
        raise InvalidRequestError(asked=_ASKED, found=found)


def find_or_start(
    op: CompareAnswersOperator,
    spec: AnalysisSpec,
    experiment: Mapping[str, Any],
    verdict: Mapping[str, Any],
    *,
    deadline: float,
) -> str | None:
    """Return the name of the job that compares a window; None if nothing was captured at all.

    Its name follows from the files, so a task that runs again finds its own. A job that failed is
    left as it is, and another one started.

    :param deadline: until when it is waited for, in seconds since 1970
    """
    hook: InferenceExperimentHook = op.hook
    document = comparison_of(op, spec, experiment, verdict)
    with hook.capture.client(asked=captured_by(document)) as client:
        store = document.store(client)
        base = document.name(store, op.processing)
        if base is None:
            return None
        for ordinal in count(1):
            name = base if ordinal == 1 else f"{base}-{ordinal}"
            if (job := hook.find_processing_job(name)) is None:
                break
            status = job["ProcessingJobStatus"]
            is_empty = status == JobStatus.COMPLETED and _read(client, op, name) is None
            if status not in BROKEN_JOB and not is_empty:
                op.log.info("Processing job %r, which is %s, compares these files.", name, status)
                return name
        place = f"{_place(op, name)}/{DOCUMENT}"
        _store(client).write(place, document.text().encode())
    _start(hook, name, _request(op, name, deadline))
    op.log.info("Processing job %r compares the answers.", name)
    return name


def _start(hook: InferenceExperimentHook, name: str, request: Mapping[str, Any]) -> None:
    """Create a job, unless another try of this task has just done so."""
    try:
        hook.create_processing_job(request)
    except AwsRefusedError as error:
        if error.code not in BUSY or hook.find_processing_job(name) is None:
            raise


def _request(op: CompareAnswersOperator, name: str, deadline: float) -> dict[str, Any]:
    given = dict(op.processing or {})
    application = dict(given.get("AppSpecification") or {})
    resources = dict(given.get("ProcessingResources") or {})
    cluster = {**_CLUSTER, **dict(resources.get("ClusterConfig") or {}), "InstanceCount": 1}
    place = _place(op, name)
    return {
        "StoppingCondition": {"MaxRuntimeInSeconds": max(60, round(deadline - time.time()))},
        **given,
        "ProcessingJobName": name,
        "AppSpecification": {"ContainerEntrypoint": list(_ENTRYPOINT), **application},
        "ProcessingResources": {**resources, "ClusterConfig": cluster},
        "ProcessingInputs": [
            {
                "InputName": "job",
                "S3Input": {
                    "S3Uri": f"{place}/{DOCUMENT}",
                    "LocalPath": f"{ROOT}/{INPUT}",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "sums",
                    "S3Output": {
                        "S3Uri": f"{place}/output",
                        "LocalPath": f"{ROOT}/{OUTPUT}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    }


def read_sums(op: CompareAnswersOperator, name: str) -> AnswerSums:
    """Return what a job has summed.

    :raises AnswersJobFailedError: it left nothing, or nothing that can be read
    :raises InvalidRequestError: what it left is of another version
    """
    hook: InferenceExperimentHook = op.hook
    asked = f"the sums of Processing job {name!r}"
    with hook.capture.client(asked=asked) as client:
        content = _read(client, op, name)
    found = f"none at {_place(op, name)}/output/{SUMS}"
    if content is not None:
        try:
            return AnswerSums.from_dict(json.loads(content))
        except ValueError:
            found = "no JSON"
    raise AnswersJobFailedError(
        asked=asked,
        found=found,
        next_step="Look whether the image runs this package, then retry: another job is started.",
    )


def _read(client: Any, op: CompareAnswersOperator, name: str) -> bytes | None:
    return _store(client).read(f"{_place(op, name)}/output/{SUMS}")


def _place(op: CompareAnswersOperator, name: str) -> str:
    return f"{str(op.results).rstrip('/')}/jobs/{name}"


def _store(client: Any) -> CaptureStore:
    return CaptureStore(client, destination="s3://any", endpoint="any")
