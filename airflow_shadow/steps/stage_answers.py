"""What a rollout's comparison does besides comparing: count stages, and pass verdicts through."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from airflow_shadow.analysis import AnalysisSpec
from airflow_shadow.decision import read_verdict
from airflow_shadow.operators.rollout import RolloutCompareOperator
from airflow_shadow.steps.analysis import spec_of
from airflow_shadow.steps.answers import CompareAnswersSteps
from airflow_shadow.steps.rollout import counts_of, judged
from airflow_shadow.steps.wait import Step


class StageAnswersSteps(CompareAnswersSteps):
    """What :class:`~airflow_shadow.operators.rollout.RolloutCompareOperator` does."""

    op: RolloutCompareOperator

    @cached_property
    def spec(self) -> AnalysisSpec:
        """Return the specification, which may turn out to have no answers if it is a template."""
        return spec_of(self.op)

    def begin(self) -> Step:
        """Compare, or return the verdict as it is if nothing is to be compared."""
        if self.spec.answers:
            return super().begin()
        verdict = dict(read_verdict(self.op.verdict, asked="to pass a verdict on"))
        self.log.info("The specification has no answers, so the verdict rests on metrics alone.")
        experiment = self.hook.describe_inference_experiment(str(verdict.get("experiment")))
        return {"experiment": experiment, "verdict": verdict, "looked": verdict.get("looked") or []}

    def earlier(self) -> Mapping[str, Any]:
        """Return the counts of the earlier stages, if they were of this very experiment."""
        mine = read_verdict(self.op.verdict, asked="to compare answers")
        keys = ("experiment", "creation_time")
        return counts_of(
            verdict
            for verdict in judged(self.context, self.op.before)
            if all(verdict[key] == mine.get(key) for key in keys)
        )
