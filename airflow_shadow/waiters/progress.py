"""What a wait for a verdict says on its way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow.analysis import Finding, Verdict
from airflow_shadow.analysis.formatting import ORDER, change, is_critical, moment
from airflow_shadow.waiters.looks import Looks


def progress_line(verdict: Mapping[str, Any], looks: Looks, *, needed: int) -> str:
    """Return how far a window is, in one line.

    :param verdict: of the newest look, as plain values
    :param needed: periods below which nothing is decided
    """
    known = Verdict.from_dict(verdict)
    following = looks.next_after(known.end) or looks.limit
    times = f"next look {moment(following)}, end {moment(looks.limit)} UTC"
    finding = _leading(known)
    if finding is None:
        return f"{known.headline}, {times}"
    seen, least = finding.periods, int(needed)
    periods = f"{seen} of {least} periods" if seen < least else f"{seen} periods"
    return f"{periods}, {finding.name} {change(finding)}, {times}"


def _leading(verdict: Verdict) -> Finding | None:
    """Return the finding that a decision waits for, `None` if none is measured.

    The first one that is worst; one without data has nothing to tell.
    """
    measured = (one for one in verdict.findings if one.comparison is not None and is_critical(one))
    return min(measured, key=lambda one: (one.estimate is None, ORDER[one.outcome]), default=None)
