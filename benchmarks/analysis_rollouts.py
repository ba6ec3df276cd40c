"""The table on whole rollouts with the default specification."""

from __future__ import annotations

import math

import numpy as np
from analysis_runs import Rollouts, chunked, share
from analysis_tables import Array, head, row

#: Names of what is true, the candidate's latency more, and its errors more.
TRUTHS = (
    ("no difference", 0.0, 0.0),
    ("latency +3 %", 0.03, 0.0),
    ("latency exactly +10 %", 0.1, 0.0),
    ("latency +20 %", 0.2, 0.0),
    ("latency +50 %", 0.5, 0.0),
    ("server errors +2 pp", 0.0, 0.02),
)


def table_rollouts(rng: np.random.Generator, runs: int) -> None:
    """Measure whole default rollouts."""
    for sigma, noise in ((0.6, 0.05), (0.8, 0.10)):
        head(
            "Default rollouts: 10, 50, 100 %, two hours each, the last up to six; requests "
            f"log-normal ({sigma:g}), own 0.15, minutes' noise {noise:.0%} AR 0.5 in each variant, "
            f"load 10 % AR 0.9, 0.1 % errors ({runs:,} runs a cell, per cent)",
            "requests a minute",
            "truth",
            "promoted",
            "removed for a FAIL",
            "median minutes until FAIL",
            "median minutes until PASS",
        )
        for traffic in (1, 5, 10, 100, 1000):
            for name, change, more in TRUTHS:
                world = {
                    "traffic": traffic,
                    "change": change,
                    "more_errors": more,
                    "sigma": sigma,
                    "noise": noise,
                }

                def count(size: int, world: dict = world) -> list[Array]:
                    done = Rollouts.of(rng, size, **world)
                    return [done.passed, done.failed]

                passed, failed = chunked(runs, count)
                row(
                    f"{traffic:,}",
                    name,
                    share(np.isfinite(passed)),
                    share(np.isfinite(failed)),
                    _median(failed),
                    _median(passed),
                )


def _median(minutes: Array) -> str:
    """Return the median of all runs, if half of them came to an end."""
    middle = float(np.median(minutes))
    return "" if math.isinf(middle) else f"{middle:.0f}"
