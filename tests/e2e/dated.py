"""Runs that bear dates: Dags of a scenario's own, their candidates, and backfills over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from tests.e2e.api import ENDED, Api
from tests.e2e.aws import Aws
from tests.e2e.processes import until

#: Airflow finds Dags only in files that speak of both.
_FILE = """# A Dag of Airflow
import os
from datetime import UTC, datetime, timedelta
from airflow.sdk import DAG, DeltaTriggerTimetable
from e2e_dated import dated
dag = dated({name!r}, region={region!r}, {arguments})
"""

Reprocess = Literal["none", "failed", "completed"]


def day(number: int) -> datetime:
    """Return midnight of a day of the March that all backfills are over."""
    return datetime(2026, 3, number, tzinfo=UTC)


@dataclass(frozen=True)
class Dated:
    """A Dag, and an endpoint of the same name that serves `v1` at first."""

    name: str
    api: Api
    aws: Aws

    @classmethod
    def install(
        cls, api: Api, aws: Aws, label: str, *, moments: Iterable[datetime], arguments: str
    ) -> Dated:
        """Make the endpoint and the candidates, and a Dag that is parsed and may run.

        :param arguments: those of `e2e_dated.dated`, as they stand in the Dag file
        """
        made = cls(aws.endpoint(label), api, aws)
        for moment in moments:
            aws.model(made.model(moment))
        api.stack.install(
            f"{made.name}.py", _FILE.format(name=made.name, region=aws.region, arguments=arguments)
        )
        api.unpause(made.name)
        return made

    @classmethod
    def daily(cls, api: Api, aws: Aws, label: str, *, days: int, arguments: str = "") -> Dated:
        """Install a Dag whose dates are days of March; only a backfill makes runs of it."""
        dates = f"schedule='@daily', start_date={_moment(1)}, end_date={_moment(31)}, "
        return cls._daily(api, aws, label, days, f"{dates}catchup=False, {arguments}")

    @classmethod
    def past(cls, api: Api, aws: Aws, label: str, *, days: int, arguments: str = "") -> Dated:
        """Install a Dag that runs at once for the first days of March, one after the other."""
        dates = f"schedule='@daily', start_date={_moment(1)}, end_date={_moment(days)}, "
        dates += "catchup=True, max_active_runs=1, "
        return cls._daily(api, aws, label, days, f"{dates}{arguments}")

    @classmethod
    def _daily(cls, api: Api, aws: Aws, label: str, days: int, arguments: str) -> Dated:
        moments = [day(number) for number in range(1, days + 1)]
        return cls.install(api, aws, label, moments=moments, arguments=arguments)

    def model(self, moment: datetime) -> str:
        """Return the candidate of a date."""
        return f"{self.name}-{moment:%m%dT%H%M%S}"

    def models(self, *days: int) -> list[str]:
        """Return the candidates of some days of March."""
        return [self.model(day(number)) for number in days]

    def keys(self, *days: int, generation: str, kind: str = "backfill") -> list[tuple[str, str]]:
        """Return who creates the experiments of some days of March."""
        dates = (day(number).isoformat() for number in days)
        return [(f"{self.name}/{kind}__{date}/create/-1", generation) for date in dates]

    def backfill(
        self, first: int, last: int, *, reprocess: Reprocess = "none", **more: Any
    ) -> dict[str, str]:
        """Backfill some days of March and return how each run ended, by its id."""
        body = {"dag_id": self.name, "reprocess_behavior": reprocess, "max_active_runs": 1, **more}
        dates = {"from_date": day(first).isoformat(), "to_date": day(last).isoformat()}
        made = self.api.call("POST", "/backfills", json={**body, **dates})
        ended = self.ended(last - first + 1)
        # Airflow notices that a backfill is over only twice a minute; until then it takes no other.
        self.api.try_call("PUT", f"/backfills/{made['id']}/cancel")
        return ended

    def ended(self, count: int) -> dict[str, str]:
        """Wait until there are so many runs and all have ended; return how, by id."""
        what = f"{count} runs of {self.name} to end"
        until(lambda: self._are_ended(count), what=what, seconds=240.0 + 60.0 * count)
        return {run["dag_run_id"]: run["state"] for run in self.api.runs(self.name)}

    def _are_ended(self, count: int) -> bool:
        states = [run["state"] for run in self.api.runs(self.name)]
        return len(states) >= count and set(states) <= ENDED


def _moment(number: int) -> str:
    return f"datetime(2026, 3, {number}, tzinfo=UTC)"
