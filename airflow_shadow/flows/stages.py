"""What the tasks of a rollout do beside those that they are kinds of: go stage by stage."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

from airflow_shadow._compat import AirflowFailException, AirflowSkipException
from airflow_shadow.analysis import Verdict, epoch, markdown_table, read_spec
from airflow_shadow.exceptions import AwsRefusedError, InvalidRequestError
from airflow_shadow.flows.analysis import WatchVerdict, moment, spec_of
from airflow_shadow.flows.base import MOST_CONFLICTS, Flow, Step
from airflow_shadow.flows.reporting import stage_of, write_report
from airflow_shadow.flows.update import UpdateInferenceExperimentFlow
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.hooks.sources import read_sources
from airflow_shadow.lifecycle import (
    CONCLUDED,
    DEADLINES,
    FULL_SAMPLING,
    MAX_REASON,
    Status,
    failure_reason,
    is_promoted,
    shows,
    status_of,
    with_sampling,
)
from airflow_shadow.report import Stage
from airflow_shadow.waiting import Policy, Progress, ReachStatus, UpdateApplied, View

#: XCom with the ids that a branch follows; Airflow 3 does not keep what a branch returns.
FOLLOWED = "followed"


def pulled(context: Any, task_id: str, key: str = "return_value") -> Any:
    """Return what a task of the same run, and of the same mapped group, left; else `None`."""
    ti = context["ti"]
    return ti.xcom_pull(task_ids=task_id, key=key, map_indexes=ti.map_index)


def judged(context: Any, stages: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the verdicts of the stages that were judged one after the other, in their order.

    A task that was cleared and then skipped keeps what it said before, so a stage counts only if it
    began when the one before it was over, and none counts after a FAIL.

    :param stages: the ids of the tasks that judge
    """
    found: list[Mapping[str, Any]] = []
    for task_id in stages:
        verdict = pulled(context, task_id)
        if not verdict or (found and _is_before(verdict, found[-1])):
            break
        found.append(verdict)
    return found


def _is_before(verdict: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    return last["outcome"] == "FAIL" or bool(verdict["start"] < last["end"])


def final_verdict(context: Any, stages: Sequence[str]) -> Mapping[str, Any]:
    """Return the verdict that decides: the one of the last stage that was judged.

    A PASS of another stage than the last lets the ramp go on, but promotes nothing.

    :raises InvalidRequestError: no stage was judged
    """
    verdicts = judged(context, stages)
    if not verdicts:
        raise InvalidRequestError(
            asked="to conclude a rollout",
            found=f"no verdict of {', '.join(stages)}",
            next_step="Clear the first of these tasks, with its downstream tasks.",
        )
    verdict = verdicts[-1]
    if verdict["outcome"] == "PASS" and not is_full(verdict, verdicts, stages):
        reason = f"INCONCLUSIVE: the candidate never bore the full load; {verdict['reason']}"
        return {**verdict, "outcome": "INCONCLUSIVE", "reason": reason[:MAX_REASON]}
    return verdict


def is_full(verdict: Mapping[str, Any], verdicts: Sequence[Any], stages: Sequence[str]) -> bool:
    """Tell whether a verdict is the one of the last stage, under the full load."""
    return len(verdicts) == len(stages) and bool(verdict["sampling_percentage"] >= FULL_SAMPLING)


def is_over(verdict: Mapping[str, Any]) -> bool:
    """Tell whether nothing can be promoted any more, or the candidate never bore the full load."""
    return bool(verdict.get("concluded")) or verdict["sampling_percentage"] < FULL_SAMPLING


def told(verdict: Mapping[str, Any], *, promotes: bool) -> dict[str, Any]:
    """Return what the conclusion needs of a verdict, XCom's key to value.

    :param promotes: whether a PASS is taken as one
    """
    known = Verdict.from_dict(verdict)
    reason = known.reason
    if known.outcome == "PASS" and not promotes:
        reason = f"Nothing compared the answers themselves; {reason}"[:MAX_REASON]
    return {
        "name": verdict["experiment"],
        "creation_time": verdict["creation_time"],
        "reason": reason,
        "alarms": critical_alarms(verdict["spec"]),
        "evidence": f"{reason}\n\n{markdown_table(known)}",
    }


def critical_alarms(spec: Any) -> list[str]:
    """Return the names of the alarms that decide in a specification."""
    outside = read_spec(spec).outside
    critical = (one for one in outside if one.severity == "critical" and one.kind == "alarm")
    return [one.target for one in critical]


def skip_unchosen(operator: Any, context: Any) -> None:
    """Skip a task that the decision did not lead to.

    Airflow skips it by itself, but inside a mapped group 3.3.2 forgets that, and would promote what
    failed.

    :param operator: knows the id of the task that decides as `decision`, and the id of the one that
        asks a person as `question`
    :raises AirflowSkipException: it is so
    """
    followed = pulled(context, operator.decision, FOLLOWED) or []
    if operator.question in followed:
        followed = [*followed, *(pulled(context, operator.question, FOLLOWED) or [])]
    if operator.task_id not in followed:
        reason = f"Skipped: the decision was {', '.join(followed) or 'nothing'}."
        operator.log.info(reason)
        raise AirflowSkipException(reason)


class PlanFlow(Flow):
    """The step of :class:`~airflow_shadow.operators.rollout.RolloutPlanOperator`."""

    def begin(self) -> Step:
        """Read what the analyses will be given."""
        spec_of(self.op)
        self.log.info("%s", self.op.told)
        return {}

    def _finish(self, _: View) -> None:
        """Leave nothing: it is not about an experiment."""


class RampFlow(UpdateInferenceExperimentFlow):
    """The steps of :class:`~airflow_shadow.operators.rollout.RolloutRampOperator`."""

    def begin(self) -> Step:
        """Raise the sampling, unless the stage before speaks against it or all is over."""
        verdict = self.op.verdict
        if isinstance(verdict, Mapping) and verdict["outcome"] == "FAIL":
            raise AirflowSkipException(f"Skipped, the candidate failed: {verdict['reason']}")
        experiment = self.hook.find_experiment(self.name()) or {}
        if status_of(experiment) in CONCLUDED:
            said = experiment.get("StatusReason") or "no reason is given"
            raise AirflowSkipException(
                f"Skipped: experiment {experiment['Name']!r} is {experiment['Status']} ({said})."
            )
        return super().begin()


class StageWatch(WatchVerdict):
    """What :class:`~airflow_shadow.sensors.rollout.RolloutAnalysisSensor` does."""

    def prepare(self) -> None:
        """Go on with the experiment that there is now, at the sampling of this stage.

        A clear of this task runs the creation again, for that is its setup; if the experiment was
        concluded, the new one begins at the first stage's sampling.
        """
        created = self.op.created
        if created and self._is_new(created):
            self.op.log.info("%r took the place of %r.", created, self.op.name)
            # Its last change is this one, also when this task is tried again.
            self.op.name, self.op.since = created, None
            self.hook.insist(partial(self._raise_sampling, created), delay=5.0)
        super().prepare()

    def _is_new(self, created: str) -> bool:
        """Tell whether an experiment is not the one whose sampling the stage's own task set.

        A name that the user chose is the same again.
        """
        if created != self.op.name:
            return True
        find = partial(self.hook.find_experiment, created)
        found = self.hook.insist(find, delay=5.0)
        since = moment(self.op.since)
        return found is not None and since is not None and epoch(found["CreationTime"]) > since

    def _raise_sampling(self, name: str) -> None:
        for attempt in range(1, MOST_CONFLICTS + 1):
            experiment = self._await(ReachStatus(name, (str(Status.RUNNING),)))
            share = int(self.op.sampling_percentage)
            expected = {"ShadowModeConfig": with_sampling(experiment["ShadowModeConfig"], share)}
            if shows(experiment, expected):
                return
            try:
                self.hook.update_inference_experiment({"Name": name, **expected})
            except AwsRefusedError as error:
                # Another copy of this task was faster, or a call of our own whose answer was lost.
                if error.code != CONFLICT or attempt == MOST_CONFLICTS:
                    raise
                time.sleep(self.op.poke_interval)
                continue
            known = Progress(known_failure=failure_reason(experiment))
            modified = experiment.get("LastModifiedTime") or ""
            self._await(UpdateApplied(name, expected, modified), known)
            return

    def _await(self, goal: Any, progress: Progress | None = None) -> View:
        """Wait in the worker: this happens once, after a clear."""
        deadline = time.time() + DEADLINES["update"].seconds
        policy = Policy(delay=self.op.poke_interval, deadline=deadline)
        outcome = self.hook.wait_for(
            goal, policy=policy, progress=progress or Progress(), patient=True
        )
        if outcome is None:
            raise AssertionError("a patient wait ended without an outcome")
        if outcome.error:
            raise outcome.error
        return outcome.view


class ResultFlow(Flow):
    """The steps of :class:`~airflow_shadow.operators.rollout.RolloutResultOperator`."""

    def begin(self) -> Step:
        """Write the report of all stages, if one is asked for."""
        verdicts = judged(self.context, self.op.stages)
        if self.op.report and verdicts:
            self._report(verdicts)
        return {}

    def _report(self, verdicts: Sequence[Mapping[str, Any]]) -> None:
        last = verdicts[-1]
        write_report(
            self.op,
            self.context,
            path=self.op.report,
            title=f"Shadow rollout {last['experiment']}",
            stages=[self._stage(verdict) for verdict in verdicts],
            experiment=self.hook.describe_inference_experiment(last["experiment"]),
            spec=read_spec(last["spec"]),
        )

    def _stage(self, verdict: Mapping[str, Any]) -> Stage:
        # After a clear the stages may be of two experiments.
        return stage_of(
            self.hook,
            experiment=self.hook.describe_inference_experiment(verdict["experiment"]),
            spec=read_spec(verdict["spec"]),
            verdict=Verdict.from_dict(verdict),
            metrics=read_sources(self.op.metrics or {}),
            looks=verdict["looks"],
        )

    def _finish(self, _: View) -> dict[str, Any]:
        verdict = final_verdict(self.context, self.op.stages)
        promoted = self._is_promoted(verdict)
        result = {**verdict, "promoted": promoted}
        if result["outcome"] in self.op.fail_on:
            self._fail(result)
        self.op.log.info("%s %s", "Promoted." if promoted else "Not promoted.", result["reason"])
        return result

    def _is_promoted(self, verdict: Mapping[str, Any]) -> bool:
        """Tell whether what was judged was promoted: the task may have promoted another before."""
        done = pulled(self.context, self.op.promotion, "experiment") or {}
        judged_one = (verdict["experiment"], verdict["creation_time"])
        return is_promoted(done) and (done["Name"], done["CreationTime"]) == judged_one

    def _fail(self, result: Mapping[str, Any]) -> NoReturn:
        # Airflow keeps the return value of a task only if it succeeds.
        self.context["ti"].xcom_push(key="return_value", value=result)
        raise AirflowFailException(result["reason"])
