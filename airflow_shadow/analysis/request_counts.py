"""Counts against each other: what a metric covers of the requests, and how it counts them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.align import Columns, shared
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Pair, Series
from airflow_shadow.analysis.spec import (
    ERRORS,
    LATENCIES,
    REQUEST_METRICS,
    Breaker,
    Criterion,
)

#: Part of a variant's requests that a metric must cover to decide anything.
MIN_COVERED = 0.95


@dataclass(frozen=True)
class Counting:
    """Hold metrics against the requests that `Invocations` counts.

    AWS documents ``SampleCount`` for latencies only; that error metrics send a zero for each
    request that did not fail is assumed (`assumed: error-zeros`).
    """

    look: Look

    def pair(self, item: Criterion | Breaker) -> Pair:
        """Return a metric of both variants, counted as its criterion or breaker says."""
        pair = self.look.observations.series.get(item.key, Pair())
        if (item.missing, item.count) == ("unknown", "samples"):
            return pair
        requests = self.look.observations.invocations or Pair()
        return Pair(
            baseline=_counted(item, pair.baseline, requests.baseline),
            candidate=_counted(item, pair.candidate, requests.candidate),
        )

    def weaknesses(self, criterion: Criterion, pair: Pair) -> Iterator[str]:
        """Yield what a metric's own counts leave out."""
        if criterion.metric not in REQUEST_METRICS or self.look.observations.invocations is None:
            return
        covered = list(self._covered(criterion, pair))
        for who, seen, of in covered:
            if seen < MIN_COVERED * of:
                few, every = formatting.number(seen), formatting.number(of)
                yield f"it covers {few} of the {every} requests of {who}"
        shares = [min(seen / of, 1.0) for _, seen, of in covered if of]
        apart = max(shares, default=0.0) - min(shares, default=0.0)
        if criterion.metric in LATENCIES and apart > self.look.spec.unanswered_tolerance:
            told = " and ".join(
                f"{100 * share:.1f} % of {who}"
                for share, (who, _, _) in zip(shares, covered, strict=False)
            )
            yield f"it covers {told}, which cannot be compared"

    def _covered(self, criterion: Criterion, pair: Pair) -> Iterator[tuple[str, float, float]]:
        """Yield who, the requests that the metric covers, and those that there were."""
        requests = self.look.requests
        if criterion.comparison == "absolute":
            sides = [("the shadow", self.look.read(pair.candidate), requests[1], 1)]
        else:
            # A period that one of the two did not report at all says nothing of the other.
            one, other = self.look.paired(pair)
            live = shared(*requests)
            sides = [("production", one, live[0], 0), ("the shadow", other, live[1], 1)]
        for who, columns, asked, side in sides:
            seen, _ = shared(columns, asked)
            failed = self._failed(side, asked) if criterion.metric in LATENCIES else 0.0
            yield who, seen.requests, max(asked.requests - failed, 0.0)

    def _failed(self, side: int, periods: Columns) -> float:
        """Return the requests counted as errors: those without an answer may have no latency."""
        found = {
            metric: math.fsum(shared(self._side(pair, side), periods)[0].values)
            for (metric, statistic), pair in self.look.observations.series.items()
            if metric in ERRORS and statistic == "rate"
        }
        answered = found.get("Invocation5XXErrors", 0.0) + found.get("Invocation4XXErrors", 0.0)
        return max(answered, found.get("InvocationModelErrors", 0.0))

    def _side(self, pair: Pair, side: int) -> Columns:
        return self.look.read((pair.baseline, pair.candidate)[side])


def _counted(item: Criterion | Breaker, metric: Series, requests: Series) -> Series:
    """Return a series with silence read as zero, or divided by the requests, as asked."""
    values = dict(zip(metric.times, metric.values, strict=True))
    samples = dict(zip(metric.times, metric.samples, strict=True))
    asked = dict(zip(requests.times, requests.samples, strict=True))
    if item.missing == "zero":
        values = {**dict.fromkeys(asked, 0.0), **values}
    if item.count == "invocations":
        samples = {time: asked[time] for time in values if time in asked}
    else:
        samples = {time: samples.get(time, asked.get(time, 0.0)) for time in values}
    times = sorted(samples)
    return Series(
        times=times,
        values=[values[time] for time in times],
        samples=[samples[time] for time in times],
    )
