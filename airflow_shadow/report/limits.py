"""The tolerance of a criterion as a level, to be drawn beside what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow_shadow.analysis import Finding
from airflow_shadow.report.inputs import Stage

#: Begin and end of a stage in seconds since 1970, and the level that its criterion allows.
Limit = tuple[float, float, float]


def limits(stages: Sequence[Stage], metric: str, statistic: str | None = None) -> Iterator[Limit]:
    """Yield the levels that a metric's criteria allow the shadow in each stage.

    A change is allowed from production's level over the stage's whole window.
    """
    for stage in stages:
        for finding in stage.verdict.findings:
            if finding.metric == metric and statistic in (None, finding.statistic):
                for level in _levels(finding):
                    yield stage.observations.start, stage.observations.end, level


def _levels(finding: Finding) -> Iterator[float]:
    tolerance = finding.tolerance
    if tolerance is None or (finding.comparison != "absolute" and finding.baseline is None):
        return
    if finding.comparison == "absolute":
        yield tolerance
        return
    level = finding.baseline or 0.0
    allowed = tolerance * level if finding.comparison == "relative" else tolerance
    if finding.direction != "decrease":
        yield level + allowed
    if finding.direction != "increase":
        yield level - allowed
