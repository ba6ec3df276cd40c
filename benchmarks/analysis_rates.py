"""Tables on error rates: independent, shared by both variants, in bursts and in spells."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from analysis_noise import autoregressive, burst
from analysis_runs import ALPHA, ERRORS_MORE, RateOutcome, chunked, share, watch_rates
from analysis_tables import Array, head, row

#: Requests a minute, base rate, tolerance, and the part of the requests that the shadow sees.
RATE_CASES = (
    (1, 0.02, 0.05, 1.0),
    (10, 0.0, 0.005, 1.0),
    (10, 0.01, 0.01, 1.0),
    (300, 0.0, 0.005, 1.0),
    (300, 0.01, 0.005, 1.0),
    (300, 0.01, 0.005, 0.01),
    (10_000, 0.001, 0.001, 0.1),
    (10_000, 0.5, 0.005, 1.0),
)


def table_rates(rng: np.random.Generator, runs: int) -> None:
    """Measure the difference of error rates with independent errors."""
    head(
        f"Error rates, independent errors ({runs:,} runs a cell, per cent)",
        "requests a minute",
        "sampling",
        "baseline",
        "tolerance",
        "minutes",
        "false PASS at the tolerance",
        "PASS at 0",
        "false FAIL at 0",
        "false FAIL at the tolerance",
        "FAIL at 3 tolerances",
    )
    for requests, base, tolerance, sampling in RATE_CASES:
        for mark in (60, 240):

            def draw(
                size: int,
                times: float,
                case: tuple = (requests, base, tolerance, sampling),
                mark: int = mark,
            ) -> RateOutcome:
                asked, rate, more, part = case
                few = max(1, round(asked * part))
                shape = (size, mark)
                counts = (
                    rng.binomial(asked, rate, shape).astype(float),
                    rng.binomial(few, min(rate + times * more, 1.0), shape).astype(float),
                )
                total = (np.full(shape, float(asked)), np.full(shape, float(few)))
                return watch_rates(counts, total, more)

            def count(size: int, draw: Callable = draw) -> list[Array]:
                none, edge, far = (draw(size, times) for times in (0, 1, 3))
                return [edge.passed, none.passed, none.failed, edge.failed, far.failed]

            row(
                f"{requests:,}",
                f"{sampling:.0%}",
                f"{base:.1%}",
                f"{100 * tolerance:g} pp",
                mark,
                *map(share, chunked(runs, count)),
            )


def table_shared(rng: np.random.Generator, runs: int) -> None:
    """Measure errors that both variants share: the same bad requests fail in both."""
    head(
        f"Errors that both variants share, two hours, one look ({runs:,} runs a cell, per cent)",
        "requests a minute",
        "shared",
        "of each variant",
        "false PASS at +0.5 pp",
        "PASS at 0",
        "false FAIL at 0",
    )
    for requests in (10, 30, 100):
        for shared in (0.0, 0.005, 0.02, 0.05):
            for own in (0.0, 0.001):

                def count(size: int, case: tuple = (requests, shared, own)) -> list[Array]:
                    edge, none = (_shared_errors(rng, size, case, more) for more in (0.005, 0.0))
                    return [edge.passed, none.passed, none.failed]

                cells = map(share, chunked(runs, count))
                row(requests, f"{shared:.1%}", f"{own:.1%}", *cells)


def _shared_errors(
    rng: np.random.Generator, runs: int, case: tuple[int, float, float], more: float
) -> RateOutcome:
    requests, shared, own = case
    asked = rng.poisson(requests, (runs, 115))
    both = rng.binomial(asked, shared)
    left = 1 - shared
    one = both + rng.binomial(asked - both, own / left)
    other = both + rng.binomial(asked - both, (own + more) / left)
    total = asked.astype(float)
    return watch_rates((one.astype(float), other.astype(float)), (total, total), ERRORS_MORE)


def table_bursts(rng: np.random.Generator, runs: int) -> None:
    """Measure the difference of error rates where errors come in strong bursts."""
    head(
        "Error rates in bursts: log-normal intensity of spread 1, AR 0.8, 300 requests a minute, "
        f"0.5 % base, tolerance 0.5 pp ({runs:,} runs a cell, per cent)",
        "bursts",
        "minutes",
        "PASS at the tolerance",
        "PASS at 2 tolerances",
        "FAIL at 0",
        "FAIL at the tolerance",
    )
    for shared in (False, True):
        for mark in (60, 115, 240, 480):

            def draw(
                size: int, rate: float, shared: bool = shared, mark: int = mark
            ) -> RateOutcome:
                noises = [autoregressive(rng, size, mark, 0.8) for _ in range(2)]
                noises = [noises[0]] * 2 if shared else noises
                counts = [
                    rng.binomial(300, np.minimum(each * burst(noise, 1.0), 1.0)).astype(float)
                    for each, noise in zip((0.005, rate), noises, strict=True)
                ]
                total = np.full((size, mark), 300.0)
                return watch_rates(tuple(counts), (total, total), ERRORS_MORE)

            def count(size: int, draw: Callable = draw) -> list[Array]:
                none, edge, double = (draw(size, rate) for rate in (0.005, 0.010, 0.015))
                return [edge.passed, double.passed, none.failed, edge.failed]

            name = "of both together" if shared else "of each variant"
            row(name, mark, *map(share, chunked(runs, count)))


def table_spells(rng: np.random.Generator, runs: int) -> None:
    """Measure equal candidates whose errors come in spells of their own."""
    head(
        "Errors in spells, each variant its own, 100 requests a minute, two hours, an equal "
        f"candidate (exceptions; {runs:,} runs a cell, per cent)",
        "part of the time",
        "minutes a spell",
        "errors in it",
        "false FAIL of one criterion at alpha / 4",
        "PASS at one look",
    )
    for part, length, rate in ((0.2, 20, 0.05), (0.2, 30, 0.03), (0.3, 60, 0.03), (0.1, 10, 0.1)):

        def count(size: int, case: tuple = (part, length, rate)) -> list[Array]:
            counts = [rng.binomial(100, _spells(rng, size, case)).astype(float) for _ in range(2)]
            total = np.full((size, 115), 100.0)
            seen = watch_rates(tuple(counts), (total, total), ERRORS_MORE, level=ALPHA / 4)
            return [seen.failed, seen.passed]

        row(f"{part:.0%}", length, f"{rate:.0%}", *map(share, chunked(runs, count)))


def _spells(rng: np.random.Generator, runs: int, case: tuple[float, int, float]) -> Array:
    """Return the error rate of each minute: a chain of two states, none in the one."""
    part, length, rate = case
    begins, ends = part / (1 - part) / length, 1 / length
    state = rng.random(runs) < part
    rates = np.zeros((runs, 115))
    for minute in range(115):
        rates[:, minute] = np.where(state, rate, 0.0)
        drawn = rng.random(runs)
        state = np.where(state, drawn >= ends, drawn < begins)
    return rates
