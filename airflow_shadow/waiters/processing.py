"""Wait until a SageMaker Processing job has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from airflow_shadow.exceptions import AnswersError, AnswersJobFailedError
from airflow_shadow.waiters.engine import Poll, Polling, PollResult, WaitState


class JobStatus(StrEnum):
    """The statuses of a Processing job that decide something."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"


#: A job that ended so is of no use to another try.
BROKEN_JOB = (JobStatus.FAILED, JobStatus.STOPPED)


@dataclass(frozen=True)
class ProcessingJobDone:
    """Wait until a Processing job is Completed; each other end is an error.

    :param name: the job
    """

    name: str
    kind: ClassVar[str] = "processing_job"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"Processing job {self.name!r} to compare answers"

    def poll(self, state: WaitState) -> Polling:
        """Describe the job; right after its creation AWS may not know it yet."""
        job = (yield Poll("processing_job", self.name)).description
        if job is None:
            return PollResult("no job of that name yet")
        status = str(job.get("ProcessingJobStatus"))
        if status in BROKEN_JOB:
            return PollResult(status, error=self._broken(job, status))
        described = {"ProcessingJobName": self.name, "ProcessingJobStatus": status}
        if status == JobStatus.COMPLETED:
            seen = f"Processing job {self.name!r} has compared the answers"
            return PollResult(seen, done=True, description=described)
        return PollResult(status, description=described)

    def _broken(self, job: Mapping[str, Any], status: str) -> AnswersError:
        """Return the error of a job that has ended without sums, in AWS's and its own words."""
        texts = filter(None, [job.get("FailureReason"), job.get("ExitMessage")])
        facts = {"asked": self.asked, "found": f"it is {status}", "reason": "; ".join(texts)}
        if status == JobStatus.FAILED:
            return AnswersJobFailedError(**facts)
        next_step = (
            "Somebody stopped it, or it ran longer than its StoppingCondition allows: raise "
            "waiter_timeout, or give it a larger instance, and clear the task."
        )
        return AnswersError(**facts, next_step=next_step)
