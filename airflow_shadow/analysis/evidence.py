"""What the periods say about one criterion: an estimate, and how wide its interval is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import mul, sub
from typing import Self

from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.autocorrelation import Summary, summarise
from airflow_shadow.analysis.criterion import Comparison
from airflow_shadow.analysis.intervals import (
    Interval,
    Share,
    exact_lower_difference,
    exact_lower_share,
    newcombe,
    pooled_newcombe,
    wilson,
)
from airflow_shadow.analysis.observations import Counts

#: Relative spread below which a series is a constant: no live mean is that steady.
CONSTANT = 1e-9
#: Logarithm of a ratio of a million, which no tolerance allows.
MAX_LOG = math.log(1e6)


@dataclass(frozen=True, kw_only=True)
class _Evidence:
    """Hold the estimate of one criterion's change, and what its error follows from.

    :param summary: the periods' contributions to the estimate, a dependent series of mean zero
    :param baseline: level of the baseline, None for a criterion on the candidate alone
    :param candidate: level of the candidate
    :param times: start of each period, in seconds since 1970
    :param kish_periods: periods of equal traffic that would say as much
    :param baseline_counted: what the baseline's requests are, where they are others
    :param constant: whether the periods differ too little for their spread to be measured
    """

    summary: Summary
    baseline: float | None
    candidate: float
    n_baseline: float
    n_candidate: float
    times: Sequence[float]
    kish_periods: float = math.inf
    baseline_counted: str = ""
    constant: bool = False

    def stretched(self, factor: float) -> Self:
        """Return the evidence of a window so many times as long, if nothing changes."""
        return replace(
            self,
            summary=self.summary.stretched(factor),
            n_baseline=self.n_baseline * factor,
            n_candidate=self.n_candidate * factor,
            kish_periods=self.kish_periods * factor,
        )


@dataclass(frozen=True, kw_only=True)
class MeanEvidence(_Evidence):
    """Hold evidence from means over requests: their ratio (relative), difference, or level.

    :param worst: level of the candidate if its unanswered requests had been slow
    """

    relative: bool
    worst: float

    @property
    def estimate(self) -> float:
        """Return the change of the means, or the candidate's mean."""
        return self._unscaled(self._scaled_change(self.candidate))

    def passing(self, z: float) -> Interval:
        """Return the interval with unanswered requests at its upper end counted as slow."""
        below, above = self.summary.ends(z, z)
        change, worst = self._scaled_change(self.candidate), self._scaled_change(self.worst)
        return self._unscaled(change - below), self._unscaled(worst + above)

    def failing(self, z: float) -> Interval:
        """Return the interval of the answered requests alone."""
        below, above = self.summary.ends(z, z)
        change = self._scaled_change(self.candidate)
        return self._unscaled(change - below), self._unscaled(change + above)

    def scale(self, change: float) -> float:
        """Return a change on the scale on which its estimate is nearly normal."""
        if not self.relative:
            return change
        return math.log1p(change) if change > -1 else -math.inf

    def _scaled_change(self, level: float) -> float:
        if self.relative:
            return math.log(level / (self.baseline or 1.0))
        return level - (self.baseline or 0.0)

    def _unscaled(self, value: float) -> float:
        return math.expm1(min(value, MAX_LOG)) if self.relative else value

    def with_unanswered(self, requests: float, value: float) -> MeanEvidence:
        """Return the evidence with unanswered requests counted at a value in the metric's unit."""
        total = self.n_candidate + requests
        level = (self.candidate * self.n_candidate + value * requests) / total
        return replace(self, worst=max(self.candidate, level))


@dataclass(frozen=True, kw_only=True)
class RateEvidence(_Evidence):
    """Hold evidence from counts.

    :param share_baseline: counts divided by the design effect of their clustering; None for a
        criterion on the candidate alone
    :param share_candidate: likewise
    :param least_variance: lower bound of the difference's variance
    :param earlier: counts of the stages before, of the same experiment
    :param skewed: whether a PASS counts with rare bursts that the window may have missed
    """

    share_baseline: Share | None
    share_candidate: Share
    least_variance: float
    earlier: Sequence[Counts] = ()
    skewed: bool = False

    @property
    def estimate(self) -> float:
        """Return the difference of the rates, or the candidate's rate."""
        return self.candidate - (self.baseline or 0.0)

    def passing(self, z: float) -> Interval:
        """Return the interval by the spread of the paired periods.

        Errors that both variants have cancel. The variance is never below the one at the tolerance,
        and half a request is added, because counts go in steps.
        """
        below, above = self._distances(z)
        if self.share_baseline is not None:
            return max(self.estimate - below, -1.0), min(self.estimate + above, 1.0)
        low, high = wilson(self.share_candidate, z)
        if self.skewed:
            low, high = min(low, self.estimate - below), max(high, self.estimate + above)
        return max(low, 0.0), min(high, 1.0)

    def _distances(self, z: float) -> Interval:
        """Return the distances to both ends by the spread of the periods."""
        step = 0.5 / self.n_candidate
        summary = self.summary.at_least(self.least_variance)
        below, above = summary.ends(z, z) if self.skewed else (z * summary.error,) * 2
        return below + step, above + step

    def failing(self, z: float) -> Interval:
        """Return the score interval."""
        if self.share_baseline is None:
            return wilson(self.share_candidate, z)
        return newcombe(self.share_baseline, self.share_candidate, z)

    def scale(self, change: float) -> float:
        """Return a change on the scale on which its estimate is nearly normal."""
        return change

    def exact(self, level: float) -> Interval:
        """Return an interval that holds from the first request on, at every look."""
        one, other = self.share_baseline, self.share_candidate
        if one is None:
            return (
                exact_lower_share(other, level),
                1 - exact_lower_share(Share(bad=other.total - other.bad, total=other.total), level),
            )
        return (
            exact_lower_difference(one, other, level),
            -exact_lower_difference(other, one, level),
        )

    def stretched(self, factor: float) -> Self:
        """Return the evidence of a window so many times as long, if nothing changes."""
        one = self.share_baseline
        return replace(
            super().stretched(factor),
            share_baseline=None if one is None else one.deflated(1 / factor),
            share_candidate=self.share_candidate.deflated(1 / factor),
            least_variance=self.least_variance / factor,
        )

    def pooled(self, z: float) -> Interval:
        """Return the interval of the difference within the stages, all of them together."""
        own = self.counts
        return pooled_newcombe([*self.earlier, own] if own else self.earlier, z)

    @property
    def counts(self) -> Counts | None:
        """Return the counts for the pooled interval of a later stage; None without a baseline."""
        if self.share_baseline is None:
            return None
        return Counts(
            bad_baseline=self.share_baseline.bad,
            n_baseline=self.share_baseline.total,
            bad_candidate=self.share_candidate.bad,
            n_candidate=self.share_candidate.total,
        )


#: An estimate, and two intervals of so many standard errors to both sides: a PASS is read from
#: `passing`, a FAIL from `failing`.
Evidence = MeanEvidence | RateEvidence


def mean_evidence(
    baseline: Columns | None,
    candidate: Columns,
    comparison: Comparison,
    *,
    least_variance: float = 0.0,
) -> MeanEvidence | None:
    """Return the evidence of means, None if no period can be compared.

    The mean of a window is the mean over its requests. Its error follows from what each minute adds
    to it (:func:`mean_contributions`), of both variants together, because they see the same
    requests in the same minutes: their common load cancels.

    :param baseline: None for the candidate's level alone
    :param candidate: the same periods of the candidate
    :param least_variance: lower bound of the change's variance that is known from elsewhere
    """
    if not candidate.times:
        return None
    sides = [candidate] if baseline is None else [candidate, baseline]
    relative = comparison == "relative"
    if relative and not all(side.mean > 0 for side in sides):
        return None
    parts = [
        [value / (side.mean if relative else 1.0) for value in mean_contributions(side)]
        for side in sides
    ]
    summary = summarise(parts[0] if baseline is None else list(map(sub, *parts)))
    summary = summary.at_least(least_variance)
    level = 1.0 if relative else max(abs(side.mean) for side in sides)
    return MeanEvidence(
        summary=summary,
        baseline=None if baseline is None else baseline.mean,
        candidate=candidate.mean,
        worst=candidate.mean,
        n_baseline=0.0 if baseline is None else baseline.requests,
        n_candidate=candidate.requests,
        times=candidate.times,
        kish_periods=min(map(kish_periods, sides)),
        constant=summary.deviation <= CONSTANT * level,
        relative=relative,
    )


def kish_periods(columns: Columns) -> float:
    """Return how many periods of equal traffic would say as much (Kish 1965, Survey Sampling).

    A period with nearly all requests is the mean itself, so its distance to the mean, from which
    the error is estimated, is nothing.
    """
    return columns.requests**2 / math.fsum(map(mul, columns.samples, columns.samples))


def mean_contributions(columns: Columns) -> list[float]:
    """Return what each period adds to the error of the mean over requests; their mean is zero.

    The mean is a ratio of sums, so a period counts by ``n (average - mean)`` (Cochran 1977,
    Sampling Techniques, 6.3), divided by the mean number of requests.
    """
    mean, each = columns.mean, columns.requests / len(columns.times)
    return [
        n * (value - mean) / each for value, n in zip(columns.values, columns.samples, strict=True)
    ]


def rate_evidence(
    baseline: Columns | None,
    candidate: Columns,
    *,
    tolerance: float,
    earlier: Sequence[Counts] = (),
    skewed: bool = False,
) -> RateEvidence | None:
    """Return the evidence of counts, None if there are none.

    For a FAIL the variance of the difference is the larger of the binomial one and the one between
    periods, corrected for dependence: errors come in bursts.

    :param baseline: None for the candidate's rate alone
    :param candidate: the same periods of the candidate
    :param tolerance: of the criterion: at it, so large a share of the requests differs at least
    :param earlier: counts of the stages before, for a difference
    :param skewed: whether a PASS counts with rare bursts that the window may have missed
    """
    if not candidate.times:
        return None
    sides = [candidate] if baseline is None else [candidate, baseline]
    totals = [total(side) for side in sides]
    parts = [rate_contributions(*pair) for pair in zip(sides, totals, strict=True)]
    summary = summarise(parts[0] if baseline is None else list(map(sub, *parts)))
    effect = design_effect(summary, math.fsum(share.variance for share in totals))
    other, one = totals[0], None if baseline is None else totals[1]
    return RateEvidence(
        summary=summary,
        baseline=None if one is None else one.rate,
        candidate=other.rate,
        n_baseline=0.0 if one is None else one.total,
        n_candidate=other.total,
        times=candidate.times,
        kish_periods=min(map(kish_periods, sides)),
        share_baseline=None if one is None else one.deflated(effect),
        share_candidate=other.deflated(effect),
        least_variance=0.0 if one is None else tolerance / other.total,
        earlier=() if one is None else earlier,
        skewed=skewed,
    )


def total(columns: Columns) -> Share:
    """Return the counts of all periods; no period has more bad requests than requests."""
    return Share(bad=math.fsum(map(min, columns.values, columns.samples)), total=columns.requests)


def rate_contributions(columns: Columns, share: Share) -> list[float]:
    """Return what each period adds to the rate's error; their mean is zero.

    As :func:`mean_contributions`: a period counts by ``bad - rate * n``.
    """
    rate, mean = share.rate, share.total / len(columns.times)
    bad = map(min, columns.values, columns.samples)
    return [(k - rate * n) / mean for k, n in zip(bad, columns.samples, strict=True)]


def design_effect(summary: Summary, binomial: float) -> float:
    """Return how many times the requests' variance exceeds the binomial one, at least 1."""
    return max(1.0, summary.error**2 / binomial) if binomial > 0 else 1.0
