"""How often production disagrees with itself, as its own repeated inputs or an A/A test tell.

A model that answers at random answers the same request differently, so a disagreement of two
variants says something only beside that of production with itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_shadow.text.messages import short_repr

#: The noise of production's own requests that have an equal input.
REPEATS = "repeats"
#: Pairs of an A/A test that disagreed, of those that were compared.
COUNTS = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?/ ?(\d{1,12}(?:\.\d{1,6})?)", re.ASCII)


def noise_faults(noise: str | None) -> Iterator[str]:
    """Yield what is wrong with an output's `noise`."""
    if noise == REPEATS:
        return
    match = COUNTS.fullmatch(noise or "")
    if match is None:
        if noise is not None:
            what = "'repeats' nor disagreed/compared of an A/A test, like '216/1800'"
            yield f"noise: {short_repr(noise)} is neither {what}"
    elif not float(match[1]) <= float(match[2]) > 0:
        yield f"noise: {short_repr(noise)} is no share; give disagreed/compared, like '216/1800'"


def counts_of(noise: str | None) -> tuple[float, float] | None:
    """Return the pairs of the A/A test that disagreed, and all; None without a test."""
    match = COUNTS.fullmatch(noise or "")
    return None if match is None else (float(match[1]), float(match[2]))
