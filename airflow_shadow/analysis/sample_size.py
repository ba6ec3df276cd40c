"""How few periods and requests are too few for a decision; a longer window brings more."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.answer_measures import counted_as
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.evidence import Evidence
from airflow_shadow.analysis.look import Look


def shortages(look: Look, criterion: Criterion, evidence: Evidence) -> Iterator[str]:
    """Yield what there is too little of for a PASS."""
    yield from few_periods(look, evidence)
    yield from few_requests(criterion, evidence)


def few_periods(look: Look, evidence: Evidence) -> Iterator[str]:
    """Yield why the periods are too few to know their spread."""
    summary = evidence.summary
    if summary.count < look.min_periods:
        yield f"{summary.count} of {look.min_periods} periods needed"
    elif summary.effective < look.min_effective_periods:
        needed = formatting.number(look.min_effective_periods)
        yield f"{summary.effective:.1f} of {needed} effective periods needed"
    elif evidence.kish_periods < look.min_effective_periods:
        yield f"nearly all requests came in {evidence.kish_periods:.1f} periods"


def few_requests(criterion: Criterion, evidence: Evidence) -> Iterator[str]:
    """Yield why the requests are too few."""
    requests, counted = evidence.n_candidate, counted_as(criterion.metric)
    if evidence.baseline is not None and evidence.n_baseline < requests:
        requests, counted = evidence.n_baseline, evidence.baseline_counted or counted
    if requests < criterion.needed_samples:
        needed = formatting.number(criterion.needed_samples)
        yield f"{formatting.number(requests)} of {needed} {counted} needed"
