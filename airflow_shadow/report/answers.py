"""What a report shows of the answers: charts of their course, and the classes in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from airflow_shadow.analysis import Pair
from airflow_shadow.analysis.answer_distribution import Cells, Distribution
from airflow_shadow.analysis.answer_measures import PREFIX
from airflow_shadow.analysis.answer_summary import (
    BROKEN,
    DISAGREED,
    RIGHT,
    AnswerSummary,
)
from airflow_shadow.analysis.formatting import PER_CENT, in_unit, number
from airflow_shadow.analysis.spec import COVERAGE
from airflow_shadow.report.chart import Picture
from airflow_shadow.report.inputs import Stage
from airflow_shadow.report.limits import limits
from airflow_shadow.report.thinning import share_level

#: Disagreements that are named.
MOST_NAMED = 3
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Hold a table of classes: production's in rows, the shadow's in columns.

    :param classes: letter and name of each, the most frequent first
    :param rows: a number for each class of the shadow, and how dark its cell is, from 0 to 4
    :param named: the most frequent disagreements, in words
    """

    classes: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[tuple[str, int]]]
    named: Sequence[str]


def outputs(stages: Sequence[Stage]) -> list[str]:
    """Return the outputs that were compared in any stage."""
    return [*dict.fromkeys(name for stage in stages for name in stage.answers)]


def latest(stages: Sequence[Stage], name: str) -> tuple[Stage, AnswerSummary]:
    """Return the last stage that has an output, and the output's summary."""
    found = [(stage, stage.answers[name]) for stage in stages if name in stage.answers]
    return found[-1]


def coverage(stage: Stage) -> str:
    """Return how many answers were captured, in a sentence."""
    found = (each.sentence for each in stage.verdict.findings if each.name == COVERAGE)
    return next(found, "")


def answer_pictures(stages: Sequence[Stage], name: str, position: int) -> Iterator[Picture]:
    """Yield the charts of one output: what differed, was broken, and was right.

    :param position: of the output, unique in the file
    """
    for measure, columns, title in (
        ("disagreement", DISAGREED, "Disagreement, in %"),
        ("broken", BROKEN, "Broken answers, in %"),
        ("accuracy", RIGHT, "Right answers of those with a label, in %"),
    ):
        pairs = [stage.answers[name].pair(columns) for stage in stages if name in stage.answers]
        if any(len(pair.candidate.times) for pair in pairs):
            yield _picture(stages, pairs, f"{PREFIX}{name}.{measure}", title, position)


def _picture(
    stages: Sequence[Stage], pairs: Sequence[Pair], metric: str, title: str, position: int
) -> Picture:
    return Picture(
        key=f"answers-{position}-{metric.rpartition('.')[2]}",
        title=title,
        unit=PER_CENT,
        level=share_level,
        pairs=pairs,
        banded=False,
        joint=metric.endswith(".disagreement"),
        limits=[*limits(stages, metric)],
    )


def matrix(distribution: Distribution) -> Matrix | None:
    """Return the table of classes; none if no class is named."""
    classes: list[str | None] = [*distribution.classes]
    if not classes:
        return None
    cells = distribution.cells
    if any(None in key for key in cells):
        classes.append(None)
    most = max(cells.values())
    return Matrix(
        classes=[
            (ascii_uppercase[place] if name else "*", name or OTHER)
            for place, name in enumerate(classes)
        ],
        rows=[[_cell(cells.get((one, other), 0), most) for other in classes] for one in classes],
        named=_disagreements(cells),
    )


def _cell(count: int, most: int) -> tuple[str, int]:
    """Return a cell's number and its shade, darker by the root of its part."""
    return (number(count) if count else "", round(4 * (count / most) ** 0.5))


def _disagreements(cells: Cells) -> list[str]:
    total = sum(cells.values())
    apart = [(count, key) for key, count in cells.items() if key[0] != key[1] and count]
    apart.sort(key=lambda each: (-each[0], str(each[1])))
    return [
        f"production {one or OTHER}, shadow {other or OTHER}: {number(count)} of {number(total)} "
        f"({in_unit(count / total, PER_CENT)})"
        for count, (one, other) in apart[:MOST_NAMED]
    ]
