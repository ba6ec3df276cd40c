"""The forest plot: each criterion's change and interval in units of its tolerance, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from airflow_shadow.analysis import Finding
from airflow_shadow.analysis.formatting import allowed, change, says_nothing
from airflow_shadow.analysis.spec import UNANSWERED
from airflow_shadow.report.markup import short, svg, tag
from airflow_shadow.report.scale import Scale

WIDTH, ROW, FOOT = 400.0, 62.0, 34.0
#: Distance of the interval from the top of its row.
BAR = 46.0
#: Least and greatest number of tolerances to each side.
LEAST, MOST = 1.5, 4.0
#: Letters of a name that fit beside the outcome.
MAX_LETTERS = 36


def forest(findings: Sequence[Finding], *, key: str, title: str) -> Markup:
    """Return the plot of all measured criteria and of unanswered requests; empty without any.

    Each row shades what its own direction allows, so that all are read alike.

    :param key: unique in the file
    """
    rows = [each for each in findings if each.tolerance or each.name == UNANSWERED]
    if not rows:
        return Markup()
    scale, height = _scale(rows), ROW * len(rows) + FOOT
    return svg(
        *(
            tag("g", *_row(each, scale), transform=f"translate(0 {short(ROW * index)})")
            for index, each in enumerate(rows)
        ),
        *_axis(scale, height - FOOT),
        key=key,
        title=title,
        description=" ".join(f"{one.name}: {one.outcome}, {_numbers(one)}." for one in rows),
        class_="forest",
        size=(WIDTH, height),
    )


def _numbers(finding: Finding) -> str:
    """Return the numbers, or the sentence of a finding without a tolerance."""
    if finding.tolerance is None:
        return finding.sentence.removeprefix(f"{finding.name}: ")
    return f"{change(finding)}, allowed {allowed(finding)}"


def _scale(rows: Sequence[Finding]) -> Scale:
    ends = [end for row in rows for end in _ends(row)]
    return Scale(
        low=max(-MOST, min([-LEAST, *ends])),
        high=min(MOST, max([LEAST, *ends])),
        start=14,
        end=WIDTH - 14,
    )


def _ends(finding: Finding) -> list[float]:
    """Return the estimate, and the interval if it says anything, in units of the tolerance."""
    interval = () if says_nothing(finding) else (finding.lower, finding.upper)
    return [
        value / abs(finding.tolerance or 1.0)
        for value in (finding.estimate, *interval)
        if value is not None and not math.isnan(value)
    ]


def _row(finding: Finding, scale: Scale) -> Iterator[Markup]:
    name, tone = finding.label, finding.outcome.lower()
    name = name if len(name) <= MAX_LETTERS else f"{name[: MAX_LETTERS - 1]}…"
    yield tag("text", name, x=14, y=15, class_="name")
    yield tag("text", finding.outcome, x=WIDTH - 14, y=15, class_=f"end {tone}")
    yield tag("text", _numbers(finding), x=14, y=31, class_="small")
    if finding.tolerance is None:
        return
    low, high = (scale.at(end) for end in _allowed_range(finding))
    yield tag("rect", x=low, y=BAR - 9, width=high - low, height=18, class_="allowed")
    yield from _ticks(finding, scale)
    if ends := _ends(finding):
        yield from _interval(finding, ends, scale)


def _allowed_range(finding: Finding) -> tuple[float, float]:
    """Return what passes, in units of the tolerance."""
    limit = math.copysign(1.0, finding.tolerance or 1.0)
    if finding.direction == "either":
        return -1.0, 1.0
    if finding.direction == "increase":
        return -math.inf, limit
    return (1.0 if finding.comparison == "absolute" else -limit), math.inf


def _interval(finding: Finding, ends: Sequence[float], scale: Scale) -> Iterator[Markup]:
    """Yield the interval's line and the estimate's mark, or an arrow if it is outside the plot.

    The mark's shape is the outcome's, too: a disc for PASS, a square for FAIL, a ring for
    INCONCLUSIVE. An interval that says nothing is a dotted line through the whole plot.
    """
    tone, low, high = finding.outcome.lower(), min(ends), max(ends)
    if says_nothing(finding):
        yield _line(scale.start, scale.end, f"unknown {tone}")
    else:
        yield _line(scale.at(low), scale.at(high), f"interval {tone}")
        yield from (_end(end, scale, tone) for end in (low, high))
    if not scale.holds(ends[0]):
        yield _end(ends[0], scale, tone)
        return
    place = scale.at(ends[0])
    if finding.outcome == "FAIL":
        yield tag("rect", x=place - 5, y=BAR - 5, width=10, height=10, class_=f"mark {tone}")
    else:
        yield tag("circle", cx=place, cy=BAR, r=5.5, class_=f"mark {tone}")


def _line(low: float, high: float, class_: str) -> Markup:
    return tag("path", d=f"M{short(low)} {short(BAR)}H{short(high)}", class_=class_)


def _end(value: float, scale: Scale, tone: str) -> Markup:
    """Return a stroke where the interval ends, or an arrow head where it leaves the plot."""
    place = short(scale.at(value))
    if scale.holds(value):
        return tag("path", d=f"M{place} {short(BAR - 5)}v10", class_=f"interval {tone}")
    inward = 7 if value < scale.low else -7
    return tag("path", d=f"M{place} {short(BAR)}l{inward} -6v12z", class_=f"arrow {tone}")


def _ticks(finding: Finding, scale: Scale) -> Iterator[Markup]:
    """Yield lines at no change, at the row's own limits and at whole tolerances between."""
    for unit in _units(scale):
        kind = "zero" if unit == 0 else "limit" if unit in _allowed_range(finding) else "grid"
        yield tag("path", d=f"M{short(scale.at(unit))} {short(BAR - 11)}v22", class_=kind)


def _axis(scale: Scale, foot: float) -> Iterator[Markup]:
    """Yield the numbers of the tolerances below the rows, and what they count."""
    for unit in _units(scale):
        label = f"{unit:+d}" if unit else "0"
        yield tag("text", label, x=scale.at(unit), y=foot + 13, class_="small mid")
    note = "change in units of the tolerance; shaded: allowed"
    yield tag("text", note, x=WIDTH / 2, y=foot + 29, class_="small mid")


def _units(scale: Scale) -> range:
    return range(math.ceil(scale.low), math.floor(scale.high) + 1)
