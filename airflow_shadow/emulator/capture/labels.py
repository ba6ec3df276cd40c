"""What would have been right, as files of labels that come later than the requests."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import StringIO

from airflow_shadow.emulator.account_state import AccountState
from airflow_shadow.emulator.capture.files import File, name
from airflow_shadow.emulator.capture.label_order import Form, LabelOrder
from airflow_shadow.emulator.capture.records import Record
from airflow_shadow.emulator.capture.replies import truth
from airflow_shadow.emulator.capture.times import Written
from airflow_shadow.emulator.capture.variants import parts_of, production, records
from airflow_shadow.emulator.cloudwatch.minutes import Part
from airflow_shadow.emulator.random_draws import long_random

_MINUTE, _HOUR = 60, 3600

Row = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The files of an order of labels, in folders of the hours of collection."""

    state: AccountState
    endpoint: str
    order: LabelOrder

    @property
    def base(self) -> str:
        """The folder that was asked for."""
        return self.order.place.prefix

    @property
    def written(self) -> Written:
        """The minutes that are settled."""
        return self.order.written

    def window(self, now: float) -> range:
        """Return the minutes since the endpoint's traffic began whose labels are collected."""
        flows = self.state.flows.get(self.endpoint, [])
        end = int((now - self.order.late_seconds) // _MINUTE)
        return range(min((flow.first_minute for flow in flows), default=end), end)

    def due(self, minute: int) -> float:
        """Return when the labels of a minute are collected, in seconds since 1970."""
        return (minute + 1) * _MINUTE + self.order.late_seconds

    def hours(self, minute: int) -> set[int]:
        """Return the hour of the collection."""
        return {int(self.due(minute) // _HOUR)}

    def file(self, minute: int) -> File | None:
        """Return the labels of the requests of a minute that production answered."""
        rows = sorted(row for part in self._parts(minute) for row in self._rows(part))
        if not rows:
            return None
        at = self.due(minute)
        random = long_random(self.base, self.endpoint, "labels", int(at))
        key = self.base + name(at, random, suffix=self.order.form)
        return File(key, _BODIES[self.order.form](rows).encode(), at)

    def _parts(self, minute: int) -> Iterator[Part]:
        timeline, flows = self.state.timelines[self.endpoint], self.state.flows[self.endpoint]
        for variant in timeline.variants():
            for part in parts_of(timeline, flows, variant, minute):
                if part.interval.served.role == "production":
                    yield part

    def _rows(self, part: Part) -> Iterator[Row]:
        asked = production(self.state.timelines[self.endpoint], part.minute)
        random = long_random(part.key("labelled"))
        for record in records(part, asked, self.state.settings.event_ids):
            chosen = random.random() < self.order.share
            if chosen and record.failure is None:
                yield record.id, _truths(record, part)


def _truths(record: Record, part: Part) -> str:
    """Return what would have been right, for the rows of a batch separated by commas."""
    answers = part.interval.served.answers
    return ",".join(str(truth(answers, row)) for row in record.request.rows)


def _jsonl(rows: Iterable[Row]) -> str:
    return "".join(
        json.dumps(
            {
                "groundTruthData": {"data": data, "encoding": "CSV"},
                "eventMetadata": {"eventId": of},
                "eventVersion": "0",
            }
        )
        + "\n"
        for of, data in rows
    )


def _csv(rows: Iterable[Row]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "label"))
    writer.writerows(rows)
    return text.getvalue()


_BODIES: dict[Form, Callable[[Iterable[Row]], str]] = {"jsonl": _jsonl, "csv": _csv}
