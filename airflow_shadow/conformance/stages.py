"""All stages, in the order in which they are run: the cheap ones first."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_shadow.conformance import own_endpoint, promoted, refused, running, scheduled, unusual
from airflow_shadow.conformance.checks import Check, Stage

STAGES: Sequence[Stage] = (
    refused.STAGE,
    own_endpoint.STAGE,
    scheduled.STAGE,
    running.STAGE,
    promoted.STAGE,
    unusual.STAGE,
)


def names() -> frozenset[str]:
    """Return by what checks can be chosen: their names and beliefs."""
    checks = [one for stage in STAGES for one in stage.checks]
    return frozenset(name for one in checks for name in (one.name, one.belief) if name)


def chosen(only: frozenset[str]) -> list[tuple[Stage, tuple[Check, ...]]]:
    """Return each stage with the checks to make; one that needs the endpoint brings its step.

    :param only: names of checks or beliefs; all unless there are any
    """
    found = [(stage, stage.chosen(only)) for stage in STAGES]
    if any(checks for stage, checks in found if stage.has_endpoint):
        found = [
            (stage, checks or (own_endpoint.no_variants_yet,))
            if stage is own_endpoint.STAGE
            else (stage, checks)
            for stage, checks in found
        ]
    return [(stage, checks) for stage, checks in found if checks]
