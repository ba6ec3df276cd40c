"""How often the judge errs, and how often what users have instead errs.

Fixed seed; each share is followed by the upper end of its one-sided 95 % interval. The tables are
in docs/analysis-evidence.md. Run one with `--only`, or all with fewer runs with `--runs`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from analysis_latency import (
    table_dependence,
    table_late_regression,
    table_relative,
    table_rivals,
    table_skew,
    table_steps,
    table_traffic,
)
from analysis_rates import table_bursts, table_rates, table_shared, table_spells
from analysis_requests import table_joint, table_lost, table_requests
from analysis_rollouts import table_rollouts

SEED = 20261128
#: In an order that stays: a table's place is part of its seed.
TABLES: dict[str, Callable[[np.random.Generator, int], None]] = {
    "relative": table_relative,
    "skew": table_skew,
    "noise": table_dependence,
    "steps": table_steps,
    "requests": table_requests,
    "lost": table_lost,
    "joint": table_joint,
    "rates": table_rates,
    "shared": table_shared,
    "bursts": table_bursts,
    "late": table_late_regression,
    "rollouts": table_rollouts,
    "rivals": table_rivals,
    "traffic": table_traffic,
    "spells": table_spells,
}


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--only", choices=TABLES, nargs="*", default=list(TABLES))
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    start = time.process_time()
    print(f"seed {arguments.seed}, {arguments.runs:,} runs")
    for index, name in enumerate(TABLES):
        if name in arguments.only:
            rng = np.random.default_rng([arguments.seed, index])
            TABLES[name](rng, arguments.runs)
    print(f"\n{time.process_time() - start:.0f} s of one core")


if __name__ == "__main__":
    np.seterr(invalid="ignore")  # a shadow without a request yet has no mean
    main()
