"""What was measured, as the judge takes it: series of each variant, without absent periods."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from airflow_shadow.analysis.answer_sums import AnswerSums
from airflow_shadow.text.values import epoch

Outcome = Literal["PASS", "FAIL", "INCONCLUSIVE"]
#: Seconds by which two ends of the same look may differ.
SAME_LOOK = 0.5
#: A CloudWatch alarm's state to its outcome.
ALARM_OUTCOMES: dict[str, Outcome] = {"OK": "PASS", "ALARM": "FAIL"}


@dataclass(frozen=True, kw_only=True)
class Series:
    """Hold one variant's periods of one metric; a period without data is left out.

    :param times: start of each period, in seconds since 1970; any order, no time twice
    :param values: of a mean, the period's mean in the metric's own unit; of a rate or ``above``,
        the *number* of bad requests (CloudWatch's interpolated counts may be fractional)
    :param samples: requests in each period
    """

    times: Sequence[float]
    values: Sequence[float]
    samples: Sequence[float]

    @classmethod
    def from_points(
        cls,
        values: Mapping[float, float] | Mapping[str, float] | Mapping[datetime, float],
        samples: Mapping[float, float] | Mapping[str, float] | Mapping[datetime, float],
    ) -> Series:
        """Join a metric's values and sample counts on their time stamps.

        A period that only one of the two has is left out: CloudWatch promises no complete answer.

        :param values: start of the period (epoch seconds, ISO text or datetime) to value
        :param samples: the same for the number of requests
        """
        counts = {epoch(time): count for time, count in samples.items()}
        points = {epoch(time): value for time, value in values.items()}
        times = sorted(points.keys() & counts.keys())
        return cls(
            times=array("d", times),
            values=array("d", (points[time] for time in times)),
            samples=array("d", (counts[time] for time in times)),
        )


#: The series of a variant that reported nothing.
SILENT = Series(times=(), values=(), samples=())


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Hold one metric of both variants.

    :param baseline: the production variant; :data:`SILENT` for a metric of the candidate only
    :param candidate: the shadow variant, or a stream of joined requests
    """

    baseline: Series = SILENT
    candidate: Series = SILENT


@dataclass(frozen=True, kw_only=True)
class OutsideResult:
    """Hold the caller's result for an outside criterion, and the reason in one sentence."""

    outcome: Outcome
    sentence: str

    @classmethod
    def of_alarm(cls, name: str, state: str) -> OutsideResult:
        """Return the result of an alarm; any state but OK and ALARM is INCONCLUSIVE."""
        outcome = ALARM_OUTCOMES.get(state, "INCONCLUSIVE")
        return cls(outcome=outcome, sentence=f"alarm {name} is {state}")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Hold the state of production at one look.

    :param at: time of the look, in seconds since 1970
    :param changed: the endpoint's LastModifiedTime, in seconds since 1970
    :param variant: production's variant
    :param model: its model
    :param configuration: name of the endpoint configuration
    :param modified: the experiment's LastModifiedTime, in seconds since 1970; 0 if unknown
    :param instances: number of production's; 0 if unknown
    :param shadow_instances: number of the shadow's; 0 if unknown
    """

    at: float
    changed: float
    variant: str
    model: str
    configuration: str
    instances: int = 0
    shadow_instances: int = 0
    modified: float = 0.0

    @property
    def identity(self) -> tuple[str, str, str]:
        """Return what must not change inside a window."""
        return self.variant, self.model, self.configuration

    def is_own_update(self, other: Baseline) -> bool:
        """Tell whether an update of the experiment itself made the change to another state.

        It keeps variant and model, under a configuration that AWS makes (assumed: `own-update`).
        """
        same = (self.variant, self.model) == (other.variant, other.model)
        return same and other.modified > self.modified


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Hold a rate criterion's counts of one stage, for the pooled interval of a later one.

    Each is divided by the design effect of its clustering, so it may be fractional.
    """

    bad_baseline: float
    n_baseline: float
    bad_candidate: float
    n_candidate: float


#: Percentile, such as `p99`, to its value over a whole window.
Percentiles = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Observations:
    """Hold everything that was measured up to one look.

    :param start: start of the window, in seconds since 1970; a window never spans a change of the
        sampling percentage
    :param end: end of the window (exclusive), before the newest minutes, whose data still arrive
    :param sampling_percentage: the shadow's share of the requests in this window, 0 to 100
    :param looks: the planned ends of the window, in the order of time: PASS is possible only at one
        of them and alpha is shared among them; FAIL is possible at any end up to the last. It has
        no default, because a judge that does not know them would err more often than alpha
    :param series: metric and statistic (:attr:`AnalysisSpec.needs`) to the series of both variants;
        an absent key is no data
    :param invocations: requests of both variants; only ``samples`` is read. None is no data
    :param outside: name of an outside criterion to the caller's result
    :param limits: metric and percentile (`("ModelLatency", "p99")`) to production's value before
        the experiment
    :param percentiles: metric to the percentiles of both variants over the whole window, production
        first
    :param baseline: state of production at the looks of this window, in the order of time
    :param period: length of the periods in seconds, if it is not the specification's: CloudWatch
        forgets short ones
    :param stage: number of this stage in a rollout, from 1
    :param stages: number of stages, which share the alpha of FAIL
    :param earlier: name of a rate criterion to its counts of earlier stages of this experiment
    :param answers: sums of compared answers; None where answers are not judged
    """

    start: float
    end: float
    sampling_percentage: float
    looks: Sequence[float]
    series: Mapping[tuple[str, str], Pair] = field(default_factory=dict)
    invocations: Pair | None = None
    outside: Mapping[str, OutsideResult] = field(default_factory=dict)
    limits: Mapping[tuple[str, str], float] = field(default_factory=dict)
    percentiles: Mapping[str, tuple[Percentiles, Percentiles]] = field(default_factory=dict)
    baseline: Sequence[Baseline] = ()
    period: int | None = None
    stage: int = 1
    stages: int = 1
    earlier: Mapping[str, Sequence[Counts]] = field(default_factory=dict)
    answers: AnswerSums | None = None

    @property
    def look(self) -> int:
        """Return the number of this planned look, from 1; 0 between planned looks."""
        near = (n for n, end in enumerate(self.looks, 1) if abs(end - self.end) < SAME_LOOK)
        return next(near, 0)
