"""What the judge's tables share: their rows, noises with a name, and a single planned look."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from analysis_noise import SPREAD, autoregressive, lognormal, ratios, stalls
from analysis_runs import ALPHA, TOLERANCE, passes
from analysis_vector import Means

Array = np.ndarray
Worlds = Callable[[np.random.Generator, int, int], Array]
PHIS = (0.0, 0.5, 0.8)
EDGE = 1 + TOLERANCE
HALF = 1 + TOLERANCE / 2


def row(*cells: object) -> None:
    """Print one line of a Markdown table."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def head(title: str, *cells: str) -> None:
    """Print a title and the head of a table."""
    print(f"\n### {title}\n", flush=True)
    row(*cells)
    row(*("---" for _ in cells))


def gaussian(*phis: float) -> Worlds:
    """Return ratios with log-normal, nearly Gaussian noise."""
    return lambda rng, runs, length: ratios(autoregressive(rng, runs, length, *phis))


def skewed(sigma: float, *phis: float) -> Worlds:
    """Return ratios with noise whose innovations are log-normal."""
    draw = lognormal(sigma)
    return lambda rng, runs, length: (
        1 + SPREAD * autoregressive(rng, runs, length, *phis, draw=draw)
    )


def stalling(part: float, times: float) -> Worlds:
    """Return ratios with AR 0.5 of which some minutes are so many times as large."""
    return lambda rng, runs, length: stalls(rng, gaussian(0.5)(rng, runs, length), part, times)


def once(values: Array, change: float, alpha: float = ALPHA) -> Array:
    """Tell in which runs a candidate passes at a single planned look."""
    return passes(Means.of(np.ones_like(values), 1.0, change * values, 1.0), alpha)


def noise_name(phi: float) -> str:
    """Return the dependence of minutes as the tables name it."""
    return f"AR {phi:g}" if phi else "independent"


def change_name(change: float) -> str:
    """Return a change as the tables name it."""
    return f"{100 * change:+.1f} %" if change else "0"
