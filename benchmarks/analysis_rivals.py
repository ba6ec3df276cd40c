"""What users have instead: the rules of other gates, looked at as those gates look.

Each rule sees the periods of both variants, `periods x runs`, and answers two questions for every
run: was the candidate rejected, and was it promoted, by the end of the window.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from airflow_shadow.analysis.critical_values import fixed_critical

Array = np.ndarray
Rule = Callable[[Array, Array, float], tuple[Array, Array]]
FIRST_LOOK = 10
INTERVAL = 10


def threshold_on_means(baseline: Array, candidate: Array, tolerance: float) -> tuple[Array, Array]:
    """Promote if the ratio of the means is within the tolerance (Argo, Flagger by hand)."""
    rejected = candidate.mean(axis=0) > (1 + tolerance) * baseline.mean(axis=0)
    return rejected, ~rejected


def mann_whitney_per_interval(
    baseline: Array, candidate: Array, tolerance: float
) -> tuple[Array, Array]:
    """Promote unless some interval of ten minutes differs at 5 %, two-sided (PipeCD)."""
    del tolerance
    rejected = np.zeros(baseline.shape[1], dtype=bool)
    for start in range(0, len(baseline) - INTERVAL + 1, INTERVAL):
        part = slice(start, start + INTERVAL)
        wins = (candidate[part, None] > baseline[None, part]).sum(axis=(0, 1))
        rejected |= np.abs(_mann_whitney(wins, INTERVAL)) > fixed_critical(0.025)
    return rejected, ~rejected


def mann_whitney_growing(
    baseline: Array, candidate: Array, tolerance: float
) -> tuple[Array, Array]:
    """Promote unless at some minute all data so far are higher at 98 %, two-sided (Kayenta)."""
    del tolerance
    rejected = np.zeros(baseline.shape[1], dtype=bool)
    wins = np.zeros(baseline.shape[1])
    for t in range(len(baseline)):
        wins += (candidate[t] > baseline[: t + 1]).sum(axis=0)
        wins += (candidate[:t] > baseline[t]).sum(axis=0)
        if t + 1 >= FIRST_LOOK:
            rejected |= _mann_whitney(wins, t + 1) > fixed_critical(0.01)
    return rejected, ~rejected


def wilcoxon_each_look(baseline: Array, candidate: Array, tolerance: float) -> tuple[Array, Array]:
    """Promote unless at some minute the paired differences are higher at 5 %, two-sided."""
    del tolerance
    difference = np.log(candidate / baseline)
    rejected = np.zeros(baseline.shape[1], dtype=bool)
    positive = np.zeros(baseline.shape[1])
    for t in range(len(difference)):
        positive += (difference[: t + 1] > -difference[t]).sum(axis=0)
        if t + 1 >= FIRST_LOOK:
            rejected |= _wilcoxon(positive, t + 1) > fixed_critical(0.025)
    return rejected, ~rejected


def naive_interval(baseline: Array, candidate: Array, tolerance: float) -> tuple[Array, Array]:
    """Stop at the first minute at which the plain 95 % interval fits, on either side."""
    difference = np.log(candidate / baseline)
    n = np.arange(1, len(difference) + 1)[:, None]
    mean = difference.cumsum(axis=0) / n
    square = (difference**2).cumsum(axis=0) - n * mean**2
    radius = fixed_critical(0.025) * np.sqrt(np.maximum(square, 0) / np.maximum(n - 1, 1) / n)
    outside = (mean - radius > math.log1p(tolerance))[FIRST_LOOK - 1 :]
    fits = (mean + radius < math.log1p(tolerance))[FIRST_LOOK - 1 :]
    first_out, first_in = _first(outside), _first(fits)
    return first_out < first_in, first_in < first_out


def _first(hits: Array) -> Array:
    """Return the first look that hits, or one after the last."""
    return np.where(hits.any(axis=0), hits.argmax(axis=0), len(hits))


def _mann_whitney(wins: Array, n: int) -> Array:
    """Return the standardised statistic of two samples of `n`."""
    return (wins - n * n / 2) / math.sqrt(n * n * (2 * n + 1) / 12)


def _wilcoxon(positive: Array, n: int) -> Array:
    """Return the standardised signed-rank statistic from the positive Walsh averages."""
    return (positive - n * (n + 1) / 4) / math.sqrt(n * (n + 1) * (2 * n + 1) / 24)


RIVALS: dict[str, Rule] = {
    "threshold on means": threshold_on_means,
    "Mann-Whitney per interval": mann_whitney_per_interval,
    "Mann-Whitney 98 %, growing window": mann_whitney_growing,
    "paired Wilcoxon, each look": wilcoxon_each_look,
    "stop when the interval fits": naive_interval,
}
