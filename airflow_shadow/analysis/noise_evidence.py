"""The evidence on a disagreement beyond that of production with itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Self

from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.evidence import RateEvidence, rate_evidence, total
from airflow_shadow.analysis.intervals import Interval, Share, wilson
from airflow_shadow.analysis.noise import REPEATS, counts_of

#: What production's own pairs are, of an A/A test and of the window itself.
TESTED = "pairs of the A/A test"
REPEATED = "pairs of requests with equal inputs"


@dataclass(frozen=True, kw_only=True)
class NoiseEvidence(RateEvidence):
    """Hold evidence on a disagreement with production's own one as the baseline.

    Its `share_baseline` is divided by the design effect of its clustering.

    :param pairs: the evidence on the pairs of both variants alone
    :param own: the evidence on production's own pairs, None if they are of an A/A test
    """

    share_baseline: Share
    pairs: RateEvidence
    own: RateEvidence | None = None

    def passing(self, z: float) -> Interval:
        """Return the interval made of both shares' own ones.

        The distances from the estimates to the ends are added in squares, as of Newcombe's interval
        (MOVER: Zou and Donner 2008, Statistics in Medicine 27, 1693-1702). Pairs of both variants
        that have an answer in common with production's own make the difference smaller, not wider.
        """
        low, high = self.pairs.passing(z)
        least, most = wilson(self.share_baseline, z)
        noise = self.share_baseline.rate
        below = math.hypot(self.candidate - low, most - noise)
        above = math.hypot(high - self.candidate, noise - least)
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
    """

    share: Share
    source: str
    own: RateEvidence | None = None

    def beyond(self, pairs: RateEvidence) -> NoiseEvidence:
        """Return the evidence on what the disagreement of both variants goes beyond it.

        :param pairs: the evidence on the pairs of both variants
        """
        known = {each.name: getattr(pairs, each.name) for each in fields(RateEvidence)}
        known |= {
            "baseline": self.share.rate,
            "n_baseline": self.share.total,
            "baseline_counted": self.source,
            "share_baseline": self._deflated(pairs),
            "least_variance": 0.0,
        }
        return NoiseEvidence(**known, pairs=pairs, own=self.own)

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
        return None if own is None else Noise(share=total(repeats), source=REPEATED, own=own)
    counts = counts_of(declared)
    if counts is None:
        return None
    return Noise(share=Share(bad=counts[0], total=counts[1]), source=TESTED)
