"""The judgement of one criterion: its interval against its tolerance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_shadow.analysis import words
from airflow_shadow.analysis.align import Window, paired, read
from airflow_shadow.analysis.boundary import anytime_critical, fixed_critical, student_critical
from airflow_shadow.analysis.evidence import Evidence, of_level, of_means, of_rate, of_rates
from airflow_shadow.analysis.observations import Observations, Outcome, Pair
from airflow_shadow.analysis.spec import AnalysisSpec, Criterion
from airflow_shadow.analysis.verdict import Finding

#: Weight of the autocorrelation's uncertainty in the degrees of freedom of any-time looks. Less
#: than the 2 of a single look, because the boundary is wide where that uncertainty is; calibrated
#: with benchmarks/analysis_judge.py.
ANYTIME_WEIGHT = 1.25
#: Part of the periods with traffic that must have reported a metric before it can pass.
MIN_COVERAGE = 0.8


@dataclass(frozen=True, kw_only=True)
class Look:
    """Hold what the criteria of one look share.

    :param critical: number of criteria that can fail the verdict, among which alpha is shared
    :param live: periods in which both variants had traffic, as far as it was counted
    """

    spec: AnalysisSpec
    observations: Observations
    window: Window
    critical: int
    live: int

    @property
    def failing_level(self) -> float:
        """Return the level of one criterion's FAIL: any one of them fails the verdict."""
        return self.spec.alpha / self.critical

    def is_due(self, criterion: Criterion) -> bool:
        """Tell whether PASS of a criterion may be read at this look."""
        return self.observations.scheduled or self.spec.looks_of(criterion) == "anytime"


def judge_criterion(look: Look, criterion: Criterion) -> Finding:
    """Return what the observations say about one criterion."""
    pair = look.observations.series.get(criterion.key, Pair())
    evidence = weigh(criterion, pair, look.window)
    if evidence is None:
        return _without_data(look, criterion)
    weak = tuple(weaknesses(look, criterion, evidence))
    finding = Finding(
        **_described(criterion),
        **_measured(look, evidence),
        **_read(look, criterion, evidence, weak=bool(weak)),
        sentence="",
    )
    return words.told(finding, weak, due=look.is_due(criterion))


def _read(look: Look, criterion: Criterion, evidence: Evidence, *, weak: bool) -> dict[str, Any]:
    """Return interval and outcome; without a spread there is neither."""
    if evidence.constant:
        return {"outcome": "INCONCLUSIVE"}
    lower, upper, firm = interval(look, criterion, evidence, weak=weak)
    outcome = decide(criterion, lower, upper)
    readable = {"PASS": look.is_due(criterion) and not weak, "FAIL": firm}
    return {
        "outcome": outcome if readable.get(outcome) else "INCONCLUSIVE",
        "lower": lower,
        "upper": upper,
    }


def weigh(criterion: Criterion, pair: Pair, window: Window) -> Evidence | None:
    """Return what the periods say about a criterion, None if none can be compared."""
    is_mean = criterion.is_mean
    if criterion.comparison == "absolute":
        alone = read(pair.candidate, window)
        return of_level(alone) if is_mean else of_rate(alone)
    both = paired(pair, window)
    return of_means(*both, criterion.comparison) if is_mean else of_rates(*both)


def weaknesses(look: Look, criterion: Criterion, evidence: Evidence) -> Iterator[str]:
    """Yield why the periods are too little evidence for a PASS, or for a FAIL by their spread."""
    spec, serial = look.spec, evidence.serial
    if serial.count < spec.min_periods:
        yield f"{serial.count} of {spec.min_periods} periods needed"
    elif serial.effective < spec.min_effective_periods:
        yield f"{serial.effective:.1f} of {spec.min_effective_periods} effective periods needed"
    if evidence.constant:
        yield "the values do not vary, so their spread is unknown"
    yield from _sample_weakness(criterion, evidence)
    if serial.count < MIN_COVERAGE * look.live and evidence.baseline is not None:
        yield f"data for {serial.count} of {look.live} periods with traffic"


def _sample_weakness(criterion: Criterion, evidence: Evidence) -> Iterator[str]:
    seen = evidence.n_candidate
    if evidence.baseline is not None:
        seen = min(seen, evidence.n_baseline)
    if seen < criterion.needed_samples:
        yield f"{words.number(seen)} of {words.number(criterion.needed_samples)} requests needed"


def interval(
    look: Look, criterion: Criterion, evidence: Evidence, *, weak: bool
) -> tuple[float, float, bool]:
    """Return both ends of the interval, and whether it is firm enough for a FAIL.

    The end towards the tolerance decides PASS and is read at alpha. The other decides FAIL, at any
    look, and is read at the criterion's part of alpha; counts spend half of that on the exact
    interval, which holds from the first request on. With the direction ``either`` both ends decide
    both, so the wider counts.
    """
    sides = 2 if criterion.direction == "either" else 1
    level = look.failing_level / sides / (2 if evidence.has_exact else 1)
    failing = _anytime(look.spec, evidence, level)
    passing = _passing_critical(look, criterion, evidence)
    wide = max(failing, passing)
    below = {"increase": failing, "decrease": passing, "either": wide}[criterion.direction]
    above = {"increase": passing, "decrease": failing, "either": wide}[criterion.direction]
    lower, upper = evidence.interval(below)[0], evidence.interval(above)[1]
    if evidence.has_exact and criterion.direction != "decrease":
        exact = evidence.exact_lower(level)
        lower = exact if weak else max(lower, exact)
    if evidence.has_exact and criterion.direction != "increase":
        exact = evidence.exact_upper(level)
        upper = exact if weak else min(upper, exact)
    return lower, upper, evidence.has_exact or not weak


def _passing_critical(look: Look, criterion: Criterion, evidence: Evidence) -> float:
    """Return the standard errors for PASS: of one of the planned looks, or of any look."""
    alpha = look.spec.alpha
    if look.observations.scheduled and look.spec.looks_of(criterion) == "scheduled":
        z = fixed_critical(alpha / look.spec.planned_looks)
        return student_critical(z, evidence.serial.freedom())
    return _anytime(look.spec, evidence, alpha)


def _anytime(spec: AnalysisSpec, evidence: Evidence, level: float) -> float:
    """Return the standard errors for a reading at any look; the guards set the first one."""
    z = anytime_critical(level, evidence.serial.count / spec.min_periods)
    return student_critical(z, evidence.serial.freedom(ANYTIME_WEIGHT))


def decide(criterion: Criterion, lower: float, upper: float) -> Outcome:
    """Return where the interval lies: inside the tolerance, outside, or across its edge."""
    low, high = _accepted(criterion)
    if low < lower and upper < high:
        return "PASS"
    if lower > high or upper < low:
        return "FAIL"
    return "INCONCLUSIVE"


def _accepted(criterion: Criterion) -> tuple[float, float]:
    """Return the open range that a change (or an absolute level) may lie in."""
    limit = criterion.tolerance
    if criterion.comparison == "absolute":
        return (limit, math.inf) if criterion.direction == "decrease" else (-math.inf, limit)
    low = -math.inf if criterion.direction == "increase" else -limit
    high = math.inf if criterion.direction == "decrease" else limit
    return low, high


def _without_data(look: Look, criterion: Criterion) -> Finding:
    """Return what silence means; before there could be data it means nothing."""
    late = look.window.periods >= look.spec.min_periods
    return Finding(
        **_described(criterion),
        outcome="FAIL" if late and criterion.on_no_data == "fail" else "INCONCLUSIVE",
        missing=look.window.periods,
        sentence=f"{criterion.name}: no period has data of {_who(criterion)}",
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
    }


def _described(criterion: Criterion) -> dict[str, Any]:
    return {
        "name": criterion.name,
        "metric": criterion.metric,
        "statistic": criterion.statistic,
        "comparison": criterion.comparison,
        "direction": criterion.direction,
        "severity": criterion.severity,
        "tolerance": criterion.tolerance,
    }
