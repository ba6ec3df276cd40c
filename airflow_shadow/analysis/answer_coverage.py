"""How many of the shadow's requests are pairs of captured answers: a finding of every verdict.

What was not captured was not compared, and what is lost is no fair sample: files are lost where a
variant is busy, and whatever has no partner may be just the answers that differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.answer_columns import AnswerColumns
from airflow_shadow.analysis.answer_sums import PAIR_COLUMNS, AnswerSums
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Pair
from airflow_shadow.analysis.spec import COVERAGE
from airflow_shadow.analysis.verdict import Finding

#: Name in the place of a metric.
METRIC = "AnswerCoverage"
#: Part of the shadow's requests that must be pairs.
MIN_COVERAGE = 0.95
#: What each way of joining is called.
WAYS = dict(zip(PAIR_COLUMNS, ("inferenceId", "eventId", "equal input"), strict=True))


@dataclass(frozen=True)
class AnswerCoverage:
    """Hold the requests of a look's window and what was captured of them."""

    look: Look

    @cached_property
    def _records(self) -> AnswerColumns:
        sums = self.look.observations.answers or AnswerSums()
        return AnswerColumns(sums.records, self.look.window)

    def captured(self, *columns: str) -> float:
        """Return the sum of some columns of the captured records."""
        return self._records.total(*columns)

    @cached_property
    def pairs(self) -> float:
        """Return the pairs, however they were joined."""
        return self.captured(*PAIR_COLUMNS)

    @cached_property
    def expected(self) -> float:
        """Return the requests that could be pairs: the shadow's without those that failed.

        Whether AWS captures failed requests is not documented; where it does there are more pairs.
        """
        return max(self.look.requests[1].requests - self._failed, 0.0)

    @property
    def _failed(self) -> float:
        """Return the requests that failed in either variant, as far as the error metrics tell.

        Callers' errors fail in both; the others are taken to fail in one of them each.
        """
        share = min(self.look.observations.sampling_percentage / 100, 1.0)
        bad_requests = [self._errors("Invocation4XXErrors", side) for side in (0, 1)]
        ours = [self._errors("Invocation5XXErrors", side) for side in (0, 1)]
        model = [self._errors("InvocationModelErrors", side) for side in (0, 1)]
        failed = [max(each) for each in zip(ours, model, strict=True)]
        return max(share * bad_requests[0], bad_requests[1]) + share * failed[0] + failed[1]

    def _errors(self, metric: str, side: int) -> float:
        pair = self.look.observations.series.get((metric, "rate"), Pair())
        return math.fsum(self.look.read((pair.baseline, pair.candidate)[side]).values)

    @property
    def share(self) -> float:
        """Return the part of the requests that are pairs, 0 if none could be."""
        return min(self.pairs / self.expected, 1.0) if self.expected else 0.0

    @property
    def is_enough(self) -> bool:
        """Tell whether so many are pairs that what was compared stands for all."""
        return self.share >= MIN_COVERAGE


def judge_coverage(look: Look) -> Finding:
    """Return whether enough of the shadow's requests are pairs of captured answers."""
    coverage = AnswerCoverage(look)
    return Finding(
        name=COVERAGE,
        metric=METRIC,
        statistic="rate",
        comparison=None,
        direction=None,
        severity="critical",
        outcome="PASS" if coverage.is_enough else "INCONCLUSIVE",
        n_baseline=coverage.expected,
        n_candidate=coverage.pairs,
        sentence=f"{COVERAGE}: {'; '.join(_says(coverage))}",
    )


def _says(coverage: AnswerCoverage) -> Iterator[str]:
    """Yield how many pairs there are, how they were joined, and which side lacks how many."""
    number = formatting.number
    if not coverage.captured("production", "shadow"):
        yield "no record of either variant was captured in the window"
        return
    if not coverage.expected:
        yield f"{number(coverage.pairs)} pairs, but no answered requests of the shadow were counted"
    else:
        yield (
            f"{number(coverage.pairs)} pairs for {number(coverage.expected)} requests that the "
            f"shadow answered, {_per_cent(coverage.share)}"
            + ("" if coverage.is_enough else f", at least {100 * MIN_COVERAGE:g} % needed")
        )
    yield from _lacking(coverage)
    yield from _joined(coverage)


def _per_cent(share: float) -> str:
    """Return a share, rounded down: 94.96 % is not 95 %."""
    return f"{math.floor(1000 * share) / 10:g} %"


def _lacking(coverage: AnswerCoverage) -> Iterator[str]:
    """Yield which side lacks how many records; below full sampling production has more."""
    number = formatting.number
    without = coverage.captured("shadow_only")
    if without:
        yield f"{number(without)} records of the shadow have none of production"
    missing = coverage.captured("production_only") if coverage.look.is_full else 0.0
    if missing:
        yield f"{number(missing)} of production have none of the shadow"
    nowhere = coverage.expected - coverage.pairs - without - missing
    if not coverage.is_enough and nowhere >= 1:
        yield f"{number(nowhere)} requests have no record that tells them"


def _joined(coverage: AnswerCoverage) -> Iterator[str]:
    """Yield how pairs were found, and what was counted and never guessed."""
    number = formatting.number
    ways = {name: coverage.captured(column) for column, name in WAYS.items()}
    found = [f"{number(count)} by {name}" for name, count in ways.items() if count]
    if found and ways["inferenceId"] < coverage.pairs:
        yield f"joined {', '.join(found)}"
    for column, what in (
        ("repeated", "records repeat a key or an input"),
        ("ambiguous", "records have an ambiguous key and are in no pair"),
    ):
        if count := coverage.captured(column):
            yield f"{number(count)} {what}"
