"""What production showed before a plan, cut into windows that stand for the stages to come."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from airflow_shadow.analysis.align import Columns, Window, read
from airflow_shadow.analysis.request_counts import Counting
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Observations, Pair, Series
from airflow_shadow.analysis.spec import AnalysisSpec, Criterion
from airflow_shadow.analysis.statistic import parse_statistic
from airflow_shadow.experiments.lifecycle import FULL_SAMPLING

#: Windows of the history that stand for a stage.
MOST_WINDOWS = 24
#: Seconds of history below which nothing is ruled out: the other hours may be busier.
WHOLE_DAY = 23 * 3600.0


@dataclass(frozen=True, kw_only=True)
class History:
    """Hold what production showed; a period that is missing is missing.

    :param requests: of production in each period; only ``samples`` is read
    :param series: metric and statistic (:attr:`AnalysisSpec.needs`) to production's periods
    :param period: length of the periods in seconds
    :param instances: that production runs on, 0 if unknown
    """

    requests: Series
    series: Mapping[tuple[str, str], Series] = field(default_factory=dict)
    period: int = 60
    instances: int = 0

    @cached_property
    def whole(self) -> Window:
        """Return the time from the first period to the last."""
        times = self.requests.times
        start, last = min(times, default=0.0), max(times, default=-float(self.period))
        return Window(start=start, end=last + self.period, period=self.period)

    @property
    def seconds(self) -> float:
        """Return how long it is."""
        return self.whole.end - self.whole.start

    @property
    def is_a_day(self) -> bool:
        """Tell whether it shows the busy hours, too."""
        return self.seconds >= WHOLE_DAY

    def windows(self, seconds: float) -> list[Window]:
        """Return windows of a length, evenly spread; all of it if it is shorter than one."""
        room = math.floor((self.seconds - seconds) / self.period)
        if room < 0:
            return [self.whole]
        count = min(room + 1, MOST_WINDOWS)
        begins = (
            self.whole.start + self.period * (room * n // max(count - 1, 1)) for n in range(count)
        )
        return [Window(start=at, end=at + seconds, period=self.period) for at in begins]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Hold production's readable periods of one criterion, counted as it says.

    :param weaknesses: what production's own counts leave out
    """

    columns: Columns
    weaknesses: tuple[str, ...] = ()

    def windows(self, history: History, seconds: float) -> list[Columns]:
        """Return the periods of each window of a length."""
        return [self._within(window) for window in history.windows(seconds)]

    def _within(self, window: Window) -> Columns:
        whole = self.columns
        first, last = (bisect_left(whole.times, time) for time in (window.start, window.end))
        return Columns(
            times=whole.times[first:last],
            values=whole.values[first:last],
            samples=whole.samples[first:last],
        )


def counted(spec: AnalysisSpec, history: History, criteria: Sequence[Criterion]) -> list[Counted]:
    """Return production's periods of each criterion."""
    both = {key: Pair(baseline=one, candidate=one) for key, one in history.series.items()}
    observed = Observations(
        start=history.whole.start - spec.initial_delay,
        end=history.whole.end,
        sampling_percentage=FULL_SAMPLING,
        looks=[history.whole.end],
        series=both,
        invocations=Pair(baseline=history.requests, candidate=history.requests),
        period=history.period,
    )
    counting = Counting(Look(spec, observed))
    return [_counted(counting, history, criterion) for criterion in criteria]


def _counted(counting: Counting, history: History, criterion: Criterion) -> Counted:
    reference = parse_statistic(criterion.statistic).reference
    if reference is not None and not history.series.get(criterion.key):
        above = _above_own(history.requests, float(reference[1:]))
        return Counted(columns=read(above, history.whole))
    pair = counting.pair(criterion)
    columns = read(pair.baseline, history.whole)
    weak = counting.weaknesses(criterion, pair) if columns.times else ()
    return Counted(columns=columns, weaknesses=tuple(weak))


def _above_own(requests: Series, percentile: float) -> Series:
    """Return how many requests lie above production's own percentile: that share, by its name."""
    above = 1 - percentile / 100
    counts = [count * above for count in requests.samples]
    return Series(times=requests.times, values=counts, samples=requests.samples)
