"""The judgement of a criterion on answers: sums of pairs, brought to the one judge.

A pair is one request that both variants answered, so what is compared is compared within pairs.
The error of a change follows from the periods, as everywhere; but the spread inside a period is
known, too, so it bounds the error from below, and few periods that happen to agree prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.answer_columns import (
    AnswerColumns,
    MeanColumns,
    mean_columns,
    period_for,
)
from airflow_shadow.analysis.answer_coverage import AnswerCoverage
from airflow_shadow.analysis.answer_measures import (
    BROKEN,
    DISAGREEMENT,
    PREFIX,
    counted_as,
    is_share,
    split_metric,
)
from airflow_shadow.analysis.answer_sums import MINUTE, AnswerSums, Table
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.evidence import Evidence, mean_evidence, rate_evidence
from airflow_shadow.analysis.judge_criterion import Basis, finding_on
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.noise_evidence import Noise, NoiseEvidence, noise_of
from airflow_shadow.analysis.sample_size import few_periods, few_requests
from airflow_shadow.analysis.verdict import Finding

#: Part of production's own values that may be broken; above it the path is more likely wrong.
MOST_BROKEN = 0.2
#: Part of the values that may be broken in the shadow alone where no criterion bounds them.
MOST_SKIPPED = 0.05
_NOTHING: Table = {MINUTE: ()}


def judge_answer(look: Look, criterion: Criterion) -> Finding:
    """Return the finding on one criterion on answers."""
    judged = _Judged.of(look, criterion)
    finding = finding_on(judged.look, judged.criterion, judged.basis)
    if judged.noise is None:
        return finding
    return formatting.beside_noise(finding, judged.noise.share, judged.noise.source)


@dataclass(frozen=True)
class _Judged:
    """Hold one criterion on answers with the sums of its output.

    :param look: with the period of the criterion's answers
    :param criterion: with the number of labelled values, or own numbers, that its output asks for
    :param columns: the output's sums
    :param sums: of all outputs
    """

    look: Look
    criterion: Criterion
    columns: AnswerColumns
    sums: AnswerSums

    @classmethod
    def of(cls, look: Look, criterion: Criterion) -> _Judged:
        """Return a criterion with its output's sums in periods of answers."""
        sums = look.observations.answers or AnswerSums()
        name, measure = split_metric(criterion.metric)
        table = sums.outputs.get(name, _NOTHING)
        wide = replace(look, answer_period=period_for(look))
        least = look.spec.answers[name].least_of(measure)
        if least is not None and criterion.min_samples is None:
            criterion = replace(criterion, min_samples=least)
        return cls(wide, criterion, AnswerColumns(table, wide.window), sums)

    @property
    def basis(self) -> Basis:
        """Return what the criterion is judged on.

        Without enough labels, or own numbers, nothing is decided: those that come first are no
        fair sample.
        """
        evidence = self._evidence()
        if evidence is None:
            return Basis(None, weaknesses=tuple(self._nothing()))
        periods = [*few_periods(self.look, evidence), *self._few_of_its_own(evidence)]
        few = list(few_requests(self.criterion, evidence))
        constant = (
            ["the values do not vary, so their spread is unknown"] if evidence.constant else []
        )
        lasting = [*constant, *self._unreadable(), *self._skipped()]
        return Basis(
            evidence,
            weaknesses=(*periods, *lasting, *few),
            is_void=self._is_noise_unknown(evidence),
            takes_time=not lasting,
            is_firm=not periods and not constant and not (few and self._comes_late),
        )

    def _few_of_its_own(self, evidence: Evidence) -> Iterator[str]:
        """Yield why the periods of production's repeated inputs are too few."""
        if isinstance(evidence, NoiseEvidence) and evidence.own is not None:
            for why in few_periods(self.look, evidence.own):
                yield f"production with itself: {why}"

    def _is_noise_unknown(self, evidence: Evidence) -> bool:
        """Tell whether too few pairs are there to know production's disagreement with itself."""
        is_beyond = isinstance(evidence, NoiseEvidence)
        return is_beyond and evidence.n_baseline < self.criterion.needed_samples

    @property
    def _comes_late(self) -> bool:
        """Tell whether labels, or own numbers, are counted, of which not all pairs have one."""
        output, measure = split_metric(self.criterion.metric)
        return self.look.spec.answers[output].least_of(measure) is not None

    def _unreadable(self) -> Iterator[str]:
        """Yield that production's own answers cannot be read, as with a path that is wrong."""
        broken, values = self.columns.total("production_broken"), self.columns.total("values")
        if broken > MOST_BROKEN * values:
            share = formatting.in_unit(broken / values, formatting.PER_CENT)
            yield f"{share} of production's own answers are broken: is the path right?"

    def _skipped(self) -> Iterator[str]:
        """Yield that too much is broken in the shadow, of which other measures say nothing."""
        columns, (output, _) = self.columns, split_metric(self.criterion.metric)
        bounds = (each.metric for each in self.look.spec.on_answers if each.severity == "critical")
        if f"{PREFIX}{output}.broken" in bounds:
            return
        values = columns.total("values")
        skipped = values - columns.total("compared", "production_broken")
        if skipped > MOST_SKIPPED * values:
            share = formatting.in_unit(skipped / values, formatting.PER_CENT)
            yield f"{share} of the answers are broken in the shadow alone; bound `broken`, too"

    def _nothing(self) -> Iterator[str]:
        """Yield why there is no evidence, if it is not that there are no pairs."""
        found = self.columns.total(_counted(self.criterion))
        yield from self._unreadable()
        if found and self.criterion.comparison == "relative":
            yield "a mean is 0, so there is no ratio"
        elif found and self._is_beyond_noise:
            yield "production has no two readable answers to equal captured inputs"
        elif self._comes_late:
            what = counted_as(self.criterion.metric)
            yield f"0 of {self.criterion.needed_samples:,} {what} needed"

    def _evidence(self) -> Evidence | None:
        if not self.criterion.is_mean:
            return self._rate_evidence()
        _, measure = split_metric(self.criterion.metric)
        columns = mean_columns(measure)
        needed = (columns.count, columns.production, columns.shadow, *columns.squares)
        has_all = self.columns.has(*needed)
        return self._mean_evidence(columns) if has_all else None

    def _mean_evidence(self, names: MeanColumns) -> Evidence | None:
        counts = self.columns.sums(names.count)
        production, shadow = (
            self.columns.series(counts, self.columns.sums(name), lambda total, n: total / n)
            for name in (names.production, names.shadow)
        )
        if not shadow.times:
            return None
        return mean_evidence(
            production,
            shadow,
            self.criterion.comparison,
            least_variance=self._least_variance(names, production, shadow),
        )

    def _least_variance(self, names: MeanColumns, production: Columns, shadow: Columns) -> float:
        """Return the variance of the change below which none is believed.

        That of independent pairs, and that of the rarest change that would reach the tolerance:
        a few pairs that differ by a whole level (of a share, by 1). A batch may change as one.
        """
        n, tolerance = shadow.requests, abs(self.criterion.tolerance)
        change = shadow.mean - production.mean
        independent = max(self.columns.total(*names.squares) / n - change * change, 0.0) / n
        level = max(abs(production.mean), abs(shadow.mean))
        if self.criterion.comparison == "relative":
            # Of the ratio; the tolerance is one, too.
            unit = level * level
            return max(independent / unit if unit else 0.0, tolerance * self.batch / n)
        most = 1.0 if is_share(self.criterion.metric) else max(level, tolerance)
        return max(independent, tolerance * most * self.batch / n)

    def _rate_evidence(self) -> Evidence | None:
        """Return the evidence of shares; a batch counts as one, for its values may fail together.

        The exact interval, which a FAIL may follow from after minutes, treats what it counts as
        independent.
        """
        _, measure = split_metric(self.criterion.metric)
        sides = self._broken() if measure == BROKEN else self._disagreed()
        production, shadow = sides
        evidence = rate_evidence(
            None if self.criterion.comparison == "absolute" else production,
            shadow,
            tolerance=abs(self.criterion.tolerance),
            earlier=self.look.observations.earlier.get(self.criterion.name, ()),
            skewed=True,
        )
        if evidence and self._is_beyond_noise:
            return None if self.noise is None else self.noise.beyond(evidence, shadow)
        return evidence

    @property
    def _is_beyond_noise(self) -> bool:
        """Tell whether only what goes beyond production's disagreement with itself counts."""
        _, measure = split_metric(self.criterion.metric)
        return measure == DISAGREEMENT and self.criterion.comparison == "difference"

    @cached_property
    def noise(self) -> Noise | None:
        """Return production's disagreement with itself, None where it is not known."""
        name, measure = split_metric(self.criterion.metric)
        if measure != DISAGREEMENT:
            return None
        counts, bad = self.columns.sums("repeats"), self.columns.sums("repeats_disagreed")
        return noise_of(self.look.spec.answers[name].noise, self._share(counts, bad))

    @cached_property
    def batch(self) -> float:
        """Return the values of an answer in the mean, at least 1."""
        pairs = self.columns.total("pairs")
        return max(self.columns.total("values") / pairs, 1.0) if pairs else 1.0

    def _disagreed(self) -> tuple[Columns | None, Columns]:
        counts, bad = self.columns.sums("compared"), self.columns.sums("disagreed")
        return None, self._share(counts, bad)

    def _broken(self) -> tuple[Columns, Columns]:
        """Return the broken answers of both, and at full sampling those that only one has not."""
        counts = self.columns.sums("values")
        broken = [self.columns.sums(f"{side}_broken") for side in ("production", "shadow")]
        if self.look.is_full and AnswerCoverage(self.look).is_enough:
            lacking = self._lacking()
            for period in lacking[0]:
                both = [one[period] * self.batch for one in lacking]
                counts[period] = counts.get(period, 0.0) + sum(both)
                for side, one in zip(broken, both, strict=True):
                    side[period] = side.get(period, 0.0) + one
        production, shadow = (self._share(counts, bad) for bad in broken)
        return production, shadow

    def _lacking(self) -> tuple[dict[int, float], dict[int, float]]:
        """Return the answers that production has not, and those that the shadow has not.

        Of production's no more than of the shadow's: what was lost of it excuses nothing else.
        """
        records = AnswerColumns(self.sums.records, self.look.window)
        production, shadow = (records.sums(f"{side}_only") for side in ("shadow", "production"))
        ours, theirs = math.fsum(production.values()), math.fsum(shadow.values())
        part = theirs / ours if ours > theirs else 1.0
        return {period: part * lost for period, lost in production.items()}, shadow

    def _share(self, counts: dict[int, float], bad: dict[int, float]) -> Columns:
        answers = {period: count / self.batch for period, count in counts.items()}
        return self.columns.series(answers, bad, lambda total, _: total / self.batch)


def _counted(criterion: Criterion) -> str:
    """Return the column of what a criterion counts."""
    if not criterion.is_mean:
        return "pairs"
    _, measure = split_metric(criterion.metric)
    return mean_columns(measure).count
