"""Production's metrics before a plan, cut into windows that stand for the stages to come."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from airflow_shadow.analysis.align import Columns, Window, read
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Observations, Pair, Series
from airflow_shadow.analysis.request_counts import counted, uncovered
from airflow_shadow.analysis.spec import AnalysisSpec
from airflow_shadow.experiments.lifecycle import FULL_SAMPLING

#: Windows of the history that stand for a stage.
MAX_WINDOWS = 24
#: Seconds of history below which nothing is ruled out: the other hours may be busier.
WHOLE_DAY = 23 * 3600.0


@dataclass(frozen=True, kw_only=True)
class History:
    """Hold production's metrics; a period that is absent had no data.

    :param requests: of production in each period; only ``samples`` is read
    :param series: metric and statistic (:attr:`AnalysisSpec.needs`) to production's periods
    :param period: length of the periods in seconds
    :param instances: number of production's instances, 0 if unknown
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
        """Return the length of the history."""
        return self.whole.end - self.whole.start

    def windows(self, seconds: float) -> list[Window]:
        """Return evenly spread windows of a length; the whole history if it is shorter."""
        room = math.floor((self.seconds - seconds) / self.period)
        if room < 0:
            return [self.whole]
        count = min(room + 1, MAX_WINDOWS)
        begins = (
            self.whole.start + self.period * (room * n // max(count - 1, 1)) for n in range(count)
        )
        return [Window(start=at, end=at + seconds, period=self.period) for at in begins]


@dataclass(frozen=True, kw_only=True)
class CriterionHistory:
    """Hold production's readable periods of one criterion.

    :param weaknesses: how production's own counts fall short of its requests
    """

    columns: Columns
    weaknesses: tuple[str, ...] = ()


def criterion_histories(
    spec: AnalysisSpec, history: History, criteria: Sequence[Criterion]
) -> list[CriterionHistory]:
    """Return production's periods of each criterion."""
    look = Look(
        spec,
        Observations(
            start=history.whole.start - spec.initial_delay,
            end=history.whole.end,
            sampling_percentage=FULL_SAMPLING,
            looks=[history.whole.end],
            series={key: Pair(baseline=one, candidate=one) for key, one in history.series.items()},
            invocations=Pair(baseline=history.requests, candidate=history.requests),
            period=history.period,
        ),
    )
    return [_criterion_history(look, history, criterion) for criterion in criteria]


def _criterion_history(look: Look, history: History, criterion: Criterion) -> CriterionHistory:
    if criterion.reference is not None and not history.series.get(criterion.key):
        above = _above_own(history.requests, float(criterion.reference[1:]))
        return CriterionHistory(columns=read(above, history.whole))
    pair = counted(look, criterion)
    columns = read(pair.baseline, history.whole)
    weak = uncovered(look, criterion, pair) if columns.times else ()
    return CriterionHistory(columns=columns, weaknesses=tuple(weak))


def _above_own(requests: Series, percentile: float) -> Series:
    """Return the requests above production's own percentile, a share that follows from its name."""
    above = 1 - percentile / 100
    counts = [count * above for count in requests.samples]
    return Series(times=requests.times, values=counts, samples=requests.samples)
