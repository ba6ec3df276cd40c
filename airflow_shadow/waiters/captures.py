"""Wait until what was captured in a window can have arrived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from airflow_shadow.waiters.conditions import missing, note_health
from airflow_shadow.waiters.engine import Poll, Polling, PollResult, WaitState


@dataclass(frozen=True)
class CapturesDue:
    """Wait until a moment at which the files of a window are due, whatever became of the test.

    Only time tells: a file that is not there yet looks like one that never comes.

    :param name: the experiment
    :param due: the moment by AWS's clock, epoch seconds
    """

    name: str
    due: float
    kind: ClassVar[str] = "captures"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        due = datetime.fromtimestamp(self.due, UTC).isoformat(timespec="seconds")
        return f"the files that experiment {self.name!r} captured, due by {due}"

    def poll(self, state: WaitState) -> Polling:
        """Describe the experiment, whose answer tells AWS's time."""
        known = state.described
        reply = yield Poll("experiment", self.name, known=known, until=self.due, soonest=self.due)
        if reply.description is None:
            return PollResult("missing", error=missing(self.asked, self.name))
        note_health(reply.description, state)
        if reply.aws_now >= self.due:
            seen = f"the files that experiment {self.name!r} captured are due"
            return PollResult(seen, done=True, description=reply.description)
        state.soonest = self.due
        return PollResult(str(reply.description.get("Status")), description=reply.description)
