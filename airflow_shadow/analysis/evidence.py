"""What the periods say about one criterion: an estimate, and how wide its interval is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from operator import sub

from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.proportions import (
    Share,
    exact_lower_difference,
    exact_lower_share,
    newcombe,
    wilson,
)
from airflow_shadow.analysis.serial import Serial, summarise
from airflow_shadow.analysis.spec import Comparison

#: Relative spread below which a series is taken for a constant: no live mean is that steady.
CONSTANT = 1e-9


@dataclass(frozen=True, kw_only=True)
class Evidence(ABC):
    """Hold what was seen of one criterion.

    :param serial: the periods' contributions to the estimate, as a dependent series
    :param baseline: level of the baseline, None for a criterion on the candidate alone
    :param candidate: level of the candidate
    """

    serial: Serial
    baseline: float | None
    candidate: float
    n_baseline: float
    n_candidate: float

    #: Whether the periods differ too little for their spread to be measured.
    constant: bool = False

    @property
    @abstractmethod
    def estimate(self) -> float:
        """Return the change (or the candidate's level) in the tolerance's unit."""

    @abstractmethod
    def interval(self, z: float) -> tuple[float, float]:
        """Return the interval of `z` standard errors to both sides."""

    def exact_lower(self, level: float) -> float:
        """Return a lower end that holds from the first request on, at every look."""
        return -math.inf

    def exact_upper(self, level: float) -> float:
        """Return an upper end that holds from the first request on, at every look."""
        return math.inf

    @property
    def has_exact(self) -> bool:
        """Tell whether the exact ends say anything."""
        return False


@dataclass(frozen=True, kw_only=True)
class MeanEvidence(Evidence):
    """Hold evidence from means: of log ratios (relative), of differences, or of levels."""

    relative: bool

    @property
    def estimate(self) -> float:
        """Return the change (or the candidate's level) in the tolerance's unit."""
        return self._shown(self.serial.mean)

    def interval(self, z: float) -> tuple[float, float]:
        """Return the interval of `z` standard errors to both sides."""
        radius = z * self.serial.error
        return self._shown(self.serial.mean - radius), self._shown(self.serial.mean + radius)

    def _shown(self, value: float) -> float:
        return math.expm1(min(value, MAX_LOG)) if self.relative else value


#: Logarithm of a ratio that is as good as infinite, a million: no tolerance is that wide.
MAX_LOG = math.log(1e6)


@dataclass(frozen=True, kw_only=True)
class RateEvidence(Evidence):
    """Hold evidence from counts, their weight divided by the design effect of clustering.

    :param share_baseline: None for a criterion on the candidate alone
    """

    share_baseline: Share | None
    share_candidate: Share

    @property
    def estimate(self) -> float:
        """Return the difference of the rates, or the candidate's rate."""
        return self.candidate - (self.baseline or 0.0)

    def interval(self, z: float) -> tuple[float, float]:
        """Return the score interval of `z` standard errors to both sides."""
        if self.share_baseline is None:
            return wilson(self.share_candidate, z)
        return newcombe(self.share_baseline, self.share_candidate, z)

    @property
    def has_exact(self) -> bool:
        """Tell whether the exact ends say anything."""
        return True

    def exact_lower(self, level: float) -> float:
        """Return a lower end that holds from the first request on, at every look."""
        if self.share_baseline is None:
            return exact_lower_share(self.share_candidate, level)
        return exact_lower_difference(self.share_baseline, self.share_candidate, level)

    def exact_upper(self, level: float) -> float:
        """Return an upper end that holds from the first request on, at every look."""
        if self.share_baseline is None:
            return 1 - exact_lower_share(_mirrored(self.share_candidate), level)
        return -exact_lower_difference(self.share_candidate, self.share_baseline, level)


def _mirrored(share: Share) -> Share:
    return Share(bad=share.total - share.bad, total=share.total)


def of_means(baseline: Columns, candidate: Columns, comparison: Comparison) -> MeanEvidence | None:
    """Return what paired means say, None if no period can be compared.

    Paired because both variants see the same requests in the same minutes: their common load
    cancels. Ratios take the periods in which both means are above zero.
    """
    relative = comparison == "relative"
    if relative:
        baseline, candidate = _above_zero(baseline, candidate)
    if not baseline.times:
        return None
    serial = summarise(
        list(map(_log_ratio if relative else sub, candidate.values, baseline.values))
    )
    scale = 1.0 if relative else max(*baseline.values, *candidate.values)
    return MeanEvidence(
        serial=serial,
        baseline=baseline.mean,
        candidate=candidate.mean,
        n_baseline=baseline.requests,
        n_candidate=candidate.requests,
        constant=serial.deviation <= CONSTANT * scale,
        relative=relative,
    )


def _above_zero(baseline: Columns, candidate: Columns) -> tuple[Columns, Columns]:
    if all(baseline.values) and all(candidate.values):
        return baseline, candidate
    both = zip(baseline.values, candidate.values, strict=True)
    indices = [index for index, values in enumerate(both) if all(values)]
    return baseline.at(indices), candidate.at(indices)


def _log_ratio(candidate: float, baseline: float) -> float:
    return math.log(candidate) - math.log(baseline)


def of_level(candidate: Columns) -> MeanEvidence | None:
    """Return what the candidate's means say about its level, None if there are none."""
    if not candidate.times:
        return None
    serial = summarise(candidate.values)
    return MeanEvidence(
        serial=serial,
        baseline=None,
        candidate=candidate.mean,
        n_baseline=0.0,
        n_candidate=candidate.requests,
        constant=serial.deviation <= CONSTANT * abs(serial.mean),
        relative=False,
    )


def of_rates(baseline: Columns, candidate: Columns) -> RateEvidence | None:
    """Return what paired counts say, None if there are none.

    The variance of the difference is the larger of the binomial one and the one between periods,
    corrected for dependence: errors come in bursts.
    """
    if not baseline.times:
        return None
    one, other = total(baseline), total(candidate)
    added = map(sub, contributions(candidate, other), contributions(baseline, one))
    serial = summarise(list(added))
    effect = design_effect(serial, one.variance + other.variance)
    return RateEvidence(
        serial=serial,
        baseline=one.rate,
        candidate=other.rate,
        n_baseline=one.total,
        n_candidate=other.total,
        share_baseline=one.deflated(effect),
        share_candidate=other.deflated(effect),
    )


def of_rate(candidate: Columns) -> RateEvidence | None:
    """Return what one stream of counts says about its rate, None if there are none."""
    if not candidate.times:
        return None
    share = total(candidate)
    serial = summarise(contributions(candidate, share))
    return RateEvidence(
        serial=serial,
        baseline=None,
        candidate=share.rate,
        n_baseline=0.0,
        n_candidate=share.total,
        share_baseline=None,
        share_candidate=share.deflated(design_effect(serial, share.variance)),
    )


def total(columns: Columns) -> Share:
    """Return the counts of all periods; no period has more bad requests than requests."""
    return Share(bad=math.fsum(map(min, columns.values, columns.samples)), total=columns.requests)


def contributions(columns: Columns, share: Share) -> list[float]:
    """Return what each period adds to the rate's error; their mean is zero.

    The rate is a ratio of sums, so a period counts by ``bad - rate * n`` (Cochran 1977, Sampling
    Techniques, 6.3), divided by the mean number of requests.
    """
    rate, mean = share.rate, share.total / len(columns.times)
    bad = map(min, columns.values, columns.samples)
    return [(k - rate * n) / mean for k, n in zip(bad, columns.samples, strict=True)]


def design_effect(serial: Serial, binomial: float) -> float:
    """Return how many times the requests' variance exceeds the binomial one, at least 1."""
    return max(1.0, serial.error**2 / binomial) if binomial > 0 else 1.0
