"""A candidate that is slow only while it starts: told, so that nobody takes it for slow."""

from __future__ import annotations

from itertools import takewhile

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.request_counts import Counting
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.spec import Criterion

#: Periods after a slow start that are needed to say that it is over.
LEAST_AFTER = 10


def slow_start(look: Look, criterion: Criterion) -> str:
    """Return what a slow start did to a relative criterion on means, empty if there was none.

    It was one if the first periods are beyond the tolerance and all the others together within.
    """
    baseline, candidate = look.paired(Counting(look).pair(criterion))
    both = list(zip(baseline.values, candidate.values, strict=True))
    bound = 1 + criterion.tolerance
    begun = sum(1 for _ in takewhile(lambda row: row[1] > bound * row[0], both))
    indices = list(range(len(both)))
    if not begun or len(both) - begun < LEAST_AFTER:
        return ""
    first, rest = (
        _change(baseline, candidate, part) for part in (indices[:begun], indices[begun:])
    )
    after = candidate.times[begun - 1] + look.period - look.observations.start
    if rest > criterion.tolerance or after > formatting.SLOW_START:
        return ""
    told = f"{criterion.name} {100 * first:+.0f} % before, {100 * rest:+.1f} % after"
    return f"{told}, {formatting.early(after)}"


def _change(baseline: Columns, candidate: Columns, indices: list[int]) -> float:
    one, other = baseline.at(indices).mean, candidate.at(indices).mean
    return other / one - 1 if one else 0.0
