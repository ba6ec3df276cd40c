"""Numbers in, verdict out: a pure function of the specification and the observations.

A criterion passes only if the whole interval of its change lies inside the tolerance, and fails
only if it lies wholly outside. Everything else, above all too little data, is INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.baseline import baseline_faults
from airflow_shadow.analysis.judge_breaker import judge_breaker
from airflow_shadow.analysis.judge_criterion import judge_criterion, judge_evidence
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Observations
from airflow_shadow.analysis.power import longer
from airflow_shadow.analysis.slow_start import slow_start
from airflow_shadow.analysis.spec import (
    OUTPUT_METRICS,
    AnalysisSpec,
    Criterion,
    OutsideCriterion,
)
from airflow_shadow.analysis.judge_unanswered import Traffic, criterion_of, judge_unanswered
from airflow_shadow.analysis.verdict import BreakerFinding, Finding, Verdict


def judge(spec: AnalysisSpec, observations: Observations) -> Verdict:
    """Return whether the candidate may be promoted, with the evidence.

    PASS needs every critical criterion, so each is read at the full alpha of its look
    (intersection-union test, Berger 1982, Technometrics 24, 295-300); FAIL needs one, so alpha is
    shared among them.

    :param spec: what to judge
    :param observations: what was measured; odd data make a finding inconclusive, never an error
    """
    look = Look(spec, observations)
    traffic = Traffic(look)
    findings = (
        *(_judge(look, traffic, criterion) for criterion in spec.criteria),
        _judge_unanswered(look, traffic),
        *(judge_outside(look, criterion) for criterion in spec.outside),
    )
    breakers = tuple(judge_breaker(look, breaker) for breaker in spec.breakers)
    return conclude(look, findings, breakers)


def _judge(look: Look, traffic: Traffic, criterion: Criterion) -> Finding:
    """Return the finding on a criterion; one that does not decide says how long that would take."""
    judged = judge_evidence(look, traffic, criterion)
    finding = judge_criterion(look, criterion, judged)
    if finding.outcome != "INCONCLUSIVE" or judged.evidence is None or not judged.takes_time:
        return finding
    return replace(finding, longer=longer(look, criterion, judged.evidence))


def _judge_unanswered(look: Look, traffic: Traffic) -> Finding:
    """Return the finding on unanswered requests, with how long it would take to decide."""
    finding, evidence = judge_unanswered(look, traffic)
    if finding.outcome != "INCONCLUSIVE" or evidence is None:
        return finding
    return replace(finding, longer=longer(look, criterion_of(look), evidence))


def judge_outside(look: Look, criterion: OutsideCriterion) -> Finding:
    """Return what the caller found for an outside criterion; nothing found is no evidence."""
    found = look.observations.outside.get(criterion.name)
    return Finding(
        name=criterion.name,
        metric=criterion.kind,
        statistic=criterion.target,
        comparison=None,
        direction=None,
        severity=criterion.severity,
        outcome=found.outcome if found else "INCONCLUSIVE",
        sentence=found.sentence if found else f"{criterion.name}: nothing was found out",
    )


def conclude(
    look: Look, findings: tuple[Finding, ...], breakers: tuple[BreakerFinding, ...]
) -> Verdict:
    """Combine the findings: what fails alone fails all, what passes must pass everywhere.

    If production was not the same all the time, nothing was compared with it.
    """
    critical = list(filter(formatting.is_critical, findings))
    outcomes = {finding.outcome for finding in critical}
    changed = list(baseline_faults(look))
    failed = not changed and ("FAIL" in outcomes or any(one.tripped for one in breakers))
    passed = not changed and not failed and outcomes == {"PASS"}
    lacking = tuple(changed or ([] if failed else _lacking(look)))
    passes = passed and not lacking
    verdict = Verdict(
        outcome="FAIL" if failed else "PASS" if passes else "INCONCLUSIVE",
        reason="",
        findings=findings,
        breakers=breakers,
        stage_passed=passed and not _too_short(look),
        operational_only=not any(map(_decides_on_outputs, findings)),
        look=look.number,
        looks=tuple(look.observations.looks),
        sampling_percentage=look.observations.sampling_percentage,
        start=look.observations.start,
        end=look.observations.end,
        alpha=look.spec.alpha,
        lacking=lacking,
        notes=tuple(_notes(look, findings, passes=passes)),
        longer=None if failed or changed else _longer(critical),
        stage=look.observations.stage,
        stages=look.observations.stages,
    )
    return replace(verdict, reason=formatting.reason(verdict))


def _longer(critical: Sequence[Finding]) -> float | None:
    """Return about how many more seconds all that did not pass would take, None if unknown."""
    waiting = [finding for finding in critical if finding.outcome != "PASS"]
    times = [finding.longer for finding in waiting if finding.longer is not None]
    return max(times) if times and len(times) == len(waiting) else None


def _lacking(look: Look) -> Iterator[str]:
    """Yield what keeps a verdict from PASS whatever its findings say."""
    if _too_short(look):
        minutes = (look.observations.end - look.observations.start) / 60
        yield f"window of {minutes:.0f} min is below {look.spec.min_duration / 60:.0f} min"
    sampling = look.observations.sampling_percentage
    if look.spec.require_full_sampling and not look.is_full:
        yield f"sampling of {sampling:.15g} % is below 100 %"


def _notes(look: Look, findings: tuple[Finding, ...], *, passes: bool) -> Iterator[str]:
    """Yield what else is to be known of the window."""
    if passes:
        seen = [one.periods for one in findings if formatting.is_critical(one) and one.periods]
        yield formatting.reach(look.window.start, look.window.end, min(seen))
    outcomes = {finding.name: finding.outcome for finding in findings}
    for criterion in look.spec.criteria:
        is_ratio = criterion.is_mean and criterion.comparison == "relative"
        if is_ratio and criterion.direction != "decrease" and outcomes[criterion.name] != "PASS":
            yield from filter(None, [slow_start(look, criterion)])


def _too_short(look: Look) -> bool:
    return look.observations.end - look.observations.start < look.spec.min_duration


def _decides_on_outputs(finding: Finding) -> bool:
    """Tell whether a finding compared the answers, and counts: a warning keeps nothing back."""
    compared = finding.metric in OUTPUT_METRICS and finding.n_candidate > 0
    return compared and finding.severity == "critical"
