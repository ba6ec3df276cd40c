"""Numbers in, verdict out: a pure function of the specification and the observations.

A criterion passes only if the whole confidence interval of its change is within tolerance, and
fails only if it is entirely outside. Everything else, above all too little data, is INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.answer_coverage import judge_coverage
from airflow_shadow.analysis.answer_measures import BROKEN, is_answers, is_content, split_metric
from airflow_shadow.analysis.baseline import baseline_faults
from airflow_shadow.analysis.criterion import OutsideCriterion
from airflow_shadow.analysis.judge_answers import judge_answer
from airflow_shadow.analysis.judge_breaker import judge_breaker
from airflow_shadow.analysis.judge_criterion import judge_criterion
from airflow_shadow.analysis.judge_unanswered import judge_unanswered
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Observations
from airflow_shadow.analysis.slow_start import slow_start
from airflow_shadow.analysis.spec import AnalysisSpec
from airflow_shadow.analysis.traffic import Traffic
from airflow_shadow.analysis.verdict import BreakerFinding, Finding, Verdict


def judge(spec: AnalysisSpec, observations: Observations) -> Verdict:
    """Return whether the candidate may be promoted, with the evidence.

    PASS needs every critical criterion, so each is tested at the full alpha of its look
    (intersection-union test, Berger 1982, Technometrics 24, 295-300); FAIL needs one, so alpha is
    shared among them.

    Criteria on answers are judged only where the observations have answers; without them the
    verdict is one on operational metrics only, which :func:`join_verdicts` joins with that of
    :func:`judge_answers`.

    :param spec: what to judge
    :param observations: what was measured; odd data make a finding inconclusive, never an error
    """
    look = Look(spec, observations)
    traffic = Traffic(look)
    findings = (
        *(judge_criterion(look, traffic, criterion) for criterion in spec.operational),
        judge_unanswered(look, traffic),
        *(_judge_outside(look, criterion) for criterion in spec.outside),
        *(_answer_findings(look) if observations.answers is not None else ()),
    )
    return _conclude(look, findings, tuple(judge_breaker(look, item) for item in spec.breakers))


def judge_answers(spec: AnalysisSpec, observations: Observations) -> Verdict:
    """Return the verdict on the answers alone, for a stage whose metrics were judged before.

    :param spec: what to judge
    :param observations: of the same window; their answers, the requests of both variants, and
        errors, which are taken out of the requests that should be captured
    """
    look = Look(spec, observations)
    return _conclude(look, tuple(_answer_findings(look)), ())


def _answer_findings(look: Look) -> Iterator[Finding]:
    """Yield the findings on answers, and on how many requests they stand for."""
    if look.spec.answers:
        yield from (judge_answer(look, criterion) for criterion in look.spec.on_answers)
        yield judge_coverage(look)


def _judge_outside(look: Look, criterion: OutsideCriterion) -> Finding:
    """Return the finding on an outside criterion; INCONCLUSIVE without a result."""
    result = look.observations.outside.get(criterion.name)
    return Finding(
        name=criterion.name,
        metric=criterion.kind,
        statistic=criterion.target,
        comparison=None,
        direction=None,
        severity=criterion.severity,
        outcome=result.outcome if result else "INCONCLUSIVE",
        sentence=result.sentence if result else f"{criterion.name}: there is no result",
    )


def _conclude(
    look: Look, findings: tuple[Finding, ...], breakers: tuple[BreakerFinding, ...]
) -> Verdict:
    """Combine the findings: one FAIL fails the verdict, PASS needs every critical finding.

    If production changed inside the window, nothing can be compared with it.
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
        stage_passed=passed and not _is_too_short(look),
        operational_only=not any(map(_says_more_than_broken, findings)),
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
    """Return the seconds after which all critical findings would likely pass, None if unknown."""
    waiting = [finding for finding in critical if finding.outcome != "PASS"]
    times = [finding.longer for finding in waiting if finding.longer is not None]
    return max(times) if times and len(times) == len(waiting) else None


def _lacking(look: Look) -> Iterator[str]:
    """Yield what keeps a verdict from PASS whatever its findings are."""
    if _is_too_short(look):
        minutes = (look.observations.end - look.observations.start) / 60
        yield f"window of {minutes:.0f} min is below {look.spec.min_duration / 60:.0f} min"
    if look.spec.require_full_sampling and not look.is_full:
        yield f"sampling of {look.observations.sampling_percentage:.15g} % is below 100 %"


def _notes(look: Look, findings: tuple[Finding, ...], *, passes: bool) -> Iterator[str]:
    """Yield notes on what the window cannot show, and on slow starts."""
    if passes:
        timed = (one for one in findings if formatting.is_critical(one) and one.periods)
        # Periods of answers may be longer, and a stall is not seen in an answer.
        periods = [one.periods for one in timed if not is_answers(one.metric)]
        if periods:
            yield formatting.coverage(look.window.start, look.window.end, min(periods))
        yield from _only_broken(findings)
    outcomes = {finding.name: finding.outcome for finding in findings}
    for criterion in look.spec.operational:
        is_ratio = criterion.is_mean and criterion.comparison == "relative"
        outcome = outcomes.get(criterion.name, "PASS")
        if is_ratio and criterion.direction != "decrease" and outcome != "PASS":
            yield from slow_start(look, criterion)


def _only_broken(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield that a PASS rests on answers that can be read, whatever they say."""
    decided = [split_metric(one.metric)[1] for one in findings if _decides_on_answers(one)]
    if {*decided} == {BROKEN}:
        yield (
            "no critical criterion compares what the answers say, only whether they are broken: "
            "give labels, or make disagreement critical where nothing should change"
        )


def _is_too_short(look: Look) -> bool:
    return look.observations.end - look.observations.start < look.spec.min_duration


def _says_more_than_broken(finding: Finding) -> bool:
    """Tell whether a decision rests on what the answers say.

    That they can be read does not tell a good answer from a wrong one.
    """
    says_it = is_content(finding.metric) or finding.outcome == "FAIL"
    return _decides_on_answers(finding) and says_it


def _decides_on_answers(finding: Finding) -> bool:
    """Tell whether a critical finding compared the answers and came to a decision."""
    decided = finding.outcome != "INCONCLUSIVE" and finding.n_candidate > 0
    return decided and is_answers(finding.metric) and formatting.is_critical(finding)
