"""Watch many simulated experiments, and count what the judge says of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from analysis_noise import Minutes, World
from analysis_vector import Means, Rates, failing, pooled_lower

from airflow_shadow.analysis import AnalysisSpec
from airflow_shadow.analysis.critical_values import shares
from airflow_shadow.analysis.intervals import Share, wilson

Array = np.ndarray
SPEC = AnalysisSpec()
ALPHA = SPEC.alpha
TOLERANCE = 0.10
ERRORS_MORE = 0.005
MARKS = (60, 240, 1440)
#: Minutes of warm-up, which are not read.
WARM_UP = SPEC.initial_delay // 60
CHUNK = 2000
#: A FAIL is looked for every five minutes, after four hours every half.
OFTEN, OFTEN_UNTIL, SELDOM = 5, 240, 30


def share(hits: Array) -> str:
    """Return a share in per cent with the upper end of its one-sided 95 % interval."""
    upper = wilson(Share(bad=float(hits.sum()), total=float(hits.size)), 1.645)[1]
    return f"{100 * hits.mean():5.2f} (<= {100 * upper:5.2f})"


def chunked(runs: int, count: Callable[[int], Sequence[Array]]) -> list[Array]:
    """Return what is counted of many runs, a few thousand at a time: a day of all fills memory."""
    sizes = [min(CHUNK, runs - begin) for begin in range(0, runs, CHUNK)]
    parts = [count(size) for size in sizes]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def enough(evidence: Means | Rates) -> Array:
    """Tell in which runs the guards allow a decision by the spread of the periods."""
    summaries = evidence.summaries
    return (summaries.count >= SPEC.min_periods) & (
        summaries.effective >= SPEC.min_effective_periods
    )


def passes(means: Means, alpha: float = ALPHA) -> Array:
    """Tell in which runs mean latency passes at a planned look."""
    return enough(means) & (means.upper(alpha) < math.log1p(TOLERANCE))


def looks(until: int) -> Iterator[int]:
    """Yield the minutes at which a FAIL is looked for."""
    yield from range(SPEC.min_periods, min(until, OFTEN_UNTIL) + 1, OFTEN)
    yield from range(OFTEN_UNTIL + SELDOM, until + 1, SELDOM)


def ever_fails(baseline: Array, candidate: Array, level: float = ALPHA) -> Array:
    """Tell in which runs mean latency fails at some look, with equal requests in all minutes."""
    length = baseline.shape[1]
    failed = np.zeros(len(baseline), dtype=bool)
    for end in {*looks(length), length}:
        means = Means.of(baseline[:, :end], 1.0, candidate[:, :end], 1.0)
        lower = means.lower(level, length, length)
        failed |= enough(means) & (lower > math.log1p(TOLERANCE))
    return failed


@dataclass(frozen=True, kw_only=True)
class RateOutcome:
    """Hold what was read of a difference of rates, run by run."""

    passed: Array
    failed: Array


def watch_rates(
    counts: tuple[Array, Array],
    requests: tuple[Array, Array],
    tolerance: float,
    *,
    level: float = ALPHA,
) -> RateOutcome:
    """Return PASS at the planned look at the end, and FAIL at any look."""
    length = counts[0].shape[1]
    failed = np.zeros(len(counts[0]), dtype=bool)
    for end in sorted({*range(OFTEN, SPEC.min_periods, OFTEN), *looks(length), length}):
        one, other = (each[:, :end] for each in counts)
        asked, answered = (each[:, :end] for each in requests)
        rates = Rates.of(one, asked, other, answered)
        failed |= rates.exact_beyond(tolerance, level / 2)
        z = failing(rates.summaries, level / 2, length, length)
        failed |= enough(rates) & (rates.lower(z) > tolerance)
    samples = np.minimum(rates.n_baseline, rates.n_candidate) >= math.ceil(5 / tolerance)
    passed = enough(rates) & samples & (rates.upper(ALPHA, tolerance) < tolerance)
    return RateOutcome(passed=passed, failed=failed)


RAMP = (0.1, 0.5, 1.0)
STAGE = 120
LAST_STAGE = 3 * STAGE


@dataclass
class Rollouts:
    """Many rollouts at once: 10, 50 and 100 %, two hours each, the last one up to six.

    :param failed: minutes until FAIL, infinity if none
    :param passed: minutes until PASS
    """

    failed: Array
    passed: Array

    @classmethod
    def of(cls, rng: np.random.Generator, runs: int, **world: float) -> Rollouts:
        """Run them all: each stage begins when the one before it did not fail."""
        done = cls(np.full(runs, np.inf), np.full(runs, np.inf))
        earlier: list[list[tuple[Array, ...]]] = [[], []]
        for index, sampling in enumerate(RAMP):
            live = np.flatnonzero(np.isinf(done.failed))
            if not len(live):
                break
            last = index == len(RAMP) - 1
            stage = _Stage(
                world=World(sampling=sampling, **world),
                level=ALPHA * shares(len(RAMP))[index] / (4 if last else 3),
                ends=[STAGE * n - WARM_UP for n in ((1, 2, 3) if last else (1,))],
                earlier=[[tuple(x[live] for x in each) for each in one] for one in earlier],
            )
            failed, passed, counts = stage.watch(rng, len(live))
            done.failed[live] = index * STAGE + failed
            done.passed[live] = index * STAGE + passed
            for kept, mine in zip(earlier, counts, strict=True):
                kept.append(tuple(_spread(runs, live, each) for each in mine))
        return done


def _spread(runs: int, live: Array, values: Array) -> Array:
    out = np.ones(runs)
    out[live] = values
    return out


@dataclass
class _Stage:
    """One stage of many rollouts; both error metrics are streams of their own."""

    world: World
    level: float
    ends: Sequence[int]
    earlier: list[list[tuple[Array, ...]]]

    def watch(self, rng: np.random.Generator, runs: int) -> tuple[Array, Array, list]:
        """Return minutes until FAIL and PASS, and the counts that later stages pool."""
        failed, passed = np.full(runs, np.inf), np.full(runs, np.inf)
        minutes = self.world.draw(rng, runs, self.ends[-1])
        second = self.world.draw(rng, runs, self.ends[-1])
        streams = [(minutes.failed, minutes.failed_too), (second.failed, second.failed_too)]
        counts: list = []
        for end in sorted({*range(OFTEN, self.ends[-1], OFTEN), *self.ends}):
            live = np.flatnonzero(np.isinf(failed) & np.isinf(passed))
            if not len(live):
                break
            part = minutes.of(live).until(end)
            means = Means.of(part.production, part.asked, part.shadow, part.answered)
            rates = [
                Rates.of(one[live, :end], part.asked, other[live, :end], part.answered)
                for one, other in streams
            ]
            bad = self._fails(means, rates, live)
            failed[live[bad]] = end + WARM_UP
            if end in self.ends and self.world.sampling == 1:
                good = self._passes(part, means, rates, self.ends.index(end)) & ~bad
                passed[live[good]] = end + WARM_UP
            if end == self.ends[0]:
                counts = [
                    tuple(_spread(runs, live, each) for each in rate.deflated) for rate in rates
                ]
        return failed, passed, counts or [tuple([np.ones(runs)] * 4)] * 2

    def _fails(self, means: Means, rates: list[Rates], live: Array) -> Array:
        first, last = self.ends[0], self.ends[-1]
        bad = enough(means) & (means.lower(self.level, first, last) > math.log1p(TOLERANCE))
        for rate, stages in zip(rates, self.earlier, strict=True):
            level = self.level / (3 if stages else 2)
            z = failing(rate.summaries, level, first, last)
            bad |= rate.exact_beyond(ERRORS_MORE, level)
            bad |= enough(rate) & (rate.lower(z) > ERRORS_MORE)
            if stages:
                before = [tuple(each[live] for each in one) for one in stages]
                lower = pooled_lower([*before, rate.deflated], z)
                bad |= enough(rate) & (lower > ERRORS_MORE)
        return bad

    def _passes(self, part: Minutes, means: Means, rates: list[Rates], look: int) -> Array:
        alpha = ALPHA * shares(len(self.ends))[look]
        requests = np.minimum(part.asked.sum(axis=1), part.answered.sum(axis=1))
        good = passes(means, alpha) & (requests >= SPEC.criteria[2].needed_samples)
        for rate in rates:
            good &= enough(rate) & (requests >= SPEC.criteria[0].needed_samples)
            good &= rate.upper(alpha, ERRORS_MORE) < ERRORS_MORE
        return good
