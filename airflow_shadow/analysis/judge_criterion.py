"""The judgement of one criterion: its interval against its tolerance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.request_counts import Counting
from airflow_shadow.analysis.evidence import (
    Ends,
    Evidence,
    RateEvidence,
    of_level,
    of_means,
    of_rate,
    of_rates,
    with_unanswered,
)
from airflow_shadow.analysis.sample_size import few_periods, few_requests, guards
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Outcome, Pair, Percentiles
from airflow_shadow.analysis.spec import LATENCIES, Criterion
from airflow_shadow.analysis.statistic import parse_statistic
from airflow_shadow.analysis.judge_unanswered import Traffic
from airflow_shadow.analysis.verdict import Finding

#: Part of the periods with traffic that must have reported a metric before it can pass.
MIN_COVERAGE = 0.8
#: What an unanswered request would have taken, of production's requests.
UNANSWERED_AS = "p99"


@dataclass(frozen=True)
class Judged:
    """Hold what one criterion is judged on.

    :param evidence: None if no period can be compared
    :param weaknesses: why it is too little for a PASS
    :param is_void: the counts do not agree with each other, so nothing can be decided
    :param takes_time: a longer window alone could make it enough
    :param is_firm: the periods' spread is known well enough for a FAIL
    """

    evidence: Evidence | None
    weaknesses: tuple[str, ...] = ()
    is_void: bool = False
    takes_time: bool = False
    is_firm: bool = False


def judge_criterion(look: Look, criterion: Criterion, judged: Judged) -> Finding:
    """Return what the evidence says about one criterion."""
    if look.is_unknown_limit(criterion.key):
        return _without_limit(look, criterion)
    evidence = judged.evidence
    if evidence is None:
        return _without_data(look, criterion, judged)
    finding = Finding(
        **_described(look, criterion),
        **_measured(look, evidence),
        **_read(look, criterion, judged),
        sentence="",
    )
    told = formatting.told(finding, judged.weaknesses, due=look.number > 0)
    return replace(told, sentence=told.sentence + _by_earlier(criterion, finding))


def _by_earlier(criterion: Criterion, finding: Finding) -> str:
    """Return a hint where it was the stages before that decided, and not the numbers of this."""
    if finding.outcome != "FAIL" or finding.lower is None or finding.upper is None:
        return ""
    low, high = accepted(criterion)
    within = finding.lower <= high and finding.upper >= low
    return " (together with the stages before it)" if within else ""


def judge_evidence(look: Look, traffic: Traffic, criterion: Criterion) -> Judged:
    """Return the evidence on a criterion, and what it lacks."""
    counting = Counting(look)
    pair = counting.pair(criterion)
    evidence = weigh(look, criterion, pair)
    if evidence is None:
        has_data = criterion.comparison == "relative" and bool(look.paired(pair)[1].times)
        return Judged(None, weaknesses=(NO_RATIO,) if has_data else ())
    uncovered = list(counting.weaknesses(criterion, pair))
    weak = [*uncovered, *weaknesses(look, criterion, evidence)]
    if criterion.is_mean and criterion.metric in LATENCIES and look.is_full:
        evidence, more = _with_unanswered(look, traffic, criterion, evidence)
        weak += more
    return Judged(
        evidence,
        weaknesses=tuple(weak),
        is_void=bool(uncovered),
        takes_time={*weak} == {*guards(look, criterion, evidence)},
        is_firm=not any(_period_weaknesses(look, evidence)),
    )


def _with_unanswered(
    look: Look, traffic: Traffic, criterion: Criterion, evidence: Evidence
) -> tuple[Evidence, list[str]]:
    """Return evidence that counts unanswered requests as slow ones; the slowest are lost first."""
    lost = traffic.lost(evidence.times)
    if not lost:
        return evidence, []
    production, _ = look.percentiles_of(criterion.metric)
    if UNANSWERED_AS not in production:
        said = f"{formatting.number(lost)} requests are unanswered and production's p99 is unknown"
        return evidence, [said]
    return with_unanswered(evidence, lost, production[UNANSWERED_AS]), []


def _read(look: Look, criterion: Criterion, judged: Judged) -> dict[str, Any]:
    """Return interval and outcome; without a spread there is neither."""
    evidence = judged.evidence
    if evidence is None or evidence.constant:
        return {"outcome": "INCONCLUSIVE"}
    passing = evidence.passing(look.passing_critical(evidence))
    failing, is_firm = _failing(look, criterion, judged, evidence)
    below, above = {
        "increase": (failing[0], passing[1]),
        "decrease": (passing[0], failing[1]),
        "either": (min(passing[0], failing[0]), max(passing[1], failing[1])),
    }[criterion.direction]
    return {
        "outcome": _outcome(look, criterion, judged, passing, failing if is_firm else None),
        # The stages before this one may say more than it does.
        "lower": min(below, evidence.estimate),
        "upper": max(above, evidence.estimate),
    }


def _outcome(
    look: Look, criterion: Criterion, judged: Judged, passing: Ends, failing: Ends | None
) -> Outcome:
    """Return what the intervals say, as far as the guards let them."""
    low, high = accepted(criterion)
    if failing and not judged.is_void and (failing[0] > high or failing[1] < low):
        return "FAIL"
    inside = judged.evidence is not None and low < judged.evidence.estimate < high
    if low < passing[0] and passing[1] < high and inside and look.number and not judged.weaknesses:
        return "PASS"
    return "INCONCLUSIVE"


def _failing(
    look: Look, criterion: Criterion, judged: Judged, evidence: Evidence
) -> tuple[Ends, bool]:
    """Return the interval that a FAIL is read from, at any look, and whether it is firm enough.

    Counts spend a part of the level on the exact interval, which holds from the first request on,
    and with stages before this one another on all of them together.
    """
    level = look.failing_level / (2 if criterion.direction == "either" else 1)
    if not isinstance(evidence, RateEvidence):
        return evidence.failing(look.failing_critical(evidence, level)), judged.is_firm
    level /= 3 if evidence.earlier else 2
    intervals = [evidence.exact(level)]
    if judged.is_firm:
        critical = look.failing_critical(evidence, level)
        intervals += [evidence.failing(critical)]
        intervals += [evidence.pooled(critical)] if evidence.earlier else []
    return (max(one[0] for one in intervals), min(one[1] for one in intervals)), True


def weigh(look: Look, criterion: Criterion, pair: Pair) -> Evidence | None:
    """Return what the periods say about a criterion, None if none can be compared."""
    if criterion.comparison == "absolute":
        alone = look.read(pair.candidate)
        return of_level(alone) if criterion.is_mean else of_rate(alone)
    both = look.paired(pair)
    if criterion.is_mean:
        return of_means(*both, criterion.comparison)
    earlier = look.observations.earlier.get(criterion.name, ())
    return of_rates(*both, tolerance=criterion.tolerance, earlier=earlier)


def weaknesses(look: Look, criterion: Criterion, evidence: Evidence) -> Iterator[str]:
    """Yield why the periods are too little evidence for a PASS."""
    yield from _period_weaknesses(look, evidence)
    yield from few_requests(criterion, evidence)


def _period_weaknesses(look: Look, evidence: Evidence) -> Iterator[str]:
    """Yield why nothing can be said by the spread of the periods."""
    yield from few_periods(look, evidence)
    count = evidence.serial.count
    if evidence.constant:
        yield "the values do not vary, so their spread is unknown"
    if count < MIN_COVERAGE * look.live and evidence.baseline is not None:
        yield f"data for {count} of {look.live} periods with traffic"


def accepted(criterion: Criterion) -> tuple[float, float]:
    """Return the open range that a change (or an absolute level) may lie in."""
    limit = criterion.tolerance
    if criterion.comparison == "absolute":
        return (limit, math.inf) if criterion.direction == "decrease" else (-math.inf, limit)
    low = -math.inf if criterion.direction == "increase" else -limit
    high = math.inf if criterion.direction == "decrease" else limit
    return low, high


def _without_data(look: Look, criterion: Criterion, judged: Judged) -> Finding:
    """Return the finding for a criterion without data.

    INCONCLUSIVE, or FAIL with ``on_no_data='fail'`` once the window has room for `min_periods`.
    """
    late = look.window.periods >= look.min_periods
    fails = late and criterion.on_no_data == "fail" and not judged.weaknesses
    why = ", ".join(judged.weaknesses) or f"no period has data of {_who(criterion)}"
    return _without_numbers(look, criterion, why, outcome="FAIL" if fails else "INCONCLUSIVE")


#: A relative criterion on means has data, but nothing to divide.
NO_RATIO = "a mean is 0, so there is no ratio"


def _without_limit(look: Look, criterion: Criterion) -> Finding:
    reference = parse_statistic(criterion.statistic).reference
    why = (
        f"no limit known, for production's {reference} of the day before the experiment was not "
        "reported"
    )
    return _without_numbers(look, criterion, why, outcome="INCONCLUSIVE")


def _without_numbers(look: Look, criterion: Criterion, why: str, *, outcome: Outcome) -> Finding:
    return Finding(
        **_described(look, criterion),
        outcome=outcome,
        missing=look.window.periods,
        sentence=f"{criterion.name}: {why}",
    )


def _who(criterion: Criterion) -> str:
    return "the candidate" if criterion.comparison == "absolute" else "both variants"


def _measured(look: Look, evidence: Evidence) -> dict[str, Any]:
    return {
        "estimate": evidence.estimate,
        "baseline": evidence.baseline,
        "candidate": evidence.candidate,
        "n_baseline": evidence.n_baseline,
        "n_candidate": evidence.n_candidate,
        "periods": evidence.serial.count,
        "effective_periods": evidence.serial.effective,
        "missing": max(0, look.window.periods - evidence.serial.count),
        "counts": evidence.counts,
    }


def _described(look: Look, criterion: Criterion) -> dict[str, Any]:
    return {
        "name": criterion.name,
        "metric": criterion.metric,
        "statistic": criterion.statistic,
        "comparison": criterion.comparison,
        "direction": criterion.direction,
        "severity": criterion.severity,
        "tolerance": criterion.tolerance,
        "limit": look.limit_of(criterion.key),
        "percentiles": _percentiles(look, criterion),
        "divided_by": criterion.count,
        "silence": criterion.missing,
    }


def _percentiles(look: Look, criterion: Criterion) -> tuple[Percentiles, Percentiles] | None:
    """Return both variants' percentiles for a criterion on the tail of a metric."""
    is_tail = parse_statistic(criterion.statistic).kind == "above"
    found = look.percentiles_of(criterion.metric)
    return found if is_tail and any(found) else None
