"""The evidence on a disagreement beyond that of production with itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.evidence import RateEvidence, design_effect, rate_evidence, total
from airflow_shadow.analysis.intervals import Interval, Share, wilson
from airflow_shadow.analysis.noise import REPEATS, counts_of

#: What production's own pairs are, of an A/A test and of the window itself.
TESTED = "pairs of the A/A test"
REPEATED = "pairs of requests with equal inputs"


@dataclass(frozen=True, kw_only=True)
class NoiseEvidence(RateEvidence):
    """Hold evidence on a disagreement with production's own one as the baseline.

    Its shares are divided by the design effects of their clustering, and by `spread`.

    :param pairs: the evidence on the pairs of both variants alone
    :param own: the evidence on production's own pairs, None if they are of an A/A test
    :param spread: how many times the difference's variance exceeds that of independent shares
    """

    share_baseline: Share
    pairs: RateEvidence
    own: RateEvidence | None = None
    spread: float = 1.0

    def passing(self, z: float) -> Interval:
        """Return the interval made of both shares' own ones.

        The distances from the estimates to the ends are added in squares, as of Newcombe's interval
        (MOVER: Zou and Donner 2008, Statistics in Medicine 27, 1693-1702). Pairs of both variants
        that have an answer in common with production's own make the difference vary less; where
        both shares move against each other from period to period, it varies more (`spread`).
        """
        low, high = self.pairs.passing(z)
        least, most = wilson(self.share_baseline, z)
        noise = self.share_baseline.rate
        wider = math.sqrt(self.spread)
        below = math.hypot(wider * (self.candidate - low), most - noise)
        above = math.hypot(wider * (high - self.candidate), noise - least)
        return max(self.estimate - below, -1.0), min(self.estimate + above, 1.0)

    def stretched(self, factor: float) -> Self:
        """Return the evidence of a window so many times as long: it brings no more A/A pairs."""
        pairs = self.pairs.stretched(factor)
        if self.own is not None:
            return replace(super().stretched(factor), pairs=pairs, own=self.own.stretched(factor))
        return replace(
            super().stretched(factor),
            share_baseline=self.share_baseline,
            n_baseline=self.n_baseline,
            pairs=pairs,
        )

    @property
    def counts(self) -> None:
        """Return nothing: stages that share one A/A test are not independent of each other."""
        return


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Hold how often production disagrees with itself.

    :param share: its own pairs that disagreed, of those that were compared
    :param source: what these pairs are
    :param own: the evidence on them where they are of the window, None for an A/A test
    :param periods: of these pairs, where they are of the window
    """

    share: Share
    source: str
    own: RateEvidence | None = None
    periods: Columns | None = None

    def beyond(self, pairs: RateEvidence, periods: Columns) -> NoiseEvidence:
        """Return the evidence on what the disagreement of both variants goes beyond it.

        :param pairs: the evidence on the pairs of both variants
        :param periods: of the pairs of both variants
        """
        share = self._deflated(pairs)
        spread = self._spread(periods, pairs.share_candidate.variance + share.variance)
        known = {each.name: getattr(pairs, each.name) for each in fields(RateEvidence)}
        known |= {
            "baseline": self.share.rate,
            "n_baseline": self.share.total,
            "baseline_counted": self.source,
            "share_baseline": share.deflated(spread),
            "share_candidate": pairs.share_candidate.deflated(spread),
            "least_variance": 0.0,
        }
        return NoiseEvidence(**known, pairs=pairs, own=self.own, spread=spread)

    def _spread(self, periods: Columns, independent: float) -> float:
        """Return how many times the difference's variance exceeds one, at least 1.

        That between the periods knows how both shares move: where the mix of inputs changes, some
        on which production is noisy and some on which the shadow is wrong, against each other.
        """
        if self.periods is None:
            return 1.0
        times = sorted({*self.periods.times, *periods.times})
        both = rate_evidence(_at(times, self.periods), _at(times, periods), tolerance=0.0)
        return 1.0 if both is None else design_effect(both.summary, independent)

    def _deflated(self, pairs: RateEvidence) -> Share:
        """Return the share divided by the design effect of its clustering.

        The periods of an A/A test are not known: its pairs are taken to cluster as the window's do,
        and to have come in no longer a time, so many of them cluster more.
        """
        if self.own is not None:
            return self.own.share_candidate
        effect = pairs.n_candidate / pairs.share_candidate.total
        return self.share.deflated(
            1 + (effect - 1) * max(1.0, self.share.total / pairs.n_candidate)
        )


def noise_of(declared: str | None, repeats: Columns) -> Noise | None:
    """Return how often production disagrees with itself, None where that is not known.

    :param declared: the output's `noise`
    :param repeats: the periods' pairs of production's own requests that have an equal input
    """
    if declared == REPEATS:
        own = rate_evidence(None, repeats, tolerance=0.0, skewed=True)
        if own is None:
            return None
        return Noise(share=total(repeats), source=REPEATED, own=own, periods=repeats)
    counts = counts_of(declared)
    if counts is None:
        return None
    return Noise(share=Share(bad=counts[0], total=counts[1]), source=TESTED)


def _at(times: Sequence[float], columns: Columns) -> Columns:
    """Return the periods at some times, those that are not there with nothing."""
    rows = zip(columns.times, columns.values, columns.samples, strict=True)
    known = {time: (value, sample) for time, value, sample in rows}
    values, samples = zip(*(known.get(time, (0.0, 0.0)) for time in times), strict=True)
    return Columns(times=times, values=values, samples=samples)
