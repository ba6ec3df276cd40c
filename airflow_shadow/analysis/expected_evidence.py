"""What a stage would show of a candidate that is as good as production, judged by its history.

Production's metrics do not tell how much of its minutes' spread a shadow would share, for both see
the same load. So evidence on means is made twice: as if the shadow shared all of it, and as if it
shared none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.autocorrelation import Serial, summarise
from airflow_shadow.analysis.evidence import (
    CONSTANT,
    Evidence,
    MeanEvidence,
    RateEvidence,
    busy,
    design_effect,
    mean_contributions,
    rate_contributions,
    total,
)
from airflow_shadow.analysis.intervals import Share
from airflow_shadow.analysis.spec import Criterion
from airflow_shadow.analysis.judge_unanswered import evidence_of

#: Assumed spread of what a variant adds to each request by itself, as a part of the mean: what is
#: left when both variants share all the rest.
OWN_SPREAD = 0.15


def expected(
    criterion: Criterion, production: Columns, part: float, *, shares: bool
) -> Evidence | None:
    """Return the evidence that a window like this would give, None if nothing can be compared.

    :param production: what production showed in a window
    :param part: of the requests that the shadow gets, above 0 and at most 1
    :param shares: whether the shadow shares all of the minutes' spread, or none; of means only
    """
    if not production.times:
        return None
    if criterion.is_mean:
        return _of_means(criterion, production, part, shares=shares)
    return _of_rates(criterion, production, part)


def expected_answers(requests: Columns, tolerance: float) -> Evidence | None:
    """Return the evidence of a shadow at full sampling that answers all that it gets."""
    rows = zip(requests.times, requests.samples, strict=True)
    return evidence_of([(time, count, count) for time, count in rows], tolerance)


def _of_means(
    criterion: Criterion, production: Columns, part: float, *, shares: bool
) -> MeanEvidence | None:
    level, alone = production.mean, criterion.comparison == "absolute"
    relative = criterion.comparison == "relative"
    if relative and level <= 0:
        return None
    unit = level if relative else 1.0
    parts = [value / unit for value in mean_contributions(production)]
    own = summarise(parts)
    serial = _widened(own, 1 if alone else 2, _fresh(parts), part)
    if shares and not alone:
        each = production.requests / len(production.times)
        left = OWN_SPREAD * level / unit * math.sqrt((1 + 1 / part) / each)
        serial = replace(serial, deviation=min(left, serial.deviation), inflation=1.0)
    return MeanEvidence(
        serial=_thinned(serial, production, part),
        baseline=None if alone else level,
        candidate=level,
        worst=level,
        n_baseline=0.0 if alone else production.requests,
        n_candidate=production.requests * part,
        times=production.times,
        busy=busy(production),
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
    fresh = min(1.0, binomial / own.deviation**2) if own.deviation else 0.0
    serial = _thinned(_widened(own, 1 if alone else 2, fresh, part), production, part)
    single = share.variance / part + (0.0 if alone else share.variance)
    effect = design_effect(serial, single)
    return RateEvidence(
        serial=serial,
        baseline=None if alone else share.rate,
        candidate=share.rate,
        n_baseline=0.0 if alone else share.total,
        n_candidate=share.total * part,
        times=production.times,
        share_baseline=None if alone else share.deflated(effect),
        share_candidate=Share(bad=share.bad * part, total=share.total * part).deflated(effect),
        least_variance=0.0 if alone else criterion.tolerance / (share.total * part),
        busy=busy(production),
    )


def _fresh(parts: Sequence[float]) -> float:
    """Return the most of the variance that single requests can have made: what has no memory."""
    square = math.fsum(value * value for value in parts)
    products = math.fsum(one * other for one, other in pairwise(parts))
    return 1 - max(products / square, 0.0) if square else 0.0


def _widened(own: Serial, copies: int, fresh: float, part: float) -> Serial:
    """Return the series of one variant's spread, or of two, the shadow seeing fewer requests.

    :param copies: 2 if production scatters, too
    :param fresh: part of the variance that fewer requests make larger
    """
    more = fresh * (1 / part - 1)
    variance = copies + more
    return replace(
        own,
        deviation=own.deviation * math.sqrt(variance),
        inflation=max(1.0, (copies * own.inflation + more) / variance),
        skewness=0.0,
    )


def _thinned(serial: Serial, production: Columns, part: float) -> Serial:
    """Return a series without the periods of which the shadow sees no request."""
    seen = math.fsum(1 - (1 - part) ** count for count in production.samples)
    return replace(serial, count=max(1, round(seen)))
