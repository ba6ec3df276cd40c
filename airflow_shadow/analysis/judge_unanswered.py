"""What the shadow never answered, and what its counts do not cover.

A shadow that drops requests under load drops the slow ones, so what it did answer is no fair
sample. That AWS samples each request by itself, and may drop shadow requests, is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.autocorrelation import summarise
from airflow_shadow.analysis.evidence import RateEvidence, design_effect
from airflow_shadow.analysis.sample_size import guards
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Outcome
from airflow_shadow.analysis.intervals import Share
from airflow_shadow.analysis.spec import UNANSWERED, Criterion
from airflow_shadow.analysis.verdict import Finding

#: What stands in the place of a metric: no metric tells it, two do.
METRIC = "UnansweredRequests"
#: Standard errors of the sampling that are no deviation: beyond it by chance once in 16,000 stages.
SLACK = 4.0
#: Requests at the edges of the window, counted in the one minute there and in the next here.
EDGE = 2.0
#: Minutes newer than this may still be filled by a shadow that reports late.
LATE_SECONDS = 900.0
#: Requests that a shadow can get none of by the chance of the sampling (e^-9 is one in 8,000).
BY_CHANCE = 9.0
#: Part of a period's requests below which a new period counts as not yet reported.
REPORTED = 0.95
#: Late periods, or those before the shadow's first whole one, as a part of the others, above which
#: nothing passes.
MAX_LATE = 0.05
#: Part of the periods in which the shadow must fall short before it fails.
PERSISTENT = 0.5


@dataclass(frozen=True)
class Traffic:
    """Hold the requests of both variants in the periods in which production had any."""

    look: Look

    @cached_property
    def rows(self) -> list[tuple[float, float, float | None]]:
        """Return time, production's requests and the shadow's, None where it reported nothing."""
        production, shadow = self.look.requests
        known = dict(zip(shadow.times, shadow.samples, strict=True))
        return [
            (time, count, known.get(time))
            for time, count in zip(production.times, production.samples, strict=True)
        ]

    @cached_property
    def before(self) -> int:
        """Return how many rows are before the shadow's first whole one.

        A window may begin while the shadow is still deployed: it gets a part of the requests of
        the period in which it begins.
        """
        silent = next((n for n, row in enumerate(self.rows) if row[2] is not None), 0)
        asked = math.fsum(row[1] for row in self.rows[:silent])
        expected = asked * self.look.observations.sampling_percentage / 100
        return silent + 1 if expected > BY_CHANCE else 0

    @cached_property
    def reported(self) -> list[tuple[float, float, float]]:
        """Return the rows that the shadow has reported, as far as one can tell."""
        limit = self.last_old
        return [
            (time, count, other)
            for time, count, other in self.rows[self.before :]
            if other is not None and (time <= limit or other >= REPORTED * count - EDGE)
        ]

    @property
    def late(self) -> int:
        """Return the periods that the shadow has not reported, or not wholly."""
        return len(self.rows) - len(self.reported)

    @property
    def part_late(self) -> float:
        """Return the larger part that they are of the others, in periods or in requests."""
        asked, seen = (math.fsum(row[1] for row in rows) for rows in (self.rows, self.reported))
        parts = ((self.late, len(self.reported)), (asked - seen, seen))
        return max(late / others if others else math.inf for late, others in parts)

    @cached_property
    def old(self) -> list[tuple[float, float, float]]:
        """Return the reported rows that nothing late can change any more."""
        limit = self.last_old
        return [row for row in self.reported if row[0] <= limit]

    @property
    def last_old(self) -> float:
        """Return the start of the last period that is too long ago to be reported late."""
        return self.look.window.end - LATE_SECONDS - self.look.period

    def lost(self, times: Sequence[float]) -> float:
        """Return how many requests of some periods the shadow never answered."""
        some = {*times}
        lost = (count - other for time, count, other in self.reported if time in some)
        return max(math.fsum(lost) - EDGE, 0.0)


def evidence_of(rows: list[tuple[float, float, float]], tolerance: float) -> RateEvidence | None:
    """Return what periods say about the share of unanswered requests, None if nothing.

    The share is one ratio of sums; each period counts by what it adds to it, as for error rates.
    """
    asked = math.fsum(row[1] for row in rows)
    if not asked:
        return None
    answered = math.fsum(row[2] for row in rows)
    rate, each = 1 - answered / asked, asked / len(rows)
    serial = summarise([(one - other - rate * one) / each for _, one, other in rows])
    share = Share(bad=max(asked - answered, 0.0), total=asked)
    effect = design_effect(serial, share.variance)
    return RateEvidence(
        serial=serial,
        baseline=0.0,
        candidate=rate,
        n_baseline=asked,
        n_candidate=asked,
        times=[row[0] for row in rows],
        share_baseline=Share(bad=0.0, total=asked / effect),
        share_candidate=share.deflated(effect),
        least_variance=tolerance / asked,
        busy=asked**2 / math.fsum(row[1] ** 2 for row in rows),
    )


def judge_unanswered(look: Look, traffic: Traffic) -> tuple[Finding, RateEvidence | None]:
    """Return whether the shadow answers what it gets, and the evidence where there is any.

    Below 100 % sampling only the share of the requests can be checked.
    """
    if not traffic.rows:
        return _finding(look, "INCONCLUSIVE", "no requests of production were counted"), None
    if not look.is_full:
        return _judge_share(look, traffic), None
    evidence = evidence_of(traffic.reported, look.spec.unanswered_tolerance)
    if evidence is None:
        return _finding(look, "INCONCLUSIVE", "the shadow has reported no requests"), None
    finding = _judge_full(look, traffic, evidence)
    needs_time = not any(_disagreements(look, traffic, evidence))
    return finding, evidence if needs_time else None


def criterion_of(look: Look) -> Criterion:
    """Return what is asked of the unanswered requests, as a criterion."""
    return Criterion(
        name=UNANSWERED,
        metric=METRIC,
        comparison="difference",
        tolerance=look.spec.unanswered_tolerance,
    )


def _judge_full(look: Look, traffic: Traffic, evidence: RateEvidence) -> Finding:
    tolerance = look.spec.unanswered_tolerance
    upper = evidence.passing(look.passing_critical(evidence))[1]
    lower, fails = _failing(look, traffic, tolerance)
    lacks = guards(look, criterion_of(look), evidence)
    weak = [*lacks, *_disagreements(look, traffic, evidence)]
    passes = evidence.estimate < tolerance and upper < tolerance and look.number > 0 and not weak
    outcome: Outcome = "FAIL" if fails else "PASS" if passes else "INCONCLUSIVE"
    finding = Finding(
        **_described(look),
        outcome=outcome,
        estimate=evidence.estimate,
        lower=min(lower, evidence.estimate),
        upper=upper,
        baseline=0.0,
        candidate=evidence.estimate,
        n_baseline=evidence.n_baseline,
        n_candidate=math.fsum(row[2] for row in traffic.reported),
        periods=len(traffic.reported),
        effective_periods=evidence.serial.effective,
        missing=max(0, look.window.periods - len(traffic.reported)),
        sentence="",
    )
    return formatting.told(finding, weak, due=look.number > 0)


def _failing(look: Look, traffic: Traffic, tolerance: float) -> tuple[float, bool]:
    """Return the lower end for a FAIL, and whether it is one."""
    evidence = evidence_of(traffic.old, tolerance)
    if evidence is None:
        return -1.0, False
    lower = evidence.failing(look.failing_critical(evidence, look.failing_level))[0]
    short = sum(count - other > tolerance * count for _, count, other in traffic.old)
    persists = short > PERSISTENT * len(traffic.old)
    enough = len(traffic.old) >= look.min_periods
    return lower, enough and persists and lower > tolerance


def _disagreements(look: Look, traffic: Traffic, evidence: RateEvidence) -> Iterator[str]:
    """Yield what no longer window alone would mend."""
    tolerance = look.spec.unanswered_tolerance
    if evidence.estimate * evidence.n_baseline < -tolerance * evidence.n_baseline - EDGE:
        yield "the shadow counted more requests than production"
    if traffic.part_late > MAX_LATE:
        first = f", {traffic.before} of them before its first whole one" if traffic.before else ""
        yield f"{traffic.late} periods were not reported by the shadow yet{first}"


def _judge_share(look: Look, traffic: Traffic) -> Finding:
    """Return whether the shadow got its share of the requests, as far as nothing is late."""
    expected = look.observations.sampling_percentage / 100
    begun = traffic.rows[traffic.before :]
    rows = [row for row in begun if row[0] <= traffic.last_old] or traffic.rows
    asked = math.fsum(row[1] for row in rows)
    got = math.fsum(row[2] or 0.0 for row in rows)
    accepted = SLACK * math.sqrt(max(expected * (1 - expected), 0.0) * asked) + EDGE
    fits = 0 < expected < 1 and abs(got - expected * asked) <= accepted
    said = (
        f"the shadow got {100 * got / asked:.3g} % of the requests, {100 * expected:g} % expected"
    )
    if traffic.before > MAX_LATE * len(begun):
        fits = False
        said += f" ({traffic.before} periods were before its first whole one)"
    finding = _finding(look, "PASS" if fits else "INCONCLUSIVE", said)
    return replace(finding, n_baseline=asked, n_candidate=got, periods=len(rows))


def _finding(look: Look, outcome: Outcome, sentence: str) -> Finding:
    described = {**_described(look), "comparison": None, "direction": None, "tolerance": None}
    return Finding(**described, outcome=outcome, sentence=f"{UNANSWERED}: {sentence}")


def _described(look: Look) -> dict[str, Any]:
    return {
        "name": UNANSWERED,
        "metric": METRIC,
        "statistic": "rate",
        "comparison": "difference",
        "direction": "increase",
        "severity": "critical",
        "tolerance": look.spec.unanswered_tolerance,
    }
