"""One verdict of a stage: of its metrics, and of its answers, which are compared later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.observations import SAME_LOOK, Outcome
from airflow_shadow.analysis.verdict import Verdict
from airflow_shadow.exceptions import InvalidRequestError

Item = TypeVar("Item")
#: What two verdicts of one stage have in common.
SHARED = ("start", "end", "sampling_percentage", "alpha", "stage", "stages")


def join_verdicts(operational: Verdict, answers: Verdict) -> Verdict:
    """Return the verdict of a stage: a FAIL of either fails it, a PASS needs both.

    :param operational: on metrics and alarms
    :param answers: on the answers of the same window (:func:`judge_answers`)
    :raises InvalidRequestError: they are of different windows, or both judge the same criterion
    """
    _check_same_stage(operational, answers)
    both = (operational, answers)
    outcome = _outcome({each.outcome for each in both})
    verdict = Verdict(
        outcome=outcome,
        reason="",
        findings=(*operational.findings, *answers.findings),
        breakers=(*operational.breakers, *answers.breakers),
        stage_passed=operational.stage_passed and answers.stage_passed,
        operational_only=answers.operational_only and operational.operational_only,
        look=operational.look,
        looks=operational.looks,
        sampling_percentage=operational.sampling_percentage,
        start=operational.start,
        end=operational.end,
        alpha=operational.alpha,
        # What keeps a PASS back says nothing beside a FAIL, as in the verdicts themselves.
        lacking=() if outcome == "FAIL" else _unique(one for each in both for one in each.lacking),
        notes=_unique(one for each in both for one in each.notes),
        longer=None if outcome == "FAIL" else _longer(both),
        stage=operational.stage,
        stages=operational.stages,
    )
    return replace(verdict, reason=formatting.reason(verdict))


def _outcome(outcomes: set[Outcome]) -> Outcome:
    if "FAIL" in outcomes:
        return "FAIL"
    return "PASS" if outcomes == {"PASS"} else "INCONCLUSIVE"


def _longer(both: Iterable[Verdict]) -> float | None:
    """Return the seconds after which both would likely pass, None if one may never."""
    waiting = [each.longer for each in both if each.outcome != "PASS"]
    known = [each for each in waiting if each is not None]
    return max(known) if known and len(known) == len(waiting) else None


def _unique(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(items))


def _check_same_stage(operational: Verdict, answers: Verdict) -> None:
    for name in SHARED:
        one, other = getattr(operational, name), getattr(answers, name)
        if abs(one - other) >= (SAME_LOOK if name in {"start", "end"} else 1e-9):
            raise _refused(f"{name} {one:.15g} of the one and {other:.15g} of the other")
    names = [finding.name for each in (operational, answers) for finding in each.findings]
    if len({*names}) < len(names):
        raise _refused("a criterion that both have judged")


def _refused(found: str) -> InvalidRequestError:
    return InvalidRequestError(
        asked="one verdict of the metrics and the answers of a stage",
        found=found,
        next_step="Join judge() without answers and judge_answers() of the same window.",
    )
