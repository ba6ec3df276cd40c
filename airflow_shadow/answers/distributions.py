"""What the SQL of classes and histograms needs, and what becomes of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_shadow.analysis.answer_distribution import (
    HOURLY_CLASSES,
    LEAST_ANSWERS,
    MOST_LETTERS,
    Distribution,
    is_shown,
    of_classes,
    of_scores,
)
from airflow_shadow.analysis.outputs import Output

#: Numbers up to the same power of two share a width: no logarithm is worked out, which
#: two engines round differently, and multiplying by a power of two is exact.
_BOUNDS = range(-12, 104, 4)
#: Bins from 0 to such a bound, as a power of two.
_FINENESS = 8


def distribution_of(
    output: Output, run: Callable[[str, Mapping[str, Any]], Iterable[Any]]
) -> Distribution | None:
    """Return what an output's answers were like, None if nothing is shown of them.

    :param run: returns the rows of one of the SQL texts, given its name and parts
    """
    if not is_shown(output):
        return None
    if output.kind == "score":
        return of_scores(run("histograms", {"exponents": _exponents(), "scale": _scale()}))
    limits = {"letters": MOST_LETTERS, "least": LEAST_ANSWERS, "most": HOURLY_CLASSES}
    return of_classes(run("classes", limits))


def _exponents() -> str:
    whens = (f"WHEN ABS(x) <= {2.0**bound:.17e} THEN {bound - _FINENESS}" for bound in _BOUNDS)
    return f"CASE {' '.join(whens)} ELSE {_BOUNDS.stop - _FINENESS} END"


def _scale() -> str:
    bounds = (*_BOUNDS, _BOUNDS.stop)
    whens = (f"WHEN {each - _FINENESS} THEN {2.0 ** (_FINENESS - each):.17e}" for each in bounds)
    return f"CASE exponent {' '.join(whens)} END"
