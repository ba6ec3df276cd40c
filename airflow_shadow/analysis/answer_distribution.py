"""What an output's answers were like, for a person who looks: no part of the judgement.

The names of classes are the only words of an answer that leave an engine; which, `Classes` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_shadow.analysis.histogram import Histogram
from airflow_shadow.analysis.outputs import Output

#: Letters of a class's name; a longer one is more likely a text, and counts as another class.
MOST_LETTERS = 40
#: Classes that are named of an hour, and of a distribution.
HOURLY_CLASSES, MOST_CLASSES = 20, 10
#: Answers of an hour, of both variants, that must bear a class's name: what is rare may tell of a
#: person, and is another class.
LEAST_ANSWERS = 20
#: What is drawn of scores.
SIDES = ("production", "shadow", "difference")
#: Production's class and the shadow's, to how many pairs have them; None is any other class.
Cells = Mapping[tuple[str | None, str | None], int]


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Hold the classes of an output's pairs, or histograms of its scores.

    :param cells: of labels whose classes may be shown
    :param histograms: of scores: of both variants, and of shadow minus production
    """

    cells: Cells = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)

    def __add__(self, other: Distribution) -> Distribution:
        """Return the distribution of both."""
        names = dict.fromkeys([*self.histograms, *other.histograms])
        sides = [
            (name, [one.histograms.get(name, Histogram()) for one in (self, other)])
            for name in names
        ]
        cells = dict(self.cells)
        for key, count in other.cells.items():
            cells[key] = cells.get(key, 0) + count
        return Distribution(
            cells=cells, histograms={name: one + another for name, (one, another) in sides}
        )

    @property
    def classes(self) -> list[str]:
        """Return the most frequent classes, the most frequent first."""
        counts: dict[str, int] = {}
        for key, count in self.cells.items():
            for name in filter(None, key):
                counts[name] = counts.get(name, 0) + count
        return sorted(counts, key=lambda name: (-counts[name], name))[:MOST_CLASSES]

    def few_classes(self) -> Distribution:
        """Return the distribution with its most frequent classes only."""
        known, cells = {*self.classes}, dict[tuple[str | None, str | None], int]()
        for (one, other), count in self.cells.items():
            key = (one if one in known else None, other if other in known else None)
            cells[key] = cells.get(key, 0) + count
        return Distribution(cells=cells, histograms=self.histograms)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "cells": [[*key, count] for key, count in self.cells.items()],
            "histograms": {name: each.to_dict() for name, each in self.histograms.items()},
        }

    @classmethod
    def from_dict(cls, data: Any) -> Distribution:
        """Return the distribution that :meth:`to_dict` described.

        :raises ValueError: it is none
        """
        if not isinstance(data, Mapping) or set(data) != {"cells", "histograms"}:
            raise ValueError("no distribution")
        cells, histograms = data["cells"], data["histograms"]
        if not isinstance(cells, list) or not all(map(_is_cell, cells)):
            raise ValueError("no list of cells")
        if not isinstance(histograms, Mapping) or not {*histograms} <= {*SIDES}:
            raise ValueError("no histograms")
        return cls(
            cells={(one, other): count for one, other, count in cells},
            histograms={name: Histogram.from_dict(each) for name, each in histograms.items()},
        )


def _is_cell(cell: Any) -> bool:
    if not isinstance(cell, list) or len(cell) != len(("production", "shadow", "count")):
        return False
    *names, count = cell
    return type(count) is int and count >= 0 and all(map(_is_name, names))


def _is_name(name: Any) -> bool:
    return name is None or (
        isinstance(name, str) and 0 < len(name) <= MOST_LETTERS and name.isprintable()
    )


def of_classes(rows: Iterable[tuple[str | None, str | None, int]]) -> Distribution:
    """Return the distribution of pairs of classes; names with control characters are left out."""
    cells: dict[tuple[str | None, str | None], int] = {}
    for production, shadow, count in rows:
        one, other = (name if _is_name(name) else None for name in (production, shadow))
        cells[one, other] = cells.get((one, other), 0) + count
    return Distribution(cells=cells)


def of_scores(rows: Iterable[tuple[int, int, int, int]]) -> Distribution:
    """Return the histograms of bins: which of :data:`SIDES`, exponent, number and count."""
    bins: dict[str, dict[tuple[int, int], int]] = {name: {} for name in SIDES}
    for side, exponent, number, count in rows:
        bins[SIDES[side]][exponent, number] = count
    return Distribution(histograms={name: Histogram.of(each) for name, each in bins.items()})


def is_shown(output: Output) -> bool:
    """Tell whether there is a distribution of an output."""
    return output.kind == "score" or (output.kind == "label" and output.show_classes)
