"""The tables of a report as texts; the template makes markup of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from airflow_shadow.analysis import Baseline, BreakerFinding, Finding
from airflow_shadow.analysis.formatting import (
    allowed,
    change,
    duration,
    in_unit,
    level_unit,
    number,
)
from airflow_shadow.analysis.tables import HEAD, cells
from airflow_shadow.report.inputs import Stage
from airflow_shadow.report.scale import moment

#: Number of the columns of :data:`HEAD` before the periods.
NUMBERS = HEAD.index("periods")
EVIDENCE = (*map(str.capitalize, HEAD[:NUMBERS]), "Periods", "Why")
BREAKERS = ("Stage", "Circuit breaker", "Outcome", "First at (UTC)", "Periods", "In words")
STAGES = ("Stage", "Outcome", "From (UTC)", "To (UTC)", "Looks", "Stage passed")
PERCENTILES = ("Criterion and variant", "Slow is above", "Slow")
BASELINE = (
    "Stage",
    "From (UTC)",
    "Variant",
    "Model",
    "Endpoint configuration",
    "Instances",
    "Shadow's instances",
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Hold a table; the first cell of a row names it."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def evidence_table(caption: str, findings: Iterable[Finding]) -> Table:
    """Return the evidence of each criterion with its units."""
    rows = [(*cells(one)[:NUMBERS], _periods(one), _why(one)) for one in findings]
    return Table(caption=caption, head=EVIDENCE, rows=rows)


def _periods(finding: Finding) -> str:
    if finding.comparison is None:
        return number(finding.periods) if finding.periods else ""
    worth = number(round(finding.effective_periods, 1))
    return f"{number(finding.periods)} (worth {worth}), {number(finding.missing)} missing"


def _why(finding: Finding) -> str:
    """Return the sentence without the other cells' numbers, and the time that a PASS would take."""
    numbers = f"{finding.name} {change(finding)}, allowed {allowed(finding)}"
    why = finding.sentence.removeprefix(numbers).removeprefix(f"{finding.name}:").strip()
    if why.startswith("(") and why.endswith(")"):
        why = why[1:-1]
    more = "" if finding.longer is None else f"about {duration(finding.longer)} more would decide"
    return "; ".join(filter(None, (why, more)))


def percentile_table(stage: Stage) -> Table:
    """Return the limit and the percentiles of slow requests; no rows if neither is known."""
    slow = [each for each in stage.findings if each.limit or each.percentiles]
    known = [side for each in slow for side in each.percentiles or ()]
    names = list(dict.fromkeys(name for side in known for name in side))
    rows = [row for finding in slow for row in _percentiles(finding, names)]
    caption = f"Slow requests of the whole window: {stage.name}"
    return Table(caption=caption, head=(*PERCENTILES, *names), rows=rows)


def _percentiles(finding: Finding, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each variant: the limit, the share above it, and each percentile."""
    unit, row = level_unit(finding.metric, "Average"), dict(zip(HEAD, cells(finding), strict=True))
    limit = finding.statistic.removeprefix("above:")
    if finding.limit is not None:
        limit = f"{in_unit(finding.limit, unit)}, production's {limit} before the test"
    sides = finding.percentiles or ({}, {})
    for variant, known in zip(("production", "shadow"), sides, strict=True):
        values = (in_unit(known[each], unit) if each in known else "" for each in names)
        yield (f"{finding.label}, {variant}", limit, row[variant], *values)


def stage_table(stages: Iterable[Stage]) -> Table:
    """Return the verdict at each sampling percentage, in the order of time."""
    return Table(caption="Stages, in the order of time", head=STAGES, rows=[*map(_stage, stages)])


def _stage(stage: Stage) -> tuple[str, ...]:
    verdict = stage.verdict
    return (
        stage.name,
        verdict.headline,
        moment(stage.observations.start),
        moment(stage.observations.end),
        f"{len(stage.planned)} of {len(verdict.looks)} planned, {len(stage.between)} in between",
        "yes" if verdict.stage_passed else "no",
    )


def breaker_table(stages: Iterable[Stage]) -> Table:
    """Return the findings of the circuit breakers in each stage."""
    rows = [_breaker(stage, one) for stage in stages for one in stage.verdict.breakers]
    return Table(caption="Hard limits on the shadow", head=BREAKERS, rows=rows)


def _breaker(stage: Stage, finding: BreakerFinding) -> tuple[str, ...]:
    outcome = "tripped" if finding.tripped else "not tripped" if finding.periods else "no data"
    at = "" if finding.at is None else moment(finding.at)
    return (stage.name, finding.name, outcome, at, number(finding.periods), finding.sentence)


def baseline_table(stages: Iterable[Stage]) -> Table:
    """Return the states of production, a row for each; no rows if none was recorded."""
    rows = [row for stage in stages for row in _baselines(stage)]
    return Table(caption="Production at the looks", head=BASELINE, rows=rows)


def _baselines(stage: Stage) -> Iterator[tuple[str, ...]]:
    for state, same in groupby(stage.observations.baseline, key=_state):
        yield (stage.name, moment(next(same).at), *state)


def _state(baseline: Baseline) -> tuple[str, ...]:
    """Return the columns of a state of production; 0 instances are unknown."""
    counts = (str(count or "unknown") for count in (baseline.instances, baseline.shadow_instances))
    return (*baseline.identity, *counts)
