"""The judgement of one criterion: its confidence interval against its tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.evidence import (
    Evidence,
    MeanEvidence,
    RateEvidence,
    mean_evidence,
    rate_evidence,
)
from airflow_shadow.analysis.intervals import Interval
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.metric_kinds import LATENCIES
from airflow_shadow.analysis.observations import Outcome, Pair, Percentiles
from airflow_shadow.analysis.power import with_time_to_pass
from airflow_shadow.analysis.request_counts import counted, uncovered
from airflow_shadow.analysis.sample_size import few_periods, few_requests, shortages
from airflow_shadow.analysis.traffic import Traffic
from airflow_shadow.analysis.verdict import Finding

#: Part of the periods with traffic that must have reported a metric before it can pass.
MIN_COVERAGE = 0.8
#: Production's percentile at which the latency of an unanswered request is counted.
UNANSWERED_AS = "p99"


@dataclass(frozen=True)
class Basis:
    """Hold what one criterion is judged on.

    :param evidence: None if no period can be compared
    :param weaknesses: why it is too little for a PASS
    :param is_void: the counts contradict each other, so nothing can be decided
    :param takes_time: a longer window alone could make it enough
    :param is_firm: the periods' spread is known well enough for a FAIL
    """

    evidence: Evidence | None
    weaknesses: tuple[str, ...] = ()
    is_void: bool = False
    takes_time: bool = False
    is_firm: bool = False


def judge_criterion(look: Look, traffic: Traffic, criterion: Criterion) -> Finding:
    """Return the finding on one criterion."""
    return finding_on(look, criterion, _basis(look, traffic, criterion))


def finding_on(look: Look, criterion: Criterion, basis: Basis) -> Finding:
    """Return the finding that follows from what a criterion is judged on."""
    finding = _finding(look, criterion, basis)
    evidence = basis.evidence if basis.takes_time else None
    return with_time_to_pass(look, criterion, finding, evidence)


def _basis(look: Look, traffic: Traffic, criterion: Criterion) -> Basis:
    pair = counted(look, criterion)
    evidence = evidence_on(look, criterion, pair)
    if evidence is None:
        has_data = criterion.comparison == "relative" and bool(look.paired(pair)[1].times)
        return Basis(None, weaknesses=("a mean is 0, so there is no ratio",) if has_data else ())
    void = list(uncovered(look, criterion, pair))
    unsure = list(_period_weaknesses(look, evidence))
    weak = [*void, *unsure, *few_requests(criterion, evidence)]
    if isinstance(evidence, MeanEvidence) and criterion.metric in LATENCIES and look.is_full:
        evidence, more = _with_unanswered(look, traffic, criterion, evidence)
        weak += more
    return Basis(
        evidence,
        weaknesses=tuple(weak),
        is_void=bool(void),
        takes_time={*weak} == {*shortages(look, criterion, evidence)},
        is_firm=not unsure,
    )


def evidence_on(look: Look, criterion: Criterion, pair: Pair) -> Evidence | None:
    """Return the evidence on a criterion, None if no period can be compared."""
    if criterion.comparison == "absolute":
        baseline, candidate = None, look.read(pair.candidate)
    else:
        baseline, candidate = look.paired(pair)
    if criterion.is_mean:
        return mean_evidence(baseline, candidate, criterion.comparison)
    earlier = look.observations.earlier.get(criterion.name, ())
    return rate_evidence(baseline, candidate, tolerance=abs(criterion.tolerance), earlier=earlier)


def _with_unanswered(
    look: Look, traffic: Traffic, criterion: Criterion, evidence: MeanEvidence
) -> tuple[MeanEvidence, list[str]]:
    """Return evidence that counts unanswered requests as slow ones; the slowest are lost first."""
    requests = traffic.unanswered(evidence.times)
    if not requests:
        return evidence, []
    production, _ = look.percentiles_of(criterion.metric)
    if UNANSWERED_AS not in production:
        count = formatting.number(requests)
        return evidence, [f"{count} requests are unanswered and production's p99 is unknown"]
    return evidence.with_unanswered(requests, production[UNANSWERED_AS]), []


def _period_weaknesses(look: Look, evidence: Evidence) -> Iterator[str]:
    """Yield why the periods' spread decides nothing."""
    yield from few_periods(look, evidence)
    count = evidence.summary.count
    if evidence.constant:
        yield "the values do not vary, so their spread is unknown"
    if count < MIN_COVERAGE * look.live and evidence.baseline is not None:
        yield f"data for {count} of {look.live} periods with traffic"


def _finding(look: Look, criterion: Criterion, basis: Basis) -> Finding:
    if criterion.reference is not None and look.limit_of(criterion) is None:
        why = (
            f"the limit is unknown, because CloudWatch has no {criterion.reference} of production "
            "for the day before the experiment"
        )
        return _without_numbers(look, criterion, why)
    evidence = basis.evidence
    if evidence is None:
        return _without_data(look, criterion, basis)
    finding = Finding(
        **described(look, criterion),
        **measured(look, evidence),
        **_outcome_and_interval(look, criterion, basis, evidence),
        sentence="",
    )
    finding = formatting.with_sentence(finding, basis.weaknesses, is_planned=look.number > 0)
    return replace(finding, sentence=finding.sentence + _stages_note(criterion, finding))


def _without_data(look: Look, criterion: Criterion, basis: Basis) -> Finding:
    """Return the finding for a criterion without data.

    INCONCLUSIVE, or FAIL with ``on_no_data='fail'`` once the window has room for `min_periods`.
    """
    late = look.window.periods >= look.min_periods
    fails = late and criterion.on_no_data == "fail" and not basis.weaknesses
    why = ", ".join(basis.weaknesses) or _no_data(criterion)
    return _without_numbers(look, criterion, why, outcome="FAIL" if fails else "INCONCLUSIVE")


def _no_data(criterion: Criterion) -> str:
    if criterion.is_on_answers:
        return "no answers of both variants could be compared"
    who = "the candidate" if criterion.comparison == "absolute" else "both variants"
    return f"no period has data of {who}"


def _without_numbers(
    look: Look, criterion: Criterion, why: str, outcome: Outcome = "INCONCLUSIVE"
) -> Finding:
    return Finding(
        **described(look, criterion),
        outcome=outcome,
        missing=look.window.periods,
        sentence=f"{criterion.name}: {why}",
    )


def _outcome_and_interval(
    look: Look, criterion: Criterion, basis: Basis, evidence: Evidence
) -> dict[str, Any]:
    """Return the outcome, and the interval unless the spread is unknown.

    Each end is the one that decides in the criterion's direction: a FAIL if the change is bad, a
    PASS if it is not.
    """
    if evidence.constant:
        return {"outcome": "INCONCLUSIVE"}
    passing = evidence.passing(look.passing_critical(evidence))
    failing, is_firm = _failing_interval(look, criterion, basis, evidence)
    below, above = {
        "increase": (failing[0], passing[1]),
        "decrease": (passing[0], failing[1]),
        "either": (min(passing[0], failing[0]), max(passing[1], failing[1])),
    }[criterion.direction]
    low, high = criterion.accepted
    outcome: Outcome = "INCONCLUSIVE"
    if is_firm and not basis.is_void and (failing[0] > high or failing[1] < low):
        outcome = "FAIL"
    elif look.number and not basis.weaknesses and _is_inside(passing, evidence.estimate, criterion):
        outcome = "PASS"
    # Earlier stages may put the end of the interval beyond the estimate of this one.
    return {
        "outcome": outcome,
        "lower": min(below, evidence.estimate),
        "upper": max(above, evidence.estimate),
    }


def _is_inside(interval: Interval, estimate: float, criterion: Criterion) -> bool:
    low, high = criterion.accepted
    return low < interval[0] and interval[1] < high and low < estimate < high


def _failing_interval(
    look: Look, criterion: Criterion, basis: Basis, evidence: Evidence
) -> tuple[Interval, bool]:
    """Return the interval that a FAIL is read from, at any look, and whether it is firm enough.

    Counts spend a part of the level on the exact interval, which holds from the first request on,
    and with earlier stages another part on all stages together.
    """
    level = look.failing_level / (2 if criterion.direction == "either" else 1)
    if not isinstance(evidence, RateEvidence):
        return evidence.failing(look.failing_critical(evidence, level)), basis.is_firm
    level /= 3 if evidence.earlier else 2
    intervals = [evidence.exact(level)]
    if basis.is_firm:
        critical = look.failing_critical(evidence, level)
        intervals += [evidence.failing(critical)]
        intervals += [evidence.pooled(critical)] if evidence.earlier else []
    return (max(one[0] for one in intervals), min(one[1] for one in intervals)), True


def _stages_note(criterion: Criterion, finding: Finding) -> str:
    """Return a note where a FAIL follows only from this stage's numbers and earlier ones'."""
    if finding.outcome != "FAIL" or finding.lower is None or finding.upper is None:
        return ""
    low, high = criterion.accepted
    within = finding.lower <= high and finding.upper >= low
    return " (counted together with earlier stages)" if within else ""


def described(look: Look, criterion: Criterion) -> dict[str, Any]:
    """Return the fields of a finding that say what was judged."""
    return {
        "name": criterion.name,
        "metric": criterion.metric,
        "statistic": criterion.statistic,
        "comparison": criterion.comparison,
        "direction": criterion.direction,
        "severity": criterion.severity,
        "tolerance": criterion.tolerance,
        "limit": look.limit_of(criterion),
        "percentiles": _percentiles(look, criterion),
        "divided_by": criterion.count,
        "silence": criterion.missing,
    }


def _percentiles(look: Look, criterion: Criterion) -> tuple[Percentiles, Percentiles] | None:
    """Return both variants' percentiles for a criterion on the tail of a metric."""
    known = look.percentiles_of(criterion.metric)
    return known if criterion.is_tail and any(known) else None


def measured(look: Look, evidence: Evidence) -> dict[str, Any]:
    """Return the fields of a finding that say what was measured."""
    return {
        "estimate": evidence.estimate,
        "baseline": evidence.baseline,
        "candidate": evidence.candidate,
        "n_baseline": evidence.n_baseline,
        "n_candidate": evidence.n_candidate,
        "periods": evidence.summary.count,
        "effective_periods": evidence.summary.effective,
        "missing": max(0, look.window.periods - evidence.summary.count),
        "counts": evidence.counts if isinstance(evidence, RateEvidence) else None,
    }
