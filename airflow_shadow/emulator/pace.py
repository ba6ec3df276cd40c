"""How long transitional statuses last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from airflow_shadow.emulator.settings import Settings

WorkKind = Literal[
    "create", "start", "update", "stop", "expire", "endpoint-create", "endpoint-update"
]

#: Emulator seconds at pace "time" (assumed: durations).
SECONDS: dict[WorkKind, float] = {
    "create": 240,
    "start": 180,
    "update": 180,
    "stop": 180,
    "expire": 180,
    "endpoint-create": 300,
    "endpoint-update": 180,
}


@dataclass(kw_only=True)
class Work:
    """An operation in progress, shown as a transitional status until it is done."""

    kind: WorkKind
    since: datetime
    reads: int = 0
    endpoint_reads: int = 0
    # How many reads still show the state before the call (assumed: update-shown-late).
    late_reads: int = 0


def done_at(work: Work, now: datetime, settings: Settings) -> datetime | None:
    """Return when the work was done, or None while it is in progress."""
    if settings.pace == "count":
        return now if settings.reads <= max(work.reads, work.endpoint_reads) else None
    end = ends_at(work)
    return end if end <= now else None


def ends_at(work: Work) -> datetime:
    """Return when work ends at pace "time"."""
    return work.since + timedelta(seconds=SECONDS[work.kind])
