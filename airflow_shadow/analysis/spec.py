"""The specification of an analysis: what is judged, and with how much evidence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from airflow_shadow.analysis.answer_measures import split_metric
from airflow_shadow.analysis.breaker import Breaker
from airflow_shadow.analysis.criterion import Criterion, OutsideCriterion
from airflow_shadow.analysis.defaults import (
    default_answer_criteria,
    default_breakers,
    default_criteria,
)
from airflow_shadow.analysis.metric_kinds import SERVER_ERRORS
from airflow_shadow.analysis.outputs import (
    MAX_OUTPUTS,
    Output,
    comparison_fault,
    metric_fault,
    output_faults,
)
from airflow_shadow.analysis.validation import (
    BOUNDS,
    Checked,
    Seconds,
    bound_faults,
    raise_faults,
    type_faults,
)

#: Name of the finding about requests that the shadow never answered.
UNANSWERED = "unanswered requests"
#: Name of the finding about requests that are no pair of captured answers.
COVERAGE = "answer coverage"
#: Accepted share of unanswered requests where no criterion is about server errors.
UNANSWERED_TOLERANCE = 0.005
#: More criteria share so little alpha that no experiment could decide, and an XCom is small.
MAX_ITEMS = 100


@dataclass(frozen=True, kw_only=True)
class AnalysisSpec(Checked):
    """Hold what is judged, and how much evidence a verdict needs.

    A duration is given as everywhere: whole seconds, a `timedelta` or text such as `"90m"`; here it
    is kept in seconds.

    :param criteria: what is compared, at most 100; at least one critical one (or critical outside
        one) is needed
    :param breakers: hard limits that fail at once, at most 100
    :param outside: criteria whose outcome the caller brings, at most 100
    :param answers: name of an output to what of the answers is compared, at most 20; an output
        that no criterion names gets the default ones
    :param alpha: accepted probability of a false PASS, and of a false FAIL, of the whole verdict,
        1e-9 to 0.2
    :param period: length of a period (duration); CloudWatch keeps those of 60 s for 15 days, of
        300 s for 63
    :param initial_delay: time after the window's start that is not read (warm-up; duration)
    :param min_periods: periods with data of both variants below which a mean or rate cannot pass
    :param min_effective_periods: the same after correcting for autocorrelation
    :param min_duration: length of window below which the verdict cannot pass (duration)
    :param require_full_sampling: whether PASS needs 100 % sampling (AWS advises it)
    :param planned_looks: number of interim analyses at which a window that may be prolonged can
        PASS; they share alpha
    :param min_power: chance of a PASS of an equal candidate below which a plan is warned about
    :raises InvalidRequestError: naming every fault with its path
    """

    criteria: tuple[Criterion, ...] = default_criteria()
    breakers: tuple[Breaker, ...] = default_breakers()
    outside: tuple[OutsideCriterion, ...] = ()
    answers: Mapping[str, Output] = field(default_factory=dict)
    alpha: float = 0.05
    period: Seconds = Seconds(60)
    initial_delay: Seconds = Seconds(300)
    min_periods: int = 30
    min_effective_periods: int = 8
    min_duration: Seconds = Seconds(3600)
    require_full_sampling: bool = True
    planned_looks: int = 3
    min_power: float = 0.5

    def __post_init__(self) -> None:
        """Add the default criteria on answers, and refuse what cannot be judged."""
        if not any(type_faults(self)):
            object.__setattr__(self, "criteria", (*self.criteria, *self._default_on_answers()))
        raise_faults(list(self.faults()))

    def _default_on_answers(self) -> Iterator[Criterion]:
        """Yield the default criteria of each output that no criterion is on."""
        typed = [each for each in self.criteria if not any(type_faults(each))]
        named = {split_metric(each.metric)[0] for each in typed if each.is_on_answers}
        for name, output in self.answers.items():
            if name not in named and not any(output_faults(name, output)):
                yield from default_answer_criteria(name, output)

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as JSON-able values, which `read_spec` reads back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

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
        yield from self._answer_faults()
        yield from self._name_faults()

    def _answer_faults(self) -> Iterator[str]:
        """Yield what is wrong with the outputs, and which criteria are on none of them."""
        if len(self.answers) > MAX_OUTPUTS:
            yield f"answers: has {len(self.answers)} outputs, at most {MAX_OUTPUTS} are allowed"
        for name, output in self.answers.items():
            yield from (f"answers.{fault}" for fault in output_faults(name, output))
        yield from criteria_on_no_output(self.criteria, self.answers)

    def _own_faults(self) -> Iterator[str]:
        if not 0 <= self.min_power < 1:
            yield f"min_power: {self.min_power!r} is not at least 0 and below 1"
        bounded = (field.name for field in fields(self) if field.name in BOUNDS)
        yield from bound_faults(self, *bounded)

    def _name_faults(self) -> Iterator[str]:
        every: list[Criterion | OutsideCriterion] = [*self.criteria, *self.outside]
        typed = [item for item in every if not any(type_faults(item))]
        names = Counter(item.name for item in typed)
        for name in sorted(name for name, count in names.items() if count > 1):
            yield f"criteria: the name {name!r} is used more than once"
        for name in sorted({*names} & {UNANSWERED, COVERAGE}):
            yield f"criteria: the name {name!r} is reserved for a finding of every verdict"
        if not any(item.severity == "critical" for item in typed):
            yield "criteria: none is critical, so nothing could pass"

    @property
    def operational(self) -> tuple[Criterion, ...]:
        """Return the criteria on metrics: how the answers are served."""
        return tuple(item for item in self.criteria if not item.is_on_answers)

    @property
    def on_answers(self) -> tuple[Criterion, ...]:
        """Return the criteria on the answers themselves."""
        return tuple(item for item in self.criteria if item.is_on_answers)

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        """Return each metric and statistic that must be observed, once; answers are none."""
        measured: list[Criterion | Breaker] = [*self.operational, *self.breakers]
        return tuple(dict.fromkeys(item.key for item in measured))

    @property
    def unanswered_tolerance(self) -> float:
        """Return the accepted share of unanswered requests: the tolerance of server errors."""
        tolerances = (
            item.tolerance
            for item in self.criteria
            if item.metric == SERVER_ERRORS and item.severity == "critical" and not item.is_mean
        )
        positive = (tolerance for tolerance in tolerances if tolerance > 0)
        return min(positive, default=UNANSWERED_TOLERANCE)


def criteria_on_no_output(
    criteria: Sequence[Criterion], outputs: Mapping[str, Output]
) -> Iterator[str]:
    """Yield the criteria on answers that no output, or none of its kind, can have."""
    for index, item in enumerate(criteria):
        if not any(item.faults()) and item.is_on_answers:
            faults = {
                "metric": metric_fault(item.metric, outputs),
                "comparison": comparison_fault(item.metric, item.comparison, outputs),
            }
            yield from (f"criteria[{index}].{on}: {fault}" for on, fault in faults.items() if fault)
