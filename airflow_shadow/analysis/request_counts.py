"""A metric's own counts against the requests that `Invocations` counts.

AWS documents ``SampleCount`` for latencies only; that error metrics send a zero for each request
that did not fail is assumed (`assumed: error-zeros`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.align import Columns, shared
from airflow_shadow.analysis.breaker import Breaker
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.metric_kinds import ERRORS, LATENCIES, REQUEST_METRICS
from airflow_shadow.analysis.observations import Pair, Series

#: Part of a variant's requests that a metric must cover to decide anything.
MIN_COVERED = 0.95


def counted(look: Look, item: Criterion | Breaker) -> Pair:
    """Return a metric of both variants, with requests and silence as the item says."""
    pair = look.observations.series.get(item.key, Pair())
    if (item.missing, item.count) == ("unknown", "samples"):
        return pair
    requests = look.observations.invocations or Pair()
    return Pair(
        baseline=_counted(item, pair.baseline, requests.baseline),
        candidate=_counted(item, pair.candidate, requests.candidate),
    )


def _counted(item: Criterion | Breaker, metric: Series, requests: Series) -> Series:
    values = dict(zip(metric.times, metric.values, strict=True))
    samples = dict(zip(metric.times, metric.samples, strict=True))
    invocations = dict(zip(requests.times, requests.samples, strict=True))
    if item.missing == "zero":
        values = {**dict.fromkeys(invocations, 0.0), **values}
    if item.count == "invocations":
        samples = {time: invocations[time] for time in values if time in invocations}
    else:
        samples = {time: samples.get(time, invocations.get(time, 0.0)) for time in values}
    times = sorted(samples)
    return Series(
        times=times,
        values=[values[time] for time in times],
        samples=[samples[time] for time in times],
    )


def uncovered(look: Look, criterion: Criterion, pair: Pair) -> Iterator[str]:
    """Yield how a metric's own counts fall short of the requests."""
    if criterion.metric not in REQUEST_METRICS or look.observations.invocations is None:
        return
    coverage = list(_coverage(look, criterion, pair))
    for who, samples, requests in coverage:
        if samples < MIN_COVERED * requests:
            few, every = formatting.number(samples), formatting.number(requests)
            yield f"the metric covers {few} of the {every} requests of {who}"
    shares = [min(samples / requests, 1.0) for _, samples, requests in coverage if requests]
    apart = max(shares, default=0.0) - min(shares, default=0.0)
    if criterion.metric in LATENCIES and apart > look.spec.unanswered_tolerance:
        both = " and ".join(
            f"{100 * share:.1f} % of {who}"
            for share, (who, _, _) in zip(shares, coverage, strict=False)
        )
        yield f"the metric covers {both}, which cannot be compared"


def _coverage(look: Look, criterion: Criterion, pair: Pair) -> Iterator[tuple[str, float, float]]:
    """Yield the variant, the requests that the metric covers, and those that there were."""
    if criterion.comparison == "absolute":
        sides = [("the shadow", look.read(pair.candidate), look.requests[1], 1)]
    else:
        # Periods that only one variant reported would be taken for requests without a sample.
        columns, live = look.paired(pair), shared(*look.requests)
        sides = [
            ("production", columns[0], live[0], 0),
            ("the shadow", columns[1], live[1], 1),
        ]
    for who, metric, requests, side in sides:
        covered, _ = shared(metric, requests)
        failed = _failed(look, side, requests) if criterion.metric in LATENCIES else 0.0
        yield who, covered.requests, max(requests.requests - failed, 0.0)


def _failed(look: Look, side: int, periods: Columns) -> float:
    """Return the requests counted as errors: those without an answer may have no latency."""
    counts = {
        metric: math.fsum(
            shared(look.read((pair.baseline, pair.candidate)[side]), periods)[0].values
        )
        for (metric, statistic), pair in look.observations.series.items()
        if metric in ERRORS and statistic == "rate"
    }
    answered = counts.get("Invocation5XXErrors", 0.0) + counts.get("Invocation4XXErrors", 0.0)
    return max(answered, counts.get("InvocationModelErrors", 0.0))
