"""How long transitional statuses last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

PaceName = Literal["count", "time"]
WorkKind = Literal[
    "create", "start", "update", "stop", "expire", "endpoint-create", "endpoint-update"
]

# Emulator seconds at pace "time" (assumed: durations).
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
    """Something under way, shown as a transitional status until it is done."""

    kind: WorkKind
    since: datetime
    reads: int = 0
    endpoint_reads: int = 0
    # How many reads still show the state before the call (assumed: update-shown-late).
    late_reads: int = 0


class Pace:
    """Decide when work is done: after a number of reads, or after a time."""

    def __init__(self, *, name: PaceName, reads: int) -> None:
        self.reads = reads
        self.choose(name)

    def choose(self, name: PaceName) -> None:
        """Switch to another pace. Raises ValueError for one that does not exist."""
        if name not in get_args(PaceName):
            raise ValueError(f"No pace {name!r}. Choose one of: {', '.join(get_args(PaceName))}.")
        self.name = name

    def due(self, work: Work, now: datetime) -> datetime | None:
        """Return when the work was done, or None while it is under way."""
        if self.name == "count":
            return now if self.reads <= max(work.reads, work.endpoint_reads) else None
        end = work.since + timedelta(seconds=SECONDS[work.kind])
        return end if end <= now else None
