"""Sums of compared answers, as an engine would return them, for the tests of the judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_shadow.analysis import (
    AnalysisSpec,
    AnswerSums,
    Criterion,
    Finding,
    Observations,
    Output,
    judge_answers,
)
from tests.analysis.data import seen

LABELS = "s3://bucket/truth/"


def sums(minutes: int, *, pairs: float | Sequence[float] = 100, **columns) -> AnswerSums:
    """Return sums of one output `churn` whose pairs hold one value each.

    :param columns: a number for all minutes, or one for each; what begins with `records_` is a
        column of the records
    """
    every = range(minutes)
    counts = _column(pairs, minutes)
    zeros = [0] * minutes
    records = {
        "minute": [*every],
        "production": counts,
        "shadow": counts,
        "pairs_id": counts,
        **dict.fromkeys(
            (
                "pairs_event",
                "pairs_input",
                "production_only",
                "shadow_only",
                "repeated",
                "ambiguous",
            ),
            (),
        ),
    }
    output = {
        "minute": [*every],
        "pairs": counts,
        "values": counts,
        "compared": counts,
        **dict.fromkeys(("disagreed", "production_broken", "shadow_broken"), ()),
    }
    for name, values in columns.items():
        table = records if name.startswith("records_") else output
        table[name.removeprefix("records_")] = _column(values, minutes)
    return AnswerSums(
        records={name: values or zeros for name, values in records.items()},
        outputs={"churn": {name: values or zeros for name, values in output.items()}},
    )


def _column(values: float | Sequence[float], minutes: int) -> Sequence[float]:
    return [values] * minutes if isinstance(values, int | float) else list(values)


def criterion(measure: str, **fields) -> Criterion:
    """Return a criterion on the output `churn`."""
    return Criterion(**{"name": measure, "metric": f"answers.churn.{measure}", **fields})


def answer_spec(*criteria: Criterion, **output) -> AnalysisSpec:
    """Return a specification that judges answers alone."""
    return AnalysisSpec(
        initial_delay=0, breakers=(), criteria=criteria, answers={"churn": Output(**output)}
    )


def observed(answers: AnswerSums | None, *, minutes: int = 120, **more) -> Observations:
    """Return observations of full traffic with some answers."""
    return replace(seen({}, minutes=minutes, **more), answers=answers)


def answer_finding(
    item: Criterion, answers: AnswerSums, *, minutes: int = 120, output: dict, **more
) -> Finding:
    """Return the finding on one criterion on answers."""
    spec = answer_spec(item, **output)
    return judge_answers(spec, observed(answers, minutes=minutes, **more)).findings[0]
