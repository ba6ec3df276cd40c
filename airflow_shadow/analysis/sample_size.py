"""What there may be too little of to decide, and that a longer window would bring."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.evidence import Evidence
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.spec import Criterion


def guards(look: Look, criterion: Criterion, evidence: Evidence) -> Iterator[str]:
    """Yield what there is too little of for a PASS."""
    yield from few_periods(look, evidence)
    yield from few_requests(criterion, evidence)


def few_periods(look: Look, evidence: Evidence) -> Iterator[str]:
    """Yield why the periods are too few to know their spread."""
    serial = evidence.serial
    if serial.count < look.min_periods:
        yield f"{serial.count} of {look.min_periods} periods needed"
    elif serial.effective < look.min_effective_periods:
        needed = formatting.number(look.min_effective_periods)
        yield f"{serial.effective:.1f} of {needed} effective periods needed"
    elif evidence.busy < look.min_effective_periods:
        yield f"nearly all requests came in {evidence.busy:.1f} periods"


def few_requests(criterion: Criterion, evidence: Evidence) -> Iterator[str]:
    """Yield why the requests are too few."""
    seen = evidence.n_candidate
    if evidence.baseline is not None:
        seen = min(seen, evidence.n_baseline)
    if seen < criterion.needed_samples:
        needed = formatting.number(criterion.needed_samples)
        yield f"{formatting.number(seen)} of {needed} requests needed"
