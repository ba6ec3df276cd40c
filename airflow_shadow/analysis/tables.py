"""A verdict as a table: text for a task's log, Markdown for a person who decides."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_shadow.analysis.formatting import (
    aligned,
    allowed,
    change,
    in_unit,
    level_unit,
    number,
    tail,
)
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
    """Return the verdict for a task's log: the headline, a line for each finding, then notes."""
    rows = [HEAD, *(cells(finding) for finding in verdict.findings)]
    headline = f"{verdict.headline} ({verdict.caveat})"
    return "\n".join([headline, *aligned(rows), *_notes(verdict)])


def markdown_table(verdict: Verdict) -> str:
    """Return the verdict as Markdown, for the body of a question to a person."""
    head, *rows = ([*map(escaped, row)] for row in (HEAD, *map(cells, verdict.findings)))
    lines = [head, ["---"] * len(HEAD), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "\n".join(f"- {escaped(note)}" for note in _notes(verdict))
    return f"**{verdict.headline}** ({verdict.caveat})\n\n{table}\n\n{notes}\n"


def cells(finding: Finding) -> tuple[str, ...]:
    """Return a finding's row below :data:`HEAD`; an outside criterion has an outcome only."""
    if finding.comparison is None:
        known = {
            "criterion": finding.label,
            "outcome": finding.outcome,
            "requests": _requests(finding),
        }
        return tuple(known.get(name, "") for name in HEAD)
    return (
        finding.label,
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
    return "" if value is None else in_unit(value, level_unit(finding.metric, finding.statistic))


def _requests(finding: Finding) -> str:
    counts = (finding.n_baseline, finding.n_candidate)
    return " / ".join(map(number, counts)) if finding.comparison or any(counts) else ""


def _notes(verdict: Verdict) -> Sequence[str]:
    """Return the sentences for which the table has no column."""
    return [
        *verdict.lacking,
        *(finding.sentence for finding in verdict.findings if finding.comparison is None),
        *(one.sentence for one in verdict.findings if one.comparison and _says_why(one)),
        *filter(None, map(tail, verdict.findings)),
        *(breaker.sentence for breaker in verdict.breakers),
        *verdict.notes,
    ]


def _says_why(finding: Finding) -> bool:
    """Tell whether the sentence holds more than the table's numbers."""
    return finding.estimate is None or finding.sentence.endswith(")")


#: Characters with a meaning in Markdown, or in HTML inside it; a dash only at the start.
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~&]|^-)")
_NUMBER = re.compile(r"^(\d+)(?=\.(?: |$))")
#: Where GitHub's Markdown, which Airflow's pages use, would make a link, even of escaped text.
_LINKS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=[\w.+-])(?=@)", re.IGNORECASE)


def escaped(text: str) -> str:
    """Return a text escaped for Markdown, because anybody may have written its names.

    A blank breaks what would become a link.
    """
    marked = _MARKS.sub(r"\\\1", _LINKS.sub(" ", " ".join(text.split())))
    return _NUMBER.sub(r"\1\\", marked)
