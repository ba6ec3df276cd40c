"""Compare what both variants answered, once the window's captured files are there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from airflow_shadow.analysis import AnalysisSpec, AnswerSums, Verdict
from airflow_shadow.decision import read_verdict
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.operators.answers import CompareAnswersOperator
from airflow_shadow.steps.analysis import ShadowAnalysisSteps, spec_of
from airflow_shadow.steps.buckets import check_buckets
from airflow_shadow.steps.compare import compare, read_answers
from airflow_shadow.steps.compare_job import check_processing, find_or_start, read_sums
from airflow_shadow.steps.extras import check_extra
from airflow_shadow.steps.wait import Carry, Step, Wait, view_of
from airflow_shadow.text.messages import short_repr
from airflow_shadow.text.numbers import finite
from airflow_shadow.text.values import to_timestamp
from airflow_shadow.waiters import CapturesDue, Description, ProcessingJobDone, WaitResult

#: What tells one window from another; a verdict brings its own.
_WINDOW = ("since", "duration", "until", "sampling_percentage")
#: What another task's verdict has besides, and this one's gets anew.
_DELIVERED = frozenset({"spec", "looked"})
#: Seconds between two readings while answers are missing.
_AGAIN = 300.0


class CompareAnswersSteps(ShadowAnalysisSteps):
    """The steps of :class:`CompareAnswersOperator`."""

    op: CompareAnswersOperator

    @cached_property
    def spec(self) -> AnalysisSpec:
        """Return the specification, parsed once.

        :raises InvalidRequestError: it has no `answers`
        """
        spec = spec_of(self.op)
        if not spec.answers:
            raise InvalidRequestError(
                asked="to compare answers",
                found="a specification without answers",
                next_step="Say in its answers what is compared, or leave this task out.",
            )
        return spec

    @cached_property
    def known_sums(self) -> dict[str, AnswerSums]:
        """Return the sums of hours that this process has read: files that are late change few."""
        return {}

    def begin(self) -> Step:
        """Take a verdict on the metrics, or begin to judge them; nothing is waited for in vain."""
        if self.op.engine == "processing":
            check_processing(self.op)
        else:
            check_extra()
        _ = self.spec
        if self.op.examples and not self.op.examples_path:
            raise InvalidRequestError(
                asked=f"{self.op.examples} examples of disagreements",
                found="no file for them",
                next_step="Give examples_path, a file on the worker for what both answered.",
            )
        return self._after_analysis() if self.op.has_verdict else self._analyse()

    def _analyse(self) -> Step:
        self._check_capture(self.hook.describe_inference_experiment(self.name()))
        return super().begin()

    def settled(self, outcome: WaitResult, carry: Carry) -> Step:
        """Go on from the verdict on the metrics."""
        view = view_of(outcome)
        return self._await_files(view["experiment"], view["verdict"], view["looked"])

    def _after_analysis(self) -> Step:
        """Go on from the verdict that another task has given."""
        asked = "to compare answers on the window of a verdict"
        given = [name for name in _WINDOW if getattr(self.op, name) is not None]
        if given:
            raise InvalidRequestError(
                asked=asked,
                found=f"{', '.join(given)} besides",
                next_step="Leave them out: the verdict has its window.",
            )
        verdict = dict(read_verdict(self.op.verdict, asked=asked))
        self.op.name = self.op.name or verdict.get("experiment")
        experiment = self.hook.describe_inference_experiment(self.name())
        self.remember_experiment(experiment)
        _check_identity(verdict, experiment, asked=asked)
        _check_window(verdict, experiment, now=self.hook.now().timestamp(), asked=asked)
        self._check_capture(experiment)
        return self._await_files(experiment, verdict, verdict.get("looked") or [])

    def _check_capture(self, experiment: Description) -> None:
        if not experiment.get("DataStorageConfig"):
            raise InvalidRequestError(
                asked=f"to compare what experiment {experiment['Name']!r} captured",
                found="it captures nothing",
                next_step="Create it with capture='s3://bucket/prefix'.",
            )
        check_buckets(self.op, self.spec, captures=experiment["DataStorageConfig"]["Destination"])

    # --- the files -----------------------------------------------------------------------

    def _await_files(
        self, experiment: Description, verdict: Mapping[str, Any], looked: list[Any]
    ) -> Step:
        """Wait until the window's files are due, unless there is nothing to compare for."""
        if verdict["outcome"] == "FAIL":
            self.log.info("Nothing is compared: the metrics have decided. %s", verdict["reason"])
            return {"experiment": experiment, "verdict": verdict, "looked": looked}
        labels = max(output.labels_wait for output in self.spec.answers.values())
        due = verdict["end"] + max(self.op.capture_delay, labels)
        until = verdict["end"] + max(self.op.capture_timeout, labels)
        # MySQL holds 64 KB of a trigger; what is delivered with any verdict need not travel.
        light = {name: value for name, value in verdict.items() if name not in _DELIVERED}
        light |= {"experiment": experiment["Name"], "creation_time": experiment["CreationTime"]}
        carry: Carry = {"verdict": light, "looked": looked, "files_until": until}
        return self._await_due(experiment["Name"], due, carry)

    def _await_due(self, name: str, due: float, carry: Carry) -> Wait:
        ahead = max(0.0, due - self.hook.now().timestamp())
        return Wait(CapturesDue(name, due), self.compared, self.deadline() + ahead, carry)

    def compared(self, outcome: WaitResult, carry: Carry) -> Step:
        """Compare, here or in a Processing job."""
        experiment, verdict = view_of(outcome), carry["verdict"]
        # Somebody may have made another one of that name while files were waited for.
        _check_identity(verdict, experiment, asked="to compare answers on the window of a verdict")
        if self.op.engine != "processing":
            sums = read_answers(self.op, self.spec, experiment, verdict, known=self.known_sums)
            return self._judged(experiment, sums, carry)
        deadline = self.deadline()
        job = find_or_start(self.op, self.spec, experiment, verdict, deadline=deadline)
        if job is None:
            return self._judged(experiment, AnswerSums(), carry)
        return Wait(ProcessingJobDone(job), self.job_done, deadline, {**carry, "job": job})

    def job_done(self, outcome: WaitResult, carry: Carry) -> Step:
        """Judge what a Processing job has summed."""
        view_of(outcome)
        verdict = carry["verdict"]
        experiment = self.hook.describe_inference_experiment(verdict["experiment"])
        _check_identity(verdict, experiment, asked="to compare answers on the window of a verdict")
        return self._judged(experiment, read_sums(self.op, carry["job"]), carry)

    def _judged(self, experiment: Description, sums: AnswerSums, carry: Carry) -> Step:
        """Judge, or wait for more files while answers are missing and may still come."""
        verdict, until = carry["verdict"], carry["files_until"]
        done = compare(self.op, self.spec, experiment, verdict, sums=sums, earlier=self.earlier())
        now = self.hook.now().timestamp()
        if not done.is_complete and now < until:
            self.log.info("Answers may still come, so they are read again: %s.", done.coverage)
            return self._await_due(experiment["Name"], min(now + _AGAIN, until), carry)
        joined = {**verdict, **done.verdict.to_dict()}
        looked = carry["looked"]
        shown = {"answers": done.answers}
        return {"experiment": experiment, "verdict": joined, "looked": looked, **shown}

    def earlier(self) -> Mapping[str, Any]:
        """Return the counts of the earlier stages of a rollout."""
        return {}


def _check_identity(
    verdict: Mapping[str, Any], experiment: Mapping[str, Any], *, asked: str
) -> None:
    """Refuse a verdict on another experiment, also on one that had the same name."""
    found = (verdict.get("experiment"), verdict.get("creation_time"))
    if found != (experiment["Name"], experiment["CreationTime"]):
        raise InvalidRequestError(
            asked=f"{asked}, of experiment {experiment['Name']!r}",
            found=f"one on experiment {short_repr(found[0])} of {short_repr(found[1])}",
            next_step="Give the output of this experiment's analysis.",
        )


def _check_window(
    verdict: Mapping[str, Any], experiment: Mapping[str, Any], *, now: float, asked: str
) -> None:
    """Refuse a window that the experiment was not in: captures of another may lie there.

    No analysis returns such a verdict, but whoever writes one by hand, or fills in a form, may.

    :param now: AWS's time, in seconds since 1970
    """
    try:
        known = Verdict.from_dict(verdict)
        start, end = finite(known.start), finite(known.end)
    except (AttributeError, KeyError, TypeError, ValueError):
        start, end = math.nan, math.nan
    born = to_timestamp(experiment["CreationTime"]).timestamp()
    if not born <= start <= end <= now:
        raise InvalidRequestError(
            asked=asked,
            found=f"one from {short_repr(verdict.get('start'))} to {short_repr(verdict.get('end'))}"
            f", which is no window of experiment {experiment['Name']!r}",
            next_step="Give the output of this experiment's analysis, unchanged.",
        )
