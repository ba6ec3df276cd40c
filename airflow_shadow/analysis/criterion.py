"""What is compared: a criterion on a metric, and one whose outcome the caller brings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from airflow_shadow.analysis.answer_measures import answer_faults, is_answers, statistic_of
from airflow_shadow.analysis.metric_kinds import REQUEST_METRICS
from airflow_shadow.analysis.statistic import parse_statistic
from airflow_shadow.analysis.validation import Checked, bound_faults, line_faults, name_faults
from airflow_shadow.text.messages import short_repr

Comparison = Literal["relative", "difference", "absolute"]
Direction = Literal["increase", "decrease", "either"]
Severity = Literal["critical", "warning"]
Missing = Literal["unknown", "zero"]
Count = Literal["samples", "invocations"]
OnNoData = Literal["inconclusive", "fail"]
Kind = Literal["alarm", "custom"]

#: A rate needs so many requests that this many bad ones are expected at the tolerance.
EXPECTED_AT_TOLERANCE = 5
#: Requests of each variant that a mean over requests needs, and pairs that one of answers needs.
MEAN_SAMPLES = 1000
#: Smallest tolerance of a rate: no variant gets the five billion requests that it would need.
LEAST_SHARE = 1e-9
#: Metrics of earlier versions, and what replaces them.
REMOVED_METRICS = {
    "prediction_disagreement": (
        "was removed: declare what is compared in answers (answers: {churn: {answer: $.score, "
        "kind: score}}) and bound answers.churn.disagreement"
    ),
}


class Measured(Checked):
    """What criteria and circuit breakers have in common: a metric and its statistic."""

    metric: str
    statistic: str

    @property
    def key(self) -> tuple[str, str]:
        """Return metric and statistic, the key of the observations."""
        return self.metric, self.statistic

    @property
    def is_mean(self) -> bool:
        """Tell whether the statistic is a mean, not a count."""
        return parse_statistic(self.statistic).kind == "mean"

    @property
    def is_tail(self) -> bool:
        """Tell whether requests above a limit are counted."""
        return parse_statistic(self.statistic).kind == "above"

    @property
    def reference(self) -> str | None:
        """Return the percentile of production that is the limit, None for other statistics."""
        return parse_statistic(self.statistic).reference

    def count_faults(self) -> Iterator[str]:
        """Yield the settings that only counts can have."""
        for name, default in (("missing", "unknown"), ("count", "samples")):
            if (value := getattr(self, name)) != default:
                yield f"{name}: {value!r} is for counts, and {self.statistic} is a mean"


@dataclass(frozen=True, kw_only=True)
class Criterion(Measured):
    """Bound how much worse the candidate may be than the baseline in one metric.

    :param name: shown in the verdict, unique in a specification
    :param metric: a CloudWatch metric of the variant, or ``answers.<output>.<measure>`` of an
        output in the specification's `answers` (:class:`~airflow_shadow.analysis.Output`)
    :param statistic: ``rate`` (share of requests with the 0/1 metric at 1), ``above:250ms`` (share
        of requests above a limit; units us, ms, s), ``above:p99`` (above that percentile of
        production in the 24 hours before the experiment), or a mean: ``Average``, ``IQM`` or
        ``tm99``; left out, it is ``rate``, or follows from the measure of the answers
    :param comparison: ``relative`` (ratio of means), ``difference`` (of rates, or of means in the
        metric's own unit) or ``absolute`` (the candidate alone)
    :param tolerance: largest accepted change: 0.10 is +10 % if relative, 0.005 is half a percentage
        point for a difference of rates, and the metric's own unit (ModelLatency: microseconds)
        otherwise; a negative one asks for an improvement: the candidate must be better by at least
        so much
    :param direction: which change is bad
    :param severity: only ``critical`` criteria decide; ``warning`` is reported
    :param min_samples: requests that each variant needs before the criterion can pass; by default
        five bad requests would be expected at the tolerance, and 1,000 of a mean over requests
    :param missing: what a period without data means where requests were counted: ``unknown``, or
        ``zero`` for a counter that reports only when something happened
    :param count: what a count is divided by: the metric's own ``samples``, or the variant's
        ``invocations``, for metrics that send no zeros
    :param on_no_data: outcome without any data once the window has `min_periods`; it is never PASS
    """

    name: str
    metric: str
    tolerance: float
    statistic: str = ""
    comparison: Comparison = "relative"
    direction: Direction = "increase"
    severity: Severity = "critical"
    min_samples: int | None = None
    missing: Missing = "unknown"
    count: Count = "samples"
    on_no_data: OnNoData = "inconclusive"

    def __post_init__(self) -> None:
        """Fill in the statistic that follows from the metric."""
        if self.statistic == "" and isinstance(self.metric, str):
            object.__setattr__(self, "statistic", statistic_of(self.metric))

    @property
    def is_on_answers(self) -> bool:
        """Tell whether the answers themselves are compared."""
        return is_answers(self.metric)

    @property
    def needed_samples(self) -> int:
        """Return the requests of each variant below which the criterion cannot pass."""
        if self.min_samples is not None:
            return self.min_samples
        if self.is_mean:
            counted = self.is_on_answers or self.metric in REQUEST_METRICS
            return MEAN_SAMPLES if counted else 1
        return math.ceil(EXPECTED_AT_TOLERANCE / abs(self.tolerance))

    @property
    def accepted(self) -> tuple[float, float]:
        """Return the open range in which the change (or an absolute level) is accepted."""
        limit = self.tolerance
        if self.comparison == "absolute":
            return (limit, math.inf) if self.direction == "decrease" else (-math.inf, limit)
        low = -math.inf if self.direction == "increase" else -limit
        high = math.inf if self.direction == "decrease" else limit
        return low, high

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with values of the right types."""
        yield from name_faults(self.name)
        yield from line_faults("metric", self.metric)
        if self.metric in REMOVED_METRICS:
            yield f"metric: {short_repr(self.metric)} {REMOVED_METRICS[self.metric]}"
        yield from self._tolerance_faults()
        yield from bound_faults(self, "tolerance", "min_samples")
        if self.comparison == "absolute" and self.direction == "either":
            yield "direction: an absolute limit has one side, 'increase' or 'decrease'"
        yield from self._answer_faults() if self.is_on_answers else self._statistic_faults()

    def _tolerance_faults(self) -> Iterator[str]:
        """Yield why a tolerance accepts nothing, or more than it seems to."""
        if not self.tolerance:
            yield "tolerance: 0 accepts no uncertainty; give the largest change that is accepted"
        if self.tolerance >= 0:
            return
        asks = f"tolerance: {self.tolerance!r} asks for an improvement"
        if self.direction == "either":
            yield f"{asks}, and direction 'either' has none; name the direction that is bad"
        if self.comparison == "absolute":
            yield f"{asks}, and an absolute limit compares with nothing"
        if self.comparison == "relative" and self.tolerance <= -1:
            yield f"{asks} of 100 % or more"

    def _answer_faults(self) -> Iterator[str]:
        """Yield what does not fit a criterion on answers."""
        for name, default in (("missing", "unknown"), ("count", "samples")):
            if (value := getattr(self, name)) != default:
                yield f"{name}: {value!r} is for CloudWatch's counts, and these are answers"
        faults = list(answer_faults(self.metric, self.statistic, self.comparison, self.direction))
        yield from faults or self._statistic_faults()

    def _statistic_faults(self) -> Iterator[str]:
        try:
            is_mean = self.is_mean
        except ValueError as error:
            yield f"statistic: {error}"
            return
        if is_mean:
            yield from self.count_faults()
            return
        if self.comparison == "relative":
            yield "comparison: a ratio of rates explodes near zero; use 'difference' or 'absolute'"
        if not LEAST_SHARE <= abs(self.tolerance) < 1:
            yield f"tolerance: {self.tolerance!r} of a rate is a share, below 1, from {LEAST_SHARE}"


@dataclass(frozen=True, kw_only=True)
class OutsideCriterion(Checked):
    """Let something that the judge does not measure take part in the verdict.

    :param name: shown in the verdict, unique in a specification
    :param kind: ``alarm`` (a CloudWatch alarm) or ``custom``
    :param target: the alarm's name, or what the caller looks it up by
    :param severity: as for :class:`Criterion`
    """

    name: str
    target: str
    kind: Kind = "alarm"
    severity: Severity = "critical"

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with values of the right types."""
        yield from name_faults(self.name)
        yield from line_faults("target", self.target)
