"""The sensor of an analysis, run to its end in one mode."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow_shadow._compat import AirflowRescheduleException
from airflow_shadow.sensors import ShadowAnalysisSensor
from tests.tasks import Tasks

NAME, HOUR = "theirs", timedelta(hours=1)


class Analysing:
    """Runs the sensor to its end in one mode; a rescheduling one is new at each poll."""

    def __init__(self, mode):
        self.mode, self.reschedules = mode, 0
        self.tasks = Tasks("deferred" if mode == "deferrable" else "worker")

    def __call__(self, **arguments):
        """Run the sensor until it ends."""
        usual = {"name": NAME, "poke_interval": 0.01, "duration": "2h", "interval": 1800}
        arguments = {**usual, **arguments}
        arguments |= {"mode": "reschedule"} if self.mode == "reschedule" else {}
        first = datetime.now(UTC)
        while True:
            ti = {"first_look": first if self.reschedules else None}
            try:
                return self.tasks.run(ShadowAnalysisSensor, ti=ti, **arguments)
            except AirflowRescheduleException:
                self.reschedules += 1


def minutes(verdict):
    """Return the length of the window that was judged."""
    return round((verdict["end"] - verdict["start"]) / 60)
