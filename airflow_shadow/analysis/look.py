"""One look (interim analysis): its window, its numbers, and the levels at which it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from airflow_shadow.analysis.align import Columns, Window, read, shared
from airflow_shadow.analysis.criterion import Measured
from airflow_shadow.analysis.critical_values import (
    fixed_critical,
    moving_critical,
    shares,
    student_critical,
)
from airflow_shadow.analysis.evidence import Evidence
from airflow_shadow.analysis.observations import Observations, Pair, Percentiles, Series
from airflow_shadow.analysis.spec import AnalysisSpec
from airflow_shadow.experiments.lifecycle import FULL_SAMPLING

Key = TypeVar("Key")


@dataclass(frozen=True)
class Look:
    """Hold what is judged at one look, and how sure the judge must be.

    :param answer_period: seconds of the periods of answers, if those are judged; as many of them
        are needed as of the specification's
    """

    spec: AnalysisSpec
    observations: Observations
    answer_period: int | None = None

    @cached_property
    def period(self) -> int:
        """Return the length of the periods, in seconds."""
        return self.answer_period or self.observations.period or self.spec.period

    @cached_property
    def window(self) -> Window:
        """Return the window after the warm-up."""
        return Window(start=self._begin, end=self.observations.end, period=self.period)

    @property
    def _begin(self) -> float:
        return self.observations.start + self.spec.initial_delay

    @property
    def is_full(self) -> bool:
        """Tell whether the shadow gets every request."""
        return self.observations.sampling_percentage >= FULL_SAMPLING

    @property
    def number(self) -> int:
        """Return the number of this planned look, from 1; 0 between planned looks (no PASS)."""
        return self.observations.look

    @property
    def until_planned(self) -> float:
        """Return the seconds until a planned look; 0 at one, and after the last."""
        ahead = [end - self.observations.end for end in self.observations.looks]
        return 0.0 if self.number else min((wait for wait in ahead if wait > 0), default=0.0)

    @property
    def widening(self) -> float:
        """Return the length of the periods as a multiple of the specification's.

        CloudWatch forgets short periods, so an old window has fewer and longer ones.
        """
        return 1.0 if self.answer_period else self.period / self.spec.period

    @property
    def min_periods(self) -> int:
        """Return the number of periods below which nothing is decided."""
        return math.ceil(self.spec.min_periods / self.widening)

    @property
    def min_effective_periods(self) -> float:
        """Return the number of effective periods below which nothing is decided.

        It falls more slowly than the number of periods, for longer ones depend less on each other.
        """
        return self.spec.min_effective_periods / math.sqrt(self.widening)

    @cached_property
    def _columns(self) -> dict[int, tuple[Series, Columns]]:
        """Return the columns by the identity of their series, because a month takes long to read.

        The series is kept, so that no other one gets its identity.
        """
        return {}

    def read(self, series: Series) -> Columns:
        """Return the periods of a series that hold requests and a number, inside the window."""
        known = self._columns.get(id(series))
        if known is None:
            known = self._columns[id(series)] = (series, read(series, self.window))
        return known[1]

    def paired(self, pair: Pair) -> tuple[Columns, Columns]:
        """Return the periods that both variants have."""
        return shared(self.read(pair.baseline), self.read(pair.candidate))

    @cached_property
    def requests(self) -> tuple[Columns, Columns]:
        """Return the requests of both variants in each period, as far as they were reported."""
        pair = self.observations.invocations or Pair()
        return self.read(pair.baseline), self.read(pair.candidate)

    @cached_property
    def live(self) -> int:
        """Return the number of periods in which both variants reported requests."""
        return len(shared(*self.requests)[0].times)

    @cached_property
    def passing_level(self) -> float:
        """Return the level of a PASS; between planned looks that of the next one."""
        ends = self.observations.looks
        later = [n for n, end in enumerate(ends) if end >= self.observations.end]
        index = self.number - 1 if self.number else next(iter(later), len(ends) - 1)
        return self.spec.alpha * shares(max(len(ends), 1))[max(index, 0)]

    @cached_property
    def failing_level(self) -> float:
        """Return the level of one finding's FAIL, any one of which fails the verdict.

        It is shared among the stages of a rollout, and among what can fail: the critical criteria,
        and at full sampling the unanswered requests.
        """
        critical = sum(item.severity == "critical" for item in self.spec.criteria)
        stage = shares(self.observations.stages)[self.observations.stage - 1]
        return self.spec.alpha * stage / max(critical + self.is_full, 1)

    def passing_critical(self, evidence: Evidence) -> float:
        """Return the critical value of a PASS, in standard errors."""
        return student_critical(fixed_critical(self.passing_level), evidence.summary.freedom)

    def failing_critical(self, evidence: Evidence, level: float) -> float:
        """Return the critical value of a FAIL at any look, in standard errors."""
        ends = self.observations.looks or [self.observations.end]
        first, last = (max(1.0, (end - self._begin) / self.period) for end in (ends[0], ends[-1]))
        z = moving_critical(level, evidence.summary.count, first, last)
        return student_critical(z, evidence.summary.freedom)

    def limit_of(self, item: Measured) -> float | None:
        """Return production's own percentile that is an item's limit, if it is known."""
        if item.reference is None:
            return None
        return _positive(self.observations.limits).get((item.metric, item.reference))

    def percentiles_of(self, metric: str) -> tuple[Percentiles, Percentiles]:
        """Return both variants' percentiles of a metric, as far as they are known."""
        production, shadow = self.observations.percentiles.get(metric, ({}, {}))
        return _positive(production), _positive(shadow)


def _positive(values: Mapping[Key, float]) -> dict[Key, float]:
    """Return the values that are finite numbers above 0."""
    return {
        key: value
        for key, value in values.items()
        if value is not None and math.isfinite(value) and value > 0
    }
