"""Forecasts against simulated power: from production's day before, and from the first 60 pairs.

`python benchmarks/analysis_forecast.py` prints a table in Markdown. Worlds: requests log-normal
with sigma 0.6, each variant's own part 0.15; both variants share a load of sd 0.10 and AR 0.9; each
has minutes' noise of its own, sd and AR as in the cell; errors are independent. The candidate does
not differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from analysis_noise import LOAD_DEPENDENCE, LOAD_SPREAD, autoregressive

from airflow_shadow.analysis import (
    AnalysisSpec,
    History,
    Observations,
    Pair,
    PlannedStage,
    Series,
    default_criteria,
    forecast,
    judge,
)
from airflow_shadow.analysis.judge_criterion import evidence_on, judge_criterion
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.power import chance
from airflow_shadow.analysis.traffic import Traffic

REQUEST_SPREAD, OWN_SPREAD = 0.6, 0.15
LATENCY, ERRORS = ("ModelLatency", "Average"), ("Invocation5XXErrors", "rate")
DAY, SEEN = 1440, 60


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One world, and the stage that is foretold.

    :param rate: requests a minute
    :param spread: sd of each variant's own minutes
    :param phi: dependence of that noise
    :param errors: share of the requests that fail in each variant
    :param minutes: length of the stage, a single look
    """

    rate: float
    spread: float
    phi: float
    errors: float = 0.001
    minutes: int = 120


CELLS = (
    Cell(rate=5, spread=0.05, phi=0.5, minutes=360),
    Cell(rate=10, spread=0.05, phi=0.5),
    Cell(rate=10, spread=0.10, phi=0.5, minutes=240),
    Cell(rate=30, spread=0.10, phi=0.8),
    Cell(rate=100, spread=0.05, phi=0.5),
    Cell(rate=100, spread=0.10, phi=0.5),
    Cell(rate=100, spread=0.15, phi=0.3),
    Cell(rate=300, spread=0.10, phi=0.8, minutes=240),
    Cell(rate=1000, spread=0.15, phi=0.5),
    Cell(rate=30, spread=0.02, phi=0.5, errors=0.005),
)
SPEC = AnalysisSpec(
    initial_delay=0,
    breakers=(),
    criteria=tuple(one for one in default_criteria() if one.severity == "critical"),
)
MEAN = next(one for one in SPEC.criteria if one.name == "mean latency")


def worlds(rng: np.random.Generator, cell: Cell, runs: int, minutes: int) -> Iterator[Observations]:
    """Yield what both variants showed, without a difference."""
    load = LOAD_SPREAD * _noise(rng, runs, minutes, LOAD_DEPENDENCE)
    counts = rng.poisson(cell.rate, (minutes, runs))
    size = np.sqrt(np.maximum(counts, 1))
    shared = math.sqrt(math.expm1(REQUEST_SPREAD**2)) * rng.standard_normal((minutes, runs)) / size
    variants = []
    for _ in range(2):
        own = cell.spread * _noise(rng, runs, minutes, cell.phi)
        each = OWN_SPREAD * rng.standard_normal((minutes, runs)) / size
        variants.append(
            (
                1e5 * np.exp(load + own) * np.maximum(1 + shared + each, 0.1),
                rng.binomial(counts, cell.errors),
            )
        )
    for run in range(runs):
        yield _observed([(means[:, run], bad[:, run]) for means, bad in variants], counts[:, run])


def _noise(rng: np.random.Generator, runs: int, minutes: int, phi: float) -> np.ndarray:
    return autoregressive(rng, runs, minutes, phi).T


def _observed(variants: Sequence[tuple], counts: np.ndarray) -> Observations:
    times = [60.0 * minute for minute, count in enumerate(counts) if count]
    kept = [float(count) for count in counts if count]
    means, bad = (
        [
            Series(times=times, values=[float(v) for v in variant[which][counts > 0]], samples=kept)
            for variant in variants
        ]
        for which in (0, 1)
    )
    requests = Series(times=times, values=kept, samples=kept)
    end = 60.0 * len(counts)
    return Observations(
        start=0.0,
        end=end,
        sampling_percentage=100,
        looks=[end],
        series={
            LATENCY: Pair(baseline=means[0], candidate=means[1]),
            ERRORS: Pair(baseline=bad[0], candidate=bad[1]),
            ("InvocationModelErrors", "rate"): Pair(baseline=bad[0], candidate=bad[1]),
        },
        invocations=Pair(baseline=requests, candidate=requests),
    )


def power(rng: np.random.Generator, cell: Cell, runs: int) -> float:
    """Return how often the whole verdict passes."""
    verdicts = (judge(SPEC, seen) for seen in worlds(rng, cell, runs, cell.minutes))
    return float(np.mean([verdict.outcome == "PASS" for verdict in verdicts]))


def latency_power(rng: np.random.Generator, cell: Cell, runs: int) -> float:
    """Return how often mean latency passes."""
    passed = []
    for seen in worlds(rng, cell, runs, cell.minutes):
        look = Look(SPEC, seen)
        finding = judge_criterion(look, Traffic(look), MEAN)
        passed.append(finding.outcome == "PASS")
    return float(np.mean(passed))


def from_pairs(rng: np.random.Generator, cell: Cell, runs: int) -> float:
    """Return the mean forecast for mean latency from the first pairs of a stage."""
    chances = []
    for seen in worlds(rng, cell, runs, SEEN):
        look = Look(SPEC, seen)
        evidence = evidence_on(look, MEAN, seen.series[MEAN.key])
        level = evidence.baseline
        equal = replace(evidence, candidate=level, worst=level)
        chances.append(chance(look, MEAN, equal, cell.minutes / SEEN))
    return float(np.mean(chances))


def from_history(rng: np.random.Generator, cell: Cell, runs: int) -> tuple[float, float]:
    """Return the mean range of the forecast of the verdict from the day before."""
    stage = PlannedStage(sampling_percentage=100, looks=[60.0 * cell.minutes])
    ranges = []
    for seen in worlds(rng, cell, runs, DAY):
        history = History(
            requests=seen.invocations.baseline,
            series={key: pair.baseline for key, pair in seen.series.items()},
        )
        ranges.append(forecast(SPEC, history, [stage]).stages[0].chance)
    return tuple(float(value) for value in np.mean(ranges, axis=0))


def main() -> None:
    """Print the table."""
    print(
        "| requests a minute | own sd, AR | errors % | minutes | latency: power | from 60 pairs "
        "| verdict: power | from the day before |"
    )
    print("|" + " --- |" * 8)
    for number, cell in enumerate(CELLS):
        rng = np.random.default_rng(number)
        latency, whole = latency_power(rng, cell, 1000), power(rng, cell, 500)
        pairs, (low, high) = from_pairs(rng, cell, 200), from_history(rng, cell, 10)
        print(
            f"| {cell.rate:g} | {cell.spread:g}, {cell.phi:g} | {100 * cell.errors:g} "
            f"| {cell.minutes} | {100 * latency:.0f} | {100 * pairs:.0f} | {100 * whole:.0f} "
            f"| {100 * low:.0f} to {100 * high:.0f} |"
        )


if __name__ == "__main__":
    main()
