"""The log line of a wait for a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow.analysis import Finding, Verdict
from airflow_shadow.analysis.formatting import ORDER, change, is_critical, moment
from airflow_shadow.waiters.look_schedule import LookSchedule


def progress_line(verdict: Mapping[str, Any], looks: LookSchedule, *, needed: int) -> str:
    """Return the progress of a window in one line.

    :param verdict: of the newest look, as plain values
    :param needed: periods below which nothing can PASS
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
    """Return the worst critical finding that has data, `None` if there is none."""
    measured = (one for one in verdict.findings if one.comparison is not None and is_critical(one))
    return min(measured, key=lambda one: (one.estimate is None, ORDER[one.outcome]), default=None)
