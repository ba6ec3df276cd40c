"""What is judged: criteria, circuit breakers, and how sure the judge must be.

The defaults follow AWS's advice for shadow tests (all traffic sampled before a promotion, at least
an hour, enough invocations); where AWS gives no number, the number is a proposal of this package
that `docs/analysis.md` measures.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from airflow_shadow.analysis.validation import misfits
from airflow_shadow.analysis.statistic import parse_statistic
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.shown import printable, shortened, shown

Comparison = Literal["relative", "difference", "absolute"]
Direction = Literal["increase", "decrease", "either"]
Severity = Literal["critical", "warning"]
Missing = Literal["unknown", "zero"]
Count = Literal["samples", "invocations"]
OnNoData = Literal["inconclusive", "fail"]
Kind = Literal["alarm", "custom"]

#: Metrics that say something about the answers themselves, not only about how they were served.
OUTPUT_METRICS = frozenset({"prediction_disagreement"})
#: Requests of each variant after which a rate can pass: so many bad ones had to be expected.
EXPECTED_AT_TOLERANCE = 5
#: Requests of each variant after which a mean over requests can pass.
MEAN_SAMPLES = 1000
#: Smallest tolerance of a rate: five bad ones of as many requests nobody will see.
LEAST_SHARE = 1e-9
#: Metrics of SageMaker's that have a sample for each request.
LATENCIES = frozenset({"ModelLatency", "OverheadLatency"})
SERVER_ERRORS = "Invocation5XXErrors"
ERRORS = frozenset({SERVER_ERRORS, "Invocation4XXErrors", "InvocationModelErrors"})
REQUEST_METRICS = LATENCIES | ERRORS


class Checked:
    """What is told of its values, before the judge rests on them."""

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the values, each with the field's name."""
        wrong = list(misfits(self))
        yield from wrong or self.broken_rules()

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with values of the right types."""
        raise NotImplementedError


class _Measured(Checked):
    """What a criterion and a circuit breaker say alike of the metric that they are about."""

    metric: str
    statistic: str

    @property
    def key(self) -> tuple[str, str]:
        """Return metric and statistic, under which the observations lie."""
        return self.metric, self.statistic

    @property
    def is_mean(self) -> bool:
        """Tell whether means are meant, not counts."""
        return parse_statistic(self.statistic).kind == "mean"

    def _count_faults(self) -> Iterator[str]:
        """Yield what only counts can have."""
        for name, usual in (("missing", "unknown"), ("count", "samples")):
            if (given := getattr(self, name)) != usual:
                yield f"{name}: {given!r} is for counts, and {self.statistic} is a mean"


@dataclass(frozen=True, kw_only=True)
class Criterion(_Measured):
    """Bound how much worse the candidate may be than the baseline in one metric.

    :param name: shown in the verdict, unique in a specification
    :param metric: a CloudWatch metric of the variant, or ``prediction_disagreement``
    :param statistic: ``rate`` (share of requests with the 0/1 metric at 1), ``above:250ms`` (share
        of requests above a limit; units us, ms, s), ``above:p99`` (above that percentile of
        production in the 24 hours before the experiment), or a mean: ``Average``, ``IQM``, ``tm99``
    :param comparison: ``relative`` (ratio of means), ``difference`` (of rates, or of means in the
        metric's own unit) or ``absolute`` (the candidate alone)
    :param tolerance: largest accepted change: 0.10 is +10 % if relative, 0.005 is half a percentage
        point for a difference of rates, and the metric's own unit (ModelLatency: microseconds)
        otherwise
    :param direction: which change is bad
    :param severity: only ``critical`` criteria decide; ``warning`` is reported
    :param min_samples: requests that each variant needs before the criterion can pass; by default
        five bad requests would be expected at the tolerance, and 1,000 of a mean over requests
    :param missing: what a period without data means where requests were counted: ``unknown``, or
        ``zero`` for a counter that reports only when something happened
    :param count: what a count is divided by: the metric's own ``samples``, or the variant's
        ``invocations``, for metrics that send no zeros
    :param on_no_data: what a criterion means that has no data although the window holds
        `min_periods`; it never passes
    """

    name: str
    metric: str
    tolerance: float
    statistic: str = "rate"
    comparison: Comparison = "relative"
    direction: Direction = "increase"
    severity: Severity = "critical"
    min_samples: int | None = None
    missing: Missing = "unknown"
    count: Count = "samples"
    on_no_data: OnNoData = "inconclusive"

    @property
    def needed_samples(self) -> int:
        """Return the requests of each variant below which the criterion cannot pass."""
        if self.min_samples is not None:
            return self.min_samples
        if self.is_mean:
            return MEAN_SAMPLES if self.metric in REQUEST_METRICS else 1
        return math.ceil(EXPECTED_AT_TOLERANCE / self.tolerance)

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with values of the right types."""
        yield from _name_faults(self.name)
        yield from _line_faults("metric", self.metric)
        if not self.tolerance > 0:
            yield f"tolerance: {self.tolerance!r} is not above 0"
        yield from _bound_faults(self, "tolerance", "min_samples")
        if self.comparison == "absolute" and self.direction == "either":
            yield "direction: an absolute limit has one side, 'increase' or 'decrease'"
        yield from self._statistic_faults()

    def _statistic_faults(self) -> Iterator[str]:
        try:
            is_mean = self.is_mean
        except ValueError as error:
            yield f"statistic: {error}"
            return
        if is_mean:
            yield from self._count_faults()
            return
        if self.comparison == "relative":
            yield "comparison: a ratio of rates explodes near zero; use 'difference' or 'absolute'"
        if not LEAST_SHARE <= self.tolerance < 1:
            yield f"tolerance: {self.tolerance!r} of a rate is a share, below 1, from {LEAST_SHARE}"


@dataclass(frozen=True, kw_only=True)
class Breaker(_Measured):
    """Fail at once when the candidate is beyond a hard limit in M of N periods in a row.

    No statistics, no pairing: the counterpart of a CloudWatch alarm's "M out of N".

    :param metric: a CloudWatch metric of the variant
    :param statistic: as for :class:`Criterion`
    :param limit: hard limit in the statistic's unit (a rate: 0 to 1; ModelLatency: microseconds)
    :param relative_limit: hard limit as a multiple of the baseline in the same period
    :param datapoints: M and N
    :param min_samples: requests of the candidate below which a period does not count
    """

    metric: str
    statistic: str = "rate"
    limit: float | None = None
    relative_limit: float | None = None
    datapoints: tuple[int, int] = (3, 3)
    min_samples: int = 5
    missing: Missing = "unknown"
    count: Count = "samples"

    @property
    def name(self) -> str:
        """Return how the verdict names the breaker."""
        return f"{self.metric} {self.statistic}"

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with values of the right types."""
        yield from _line_faults("metric", self.metric)
        if (self.limit is None) == (self.relative_limit is None):
            yield "limit: give either limit or relative_limit"
        if self.relative_limit is not None and not self.relative_limit > 1:
            yield f"relative_limit: {self.relative_limit!r} is not above 1"
        if not 1 <= self.datapoints[0] <= self.datapoints[1]:
            yield f"datapoints: {shown(self.datapoints)} is not M of N with 1 <= M <= N"
        yield from _bound_faults(self, "limit", "relative_limit", "min_samples")
        try:
            if self.is_mean:
                yield from self._count_faults()
        except ValueError as error:
            yield f"statistic: {error}"


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
        yield from _name_faults(self.name)
        yield from _line_faults("target", self.target)


def _name_faults(name: str) -> Iterator[str]:
    yield from _line_faults("name", name, most=MAX_NAME)
    if name.strip() and " ".join(name.split(" ")) != " ".join(name.split()):
        yield f"name: {shown(name)} has blanks at its ends or several in a row"


#: Longer names would crowd the numbers out of AWS's `Reason`.
MAX_NAME = 60
#: CloudWatch's own are shorter.
MAX_TEXT = 1024


def _line_faults(field: str, text: str, *, most: int = MAX_TEXT) -> Iterator[str]:
    if not text.strip():
        yield f"{field}: is empty"
    elif len(text) > most:
        yield f"{field}: has {len(text)} characters, at most {most} are allowed"
    elif printable(text) != text:
        yield f"{field}: {shown(text)} is not one line of printable characters"


#: What values may be beside their own rules. Smaller guards have not been measured to hold the
#: error rates, nor a smaller alpha; larger values fit into no experiment, and their digits into no
#: sentence.
BOUNDS: dict[str, tuple[float, float]] = {
    "period": (1, 86400),
    "initial_delay": (0, 30 * 86400),
    "min_periods": (10, 30 * 1440),
    "min_effective_periods": (5, 30 * 1440),
    "min_duration": (0, 30 * 86400),
    "planned_looks": (1, 20),
    "min_samples": (1, 1e12),
    "tolerance": (0, 1e15),
    "limit": (0, 1e15),
    "relative_limit": (0, 1e15),
}


def _bound_faults(item: Checked, *names: str) -> Iterator[str]:
    for name in names:
        value, (least, most) = getattr(item, name), BOUNDS[name]
        if value is not None and value < least:
            yield f"{name}: {shown(value)} is not at least {least:.15g}"
        if value is not None and value > most:
            yield f"{name}: {shown(value)} is above {most:.15g}"


def default_criteria() -> tuple[Criterion, ...]:
    """Return the criteria for a candidate that must serve as well as production.

    Server and model errors within half a percentage point, mean latency within 10 %; slow requests
    and the callers' own mistakes (4XX) only warn.
    """
    return (
        _errors("server errors", SERVER_ERRORS),
        _errors("model errors", "InvocationModelErrors"),
        Criterion(name="mean latency", metric="ModelLatency", statistic="Average", tolerance=0.10),
        Criterion(
            name="slow requests",
            metric="ModelLatency",
            statistic="above:p99",
            comparison="difference",
            tolerance=0.01,
            severity="warning",
        ),
        Criterion(
            name="caller errors",
            metric="Invocation4XXErrors",
            comparison="difference",
            tolerance=0.01,
            severity="warning",
        ),
    )


def _errors(name: str, metric: str) -> Criterion:
    return Criterion(name=name, metric=metric, comparison="difference", tolerance=0.005)


def default_breakers() -> tuple[Breaker, ...]:
    """Return the hard limits: half of the requests failing, or three times the latency."""
    return (
        Breaker(metric=SERVER_ERRORS, limit=0.5, datapoints=(3, 3)),
        Breaker(metric="ModelLatency", statistic="Average", relative_limit=3.0, datapoints=(5, 5)),
    )


@dataclass(frozen=True, kw_only=True)
class AnalysisSpec(Checked):
    """Everything the judge is told besides the observations.

    :param criteria: what is compared, at most 100; at least one critical one (or critical outside
        one) is needed
    :param breakers: hard limits that fail at once, at most 100
    :param outside: criteria whose outcome the caller brings, at most 100
    :param alpha: accepted probability of a false PASS, and of a false FAIL, of the whole verdict,
        1e-9 to 0.2
    :param period: length of a period in seconds; CloudWatch keeps 60 for 15 days, 300 for 63
    :param initial_delay: seconds after the window's start that are not read (warm-up)
    :param min_periods: periods with data of both variants below which a mean or rate cannot pass
    :param min_effective_periods: the same after correcting for autocorrelation
    :param min_duration: seconds of window below which the verdict cannot pass
    :param require_full_sampling: whether PASS needs 100 % sampling (AWS advises it)
    :param planned_looks: at how many planned ends of a window that may be made longer PASS is read;
        alpha is shared among them
    :param min_power: chance of a PASS of an equal candidate below which a plan is warned about
    :raises InvalidRequestError: naming every fault with its path
    """

    criteria: tuple[Criterion, ...] = default_criteria()
    breakers: tuple[Breaker, ...] = default_breakers()
    outside: tuple[OutsideCriterion, ...] = ()
    alpha: float = 0.05
    period: int = 60
    initial_delay: int = 300
    min_periods: int = 30
    min_effective_periods: int = 8
    min_duration: int = 3600
    require_full_sampling: bool = True
    planned_looks: int = 3
    min_power: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a specification that cannot be judged."""
        raise_faults(list(self.faults()))

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with values of the right types, each with its path."""
        yield from self._own_faults()
        for group in ("criteria", "breakers", "outside"):
            items = getattr(self, group)
            if len(items) > MAX_ITEMS:
                yield f"{group}: has {len(items)} entries, at most {MAX_ITEMS} are allowed"
                return
            for index, item in enumerate(items):
                yield from (f"{group}[{index}].{fault}" for fault in item.faults())
        yield from self._set_faults()

    def _own_faults(self) -> Iterator[str]:
        if not MIN_ALPHA <= self.alpha <= MAX_ALPHA:
            yield f"alpha: {self.alpha!r} is not from {MIN_ALPHA} to {MAX_ALPHA}"
        if not 0 <= self.min_power < 1:
            yield f"min_power: {self.min_power!r} is not at least 0 and below 1"
        lengths = ("period", "initial_delay", "min_duration")
        guards = ("min_periods", "min_effective_periods", "planned_looks")
        yield from _bound_faults(self, *lengths, *guards)

    def _set_faults(self) -> Iterator[str]:
        every: list[Criterion | OutsideCriterion] = [*self.criteria, *self.outside]
        named = [item for item in every if not any(misfits(item))]
        names = Counter(item.name for item in named)
        for name in sorted(name for name, count in names.items() if count > 1):
            yield f"criteria: the name {name!r} is used more than once"
        if UNANSWERED in names:
            yield f"criteria: the name {UNANSWERED!r} is that of a finding of every verdict"
        if not any(item.severity == "critical" for item in named):
            yield "criteria: none is critical, so nothing could pass"

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        """Return each metric and statistic that must be observed, once."""
        measured: list[Criterion | Breaker] = [*self.criteria, *self.breakers]
        return tuple(dict.fromkeys(item.key for item in measured))

    @property
    def unanswered_tolerance(self) -> float:
        """Return the share of requests that may stay unanswered: that of server errors."""
        mine = (
            item.tolerance
            for item in self.criteria
            if item.metric == SERVER_ERRORS and item.severity == "critical" and not item.is_mean
        )
        return min(mine, default=UNANSWERED_TOLERANCE)


#: Name of the finding about requests that the shadow never answered.
UNANSWERED = "unanswered requests"
#: Accepted share of unanswered requests where no criterion is about server errors.
UNANSWERED_TOLERANCE = 0.005
#: Above this the word PASS means nothing; below, no normal quantile is known any more.
MIN_ALPHA, MAX_ALPHA = 1e-9, 0.2
#: More criteria share so little alpha that no experiment could decide, and an XCom is small.
MAX_ITEMS = 100


def raise_faults(faults: list[str]) -> None:
    """Raise all faults of a specification as one error, if there are any.

    :raises InvalidRequestError: naming every fault
    """
    if faults:
        raise InvalidRequestError(
            asked="an analysis specification",
            found=f"{len(faults)} fault(s): "
            + "; ".join(shortened(f, most=300) for f in faults[:20]),
            next_step="Correct the fields named above.",
        )
