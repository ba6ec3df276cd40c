"""Statistics that can be compared between two variants, parsed from their names.

Percentiles are refused on purpose: percentiles of minutes cannot be averaged, and at less than
100 % sampling those of the two variants are biased against each other, because the one sees fewer
requests a minute. A share of requests above a limit (``above:250ms``) has neither fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from airflow_shadow.text.messages import short_repr

#: Microseconds in a unit; CloudWatch reports the latencies of SageMaker in microseconds.
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "": 1.0}
ABOVE_LIMIT = re.compile(r"above:(\d{1,15}(?:\.\d{1,10})?)(?: ?(us|ms|s))?", re.ASCII)
#: The limit is production's own percentile before the experiment.
ABOVE_PERCENTILE = re.compile(r"above:(p\d{1,2}(?:\.\d{1,10})?)", re.ASCII)
MEAN = re.compile(r"Average|IQM|tm\d{1,2}(?:\.\d{1,10})?", re.ASCII)
#: CloudWatch accepts no limit of more digits.
MAX_LIMIT = 1e15
PERCENTILE = re.compile(r"(?:p|PR|TC|tc|ts|wm)\W*\d.*")


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """Tell how the periods of a metric are combined.

    :param kind: ``rate`` and ``above`` are counts of requests, ``mean`` is a mean of each period
    :param cloudwatch: the statistic that CloudWatch is queried for, beside ``SampleCount``
    :param limit: of ``above``, in the metric's own unit (latencies: microseconds)
    :param reference: the percentile of production, before the experiment, that is the limit
    """

    kind: Literal["rate", "above", "mean"]
    cloudwatch: str
    limit: float | None = None
    reference: str | None = None


def count_above(limit: float) -> str:
    """Return CloudWatch's statistic that counts the values above a limit."""
    return f"TC({limit:.15g}:)"


@lru_cache(maxsize=256)
def parse_statistic(text: str) -> Statistic:
    """Return the statistic of a name.

    :raises ValueError: no statistic that can be compared has this name
    """
    if text == "rate":
        return Statistic(kind="rate", cloudwatch="Sum")
    above = ABOVE_LIMIT.fullmatch(text)
    if above and (limit := float(above[1]) * UNITS[above[2] or ""]) < MAX_LIMIT:
        return Statistic(kind="above", cloudwatch=count_above(limit), limit=limit)
    if own := ABOVE_PERCENTILE.fullmatch(text):
        return Statistic(kind="above", cloudwatch="", reference=own[1])
    if MEAN.fullmatch(text):
        return Statistic(kind="mean", cloudwatch=text)
    hint = ""
    if PERCENTILE.fullmatch(text):
        hint = " (percentiles of minutes cannot be averaged; use above:<limit>)"
    known = "rate, above:<limit>, above:p<nn>, Average, IQM, tm<nn>"
    raise ValueError(f"{short_repr(text)} is not one of {known}{hint}")
