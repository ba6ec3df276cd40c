"""What the tasks of a rollout do besides what other operators do: read the stages' verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from airflow_shadow._compat import AirflowFailException, AirflowSkipException
from airflow_shadow.analysis import (
    AnalysisSpec,
    Verdict,
    escaped,
    markdown_table,
    read_spec,
    text_table,
)
from airflow_shadow.analysis.formatting import duration
from airflow_shadow.decision import TO_PROMOTE, taken_as
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    FULL_SAMPLING,
    MAX_REASON,
    production_variant,
    recorded_promotion,
    shadow_variant,
    status_of,
)
from airflow_shadow.hooks.metric_sources import read_sources
from airflow_shadow.operators.rollout import RolloutRampOperator, RolloutResultOperator
from airflow_shadow.report import Stage
from airflow_shadow.steps.base import persist_links
from airflow_shadow.steps.operator import OperatorSteps
from airflow_shadow.steps.report import stage_of, write_report
from airflow_shadow.steps.update import UpdateInferenceExperimentSteps
from airflow_shadow.steps.wait import Step
from airflow_shadow.waiters import Description, inconclusive

#: XCom with the ids that a branch follows; Airflow 3 does not keep a branch's return value.
FOLLOWED = "followed"
_NOT_COMPARED = f"Only latency and errors were compared, not the answers: {TO_PROMOTE}."


def pulled(context: Any, task_id: str, key: str = "return_value") -> Any:
    """Return an XCom of a task of the same run and the same mapped group; `None` if absent."""
    ti = context["ti"]
    return ti.xcom_pull(task_ids=task_id, key=key, map_indexes=ti.map_index)


def judged(context: Any, stages: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the verdicts of the stages that were judged one after the other, in their order.

    A task that was cleared and then skipped keeps its old verdict, so a stage counts only if it
    began after the one before it ended, and no stage counts after a FAIL.

    :param stages: the ids of the tasks that judge
    """
    found: list[Mapping[str, Any]] = []
    for task_id in stages:
        verdict = pulled(context, task_id)
        if not verdict or (found and verdict["start"] < found[-1]["end"]):
            break
        found.append(verdict)
        if verdict["outcome"] == "FAIL":
            break
    return found


def counts_of(verdicts: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the counts of some stages: criterion to those of each stage that has any."""
    found: dict[str, list[Any]] = {}
    for verdict in verdicts:
        for finding in verdict["findings"]:
            if finding.get("counts"):
                found.setdefault(finding["name"], []).append(finding["counts"])
    return found


def final_verdict(context: Any, stages: Sequence[str]) -> Mapping[str, Any]:
    """Return the verdict that decides, that of the last stage that was judged.

    A PASS of an earlier stage lets the ramp go on, but promotes nothing.

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
    is_full = len(verdicts) == len(stages) and verdict["sampling_percentage"] >= FULL_SAMPLING
    if verdict["outcome"] == "PASS" and not is_full:
        return inconclusive(verdict, "the candidate was not tested at 100 %;")
    return verdict


def is_over(verdict: Mapping[str, Any]) -> bool:
    """Tell whether the experiment has ended, or was never tested at 100 %."""
    return bool(verdict.get("concluded")) or verdict["sampling_percentage"] < FULL_SAMPLING


def conclusion_xcoms(verdict: Mapping[str, Any], *, promotes: bool) -> dict[str, Any]:
    """Return what the tasks that conclude need of a verdict, XCom's key to value.

    :param promotes: whether a PASS leads to a promotion
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
        "evidence": "\n\n".join([*map(escaped, [reason, *advice(known)]), markdown_table(known)]),
    }


def advice(verdict: Verdict) -> Iterator[str]:
    """Yield what would have led to a decision where there is none."""
    if verdict.outcome == "INCONCLUSIVE" and verdict.longer is not None:
        yield (
            f"At the traffic seen about {duration(verdict.longer)} more would decide: give a "
            "longer max_stage_duration."
        )


def ended(experiment: Mapping[str, Any], *, promoted: bool) -> str:
    """Return in one sentence how a rollout ended.

    :param experiment: the description of what was judged; empty if it is not known
    """
    shadow, production = shadow_variant(experiment), production_variant(experiment)
    if shadow is None or production is None:
        return "Promoted the candidate." if promoted else "Did not promote the candidate."
    endpoint = experiment["EndpointMetadata"]["EndpointName"]
    candidate, model = shadow["ModelName"], production["ModelName"]
    if promoted:
        return f"Promoted {candidate} on {endpoint} (was {model})."
    return f"Did not promote {candidate} on {endpoint} (tested against {model})."


def critical_alarms(spec: Any) -> list[str]:
    """Return the names of a specification's critical alarms."""
    outside = read_spec(spec).outside
    critical = (one for one in outside if one.severity == "critical" and one.kind == "alarm")
    return [one.target for one in critical]


def skip_unchosen(operator: Any, context: Any) -> None:
    """Skip a task that was not chosen.

    Airflow does so by itself, but 3.3.2 forgets it inside a mapped group, and would promote what
    failed.

    :param operator: its `decision` is the id of the task that decides, its `question` that of the
        task that asks a person
    :raises AirflowSkipException: it was not chosen
    """
    followed = pulled(context, operator.decision, FOLLOWED) or []
    if operator.question in followed:
        followed = [*followed, *(pulled(context, operator.question, FOLLOWED) or [])]
    if operator.task_id not in followed:
        reason = f"Skipped: the decision was {', '.join(followed) or 'nothing'}."
        operator.log.info(reason)
        raise AirflowSkipException(reason)


class RampSteps(UpdateInferenceExperimentSteps[RolloutRampOperator]):
    """The steps of :class:`~airflow_shadow.operators.rollout.RolloutRampOperator`."""

    def begin(self) -> Step:
        """Raise the sampling, unless the stage before failed or the experiment has ended."""
        verdict = self.op.verdict
        if isinstance(verdict, Mapping) and verdict["outcome"] == "FAIL":
            raise AirflowSkipException(f"Skipped: the stage before failed. {verdict['reason']}")
        experiment = self.hook.find_experiment(self.name()) or {}
        if status_of(experiment) in CONCLUDED:
            said = experiment.get("StatusReason") or "no reason is given"
            raise AirflowSkipException(
                f"Skipped: experiment {experiment['Name']!r} is {experiment['Status']} ({said})."
            )
        return super().begin()


class ResultSteps(OperatorSteps[RolloutResultOperator]):
    """The steps of :class:`~airflow_shadow.operators.rollout.RolloutResultOperator`."""

    def begin(self) -> Step:
        """Make the task's links, and write the report of all stages if there is to be one."""
        verdicts = judged(self.context, self.op.stages)
        if experiment := self._judged_one(verdicts):
            persist_links(self.op, self.context, experiment)
        if self.op.report and verdicts:
            self._report(self.op.report, verdicts)
        return {}

    def _judged_one(self, verdicts: Sequence[Mapping[str, Any]]) -> Description | None:
        """Return the experiment as the last stage described it; AWS is not called."""
        last = self.op.stages[len(verdicts) - 1] if verdicts else None
        return pulled(self.context, last, "experiment") if last else None

    def _report(self, path: str, verdicts: Sequence[Mapping[str, Any]]) -> None:
        last = verdicts[-1]
        spec = read_spec(last["spec"])
        write_report(
            self.op,
            self.context,
            path=path,
            stages=[
                self._stage(task_id, verdict, last, spec)
                for task_id, verdict in zip(self.op.stages, verdicts, strict=False)
            ],
            experiment=self.hook.describe_inference_experiment(last["experiment"]),
            spec=spec,
            promoted=self._is_promoted(last),
        )

    def _stage(
        self, task_id: str, verdict: Mapping[str, Any], last: Mapping[str, Any], spec: AnalysisSpec
    ) -> Stage:
        """Read what a stage was judged on.

        :param spec: the last stage's, parsed; after a clear the stages may have two, and be of two
            experiments
        """
        own = spec if verdict["spec"] == last["spec"] else read_spec(verdict["spec"])
        return stage_of(
            self.hook,
            experiment=self.hook.describe_inference_experiment(verdict["experiment"]),
            verdict=verdict,
            spec=own,
            metrics=read_sources(self.op.metrics),
            # Asking for an XCom in vain is an error in Airflow's log.
            answers=pulled(self.context, task_id, "answers") if own.answers else None,
        )

    def finish(self, _: Description) -> dict[str, Any]:
        """Return the verdict that decided, with `promoted`; fail if its outcome is in `fail_on`."""
        verdict = final_verdict(self.context, self.op.stages)
        promoted = self._is_promoted(verdict)
        result = {**verdict, "promoted": promoted}
        if not promoted and self._lacks_answers(verdict):
            result["reason"] = f"{_NOT_COMPARED} {verdict['reason']}"
        self._tell(Verdict.from_dict(result), promoted=promoted)
        if result["outcome"] in self.op.fail_on:
            self._fail(result)
        return result

    def _lacks_answers(self, verdict: Mapping[str, Any]) -> bool:
        """Tell whether a PASS promoted nothing because no criterion compared the answers."""
        counts_as, _ = taken_as(verdict, promote_on="answers")
        is_lacking = counts_as != verdict["outcome"] and not is_over(verdict)
        return bool(self.op.needs_answers and is_lacking)

    def _tell(self, verdict: Verdict, *, promoted: bool) -> None:
        self.op.log.info("%s", text_table(verdict))
        more = [] if promoted else [verdict.reason, *advice(verdict)]
        experiment = self._judged_one(judged(self.context, self.op.stages))
        said = ended(experiment or {}, promoted=promoted)
        self.op.log.info("%s", " ".join([said, *more]))

    def _is_promoted(self, verdict: Mapping[str, Any]) -> bool:
        """Tell whether the very experiment that was judged was promoted.

        Before a clear the task may have promoted another one. Where an experiment's record leaves
        it open whether it was promoted, the task has looked at the endpoint.
        """
        if verdict["outcome"] == "FAIL":  # asking in vain is an error in Airflow's log
            return False
        done = pulled(self.context, self.op.promotion, "experiment") or {}
        judged_one = (verdict["experiment"], verdict["creation_time"])
        may_be_promoted = recorded_promotion(done) is not False
        return may_be_promoted and (done["Name"], done["CreationTime"]) == judged_one

    def _fail(self, result: Mapping[str, Any]) -> NoReturn:
        # Airflow keeps the return value only of a task that succeeds.
        self.context["ti"].xcom_push(key="return_value", value=result)
        raise AirflowFailException(result["reason"])
