"""A verdict as a table: plain for a task's log, Markdown for a person who decides."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_shadow.analysis.verdict import Finding, Verdict
from airflow_shadow.analysis.words import allowed, change, level_unit, number, shown, tail

HEAD = (
    "criterion",
    "outcome",
    "production",
    "shadow",
    "change",
    "allowed",
    "requests",
    "periods",
    "effective",
    "missing",
)


def text_table(verdict: Verdict) -> str:
    """Return the verdict for a task's log: what it is and rests on, then a line a criterion."""
    rows = [HEAD, *(_cells(finding) for finding in verdict.findings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([f"{verdict.headline} ({verdict.caveat})", *lines, *_notes(verdict)])


def markdown_table(verdict: Verdict) -> str:
    """Return the verdict as Markdown, for the body of a question to a person."""
    rows = [HEAD, ("---",) * len(HEAD), *(_cells(finding) for finding in verdict.findings)]
    table = "\n".join(f"| {' | '.join(map(escaped, row))} |" for row in rows)
    notes = "\n".join(f"- {escaped(note)}" for note in _notes(verdict))
    return f"**{verdict.headline}** ({verdict.caveat})\n\n{table}\n\n{notes}\n"


def _cells(finding: Finding) -> tuple[str, ...]:
    name = f"{finding.name} (warning)" if finding.severity == "warning" else finding.name
    if finding.comparison is None:
        return (name, finding.outcome, *("",) * (len(HEAD) - 2))
    return (
        name,
        finding.outcome,
        _level(finding, finding.baseline),
        _level(finding, finding.candidate),
        change(finding),
        allowed(finding),
        f"{number(finding.n_baseline)} / {number(finding.n_candidate)}",
        number(finding.periods),
        number(finding.effective_periods),
        number(finding.missing),
    )


def _level(finding: Finding, value: float | None) -> str:
    return "" if value is None else shown(value, level_unit(finding.metric, finding.statistic))


def _notes(verdict: Verdict) -> Sequence[str]:
    """Return what the table has no column for."""
    return [
        *verdict.lacking,
        *(finding.sentence for finding in verdict.findings if finding.comparison is None),
        *(one.sentence for one in verdict.findings if one.comparison and _says_why(one)),
        *filter(None, map(tail, verdict.findings)),
        *(breaker.sentence for breaker in verdict.breakers),
        *verdict.notes,
    ]


def _says_why(finding: Finding) -> bool:
    """Tell whether the sentence has more than the numbers."""
    return finding.estimate is None or finding.sentence.endswith(")")


#: What Markdown, or HTML inside it, would take for its own.
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")


def escaped(text: str) -> str:
    """Return a text as it is, for Markdown: names come from whoever wrote the specification."""
    return _MARKS.sub(r"\\\1", text)
