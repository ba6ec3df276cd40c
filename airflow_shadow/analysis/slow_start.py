"""A note on a candidate that is slow only while it starts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.request_counts import counted

#: Periods after a slow start that are needed to say that it is over.
LEAST_AFTER = 10


def slow_start(look: Look, criterion: Criterion) -> Iterator[str]:
    """Yield the effect of a slow start on a relative criterion on means, if there was one.

    It was one if the first periods are beyond the tolerance and all the others together within.
    """
    baseline, candidate = look.paired(counted(look, criterion))
    both = zip(baseline.values, candidate.values, strict=True)
    bound = 1 + criterion.tolerance
    begun = sum(1 for _ in takewhile(lambda row: row[1] > bound * row[0], both))
    indices = range(len(candidate.times))
    if not begun or len(indices) - begun < LEAST_AFTER:
        return
    first, rest = (
        _change(baseline, candidate, part) for part in (indices[:begun], indices[begun:])
    )
    after = candidate.times[begun - 1] + look.period - look.observations.start
    if rest <= criterion.tolerance and after <= formatting.SLOW_START:
        changes = f"{criterion.name} {100 * first:+.0f} % before, {100 * rest:+.1f} % after"
        yield f"{changes}, {formatting.early(after)}"


def _change(baseline: Columns, candidate: Columns, indices: range) -> float:
    one, other = baseline.at(indices).mean, candidate.at(indices).mean
    return other / one - 1 if one else 0.0
