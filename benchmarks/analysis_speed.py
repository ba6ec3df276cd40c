"""What a verdict costs: seconds of one core and megabytes, for a day and for thirty.

Five criteria at one-minute resolution, the observations not counted. The day's verdict must take
under 50 ms, the month's under 1 s and 100 MB.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from array import array

import numpy as np

from airflow_shadow.analysis import AnalysisSpec, Criterion, Observations, Pair, Series, judge
from airflow_shadow.analysis.spec import default_criteria

REQUESTS = 300
REPEATS = 9
TAIL = Criterion(
    name="latency tail",
    metric="ModelLatency",
    statistic="above:250ms",
    comparison="difference",
    tolerance=0.01,
)
SPEC = AnalysisSpec(criteria=(*default_criteria(), TAIL))


def series(values: np.ndarray) -> Series:
    """Return a series of one-minute periods."""
    count = len(values)
    return Series(
        times=array("d", 60.0 * np.arange(count)),
        values=array("d", values),
        samples=array("d", np.full(count, float(REQUESTS))),
    )


def observations(periods: int) -> Observations:
    """Return what two equal variants would report."""
    rng = np.random.default_rng(1)

    def errors() -> Series:
        return series(rng.binomial(REQUESTS, 0.001, periods).astype(float))

    def latency() -> Series:
        return series(1e5 * np.exp(0.05 * rng.standard_normal(periods)))

    pairs = {
        key: Pair(baseline=make(), candidate=make())
        for key in SPEC.needs
        for make in (latency if key[1] == "Average" else errors,)
    }
    traffic = series(np.full(periods, float(REQUESTS)))
    return Observations(
        start=0.0,
        end=60.0 * periods,
        sampling_percentage=100.0,
        looks=(60.0 * periods,),
        series=pairs,
        invocations=Pair(baseline=traffic, candidate=traffic),
    )


def seconds(given: Observations) -> float:
    """Return the median of a few verdicts' processor time."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        judge(SPEC, given)
        times.append(time.process_time() - start)
    return statistics.median(times)


def megabytes(given: Observations) -> float:
    """Return the most memory that a verdict holds at once."""
    tracemalloc.start()
    judge(SPEC, given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    """Print both sizes."""
    print("| periods | criteria | ms | MB |\n| --- | --- | --- | --- |")
    for days in (1, 30):
        given = observations(days * 1440)
        cells = (f"{days * 1440:,}", len(SPEC.criteria), seconds(given) * 1e3, megabytes(given))
        print("| {} | {} | {:.1f} | {:.1f} |".format(*cells), flush=True)


if __name__ == "__main__":
    main()
