"""The evidence that a stage would give of a candidate as good as production, by its history.

Production's metrics do not tell how much of its minutes' spread a shadow would share, for both get
the same load. So evidence on means is made twice: as if the shadow shared all of it, and as if it
shared none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.autocorrelation import Summary, summarise
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.evidence import (
    CONSTANT,
    Evidence,
    MeanEvidence,
    RateEvidence,
    design_effect,
    kish_periods,
    mean_contributions,
    rate_contributions,
    total,
)
from airflow_shadow.analysis.intervals import Share
from airflow_shadow.analysis.judge_unanswered import unanswered_evidence
from airflow_shadow.analysis.spec import UNANSWERED

#: Assumed spread of what a variant adds to each request by itself, as a part of the mean: the rest
#: when both variants share all the load.
OWN_SPREAD = 0.15


def expected_evidence(
    criterion: Criterion, production: Columns, part: float, *, shares: bool
) -> Evidence | None:
    """Return the evidence that a window like this would give, None if nothing can be compared.

    :param criterion: a criterion, or that of unanswered requests, which a shadow all answers
    :param production: production's periods in a window
    :param part: of the requests that the shadow gets, above 0 and at most 1
    :param shares: whether the shadow shares all of the minutes' spread, or none; of means only
    """
    if criterion.name == UNANSWERED:
        requests = zip(production.times, production.samples, strict=True)
        return unanswered_evidence(
            [(time, count, count) for time, count in requests], criterion.tolerance
        )
    if not production.times:
        return None
    if criterion.is_mean:
        return _of_means(criterion, production, part, shares=shares)
    return _of_rates(criterion, production, part)


def _of_means(
    criterion: Criterion, production: Columns, part: float, *, shares: bool
) -> MeanEvidence | None:
    level, alone = production.mean, criterion.comparison == "absolute"
    relative = criterion.comparison == "relative"
    if relative and level <= 0:
        return None
    unit = level if relative else 1.0
    contributions = [value / unit for value in mean_contributions(production)]
    own = summarise(contributions)
    summary = _widened(own, 1 if alone else 2, _memoryless_part(contributions), part)
    if shares and not alone:
        each = production.requests / len(production.times)
        left = OWN_SPREAD * level / unit * math.sqrt((1 + 1 / part) / each)
        summary = replace(summary, deviation=min(left, summary.deviation), inflation=1.0)
    return MeanEvidence(
        summary=_thinned(summary, production, part),
        baseline=None if alone else level,
        candidate=level,
        worst=level,
        n_baseline=0.0 if alone else production.requests,
        n_candidate=production.requests * part,
        times=production.times,
        kish_periods=kish_periods(production),
        constant=own.deviation <= CONSTANT * level / unit,
        relative=relative,
    )


def _of_rates(criterion: Criterion, production: Columns, part: float) -> RateEvidence:
    """Return evidence of two variants whose errors are independent, in clusters as production's."""
    alone, share = criterion.comparison == "absolute", total(production)
    own = summarise(rate_contributions(production, share))
    binomial = share.variance * len(production.times)
    if not own.deviation:
        own = replace(own, deviation=math.sqrt(binomial))
    memoryless = min(1.0, binomial / own.deviation**2) if own.deviation else 0.0
    widened = _widened(own, 1 if alone else 2, memoryless, part)
    summary = _thinned(widened, production, part)
    variance = share.variance / part + (0.0 if alone else share.variance)
    effect = design_effect(summary, variance)
    return RateEvidence(
        summary=summary,
        baseline=None if alone else share.rate,
        candidate=share.rate,
        n_baseline=0.0 if alone else share.total,
        n_candidate=share.total * part,
        times=production.times,
        share_baseline=None if alone else share.deflated(effect),
        share_candidate=Share(bad=share.bad * part, total=share.total * part).deflated(effect),
        least_variance=0.0 if alone else abs(criterion.tolerance) / (share.total * part),
        kish_periods=kish_periods(production),
    )


def _memoryless_part(contributions: Sequence[float]) -> float:
    """Return the largest part of the variance that single requests can have made.

    It is the part that neighbouring periods do not share.
    """
    square = math.fsum(value * value for value in contributions)
    products = math.fsum(one * other for one, other in pairwise(contributions))
    return 1 - max(products / square, 0.0) if square else 0.0


def _widened(own: Summary, copies: int, memoryless: float, part: float) -> Summary:
    """Return the series of one variant's spread, or of two, the shadow getting fewer requests.

    :param copies: 2 if production scatters, too
    :param memoryless: part of the variance that fewer requests make larger
    """
    more = memoryless * (1 / part - 1)
    variance = copies + more
    return replace(
        own,
        deviation=own.deviation * math.sqrt(variance),
        inflation=max(1.0, (copies * own.inflation + more) / variance),
        skewness=0.0,
    )


def _thinned(summary: Summary, production: Columns, part: float) -> Summary:
    """Return a series without the periods in which the shadow gets no request."""
    periods = math.fsum(1 - (1 - part) ** count for count in production.samples)
    return replace(summary, count=max(1, round(periods)))
