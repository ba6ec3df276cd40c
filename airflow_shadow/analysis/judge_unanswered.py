"""The judgement of unanswered requests, which has a finding in every verdict.

A shadow that drops requests under load drops the slow ones, so what it did answer is no fair
sample. That AWS samples each request by itself, and may drop shadow requests, is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.autocorrelation import summarise
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.evidence import RateEvidence, design_effect
from airflow_shadow.analysis.intervals import Share
from airflow_shadow.analysis.judge_criterion import described, measured
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Outcome
from airflow_shadow.analysis.power import with_time_to_pass
from airflow_shadow.analysis.sample_size import shortages
from airflow_shadow.analysis.spec import UNANSWERED
from airflow_shadow.analysis.traffic import EDGE, Row, Traffic
from airflow_shadow.analysis.verdict import Finding

#: Name in the place of a metric: the difference of two metrics has none.
METRIC = "UnansweredRequests"
#: Standard errors by which the sampling may deviate; chance exceeds them once in 16,000 stages.
MAX_DEVIATION = 4.0
#: Unreported periods, or those of the deployment, as a part of the others, above which nothing
#: passes.
MAX_LATE = 0.05
#: Part of the periods in which the shadow must fall short before it fails.
PERSISTENT = 0.5


def judge_unanswered(look: Look, traffic: Traffic) -> Finding:
    """Return whether the shadow answers the requests that it gets.

    Below 100 % sampling only its share of the requests can be checked.
    """
    if not traffic.rows:
        return _without_numbers(look, "INCONCLUSIVE", "no requests of production were counted")
    if not look.is_full:
        return _judge_share(look, traffic)
    evidence = unanswered_evidence(traffic.reported, look.spec.unanswered_tolerance)
    if evidence is None:
        return _without_numbers(look, "INCONCLUSIVE", "the shadow has reported no requests")
    return _judge_full(look, traffic, evidence)


def unanswered_criterion(look: Look) -> Criterion:
    """Return the criterion of the unanswered requests."""
    return Criterion(
        name=UNANSWERED,
        metric=METRIC,
        comparison="difference",
        tolerance=look.spec.unanswered_tolerance,
    )


def unanswered_evidence(rows: Sequence[Row], tolerance: float) -> RateEvidence | None:
    """Return the evidence on the share of unanswered requests, None without requests.

    The share is one ratio of sums; each period counts by what it adds to it, as for error rates.
    """
    requests = math.fsum(row[1] for row in rows)
    if not requests:
        return None
    answered = math.fsum(row[2] for row in rows)
    rate, each = 1 - answered / requests, requests / len(rows)
    summary = summarise([(one - other - rate * one) / each for _, one, other in rows])
    share = Share(bad=max(requests - answered, 0.0), total=requests)
    effect = design_effect(summary, share.variance)
    return RateEvidence(
        summary=summary,
        baseline=0.0,
        candidate=rate,
        n_baseline=requests,
        n_candidate=requests,
        times=[row[0] for row in rows],
        share_baseline=Share(bad=0.0, total=requests / effect),
        share_candidate=share.deflated(effect),
        least_variance=tolerance / requests,
        kish_periods=requests**2 / math.fsum(row[1] ** 2 for row in rows),
    )


def _judge_full(look: Look, traffic: Traffic, evidence: RateEvidence) -> Finding:
    criterion = unanswered_criterion(look)
    upper = evidence.passing(look.passing_critical(evidence))[1]
    lower, fails = _failing_end(look, traffic)
    contradictions = list(_contradictions(look, traffic, evidence))
    weak = [*shortages(look, criterion, evidence), *contradictions]
    passes = max(evidence.estimate, upper) < criterion.tolerance and look.number > 0 and not weak
    outcome: Outcome = "FAIL" if fails else "PASS" if passes else "INCONCLUSIVE"
    numbers = measured(look, evidence) | {
        "n_candidate": math.fsum(row[2] for row in traffic.reported),
        "counts": None,
    }
    finding = Finding(
        **described(look, criterion),
        **numbers,
        outcome=outcome,
        lower=min(lower, evidence.estimate),
        upper=upper,
        sentence="",
    )
    finding = formatting.with_sentence(finding, weak, is_planned=look.number > 0)
    return with_time_to_pass(look, criterion, finding, None if contradictions else evidence)


def _failing_end(look: Look, traffic: Traffic) -> tuple[float, bool]:
    """Return the lower end of the interval for a FAIL, and whether it is one."""
    tolerance = look.spec.unanswered_tolerance
    evidence = unanswered_evidence(traffic.old, tolerance)
    if evidence is None:
        return -1.0, False
    lower = evidence.failing(look.failing_critical(evidence, look.failing_level))[0]
    short = sum(count - other > tolerance * count for _, count, other in traffic.old)
    persists = short > PERSISTENT * len(traffic.old)
    enough = len(traffic.old) >= look.min_periods
    return lower, enough and persists and lower > tolerance


def _contradictions(look: Look, traffic: Traffic, evidence: RateEvidence) -> Iterator[str]:
    """Yield what keeps the counts from a PASS however long the window is."""
    tolerance = look.spec.unanswered_tolerance
    if evidence.estimate * evidence.n_baseline < -tolerance * evidence.n_baseline - EDGE:
        yield "the shadow counted more requests than production"
    if traffic.part_late > MAX_LATE:
        deployment = (
            f", {traffic.before} of them while it was being deployed" if traffic.before else ""
        )
        yield f"the shadow has not reported {traffic.late} periods in full{deployment}"


def _judge_share(look: Look, traffic: Traffic) -> Finding:
    """Return whether the shadow got its share of the requests, as far as it has reported them."""
    expected = look.observations.sampling_percentage / 100
    deployed = traffic.rows[traffic.before :]
    rows = [row for row in deployed if row[0] <= traffic.last_old] or traffic.rows
    requests = math.fsum(row[1] for row in rows)
    sampled = math.fsum(row[2] or 0.0 for row in rows)
    accepted = MAX_DEVIATION * math.sqrt(max(expected * (1 - expected), 0.0) * requests) + EDGE
    fits = 0 < expected < 1 and abs(sampled - expected * requests) <= accepted
    percentage = f"{100 * sampled / requests:.3g} %"
    sentence = f"the shadow got {percentage} of the requests, {100 * expected:g} % expected"
    if traffic.before > MAX_LATE * len(deployed):
        fits = False
        sentence += f" (it was being deployed in {traffic.before} periods)"
    finding = _without_numbers(look, "PASS" if fits else "INCONCLUSIVE", sentence)
    return replace(finding, n_baseline=requests, n_candidate=sampled, periods=len(rows))


def _without_numbers(look: Look, outcome: Outcome, sentence: str) -> Finding:
    fields = described(look, unanswered_criterion(look))
    fields |= {"comparison": None, "direction": None, "tolerance": None}
    return Finding(**fields, outcome=outcome, sentence=f"{UNANSWERED}: {sentence}")
