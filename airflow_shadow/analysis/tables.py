"""A verdict as a table: plain for a task's log, Markdown for a person who decides."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_shadow.analysis.formatting import allowed, change, level_unit, number, shown, tail
from airflow_shadow.analysis.verdict import Finding, Verdict

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
    rows = [HEAD, *(cells(finding) for finding in verdict.findings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([f"{verdict.headline} ({verdict.caveat})", *lines, *_notes(verdict)])


def markdown_table(verdict: Verdict) -> str:
    """Return the verdict as Markdown, for the body of a question to a person."""
    head, *rows = ([*map(escaped, row)] for row in (HEAD, *map(cells, verdict.findings)))
    lines = [head, ["---"] * len(HEAD), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "\n".join(f"- {escaped(note)}" for note in _notes(verdict))
    return f"**{verdict.headline}** ({verdict.caveat})\n\n{table}\n\n{notes}\n"


def cells(finding: Finding) -> tuple[str, ...]:
    """Return a finding's row below :data:`HEAD`; what was found outside has an outcome only."""
    name = f"{finding.name} (warning)" if finding.severity == "warning" else finding.name
    if finding.comparison is None:
        rest = len(HEAD) - HEAD.index("requests") - 1
        return (name, finding.outcome, *("",) * 4, _requests(finding), *("",) * rest)
    return (
        name,
        finding.outcome,
        _level(finding, finding.baseline),
        _level(finding, finding.candidate),
        change(finding),
        allowed(finding),
        _requests(finding),
        number(finding.periods),
        number(finding.effective_periods),
        number(finding.missing),
    )


def _level(finding: Finding, value: float | None) -> str:
    return "" if value is None else shown(value, level_unit(finding.metric, finding.statistic))


def _requests(finding: Finding) -> str:
    counts = (finding.n_baseline, finding.n_candidate)
    return " / ".join(map(number, counts)) if finding.comparison or any(counts) else ""


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


#: What Markdown, or HTML inside it, would take for its own; at the start, for that of a list.
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~&]|^-)")
_NUMBER = re.compile(r"^(\d+)(?=\.(?: |$))")
#: What GitHub's Markdown, which Airflow's pages show, links by itself, even where it is escaped.
_LINKS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=[\w.+-])(?=@)", re.IGNORECASE)


def escaped(text: str) -> str:
    """Return a text as it is, for Markdown: names come from whoever wrote the specification.

    A blank breaks what would become a link.
    """
    marked = _MARKS.sub(r"\\\1", _LINKS.sub(" ", " ".join(text.split())))
    return _NUMBER.sub(r"\1\\", marked)
