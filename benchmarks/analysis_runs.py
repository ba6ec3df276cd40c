"""Watch many simulated experiments at every minute, and count what the judge says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from analysis_noise import SPREAD
from analysis_vector import Batches, Rates, Serials, anytime_errors, fixed_errors

from airflow_shadow.analysis.proportions import Share, wilson

Array = np.ndarray
ALPHA = 0.05
MIN_PERIODS = 30
MIN_EFFECTIVE = 12
MARKS = (60, 240, 1440)
TOLERANCE = 0.10


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Hold what was read by a time, run by run.

    :param anytime: PASS at any look so far
    :param scheduled: PASS if this is the only look that may pass
    :param failed: FAIL at any look so far
    """

    anytime: Array
    scheduled: Array
    failed: Array


def share(hits: Array) -> str:
    """Return a share in per cent with the upper end of its one-sided 95 % interval."""
    upper = wilson(Share(bad=float(hits.sum()), total=float(hits.size)), 1.645)[1]
    return f"{100 * hits.mean():5.2f} (<= {100 * upper:5.2f})"


def enough(serials: Serials) -> Array:
    """Tell in which runs the guards allow a decision by the spread of the periods."""
    return (serials.sums.count >= MIN_PERIODS) & (serials.effective >= MIN_EFFECTIVE)


def watch_ratios(
    noise: Iterable[Array],
    effects: Sequence[float],
    marks: Sequence[int] = MARKS,
    critical: int = 1,
) -> Iterator[tuple[int, float, Outcome]]:
    """Yield the outcome of a relative criterion at each mark, for each true change.

    :param noise: noise of the log ratio, period by period
    :param effects: true changes; 0.10 is +10 %
    :param critical: criteria that share alpha on the FAIL side
    """
    limit, batches = math.log1p(TOLERANCE), Batches()
    passed: dict[float, Array] = {}
    failed: dict[float, Array] = {}
    for values in noise:
        batches.add(SPREAD * values)
        sums = batches.sums
        if sums.count < MIN_PERIODS:
            continue
        serials = Serials(batches)
        ok, error = enough(serials), serials.error
        up = anytime_errors(serials, ALPHA, MIN_PERIODS) * error
        down = anytime_errors(serials, ALPHA / critical, MIN_PERIODS) * error
        for effect in effects:
            mean = serials.mean + math.log1p(effect)
            passed[effect] = passed.get(effect, False) | (ok & (mean + up < limit))
            failed[effect] = failed.get(effect, False) | (ok & (mean - down > limit))
            if sums.count in marks:
                once = ok & (mean + fixed_errors(serials, ALPHA) * error < limit)
                yield (
                    sums.count,
                    effect,
                    Outcome(
                        anytime=passed[effect].copy(),
                        scheduled=once,
                        failed=failed[effect].copy(),
                    ),
                )


def watch_rates(
    counts: Iterable[tuple[Array, Array]],
    requests: tuple[float, float],
    tolerance: float,
    marks: Sequence[int] = MARKS,
    critical: int = 1,
) -> Iterator[tuple[int, Outcome]]:
    """Yield the outcome of a difference of error rates at each mark.

    :param counts: errors of baseline and candidate, period by period
    :param requests: requests of both in each period
    """
    batches, totals = Batches(), [0.0, 0.0]
    passed: Array | bool = False
    failed: Array | bool = False
    level = ALPHA / critical / 2
    for bad in counts:
        totals = [total + one for total, one in zip(totals, bad, strict=True)]
        batches.add(bad[1] / requests[1] - bad[0] / requests[0])
        sums = batches.sums
        rates = Rates(
            baseline=totals[0],
            candidate=totals[1],
            n_baseline=requests[0] * sums.count,
            n_candidate=requests[1] * sums.count,
            serials=Serials(batches),
        )
        failed = failed | rates.exact_beyond(tolerance, level)
        if sums.count < MIN_PERIODS:
            continue
        samples = min(rates.n_baseline, rates.n_candidate) >= math.ceil(5 / tolerance)
        ok = enough(rates.serials) & samples
        failed = failed | (
            ok & (rates.ends(anytime_errors(rates.serials, level, MIN_PERIODS))[0] > tolerance)
        )
        passed = passed | (
            ok & (rates.ends(anytime_errors(rates.serials, ALPHA, MIN_PERIODS))[1] < tolerance)
        )
        if sums.count in marks:
            once = ok & (rates.ends(fixed_errors(rates.serials, ALPHA))[1] < tolerance)
            yield sums.count, Outcome(anytime=passed, scheduled=once, failed=failed)
