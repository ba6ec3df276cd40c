"""Numbers in, verdict out: a pure function of the specification and the observations.

A criterion passes only if the whole interval of its change lies inside the tolerance, and fails
only if it lies wholly outside. Everything else, above all too little data, is INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from airflow_shadow.analysis import words
from airflow_shadow.analysis.align import Window
from airflow_shadow.analysis.breakers import judge_breaker
from airflow_shadow.analysis.criterion import Look, judge_criterion
from airflow_shadow.analysis.observations import Observations, Pair
from airflow_shadow.analysis.spec import OUTPUT_METRICS, AnalysisSpec, OutsideCriterion
from airflow_shadow.analysis.traffic import judge_traffic, requests
from airflow_shadow.analysis.verdict import BreakerFinding, Finding, TrafficFinding, Verdict

#: Sampling percentage at which the shadow sees what production sees.
FULL = 100.0


def judge(spec: AnalysisSpec, observations: Observations) -> Verdict:
    """Return whether the candidate may be promoted, with the evidence.

    PASS needs every critical criterion, so each is read at the full alpha (intersection-union test,
    Berger 1982, Technometrics 24, 295-300); FAIL needs one, so alpha is shared among them.

    :param spec: what to judge
    :param observations: what was measured; odd data make a finding inconclusive, never an error
    """
    window = Window(
        start=observations.start + spec.initial_delay, end=observations.end, period=spec.period
    )
    rows = requests(observations, window)
    look = Look(
        spec=spec,
        observations=observations,
        window=window,
        critical=max(1, sum(item.severity == "critical" for item in spec.criteria)),
        live=sum(bool(one and other) for one, other in rows),
    )
    findings = (
        *(judge_criterion(look, criterion) for criterion in spec.criteria),
        *(judge_outside(look, criterion) for criterion in spec.outside),
    )
    traffic = judge_traffic(spec, observations.sampling_percentage, rows)
    breakers = tuple(
        judge_breaker(breaker, observations.series.get(breaker.key, Pair()), window)
        for breaker in spec.breakers
    )
    return conclude(look, findings, traffic, breakers)


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
    look: Look,
    findings: tuple[Finding, ...],
    traffic: TrafficFinding,
    breakers: tuple[BreakerFinding, ...],
) -> Verdict:
    """Combine the findings: what fails alone fails all, what passes must pass everywhere."""
    critical = [finding.outcome for finding in findings if finding.severity == "critical"]
    failed = "FAIL" in critical or traffic.outcome == "FAIL" or any(b.tripped for b in breakers)
    lacking = () if failed else tuple(_lacking(look))
    passed = not failed and {*critical, traffic.outcome} == {"PASS"}
    verdict = Verdict(
        outcome="FAIL" if failed else "PASS" if passed and not lacking else "INCONCLUSIVE",
        reason="",
        findings=findings,
        traffic=traffic,
        breakers=breakers,
        stage_passed=passed and not _too_short(look),
        operational_only=not any(map(_decides_on_outputs, findings)),
        scheduled=look.observations.scheduled,
        sampling_percentage=look.observations.sampling_percentage,
        start=look.observations.start,
        end=look.observations.end,
        alpha=look.spec.alpha,
    )
    return replace(verdict, reason=words.reason(verdict, lacking))


def _lacking(look: Look) -> Iterator[str]:
    """Yield what keeps a verdict from PASS whatever its findings say."""
    if _too_short(look):
        minutes = (look.observations.end - look.observations.start) / 60
        yield f"window of {minutes:.0f} min is below {look.spec.min_duration / 60:.0f} min"
    sampling = look.observations.sampling_percentage
    if look.spec.require_full_sampling and sampling < FULL:
        yield f"sampling of {sampling:g} % is below 100 %"


def _too_short(look: Look) -> bool:
    return look.observations.end - look.observations.start < look.spec.min_duration


def _decides_on_outputs(finding: Finding) -> bool:
    """Tell whether a finding compared the answers, and counts: a warning keeps nothing back."""
    compared = finding.metric in OUTPUT_METRICS and finding.n_candidate > 0
    return compared and finding.severity == "critical"
