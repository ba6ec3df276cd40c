"""What one stage can be expected to say of a candidate that is as good as production."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.align import Columns, read
from airflow_shadow.analysis.evidence import Evidence
from airflow_shadow.analysis.expected_evidence import expected, expected_answers
from airflow_shadow.analysis.sample_size import guards
from airflow_shadow.analysis.history import Counted, History, counted
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Observations
from airflow_shadow.analysis.power import chance, likely_from
from airflow_shadow.analysis.spec import UNANSWERED, AnalysisSpec, Criterion, Severity
from airflow_shadow.analysis.judge_unanswered import criterion_of
from airflow_shadow.experiments.lifecycle import FULL_SAMPLING

#: Standard deviations by which the traffic to come may exceed the busiest seen.
SLACK = 3.0
#: Shortest stage that is looked for, as a part of the planned one.
LEAST_TIMES = 1 / 64
#: Lowest and highest value: no spread shared, and all of it.
Range = tuple[float, float]
#: What is known without a history.
UNKNOWN: Range = (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """Hold what is planned for one stage.

    :param sampling_percentage: above 0, at most 100
    :param looks: seconds from its begin until each planned look, rising
    """

    sampling_percentage: float
    looks: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class CriterionForecast:
    """Foretell one criterion in one stage; a range is from no spread shared to all of it.

    :param chance: of a PASS at the best of the planned looks
    :param guarded: chance that the guards let it pass at the last one
    :param needed: seconds that a stage must last for a chance of 80 % at its first look, longest
        first; infinite where more time does not help
    :param ruled_out: what no traffic as in the history could bring, in a sentence; empty if nothing
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
    """Foretell one stage.

    :param chance: that all critical criteria pass at one look
    :param guarded: chance that the guards let all of them pass at the last one
    """

    sampling_percentage: float
    chance: Range
    guarded: float
    criteria: tuple[CriterionForecast, ...]


def foretell_stage(spec: AnalysisSpec, history: History, stage: PlannedStage) -> StageForecast:
    """Return the forecast of one stage."""
    planned = Planned(spec, history, stage)
    criteria = list(spec.criteria)
    series = counted(spec, history, criteria)
    if stage.sampling_percentage >= FULL_SAMPLING:
        criteria.append(criterion_of(planned.looks[-1]))
        series.append(Counted(columns=read(history.requests, history.whole)))
    seen = [_Criterion(planned, *row) for row in zip(criteria, series, strict=True)]
    critical = [one for one in seen if one.criterion.severity == "critical"]
    return StageForecast(
        sampling_percentage=stage.sampling_percentage,
        chance=_best(planned, critical),
        guarded=_mean_of(math.prod, [one.guarded() for one in critical]),
        criteria=tuple(one.told() for one in seen),
    )


@dataclass(frozen=True)
class Planned:
    """Hold a stage and the history that stands for it."""

    spec: AnalysisSpec
    history: History
    stage: PlannedStage

    @cached_property
    def looks(self) -> list[Look]:
        """Return the planned looks, as far as they can be known."""
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
        """Return how long the window of a look is, warm-up over."""
        least = float(self.history.period)
        return max(self.stage.looks[number] - self.spec.initial_delay, least)

    def times(self, number: int) -> float:
        """Return how many times longer than a window of the history that is."""
        return max(self.seconds(number) / max(self.history.seconds, 1.0), 1.0)


class _Criterion:
    """Foretell one criterion of a stage."""

    def __init__(self, planned: Planned, criterion: Criterion, known: Counted) -> None:
        self.planned, self.criterion, self.known = planned, criterion, known
        self.evidence = lru_cache(maxsize=None)(self._evidence)

    def told(self) -> CriterionForecast:
        """Return the forecast."""
        chances = _best(self.planned, [self])
        needed = (self._needed(shares=False), self._needed(shares=True))
        guarded = _mean(self.guarded())
        ruled_out = self._ruled_out()
        return CriterionForecast(
            name=self.criterion.name,
            severity=self.criterion.severity,
            chance=chances,
            guarded=guarded,
            needed=needed,
            ruled_out=ruled_out,
            sentence=self._sentence(chances, needed, ruled_out),
        )

    @property
    def is_known(self) -> bool:
        """Tell whether production reported the metric."""
        return bool(self.known.columns.times)

    def chances(self, number: int, *, shares: bool) -> list[float]:
        """Return the chance of a PASS at a look, for each window of the history."""
        look, times = self.planned.looks[number], self.planned.times(number)
        if not self.is_known:
            return [UNKNOWN[shares]] * len(self.planned.history.windows(self._length(number)))
        return [self._chance(look, one, times) for one in self.evidence(number, shares)]

    def guarded(self) -> list[float]:
        """Return whether the guards let it pass at the last look, for each window."""
        look, times = self.planned.looks[-1], self.planned.times(-1)
        if not self.is_known:
            return [1.0] * len(self.planned.history.windows(self._length(-1)))
        return [
            float(one is not None and not any(guards(look, self.criterion, one.stretched(times))))
            for one in self.evidence(-1, True)
        ]

    def _length(self, number: int) -> float:
        return self.planned.seconds(number)

    def _chance(self, look: Look, evidence: Evidence | None, times: float) -> float:
        if evidence is None or self.known.weaknesses:
            return 0.0
        return chance(look, self.criterion, evidence, times)

    def _evidence(self, number: int, shares: bool) -> list[Evidence | None]:
        return [
            self._expected(columns, shares=shares)
            for columns in self.known.windows(self.planned.history, self._length(number))
        ]

    def _expected(self, columns: Columns, *, shares: bool) -> Evidence | None:
        if self.criterion.name == UNANSWERED:
            return expected_answers(columns, self.criterion.tolerance)
        return expected(self.criterion, columns, self.planned.part, shares=shares)

    def _needed(self, *, shares: bool) -> float:
        """Return the seconds that make a PASS likely at the first look."""
        if not self.is_known:
            return (math.inf, 0.0)[shares]
        look, base = self.planned.looks[0], self.planned.times(0)
        each = self.evidence(0, shares)

        def likely(times: float) -> float:
            return _mean([self._chance(look, one, times * base) for one in each])

        times = likely_from(likely, LEAST_TIMES)
        if times is None:
            return math.inf
        spec = self.planned.spec
        return max(spec.initial_delay + times * self._length(0), float(spec.min_duration))

    def _ruled_out(self) -> str:
        """Return what even the busiest hours of the history do not bring until the last look."""
        if not self.is_known or not self.planned.history.is_a_day:
            return ""
        windows = self.known.windows(self.planned.history, self._length(-1))
        times = self.planned.times(-1)
        most = max(columns.requests for columns in windows) * times * self.planned.part
        needed = self.criterion.needed_samples
        if most + SLACK * math.sqrt(most) < needed:
            return self._too_few(needed, most)
        look, room = self.planned.looks[-1], self._length(-1) / self.planned.history.period
        least = max(look.min_periods, look.min_effective_periods)
        count = max(len(columns.times) for columns in windows) * times
        if min(count + SLACK * math.sqrt(count), room) < least:
            return (
                f"{self.criterion.name}: {count:.0f} of {formatting.number(least)} periods needed"
            )
        return ""

    def _too_few(self, needed: float, seen: float) -> str:
        """Say how many requests there will be, and how long it would take to get enough."""
        seconds, delay = self._length(-1), self.planned.spec.initial_delay
        said = (
            f"{self.criterion.name}: {formatting.number(needed)} requests of each variant are "
            f"needed; {formatting.duration(self.planned.stage.looks[-1])}"
        )
        warm = f", {formatting.duration(delay)} of it warm-up," if delay else ""
        rate = formatting.number(round(seen / seconds * 60, 2))
        more = needed / seen * seconds + delay
        return (
            f"{said}{warm} at {rate} a minute give {formatting.number(round(seen))}; "
            f"{formatting.duration(more)} would do"
        )

    def _sentence(self, chances: Range, needed: Range, ruled_out: str) -> str:
        name = self.criterion.name
        if not self.is_known:
            return f"{name}: no forecast, for production did not report {self.criterion.metric}"
        if self.known.weaknesses:
            return f"{name}: nothing can be decided, for {', '.join(self.known.weaknesses)}"
        if ruled_out:
            return ruled_out
        if self._lacks_requests():
            return self._too_few(self.criterion.needed_samples, self._requests())
        return f"{name}: PASS with a chance of {in_per_cent(chances)}; {span(needed)}"

    def _requests(self) -> float:
        """Return the requests of the shadow that are to be expected until the last look."""
        windows = self.known.windows(self.planned.history, self._length(-1))
        mean = _mean([columns.requests for columns in windows])
        return max(mean * self.planned.times(-1) * self.planned.part, 1.0)

    def _lacks_requests(self) -> bool:
        return self._requests() < self.criterion.needed_samples


def span(needed: Range) -> str:
    """Return how long a stage must last: ``80 % from 1 h 5 min to 3 h on``."""
    known = [formatting.duration(value) for value in sorted(needed) if math.isfinite(value)]
    if not known:
        return "80 % are out of sight"
    told = " to ".join(dict.fromkeys(known))
    return f"80 % from {told} on" if len(known) == len(needed) else f"80 % from {told} on at best"


def in_per_cent(chances: Range) -> str:
    """Return a range of chances: ``90 %``, ``35 to 90 %``."""
    return " to ".join(dict.fromkeys(f"{100 * value:.0f}" for value in chances)) + " %"


def _best(planned: Planned, criteria: Sequence[_Criterion]) -> Range:
    """Return the chance that all criteria pass at one look, at the best one.

    At worst they have nothing to do with each other; at best one error counts in all of them, as a
    request that fails does in two of SageMaker's metrics, and the least likely one decides.
    """
    low = _chances(planned, criteria, math.prod, shares=False)
    high = _chances(planned, criteria, min, shares=True)
    return max(low), max(high)


def _chances(
    planned: Planned,
    criteria: Sequence[_Criterion],
    joined: Callable[[Sequence[float]], float],
    *,
    shares: bool,
) -> Iterator[float]:
    for number, end in enumerate(planned.stage.looks):
        rows = [one.chances(number, shares=shares) for one in criteria]
        yield _mean_of(joined, rows) if end >= planned.spec.min_duration else 0.0


def _mean_of(joined: Callable[[Sequence[float]], float], rows: Sequence[Sequence[float]]) -> float:
    """Return the mean over the windows of what all criteria do together, 1 of no criteria."""
    return _mean(list(map(joined, zip(*rows, strict=True)))) if rows else 1.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
