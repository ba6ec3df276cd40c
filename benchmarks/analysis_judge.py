"""How often the judge errs, looked at every minute, and how often what users have instead errs.

Fixed seed; each share is followed by the upper end of its one-sided 95 % interval. The tables are
in docs/analysis.md. Run one with `--only`, or all with fewer runs with `--runs`.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
from analysis_noise import autoregressive, burst, daily, latencies
from analysis_rivals import RIVALS
from analysis_runs import MARKS, TOLERANCE, share, watch_rates, watch_ratios

Array = np.ndarray
SEED = 20261122
PHIS = (0.0, 0.5, 0.8)


def row(*cells: object) -> None:
    """Print one line of a Markdown table."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def head(title: str, *cells: str) -> None:
    """Print a title and the head of a table."""
    print(f"\n### {title}\n", flush=True)
    row(*cells)
    row(*("---" for _ in cells))


def table_relative(rng: np.random.Generator, runs: int) -> None:
    """Measure the relative criterion: mean latency, tolerance +10 %, 7 % noise a minute."""
    head(
        f"Relative criterion, looked at every minute ({runs:,} runs a cell, per cent)",
        "noise",
        "minutes",
        "false PASS at +10 %",
        "false FAIL at 0",
        "false FAIL at +10 %",
        "PASS at +5 %",
        "FAIL at +20 %",
        "one look: false PASS at +10 %",
        "one look: PASS at +5 %",
    )
    for phi in PHIS:
        noise = autoregressive(rng, runs, max(MARKS), phi)
        seen = {
            (mark, effect): out for mark, effect, out in watch_ratios(noise, (0, 0.05, 0.1, 0.2))
        }
        for mark in MARKS:
            row(
                f"AR {phi:g}" if phi else "independent",
                f"{mark:,}",
                share(seen[mark, 0.1].anytime),
                share(seen[mark, 0].failed),
                share(seen[mark, 0.1].failed),
                share(seen[mark, 0.05].anytime),
                share(seen[mark, 0.2].failed),
                share(seen[mark, 0.1].scheduled),
                share(seen[mark, 0.05].scheduled),
            )


def table_rivals(rng: np.random.Generator, runs: int) -> None:
    """Measure the other rules on raw latencies with a shared load."""
    head(
        f"What users have instead ({runs:,} runs a cell, per cent)",
        "rule",
        "noise",
        "minutes",
        "false PASS at +10 %",
        "false FAIL at 0",
        "FAIL at +10 %",
        "PASS at +5 %",
    )
    for phi in PHIS:
        series = latencies(rng, runs, max(MARKS), phi)
        for mark in MARKS:
            baseline, candidate = (variant[:mark] for variant in series)
            for name, rule in RIVALS.items():
                none, half, full = (
                    rule(baseline, candidate * (1 + effect), TOLERANCE) for effect in (0, 0.05, 0.1)
                )
                noise = f"AR {phi:g}" if phi else "independent"
                cells = (full[1], none[0], full[0], half[1])
                row(name, noise, f"{mark:,}", *map(share, cells))


def _other_noises(rng: np.random.Generator, runs: int) -> Iterator[tuple[str, Iterator[Array]]]:
    """Yield noises that the judge's model does not describe."""
    last = max(MARKS)
    yield "heavy tails (t3), AR 0.5", autoregressive(rng, runs, last, 0.5, tail=3.0)
    cycle = autoregressive(rng, runs, last, 0.5)
    yield (
        "a daily cycle of 3.5 %, AR 0.5",
        (value + 0.5 * daily(t) for t, value in enumerate(cycle)),
    )
    yield "AR 0.9", autoregressive(rng, runs, last, 0.9)
    one, other = (autoregressive(rng, runs, last, phi) for phi in (0.0, 0.95))
    yield (
        "slow drift: AR 0.95 below independent noise",
        (
            math.sqrt(0.8) * fast + math.sqrt(0.2) * slow
            for fast, slow in zip(one, other, strict=True)
        ),
    )


def table_other_noise(rng: np.random.Generator, runs: int) -> None:
    """Measure the relative criterion under noise that is no AR(1)."""
    head(
        f"Relative criterion under noise outside its model ({runs:,} runs a cell, per cent)",
        "noise",
        "minutes",
        "false PASS at +10 %",
        "false FAIL at 0",
        "false FAIL at +10 %",
        "PASS at +5 %",
        "one look: false PASS at +10 %",
    )
    for name, noise in _other_noises(rng, runs):
        seen = {(mark, effect): out for mark, effect, out in watch_ratios(noise, (0, 0.05, 0.1))}
        for mark in MARKS:
            row(
                name,
                f"{mark:,}",
                share(seen[mark, 0.1].anytime),
                share(seen[mark, 0].failed),
                share(seen[mark, 0.1].failed),
                share(seen[mark, 0.05].anytime),
                share(seen[mark, 0.1].scheduled),
            )


def table_late_regression(rng: np.random.Generator, runs: int) -> None:
    """Measure what a regression that begins at minute 200 leaves of the verdict."""
    head(
        f"A regression that begins at minute 200, AR 0.5 ({runs:,} runs, per cent)",
        "change from minute 200",
        "minutes",
        "PASS at an earlier look or now",
        "one look: PASS",
        "FAIL by now",
    )
    for effect in (0.2, 0.5):
        jump = math.log1p(effect) / 0.07
        noise = (
            value + jump * (t >= 200)  # noqa: PLR2004 - the minute in the title
            for t, value in enumerate(autoregressive(rng, runs, max(MARKS), 0.5))
        )
        marks = (199, 240, 480, 1440)
        for mark, _, out in watch_ratios(noise, (0.0,), marks):
            cells = (out.anytime, out.scheduled, out.failed)
            row(f"+{effect:.0%}", f"{mark:,}", *map(share, cells))


RATE_CASES = (
    # requests a period, baseline's rate, tolerance, sampling
    (1, 0.02, 0.05, 1.0),
    (10, 0.0, 0.005, 1.0),
    (10, 0.01, 0.01, 1.0),
    (300, 0.0, 0.005, 1.0),
    (300, 0.01, 0.005, 1.0),
    (300, 0.01, 0.005, 0.01),
    (10_000, 0.001, 0.001, 0.1),
    (10_000, 0.5, 0.005, 1.0),
)


def independent_errors(
    rng: np.random.Generator, runs: int, requests: tuple[int, int], rates: tuple[float, float]
) -> Iterator[tuple[Array, Array]]:
    """Yield independent errors of both variants, minute by minute."""
    for _ in range(max(MARKS)):
        yield tuple(
            rng.binomial(n, rate, runs).astype(float)
            for n, rate in zip(requests, rates, strict=True)
        )


def table_rates(rng: np.random.Generator, runs: int) -> None:
    """Measure the difference of error rates where requests fail independently."""
    head(
        f"Error rates, independent errors ({runs:,} runs a cell, per cent)",
        "requests a period",
        "sampling",
        "baseline",
        "tolerance",
        "periods",
        "one look: false PASS at the tolerance",
        "any look: false PASS at the tolerance",
        "false FAIL at 0",
        "false FAIL at the tolerance",
        "one look: PASS at 0",
        "FAIL at 3 tolerances",
    )
    for requests, base, tolerance, sampling in RATE_CASES:
        pair = (requests, max(1, round(requests * sampling)))
        seen = [
            dict(
                watch_rates(
                    independent_errors(rng, runs, pair, (base, base + times * tolerance)),
                    pair,
                    tolerance,
                )
            )
            for times in (0, 1, 3)
        ]
        for mark in MARKS:
            none, edge, far = (outcomes[mark] for outcomes in seen)
            row(
                f"{requests:,}",
                f"{sampling:.0%}",
                f"{base:.1%}",
                f"{100 * tolerance:g} pp",
                f"{mark:,}",
                share(edge.scheduled),
                share(edge.anytime),
                share(none.failed),
                share(edge.failed),
                share(none.scheduled),
                share(far.failed),
            )


def bursty_errors(
    rng: np.random.Generator,
    runs: int,
    rates: tuple[float, float],
    *,
    shared: bool,
    requests: int = 300,
) -> Iterator[tuple[Array, Array]]:
    """Yield errors whose intensity is log-normal with AR 0.8, of each variant or of both."""
    noises = [autoregressive(rng, runs, max(MARKS), 0.8) for _ in range(2)]
    for one, other in zip(*noises, strict=True):
        yield tuple(
            rng.binomial(requests, np.minimum(rate * burst(noise, 1.0), 1.0)).astype(float)
            for rate, noise in zip(rates, (one, one if shared else other), strict=True)
        )


def table_bursts(rng: np.random.Generator, runs: int) -> None:
    """Measure the difference of error rates where errors come in strong bursts."""
    head(
        "Error rates in bursts: log-normal intensity of spread 1, AR 0.8, 300 requests a minute, "
        f"0.5 % base, tolerance 0.5 pp ({runs:,} runs a cell, per cent)",
        "bursts",
        "minutes",
        "any look: PASS at the tolerance",
        "one look: PASS at the tolerance",
        "any look: PASS at 2 tolerances",
        "one look: PASS at 2 tolerances",
        "FAIL at 0",
        "FAIL at the tolerance",
    )
    for shared in (False, True):
        seen = [
            dict(
                watch_rates(
                    bursty_errors(rng, runs, (0.005, rate), shared=shared), (300, 300), 0.005
                )
            )
            for rate in (0.005, 0.010, 0.015)
        ]
        for mark in MARKS:
            none, edge, double = (outcomes[mark] for outcomes in seen)
            row(
                "of both together" if shared else "of each variant",
                f"{mark:,}",
                share(edge.anytime),
                share(edge.scheduled),
                share(double.anytime),
                share(double.scheduled),
                share(none.failed),
                share(edge.failed),
            )


def table_verdict(rng: np.random.Generator, runs: int) -> None:
    """Measure the whole verdict with the default criteria."""
    head(
        "The whole verdict with the default criteria: FAIL at any minute, PASS at one look; AR 0.5 "
        f"latency, 300 requests a minute, 0.1 % errors ({runs:,} runs a cell, per cent)",
        "truth",
        "minutes",
        "PASS",
        "FAIL",
        "INCONCLUSIVE",
    )
    for name, latency, errors, mode in (
        ("no difference", 0.0, 0.0, 0.0),
        ("latency +5 %", 0.05, 0.0, 0.0),
        ("latency exactly +10 %", 0.1, 0.0, 0.0),
        ("server errors exactly +0.5 pp", 0.0, 0.005, 0.0),
        ("all exactly at the tolerance", 0.1, 0.005, 0.005),
        ("server errors +1.5 pp", 0.0, 0.015, 0.0),
        ("latency +20 %", 0.2, 0.0, 0.0),
    ):
        ratio = watch_ratios(autoregressive(rng, runs, max(MARKS), 0.5), (latency,), critical=3)
        streams = [
            watch_rates(
                independent_errors(rng, runs, (300, 300), (0.001, 0.001 + extra)),
                (300, 300),
                0.005,
                critical=3,
            )
            for extra in (errors, mode)
        ]
        for (mark, _, one), (_, two), (_, three) in zip(ratio, *streams, strict=True):
            failed = one.failed | two.failed | three.failed
            passed = ~failed & one.scheduled & two.scheduled & three.scheduled
            row(name, f"{mark:,}", share(passed), share(failed), share(~failed & ~passed))


TABLES: dict[str, Callable[[np.random.Generator, int], None]] = {
    "relative": table_relative,
    "rivals": table_rivals,
    "noise": table_other_noise,
    "late": table_late_regression,
    "rates": table_rates,
    "bursts": table_bursts,
    "verdict": table_verdict,
}


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
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
    main()
