"""Measures of answers, as metrics of criteria name them: ``answers.<output>.<measure>``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from airflow_shadow.text.messages import short_repr

#: First part of the metrics of criteria on answers.
PREFIX = "answers."
#: First part of a measure that is one of the user's own numbers.
OWN_VALUES = "values."
#: Names of outputs and of a user's own values, which stand in metrics.
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Tell how one measure is compared.

    :param statistic: a share, or a mean over pairs
    :param comparisons: that make sense of it
    :param directions: that can be bad
    :param unit: what its levels are: shares, or numbers in the answer's own unit
    :param needs_labels: whether it says something about labelled answers only
    """

    statistic: Literal["rate", "Average"]
    comparisons: tuple[str, ...]
    directions: tuple[str, ...]
    unit: Literal["share", "own"] = "own"
    needs_labels: bool = False


#: The measure that says whether answers can be read, not what they say.
BROKEN = "broken"
DISAGREEMENT = "disagreement"
_ANY = ("increase", "decrease", "either")
MEASURES: dict[str, Measure] = {
    # A disagreement is one number of both variants; a difference is that to production's own noise.
    DISAGREEMENT: Measure(
        statistic="rate",
        comparisons=("absolute", "difference"),
        directions=("increase",),
        unit="share",
    ),
    BROKEN: Measure(
        statistic="rate",
        comparisons=("difference", "absolute"),
        directions=("increase",),
        unit="share",
    ),
    # A ratio of scores means nothing where their zero does not.
    "shift": Measure(statistic="Average", comparisons=("difference",), directions=_ANY),
    "accuracy": Measure(
        statistic="Average",
        comparisons=("difference",),
        directions=("decrease", "either"),
        unit="share",
        needs_labels=True,
    ),
    "error": Measure(
        statistic="Average",
        comparisons=("difference", "relative"),
        directions=("increase", "either"),
        needs_labels=True,
    ),
}
#: The user's own numbers.
_OWN = Measure(statistic="Average", comparisons=("difference", "relative"), directions=_ANY)
KNOWN = ", ".join((*MEASURES, f"{OWN_VALUES}<name>"))


def is_answers(metric: str) -> bool:
    """Tell whether a criterion's metric is about the answers."""
    return metric.startswith(PREFIX)


def is_content(metric: str) -> bool:
    """Tell whether a metric is about what answers say, not only whether they can be read."""
    return is_answers(metric) and split_metric(metric)[1] != BROKEN


def split_metric(metric: str) -> tuple[str, str]:
    """Return output and measure of a metric like ``answers.churn.shift``; either may be empty."""
    output, _, measure = metric.removeprefix(PREFIX).partition(".")
    return output, measure


def measure_of(metric: str) -> Measure | None:
    """Return the measure of a metric about answers, None if there is none of its name."""
    _, name = split_metric(metric)
    is_own = name.startswith(OWN_VALUES) and NAME.fullmatch(name.removeprefix(OWN_VALUES))
    return _OWN if is_own else MEASURES.get(name)


def statistic_of(metric: str) -> str:
    """Return the statistic of a metric that is given without one."""
    measure = measure_of(metric) if is_answers(metric) else None
    return "rate" if measure is None else measure.statistic


def is_share(metric: str) -> bool:
    """Tell whether a mean is one of shares, which are printed in per cent."""
    measure = measure_of(metric) if is_answers(metric) else None
    return measure is not None and measure.unit == "share"


def counted_as(metric: str) -> str:
    """Return what a criterion counts: requests, or pairs of answers and what they need."""
    if not is_answers(metric):
        return "requests"
    if split_metric(metric)[1].startswith(OWN_VALUES):
        return "pairs with this number"
    measure = measure_of(metric)
    return "labelled answers" if measure and measure.needs_labels else "pairs"


def answer_faults(metric: str, statistic: str, comparison: str, direction: str) -> Iterator[str]:
    """Yield what is wrong with a criterion on answers, whatever the output is."""
    output, name = split_metric(metric)
    measure = measure_of(metric)
    if not NAME.fullmatch(output):
        yield f"metric: {short_repr(output)} is no name of an output"
    if measure is None:
        yield f"metric: {short_repr(name)} is not one of {KNOWN}"
        return
    if statistic != measure.statistic:
        yield f"statistic: that of {name} is {measure.statistic!r}; leave it out"
    for field, value, known in (
        ("comparison", comparison, measure.comparisons),
        ("direction", direction, measure.directions),
    ):
        if value not in known:
            yield f"{field}: {value!r} does not fit {name}; use {' or '.join(map(repr, known))}"
