"""CompareAnswersOperator with `engine="processing"`: a Processing job reads what was captured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from moto.sagemaker.models import sagemaker_backends

from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.answers import processing
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.steps import extras
from tests.conftest import PASSWORD, REGION
from tests.helpers import fails
from tests.operators.test_answers import (
    HOUR,
    compared,
    outcomes,
    s3,  # noqa: F401 - fixtures
    shadow,  # noqa: F401
)

ROLE = "arn:aws:iam::123456789012:role/compare"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/airflow-shadow:1"
PROCESSING = {
    "RoleArn": ROLE,
    "AppSpecification": {"ImageUri": IMAGE},
    "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.c5.xlarge"}},
}
BY_JOB = {"engine": "processing", "processing": PROCESSING, "results": "s3://captures/sums"}


class Jobs:
    """Play what runs Processing jobs: copy inputs, run the entry point, upload outputs.

    :param polls: how often a job is InProgress before it has run
    :param ending: what becomes of jobs that are not run at all
    """

    def __init__(self, emulator, client, folder: Path) -> None:
        self.emulator, self._s3, self._folder = emulator, client, folder
        self.polls, self.ending, self.asked = 1, {}, {}
        self.in_process = True

    @property
    def made(self):
        """Return moto's jobs by their names."""
        return sagemaker_backends["123456789012"][REGION].processing_jobs

    def begin(self, name: str) -> None:
        """Let a job that was created be in progress: moto's are Completed at once."""
        self.made[name].processing_job_status = "InProgress"
        self.made[name].polled = 0

    def poll(self, name: str) -> None:
        """Run a job that was looked at often enough."""
        job = self.made.get(name)
        if job is None or job.processing_job_status != "InProgress":
            return
        job.polled += 1
        if job.polled > self.polls:
            vars(job).update(self.ending or self._run(job))

    def _run(self, job) -> dict[str, str]:
        root = self._folder / job.processing_job_name
        [given], [left] = job.processing_inputs, job.processing_output_config["Outputs"]
        self._copy(given["S3Input"]["S3Uri"], self._local(root, given["S3Input"]["LocalPath"]))
        code = self._run_entry_point(job.app_specification["ContainerEntrypoint"], root)
        output, bucket = self._local(root, left["S3Output"]["LocalPath"]), "captures"
        for path in output.glob("*"):
            key = left["S3Output"]["S3Uri"].removeprefix(f"s3://{bucket}/")
            self._s3.put_object(Bucket=bucket, Key=f"{key}/{path.name}", Body=path.read_bytes())
        if code == 0:
            return {"processing_job_status": "Completed"}
        said = (root / "output/message").read_text()
        failed = {"processing_job_status": "Failed", "failure_reason": "AlgorithmError: exit 1"}
        return {**failed, "exit_message": said}

    def _run_entry_point(self, command: list[str], root: Path) -> int:
        """Run what the container would: in a process of its own, or faster here."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self._rights().items():
                patch.setenv(name, value)
            if self.in_process:
                return processing.main([str(root)])
            return subprocess.run([sys.executable, *command[1:], str(root)], check=False).returncode

    def _local(self, root: Path, path: str) -> Path:
        return root / path.removeprefix("/opt/ml/")

    def _copy(self, address: str, folder: Path) -> None:
        bucket, _, key = address.removeprefix("s3://").partition("/")
        folder.mkdir(parents=True, exist_ok=True)
        content = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        (folder / key.rpartition("/")[2]).write_bytes(content)

    def _rights(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL_S3": self.emulator.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": PASSWORD,
            "AWS_DEFAULT_REGION": REGION,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }


@pytest.fixture
def jobs(emulator, s3, tmp_path, monkeypatch):  # noqa: F811
    """Run the Processing jobs that are created, where the hook calls for them."""
    player = Jobs(emulator, s3, tmp_path)
    create = InferenceExperimentHook.create_processing_job
    find = InferenceExperimentHook.find_processing_job

    def created(hook, values):
        create(hook, values)
        player.asked[values["ProcessingJobName"]] = values
        player.begin(values["ProcessingJobName"])

    def found(hook, name):
        player.poll(name)
        return find(hook, name)

    monkeypatch.setattr(InferenceExperimentHook, "create_processing_job", created)
    monkeypatch.setattr(InferenceExperimentHook, "find_processing_job", found)
    return player


def by_job(tasks, emulator, since, **arguments):
    """Compare the answers of a window in a job."""
    return compared(tasks, emulator, since, **{**BY_JOB, "waiter_delay": 0.01, **arguments})


def test_a_job_compares(shadow, tasks, emulator, jobs, monkeypatch):  # noqa: F811
    """The verdict is that of a worker, which needs no extra; one job is started."""
    since = shadow()
    expected = compared(tasks, emulator, since).value
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    jobs.in_process = False
    assert expected == by_job(tasks, emulator, since).value
    [job] = jobs.made.values()
    cluster = {"InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 30, "InstanceCount": 1}
    assert (ROLE, IMAGE) == (job.role_arn, job.app_specification["ImageUri"])
    assert cluster == jobs.asked[job.processing_job_name]["ProcessingResources"]["ClusterConfig"]


@pytest.mark.thorough
def test_another_try_finds_its_job(shadow, tasks, emulator, jobs):  # noqa: F811
    """The same files give the same job, finished or not, so nothing is started twice."""
    since = shadow()
    first = by_job(tasks, emulator, since).value
    assert (first, 1) == (by_job(tasks, emulator, since).value, len(jobs.made))
    [job] = jobs.made.values()
    jobs.begin(job.processing_job_name)
    assert (first, 1) == (by_job(tasks, emulator, since).value, len(jobs.made))


@pytest.mark.thorough
def test_a_job_that_failed_is_told_and_replaced(shadow, tasks, emulator, jobs):  # noqa: F811
    """The error has AWS's reason and the job's own words; a retry starts another one."""
    since = shadow()
    jobs.ending = {
        "processing_job_status": "Failed",
        "failure_reason": "CapacityError: no such instance",
        "exit_message": "Found: too little memory",
    }
    said = fails(AirflowException, by_job, tasks, emulator, since)
    assert "CapacityError: no such instance; Found: too little memory" in said
    jobs.ending = {}
    assert "PASS" == by_job(tasks, emulator, since).value["outcome"]
    first, second = jobs.made
    assert f"{first}-2" == second


@pytest.mark.thorough
def test_a_job_that_was_stopped_is_no_matter_of_another_try(
    shadow,  # noqa: F811
    tasks,
    emulator,
    jobs,
):
    """Somebody stopped it, or it took too long: the task fails and says so."""
    since = shadow()
    jobs.ending = {"processing_job_status": "Stopped"}
    said = fails(AirflowFailException, by_job, tasks, emulator, since)
    assert "it is Stopped" in said


@pytest.mark.thorough
def test_what_a_job_cannot_read_it_says(shadow, tasks, emulator, jobs, s3):  # noqa: F811
    """The job's ExitMessage is its own error, without contents of answers."""
    since = shadow()
    emulator.clock.advance(HOUR)
    [*pages] = s3.get_paginator("list_objects_v2").paginate(Bucket="captures")
    key = pages[0]["Contents"][0]["Key"]
    s3.put_object(Bucket="captures", Key=f"{key}.gz", Body=b"\x1f\x8bsecret")
    said = fails(AirflowException, by_job, tasks, emulator, since)
    assert "AlgorithmError" in said
    assert f"{key}.gz" in said
    assert "secret" not in said


@pytest.mark.thorough
def test_a_role_that_may_not_be_passed_is_told(shadow, tasks, emulator, jobs):  # noqa: F811
    """What AWS refuses ends the task at once, with AWS's words."""
    since = shadow()
    emulator.faults.add(operation="CreateProcessingJob", kind="access-denied")
    said = fails(AirflowFailException, by_job, tasks, emulator, since)
    assert "AccessDenied" in said


@pytest.mark.thorough
def test_nothing_captured_starts_no_job(shadow, tasks, emulator, jobs, s3):  # noqa: F811
    """The verdict says where to look."""
    since = shadow(minutes=120)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="captures"):
        for found in page.get("Contents", ()):
            s3.delete_object(Bucket="captures", Key=found["Key"])
    verdict = by_job(tasks, emulator, since, later=timedelta()).value
    assert ("INCONCLUSIVE", {}) == (verdict["outcome"], dict(jobs.made))
    assert "INCONCLUSIVE" == outcomes(verdict)["answer coverage"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"results": None}, "no results in S3"),
        ({"processing": None}, "no processing"),
        ({"processing": {**PROCESSING, "ProcessingJobName": "x"}}, "ProcessingJobName"),
        ({"examples": 3, "examples_path": "/tmp/x"}, "examples"),
    ],
)
def test_what_no_job_can_do_is_refused_first(worker, emulator, shadow, arguments, found):  # noqa: F811
    """Before anything is waited for."""
    since = shadow()
    said = fails(AirflowFailException, by_job, worker, emulator, since, **arguments)
    assert found in said


def test_an_engine_that_is_none_is_refused_early():
    """When the Dag is read."""
    from airflow_shadow.operators import CompareAnswersOperator  # noqa: PLC0415

    with pytest.raises(AirflowFailException, match="none of"):
        CompareAnswersOperator(task_id="x", name="y", engine="athena")


def test_a_document_without_captures_is_the_jobs_message(tmp_path):
    """The container's own error is where DescribeProcessingJob finds it."""
    folder = tmp_path / "processing/input/job"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps({"answers": {}}))
    done = subprocess.run(
        [sys.executable, "-m", "airflow_shadow.answers.processing", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
        capture_output=True,
    )
    assert 1 == done.returncode
    assert "Give JSON with the fields" in (tmp_path / "output/message").read_text()
