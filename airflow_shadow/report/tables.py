"""Tables that a screen reader can walk and a phone can stack, and lists of facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_shadow.analysis import Finding
from airflow_shadow.analysis.words import allowed, change, level_unit, number, shown
from airflow_shadow.report.facts import Stage
from airflow_shadow.report.markup import Markup, tag
from airflow_shadow.report.scale import moment

OUTCOMES = frozenset({"PASS", "FAIL", "INCONCLUSIVE"})
EVIDENCE = (
    "Criterion",
    "Outcome",
    "Production",
    "Shadow",
    "Change [interval]",
    "Allowed",
    "Requests",
    "Periods",
    "Why",
)
TRAFFIC = ("Sampling", "Outcome", "Production", "Shadow", "In words")
STAGES = ("Sampling", "Outcome", "From (UTC)", "To (UTC)", "Looks", "Stage passed")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Return a table; the first cell of a row names it.

    The roles are said aloud, because browsers forget them when a phone's style stacks the cells.
    """
    columns = (tag("th", each, scope="col", role="columnheader") for each in head)
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *columns, role="row"), role="rowgroup"),
        tag("tbody", *(_row(head, row) for row in rows), role="rowgroup"),
        role="table",
    )


def _row(head: Sequence[str], row: Sequence[str]) -> Markup:
    cells = (_cell(label, value) for label, value in zip(head[1:], row[1:], strict=True))
    return tag("tr", tag("th", row[0], scope="row", role="rowheader"), *cells, role="row")


def _cell(label: str, value: str) -> Markup:
    tone = value.lower() if value in OUTCOMES else None
    given = {"class_": tone, "data_label": label, "role": "cell"}
    # An empty cell has no child at all, so that a phone leaves its line out.
    return tag("td", tag("span", value), **given) if value else tag("td", **given)


def facts(rows: Mapping[str, str]) -> Markup:
    """Return a list of labels and texts."""
    pairs = (part for key, value in rows.items() for part in (tag("dt", key), tag("dd", value)))
    return tag("dl", *pairs)


def evidence_table(caption: str, findings: Iterable[Finding]) -> Markup:
    """Return the evidence of each criterion with its units."""
    return table(caption, EVIDENCE, map(_evidence, findings))


def _evidence(finding: Finding) -> tuple[str, ...]:
    name = f"{finding.name} (warning)" if finding.severity == "warning" else finding.name
    if finding.comparison is None:
        return (name, finding.outcome, *("",) * (len(EVIDENCE) - 3), finding.sentence)
    return (
        name,
        finding.outcome,
        _level(finding, finding.baseline),
        _level(finding, finding.candidate),
        change(finding),
        allowed(finding),
        f"{number(finding.n_baseline)} / {number(finding.n_candidate)}",
        _periods(finding),
        _why(finding),
    )


def _level(finding: Finding, value: float | None) -> str:
    return "" if value is None else shown(value, level_unit(finding.metric, finding.statistic))


def _periods(finding: Finding) -> str:
    worth = number(finding.effective_periods)
    return f"{finding.periods:,} (worth {worth}), {finding.missing:,} missing"


def _why(finding: Finding) -> str:
    """Return the sentence without the numbers that the other cells hold."""
    numbers = f"{finding.name} {change(finding)}, allowed {allowed(finding)}"
    return finding.sentence.removeprefix(numbers).lstrip("; ")


def stage_table(stages: Iterable[Stage]) -> Markup:
    """Return what was said at each sampling percentage, in the order of time."""
    return table("Stages, in the order of time", STAGES, map(_stage, stages))


def _stage(stage: Stage) -> tuple[str, ...]:
    verdict = stage.verdict
    return (
        stage.sampling,
        verdict.outcome,
        moment(stage.observations.start),
        moment(stage.observations.end),
        f"{len(stage.looks):,}",
        "yes" if verdict.stage_passed else "no",
    )


def traffic_table(stages: Iterable[Stage]) -> Markup:
    """Return whether the shadow got its share of the requests, stage by stage."""
    return table("Requests of both variants", TRAFFIC, map(_traffic, stages))


def _traffic(stage: Stage) -> tuple[str, ...]:
    found = stage.verdict.traffic
    counts = number(found.n_baseline), number(found.n_candidate)
    told = found.sentence.removeprefix("traffic: ")
    return (stage.sampling, found.outcome, *counts, told)
