"""The forecast of one stage for a candidate that is as good as production."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.align import Columns, read
from airflow_shadow.analysis.criterion import Criterion, Severity
from airflow_shadow.analysis.evidence import Evidence
from airflow_shadow.analysis.expected_evidence import expected_evidence
from airflow_shadow.analysis.history import (
    WHOLE_DAY,
    CriterionHistory,
    History,
    criterion_histories,
)
from airflow_shadow.analysis.judge_unanswered import unanswered_criterion
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Observations
from airflow_shadow.analysis.power import chance, shortest_likely
from airflow_shadow.analysis.sample_size import shortages
from airflow_shadow.analysis.spec import AnalysisSpec
from airflow_shadow.experiments.lifecycle import FULL_SAMPLING

#: Standard deviations by which the traffic to come may exceed the busiest window.
SLACK = 3.0
#: Shortest stage that is looked for, as a part of the planned one.
LEAST_FACTOR = 1 / 64
#: Lowest and highest value: if the shadow shares none of the minutes' spread, and all of it.
Range = tuple[float, float]
#: The chance of a criterion without a history.
UNKNOWN: Range = (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """Hold the plan of one stage.

    :param sampling_percentage: above 0, at most 100
    :param looks: seconds from its begin until each planned look, rising
    """

    sampling_percentage: float
    looks: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class CriterionForecast:
    """Hold the forecast of one criterion in one stage.

    :param chance: of a PASS at the best of the planned looks
    :param guarded: chance that periods and requests are enough for a PASS at the last look
    :param needed: seconds that a stage must last for a chance of 80 % at its first look, longest
        first; infinite where more time does not help
    :param ruled_out: why no traffic like the history's can bring a PASS; empty if it can
    :param sentence: all that in plain words
    """

    name: str
    severity: Severity
    chance: Range
    guarded: float
    needed: Range
    ruled_out: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class StageForecast:
    """Hold the forecast of one stage.

    :param chance: that all critical criteria pass at one look
    :param guarded: chance that periods and requests are enough for all of them at the last look
    """

    sampling_percentage: float
    chance: Range
    guarded: float
    criteria: tuple[CriterionForecast, ...]


def forecast_stage(spec: AnalysisSpec, history: History, stage: PlannedStage) -> StageForecast:
    """Return the forecast of one stage."""
    plan = _Plan(spec, history, stage)
    criteria = list(spec.operational)
    histories = criterion_histories(spec, history, criteria)
    if stage.sampling_percentage >= FULL_SAMPLING:
        criteria.append(unanswered_criterion(plan.looks[-1]))
        histories.append(CriterionHistory(columns=read(history.requests, history.whole)))
    forecasters = [_Forecaster(plan, *pair) for pair in zip(criteria, histories, strict=True)]
    critical = [one for one in forecasters if one.criterion.severity == "critical"]
    return StageForecast(
        sampling_percentage=stage.sampling_percentage,
        chance=_best_chance(plan, critical),
        guarded=_joint_mean(math.prod, [one.guarded() for one in critical]),
        criteria=tuple(one.forecast() for one in forecasters),
    )


@dataclass(frozen=True)
class _Plan:
    """Hold a stage and the history that stands for it."""

    spec: AnalysisSpec
    history: History
    stage: PlannedStage

    @cached_property
    def looks(self) -> list[Look]:
        """Return the planned looks, without observations."""
        return [
            Look(
                self.spec,
                Observations(
                    start=0.0,
                    end=end,
                    sampling_percentage=self.stage.sampling_percentage,
                    looks=self.stage.looks,
                    period=self.history.period,
                ),
            )
            for end in self.stage.looks
        ]

    @property
    def part(self) -> float:
        """Return the shadow's part of the requests."""
        return self.stage.sampling_percentage / FULL_SAMPLING

    def seconds(self, number: int) -> float:
        """Return the length of a look's window after the warm-up."""
        least = float(self.history.period)
        return max(self.stage.looks[number] - self.spec.initial_delay, least)

    def factor(self, number: int) -> float:
        """Return that length as a multiple of the history's, if it is longer."""
        return max(self.seconds(number) / max(self.history.seconds, 1.0), 1.0)


class _Forecaster:
    """Make the forecast of one criterion in a stage."""

    def __init__(self, plan: _Plan, criterion: Criterion, history: CriterionHistory) -> None:
        self.plan, self.criterion, self.history = plan, criterion, history
        self.is_known = bool(history.columns.times)
        self.evidence = lru_cache(maxsize=None)(self._evidence)

    def forecast(self) -> CriterionForecast:
        """Return the forecast."""
        chances = _best_chance(self.plan, [self])
        needed = (self._needed(shares=False), self._needed(shares=True))
        ruled_out = self._ruled_out()
        return CriterionForecast(
            name=self.criterion.name,
            severity=self.criterion.severity,
            chance=chances,
            guarded=_mean(self.guarded()),
            needed=needed,
            ruled_out=ruled_out,
            sentence=self._sentence(chances, needed, ruled_out),
        )

    def chances(self, number: int, *, shares: bool) -> list[float]:
        """Return the chance of a PASS at a look, for each window of the history."""
        if not self.is_known:
            return [UNKNOWN[shares]] * len(self._windows(number))
        factor = self.plan.factor(number)
        return [self._chance(number, one, factor) for one in self.evidence(number, shares)]

    def guarded(self) -> list[float]:
        """Return for each window 1 if periods and requests are enough at the last look, else 0."""
        if not self.is_known:
            return [1.0] * len(self._windows(-1))
        factor = self.plan.factor(-1)
        return [float(self._is_enough(one, factor)) for one in self.evidence(-1, True)]

    def _is_enough(self, evidence: Evidence | None, factor: float) -> bool:
        if evidence is None:
            return False
        longer = evidence.stretched(factor)
        return not any(shortages(self.plan.looks[-1], self.criterion, longer))

    def _windows(self, number: int) -> list[Columns]:
        """Return production's periods in windows as long as that of a look."""
        windows = self.plan.history.windows(self.plan.seconds(number))
        return [self.history.columns.within(window) for window in windows]

    def _chance(self, number: int, evidence: Evidence | None, factor: float) -> float:
        if evidence is None or self.history.weaknesses:
            return 0.0
        return chance(self.plan.looks[number], self.criterion, evidence, factor)

    def _evidence(self, number: int, shares: bool) -> list[Evidence | None]:
        return [
            expected_evidence(self.criterion, columns, self.plan.part, shares=shares)
            for columns in self._windows(number)
        ]

    def _needed(self, *, shares: bool) -> float:
        """Return the seconds that make a PASS likely at the first look."""
        if not self.is_known:
            return (math.inf, 0.0)[shares]
        planned, each = self.plan.factor(0), self.evidence(0, shares)

        def mean_chance(factor: float) -> float:
            return _mean([self._chance(0, one, factor * planned) for one in each])

        factor = shortest_likely(mean_chance, LEAST_FACTOR)
        if factor is None:
            return math.inf
        spec = self.plan.spec
        return max(spec.initial_delay + factor * self.plan.seconds(0), float(spec.min_duration))

    def _ruled_out(self) -> str:
        """Return what even the busiest window of the history lacks at the last look."""
        if not self.is_known or self.plan.history.seconds < WHOLE_DAY:
            return ""
        windows, factor = self._windows(-1), self.plan.factor(-1)
        most = max(columns.requests for columns in windows) * factor * self.plan.part
        if most + SLACK * math.sqrt(most) < self.criterion.needed_samples:
            return self._too_few(most)
        look, room = self.plan.looks[-1], self.plan.seconds(-1) / self.plan.history.period
        needed = max(look.min_periods, look.min_effective_periods)
        count = max(len(columns.times) for columns in windows) * factor
        if min(count + SLACK * math.sqrt(count), room) < needed:
            least = formatting.number(needed)
            return f"{self.criterion.name}: {count:.0f} of {least} periods needed"
        return ""

    def _too_few(self, requests: float) -> str:
        """Return a sentence on how many requests there will be, and how long enough would take."""
        seconds, delay = self.plan.seconds(-1), self.plan.spec.initial_delay
        needed = self.criterion.needed_samples
        planned = formatting.duration(self.plan.stage.looks[-1])
        warm_up = f", {formatting.duration(delay)} of it warm-up," if delay else ""
        rate = formatting.number(round(requests / seconds * 60, 2))
        enough = formatting.duration(needed / requests * seconds + delay)
        return (
            f"{self.criterion.name}: {formatting.number(needed)} requests of each variant are "
            f"needed; {planned}{warm_up} at {rate} a minute give "
            f"{formatting.number(round(requests))}; {enough} would do"
        )

    def _sentence(self, chances: Range, needed: Range, ruled_out: str) -> str:
        name = self.criterion.name
        if not self.is_known:
            return f"{name}: no forecast, because production did not report {self.criterion.metric}"
        if self.history.weaknesses:
            return f"{name}: nothing can be decided, because {', '.join(self.history.weaknesses)}"
        if ruled_out:
            return ruled_out
        mean = _mean([columns.requests for columns in self._windows(-1)])
        requests = max(mean * self.plan.factor(-1) * self.plan.part, 1.0)
        if requests < self.criterion.needed_samples:
            return self._too_few(requests)
        return f"{name}: PASS with a chance of {in_per_cent(chances)}; {time_needed(needed)}"


def time_needed(needed: Range) -> str:
    """Return how long a stage must last: ``80 % from 1 h 5 min to 3 h on``."""
    known = [formatting.duration(value) for value in sorted(needed) if math.isfinite(value)]
    if not known:
        return "80 % in no duration"
    span = " to ".join(dict.fromkeys(known))
    return f"80 % from {span} on" if len(known) == len(needed) else f"80 % from {span} on at best"


def in_per_cent(chances: Range) -> str:
    """Return a range of chances: ``90 %``, ``35 to 90 %``."""
    return " to ".join(dict.fromkeys(f"{100 * value:.0f}" for value in chances)) + " %"


def _best_chance(plan: _Plan, criteria: Sequence[_Forecaster]) -> Range:
    """Return the chance that all criteria pass at one look, at the best one.

    At worst they are independent; at best one error counts in all of them, as a request that fails
    does in two of SageMaker's metrics, and the least likely one decides.
    """
    low = _chances(plan, criteria, math.prod, shares=False)
    high = _chances(plan, criteria, min, shares=True)
    return max(low), max(high)


def _chances(
    plan: _Plan,
    criteria: Sequence[_Forecaster],
    joined: Callable[[Sequence[float]], float],
    *,
    shares: bool,
) -> Iterator[float]:
    for number, end in enumerate(plan.stage.looks):
        rows = [one.chances(number, shares=shares) for one in criteria]
        yield _joint_mean(joined, rows) if end >= plan.spec.min_duration else 0.0


def _joint_mean(
    joined: Callable[[Sequence[float]], float], rows: Sequence[Sequence[float]]
) -> float:
    """Return the mean over the windows of all criteria's joint value, 1 without criteria."""
    return _mean(list(map(joined, zip(*rows, strict=True)))) if rows else 1.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
