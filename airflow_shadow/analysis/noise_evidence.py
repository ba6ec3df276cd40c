"""The evidence on a disagreement beyond that of production with itself, in an A/A test."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

from airflow_shadow.analysis.evidence import RateEvidence
from airflow_shadow.analysis.intervals import Interval, Share, wilson

#: What the baseline is counted in.
COUNTED = "pairs of the A/A test"


@dataclass(frozen=True, kw_only=True)
class NoiseEvidence(RateEvidence):
    """Hold evidence on a disagreement with production's own one as the baseline.

    Its `share_baseline` is of the A/A test, divided by the design effect of its clustering.

    :param pairs: the evidence on the pairs of both variants alone
    """

    share_baseline: Share
    pairs: RateEvidence

    def passing(self, z: float) -> Interval:
        """Return the interval made of both shares' own ones.

        The distances from the estimates to the ends are added in squares, as of Newcombe's interval
        (MOVER: Zou and Donner 2008, Statistics in Medicine 27, 1693-1702).
        """
        low, high = self.pairs.passing(z)
        least, most = wilson(self.share_baseline, z)
        noise = self.share_baseline.rate
        below = math.hypot(self.candidate - low, most - noise)
        above = math.hypot(high - self.candidate, noise - least)
        return max(self.estimate - below, -1.0), min(self.estimate + above, 1.0)

    def stretched(self, factor: float) -> Self:
        """Return the evidence of a window so many times as long: it brings no more A/A pairs."""
        return replace(
            super().stretched(factor),
            share_baseline=self.share_baseline,
            n_baseline=self.n_baseline,
            pairs=self.pairs.stretched(factor),
        )

    @property
    def counts(self) -> None:
        """Return nothing: stages that share one A/A test are not independent of each other."""
        return


def beyond_noise(pairs: RateEvidence, test: Share) -> NoiseEvidence:
    """Return the evidence on a disagreement beyond production's with itself.

    The periods of an A/A test are not known: its pairs are taken to cluster as the window's do, and
    to have come in no longer a time, so many of them cluster more.

    :param pairs: the evidence on the pairs of both variants
    :param test: pairs of the A/A test that disagreed, of those that were compared
    """
    effect = pairs.n_candidate / pairs.share_candidate.total
    clustering = 1 + (effect - 1) * max(1.0, test.total / pairs.n_candidate)
    return NoiseEvidence(
        summary=pairs.summary,
        baseline=test.rate,
        candidate=pairs.candidate,
        n_baseline=test.total,
        n_candidate=pairs.n_candidate,
        times=pairs.times,
        kish_periods=pairs.kish_periods,
        baseline_counted=COUNTED,
        share_baseline=test.deflated(clustering),
        share_candidate=pairs.share_candidate,
        least_variance=0.0,
        skewed=pairs.skewed,
        pairs=pairs,
    )
