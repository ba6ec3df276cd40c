"""What the periods say about one criterion: an estimate, and how wide its interval is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import mul, sub
from typing import Self

from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.autocorrelation import Serial, summarise
from airflow_shadow.analysis.observations import Counts
from airflow_shadow.analysis.intervals import (
    Share,
    exact_lower_difference,
    exact_lower_share,
    newcombe,
    pooled_newcombe,
    wilson,
)
from airflow_shadow.analysis.spec import Comparison

#: Relative spread below which a series is taken for a constant: no live mean is that steady.
CONSTANT = 1e-9
#: Logarithm of a ratio that is as good as infinite, a million: no tolerance is that wide.
MAX_LOG = math.log(1e6)
Ends = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Evidence(ABC):
    """Hold what was seen of one criterion.

    :param serial: the periods' contributions to the estimate, as a dependent series of mean zero
    :param baseline: level of the baseline, None for a criterion on the candidate alone
    :param candidate: level of the candidate
    :param times: start of each period, in seconds since 1970
    :param busy: how many periods of equal traffic would say as much
    """

    serial: Serial
    baseline: float | None
    candidate: float
    n_baseline: float
    n_candidate: float
    times: Sequence[float]

    busy: float = math.inf
    #: Whether the periods differ too little for their spread to be measured.
    constant: bool = False

    @property
    @abstractmethod
    def estimate(self) -> float:
        """Return the change of the levels (or the candidate's level) in the tolerance's unit."""

    @abstractmethod
    def passing(self, z: float) -> Ends:
        """Return the interval of `z` standard errors to both sides that a PASS is read from."""

    @abstractmethod
    def failing(self, z: float) -> Ends:
        """Return the interval of `z` standard errors to both sides that a FAIL is read from."""

    def stretched(self, times: float) -> Self:
        """Return what a window so many times as long would show, if nothing changes."""
        return replace(
            self,
            serial=self.serial.stretched(times),
            n_baseline=self.n_baseline * times,
            n_candidate=self.n_candidate * times,
            busy=self.busy * times,
        )

    @property
    def spread(self) -> float:
        """Return the standard error of the estimate, on the scale of :meth:`scale`."""
        return self.serial.error

    def scale(self, change: float) -> float:
        """Return a change on the scale on which its estimate is nearly normal."""
        return change

    def exact(self, level: float) -> Ends:
        """Return an interval that holds from the first request on, at every look."""
        return -math.inf, math.inf

    @property
    def counts(self) -> Counts | None:
        """Return what a later stage may pool with its own, None if nothing."""
        return None


@dataclass(frozen=True, kw_only=True)
class MeanEvidence(Evidence):
    """Hold evidence from means over requests: their ratio (relative), difference, or level.

    :param worst: level of the candidate if what it never answered had been slow
    """

    relative: bool
    worst: float

    @property
    def estimate(self) -> float:
        """Return the change of the levels (or the candidate's level) in the tolerance's unit."""
        return self._told(self._change(self.candidate))

    def passing(self, z: float) -> Ends:
        """Return the interval of `z` standard errors to both sides, the unanswered counted."""
        below, above = self.serial.ends(z, z)
        change, worst = self._change(self.candidate), self._change(self.worst)
        return self._told(change - below), self._told(worst + above)

    def failing(self, z: float) -> Ends:
        """Return the interval of `z` standard errors to both sides."""
        below, above = self.serial.ends(z, z)
        change = self._change(self.candidate)
        return self._told(change - below), self._told(change + above)

    def scale(self, change: float) -> float:
        """Return a change on the scale on which its estimate is nearly normal."""
        if not self.relative:
            return change
        return math.log1p(change) if change > -1 else -math.inf

    def _change(self, level: float) -> float:
        if self.relative:
            return math.log(level / (self.baseline or 1.0))
        return level - (self.baseline or 0.0)

    def _told(self, value: float) -> float:
        return math.expm1(min(value, MAX_LOG)) if self.relative else value


def with_unanswered(evidence: Evidence, requests: float, each: float) -> Evidence:
    """Return evidence of a mean that counts requests which the candidate never answered.

    :param requests: that it never answered
    :param each: what one of them would have added, in the metric's unit
    """
    if not isinstance(evidence, MeanEvidence):
        return evidence
    total = evidence.n_candidate + requests
    level = (evidence.candidate * evidence.n_candidate + each * requests) / total
    return replace(evidence, worst=max(evidence.candidate, level))


@dataclass(frozen=True, kw_only=True)
class RateEvidence(Evidence):
    """Hold evidence from counts.

    :param share_baseline: counts divided by the design effect of their clustering; None for a
        criterion on the candidate alone
    :param share_candidate: likewise
    :param least_variance: of the difference, whatever the periods show
    :param earlier: counts of the same experiment's stages before this one
    """

    share_baseline: Share | None
    share_candidate: Share
    least_variance: float
    earlier: Sequence[Counts] = ()

    @property
    def estimate(self) -> float:
        """Return the difference of the rates, or the candidate's rate."""
        return self.candidate - (self.baseline or 0.0)

    def passing(self, z: float) -> Ends:
        """Return the interval of `z` standard errors to both sides, as the paired periods differ.

        Errors that both variants share cancel. The variance is never below the one at the
        tolerance, and half a request is added, because counts go in steps.
        """
        if self.share_baseline is None:
            return wilson(self.share_candidate, z)
        error = math.sqrt(max(self.serial.error**2, self.least_variance))
        radius = z * error + 0.5 / self.n_candidate
        return max(self.estimate - radius, -1.0), min(self.estimate + radius, 1.0)

    def failing(self, z: float) -> Ends:
        """Return the score interval of `z` standard errors to both sides."""
        if self.share_baseline is None:
            return wilson(self.share_candidate, z)
        return newcombe(self.share_baseline, self.share_candidate, z)

    def exact(self, level: float) -> Ends:
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

    def stretched(self, times: float) -> Self:
        """Return what a window so many times as long would show, if nothing changes."""
        one = self.share_baseline
        return replace(
            super().stretched(times),
            share_baseline=None if one is None else one.deflated(1 / times),
            share_candidate=self.share_candidate.deflated(1 / times),
            least_variance=self.least_variance / times,
        )

    def pooled(self, z: float) -> Ends:
        """Return the interval of the difference within the stages, all of them together."""
        mine = self.counts
        return pooled_newcombe([*self.earlier, mine] if mine else self.earlier, z)

    @property
    def counts(self) -> Counts | None:
        """Return what a later stage may pool with its own; None without a baseline."""
        if self.share_baseline is None:
            return None
        return Counts(
            bad_baseline=self.share_baseline.bad,
            n_baseline=self.share_baseline.total,
            bad_candidate=self.share_candidate.bad,
            n_candidate=self.share_candidate.total,
        )


def of_means(baseline: Columns, candidate: Columns, comparison: Comparison) -> MeanEvidence | None:
    """Return what paired means say, None if no period can be compared.

    The mean of a window is the mean over its requests. Its error follows from what each minute adds
    to it (:func:`mean_contributions`), of both variants together, because they see the same
    requests in the same minutes: their common load cancels.
    """
    relative = comparison == "relative"
    if not baseline.times or (relative and not (baseline.mean > 0 and candidate.mean > 0)):
        return None
    ones, others = mean_contributions(baseline), mean_contributions(candidate)
    if relative:
        one, other = baseline.mean, candidate.mean
        ones, others = [x / one for x in ones], [x / other for x in others]
    serial = summarise(list(map(sub, others, ones)))
    scale = 1.0 if relative else max(abs(baseline.mean), abs(candidate.mean))
    return MeanEvidence(
        serial=serial,
        baseline=baseline.mean,
        candidate=candidate.mean,
        worst=candidate.mean,
        n_baseline=baseline.requests,
        n_candidate=candidate.requests,
        times=candidate.times,
        busy=min(busy(baseline), busy(candidate)),
        constant=serial.deviation <= CONSTANT * scale,
        relative=relative,
    )


def of_level(candidate: Columns) -> MeanEvidence | None:
    """Return what the candidate's means say about its level, None if there are none."""
    if not candidate.times:
        return None
    serial = summarise(mean_contributions(candidate))
    return MeanEvidence(
        serial=serial,
        baseline=None,
        candidate=candidate.mean,
        worst=candidate.mean,
        n_baseline=0.0,
        n_candidate=candidate.requests,
        times=candidate.times,
        busy=busy(candidate),
        constant=serial.deviation <= CONSTANT * abs(candidate.mean),
        relative=False,
    )


def busy(columns: Columns) -> float:
    """Return how many periods of equal traffic would say as much (Kish 1965, Survey Sampling).

    A period with nearly all requests is the mean itself, so its distance to the mean, which the
    error is estimated from, is nothing.
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


def of_rates(
    baseline: Columns, candidate: Columns, *, tolerance: float, earlier: Sequence[Counts] = ()
) -> RateEvidence | None:
    """Return what paired counts say, None if there are none.

    For a FAIL the variance of the difference is the larger of the binomial one and the one between
    periods, corrected for dependence: errors come in bursts.

    :param tolerance: of the criterion: at it, so large a share of the requests differs at least
    :param earlier: counts of the stages before
    """
    if not baseline.times:
        return None
    one, other = total(baseline), total(candidate)
    added = map(sub, rate_contributions(candidate, other), rate_contributions(baseline, one))
    serial = summarise(list(added))
    effect = design_effect(serial, one.variance + other.variance)
    return RateEvidence(
        serial=serial,
        baseline=one.rate,
        candidate=other.rate,
        n_baseline=one.total,
        n_candidate=other.total,
        times=candidate.times,
        busy=min(busy(baseline), busy(candidate)),
        share_baseline=one.deflated(effect),
        share_candidate=other.deflated(effect),
        least_variance=tolerance / other.total,
        earlier=earlier,
    )


def of_rate(candidate: Columns) -> RateEvidence | None:
    """Return what one stream of counts says about its rate, None if there are none."""
    if not candidate.times:
        return None
    share = total(candidate)
    serial = summarise(rate_contributions(candidate, share))
    return RateEvidence(
        serial=serial,
        baseline=None,
        candidate=share.rate,
        n_baseline=0.0,
        n_candidate=share.total,
        times=candidate.times,
        busy=busy(candidate),
        share_baseline=None,
        share_candidate=share.deflated(design_effect(serial, share.variance)),
        least_variance=0.0,
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


def design_effect(serial: Serial, binomial: float) -> float:
    """Return how many times the requests' variance exceeds the binomial one, at least 1."""
    return max(1.0, serial.error**2 / binomial) if binomial > 0 else 1.0
