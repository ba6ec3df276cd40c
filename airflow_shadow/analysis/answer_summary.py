"""What a report shows of compared answers: their course in some dozen points, and what they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_shadow.analysis.answer_distribution import Distribution
from airflow_shadow.analysis.answer_sums import MINUTE, AnswerSums, Table
from airflow_shadow.analysis.observations import SILENT, Pair, Series
from airflow_shadow.analysis.outputs import Output

#: Points of a window at most: an XCom should stay small.
MOST_POINTS = 60
#: What is drawn: a count, and what it is a part of.
DISAGREED, BROKEN, RIGHT = (
    ("disagreed",),
    ("production_broken", "shadow_broken"),
    (
        "production_right",
        "shadow_right",
    ),
)
WHOLE = {
    **dict.fromkeys(DISAGREED, "compared"),
    **dict.fromkeys(BROKEN, "values"),
    **dict.fromkeys(RIGHT, "labelled"),
}
_COLUMNS = tuple(dict.fromkeys([*WHOLE, *WHOLE.values()]))


@dataclass(frozen=True, kw_only=True)
class AnswerSummary:
    """Hold one output's sums in a window, thinned, and the distribution of its answers.

    :param kind: of the output
    :param width: seconds of a point
    :param times: begin of each point, in seconds since 1970
    :param columns: sums of each point, of those columns that the output has
    """

    kind: str
    width: float = 60.0
    times: tuple[float, ...] = ()
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    distribution: Distribution = field(default_factory=Distribution)

    @classmethod
    def of(
        cls, kind: str, table: Table, distribution: Distribution, *, start: float, end: float
    ) -> AnswerSummary:
        """Return the summary of a window."""
        width = 60 * max(1, math.ceil((end - start) / 60 / MOST_POINTS))
        places = [math.floor((60 * minute - start) / width) for minute in table[MINUTE]]
        points = sorted({*places})
        return cls(
            kind=kind,
            width=width,
            times=tuple(start + width * point for point in points),
            columns={
                name: tuple(_summed(places, table[name])[point] for point in points)
                for name in _COLUMNS
                if name in table
            },
            distribution=distribution.few_classes(),
        )

    def total(self, column: str) -> float:
        """Return the sum of a column over the window; 0 if the output has none."""
        return math.fsum(self.columns.get(column, ()))

    def pair(self, columns: tuple[str, ...]) -> Pair:
        """Return the series of a count of both variants, or of their pairs as the candidate's."""
        *baseline, candidate = (self._series(column) for column in columns)
        return Pair(baseline=baseline[0] if baseline else SILENT, candidate=candidate)

    def _series(self, column: str) -> Series:
        if column not in self.columns:
            return SILENT
        return Series(
            times=self.times, values=self.columns[column], samples=self.columns[WHOLE[column]]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "kind": self.kind,
            "width": self.width,
            "times": list(self.times),
            "columns": {name: list(numbers) for name, numbers in self.columns.items()},
            "distribution": self.distribution.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AnswerSummary:
        """Return the summary that :meth:`to_dict` described."""
        return cls(
            kind=data["kind"],
            width=data["width"],
            times=tuple(data["times"]),
            columns={name: tuple(numbers) for name, numbers in data["columns"].items()},
            distribution=Distribution.from_dict(data["distribution"]),
        )


def _summed(places: list[int], numbers: Any) -> dict[int, float]:
    sums: dict[int, float] = {}
    for place, number in zip(places, numbers, strict=True):
        sums[place] = sums.get(place, 0) + number
    return sums


def summarised(
    outputs: Mapping[str, Output], sums: AnswerSums, *, start: float, end: float
) -> dict[str, AnswerSummary]:
    """Return the summary of each output that was compared at all."""
    return {
        name: AnswerSummary.of(
            output.kind,
            sums.outputs[name],
            sums.distributions.get(name, Distribution()),
            start=start,
            end=end,
        )
        for name, output in outputs.items()
        if sums.outputs.get(name, {}).get(MINUTE)
    }
