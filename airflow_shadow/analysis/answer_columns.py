"""The sums of one output's answers as the periods that the judge takes.

Few answers of a minute differ, are broken or have a label, so a minute is mostly chance. Where
answers differ in bursts, that hides how much neighbouring minutes depend on each other, which is
estimated from their correlation. So as many minutes make a period as leave a window enough of them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from airflow_shadow.analysis.align import Columns, Window
from airflow_shadow.analysis.answer_measures import OWN_VALUES
from airflow_shadow.analysis.answer_sums import MINUTE, Table
from airflow_shadow.analysis.look import Look

#: Seconds of the minutes that an engine sums.
SECONDS = 60
#: Periods that a window is cut into at least, for a period may be empty.
LEAST_PERIODS = 36
#: The same as a multiple of those that are needed.
MORE_PERIODS = 1.2
#: Minutes of a period.
WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 60)


@dataclass(frozen=True)
class AnswerColumns:
    """Hold one output's sums inside a window, in periods of some minutes.

    :param table: the engine's sums
    :param window: what is read, with the length of its periods
    """

    table: Table
    window: Window

    @cached_property
    def _order(self) -> list[int]:
        """Return the rows in the order of time."""
        return sorted(range(len(self.table[MINUTE])), key=self.table[MINUTE].__getitem__)

    @cached_property
    def _periods(self) -> list[tuple[int, int, int]]:
        """Return each period that has minutes, and where they begin and end in that order.

        Only whole minutes of the window count, as of metrics: else there would be too many pairs.
        """
        window, minutes = self.window, [self.table[MINUTE][row] for row in self._order]
        end = math.floor(window.end / SECONDS) * SECONDS
        starts = (window.start + number * window.period for number in range(window.periods))
        edges = [bisect_left(minutes, min(start, end) / SECONDS) for start in (*starts, end)]
        return [
            (number, first, last)
            for number, (first, last) in enumerate(pairwise(edges))
            if first < last
        ]

    def has(self, *columns: str) -> bool:
        """Tell whether the engine summed some columns."""
        return all(column in self.table for column in columns)

    def sums(self, *columns: str) -> dict[int, float]:
        """Return period to the sum of some columns; one that the kind does not have is 0."""
        sums = {period: 0.0 for period, _, _ in self._periods}
        for numbers in (self.table[column] for column in columns if column in self.table):
            ordered = [numbers[row] for row in self._order]
            for period, first, last in self._periods:
                sums[period] += sum(ordered[first:last])
        return sums

    def total(self, *columns: str) -> float:
        """Return the sum of some columns over the window."""
        return math.fsum(self.sums(*columns).values())

    def series(
        self,
        counts: dict[int, float],
        sums: dict[int, float],
        value: Callable[[float, float], float],
    ) -> Columns:
        """Return the periods that hold something, with a value made of their sum and count."""
        periods = sorted(period for period, count in counts.items() if count > 0)
        return Columns(
            times=[self.window.start + period * self.window.period for period in periods],
            values=[value(sums[period], counts[period]) for period in periods],
            samples=[counts[period] for period in periods],
        )


def period_for(look: Look) -> int:
    """Return the seconds of the periods that a look's answers are cut into."""
    least = max(LEAST_PERIODS, math.ceil(MORE_PERIODS * look.spec.min_periods))
    minutes = (look.window.end - look.window.start) / SECONDS
    width = max((width for width in WIDTHS if width * least <= minutes), default=1)
    return SECONDS * max(width, math.ceil(look.period / SECONDS))


@dataclass(frozen=True, kw_only=True)
class MeanColumns:
    """Name the columns of a mean over pairs.

    :param count: values that are averaged
    :param production: sum of production's
    :param shadow: sum of the shadow's
    :param squares: columns whose sum is that of the squared differences
    """

    count: str
    production: str
    shadow: str
    squares: Sequence[str]


def mean_columns(measure: str) -> MeanColumns:
    """Return the columns of a measure that is a mean."""
    if measure.startswith(OWN_VALUES):
        name = f"value.{measure.removeprefix(OWN_VALUES)}"
        return MeanColumns(
            count=f"{name}.n",
            production=f"{name}.production",
            shadow=f"{name}.shadow",
            squares=(f"{name}.difference_squared",),
        )
    return _MEANS[measure]


_MEANS = {
    "shift": MeanColumns(
        count="compared",
        production="production_sum",
        shadow="shadow_sum",
        squares=("difference_squared",),
    ),
    # Of two that are right or wrong the squared difference is 1 where only one is right.
    "accuracy": MeanColumns(
        count="labelled",
        production="production_right",
        shadow="shadow_right",
        squares=("production_right_only", "shadow_right_only"),
    ),
    "error": MeanColumns(
        count="labelled",
        production="production_loss",
        shadow="shadow_loss",
        squares=("loss_difference_squared",),
    ),
}
