"""Files that come minute by minute, and the series of a variant's captures."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Protocol

from airflow_shadow.emulator.account_state import AccountState
from airflow_shadow.emulator.capture.config import CaptureSpan
from airflow_shadow.emulator.capture.files import File, name
from airflow_shadow.emulator.capture.records import Line, line
from airflow_shadow.emulator.capture.times import Written
from airflow_shadow.emulator.capture.variants import parts_of, production, records
from airflow_shadow.emulator.cloudwatch.minutes import Part
from airflow_shadow.emulator.random_draws import ShortRandom, long_random

_MINUTE, _HOUR = 60, 60
_SHARES = (0.5, 1.5)  # of the delay: the least and the most


class Series(Protocol):
    """Files that come minute by minute, at most one for each."""

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""

    @property
    def base(self) -> str:
        """The part of the keys before the folder of the hour."""

    @property
    def written(self) -> Written:
        """The minutes that are settled."""

    def window(self, now: float) -> range:
        """Return the minutes of which there can be files by now."""

    def due(self, minute: int) -> float:
        """Return when the file of a minute is written, in seconds since 1970."""

    def hours(self, minute: int) -> set[int]:
        """Return the hours since 1970 in whose folders the file of a minute can lie."""

    def file(self, minute: int) -> File | None:
        """Return the file of a minute, None if there is none."""


@dataclass(frozen=True, kw_only=True)
class Captures:
    """The captures of one variant (assumed: capture-files)."""

    state: AccountState
    endpoint: str
    variant: str
    span: CaptureSpan

    @property
    def base(self) -> str:
        """The folder of the variant."""
        return f"{self.span.capture.place.prefix}{self.endpoint}/{self.variant}/"

    @property
    def written(self) -> Written:
        """The minutes that are settled."""
        return self.span.written.setdefault(self.variant, Written())

    def window(self, now: float) -> range:
        """Return the minutes that are over by now, and in which the endpoint captured."""
        begin, end = self.span.stretch
        over = int(now // _MINUTE)
        return range(int(begin), over if end > over else int(end) + 1)

    def due(self, minute: int) -> float:
        """Return when the file of a minute is written (assumed: capture-late)."""
        least, most = _SHARES
        share = ShortRandom(self.base, minute - int(self.span.stretch.begin), "late").random()
        seconds = self.state.settings.capture_late_seconds * (least + share * (most - least))
        return (minute + 1) * _MINUTE + seconds

    def hours(self, minute: int) -> set[int]:
        """Return the hours of a minute and of the next one, into which a shadow's copy may fall."""
        return {(minute + offset) // _HOUR for offset in self._offsets}

    @cached_property
    def _offsets(self) -> set[int]:
        """By how many minutes the times of records can differ from those of their requests."""
        intervals = self.state.timelines[self.endpoint].intervals_of(self.variant)
        ahead = {int(one.served.answers.clock_seconds // _MINUTE) for one in intervals}
        return {minutes + more for minutes in ahead for more in (0, 1)}

    def file(self, minute: int) -> File | None:
        """Return the records of a minute."""
        lines = [found for part in self._parts(minute) for found in self._lines(part)]
        if not lines:
            return None
        random = long_random(self.base, "file", minute - int(self.span.stretch.begin))
        key = self.base + name(lines[0].at, random)
        return File(key, "".join(one.text for one in lines).encode(), self.due(minute))

    def _parts(self, minute: int) -> list[Part]:
        timeline = self.state.timelines[self.endpoint]
        return parts_of(timeline, self.state.flows.get(self.endpoint, []), self.variant, minute)

    def _lines(self, part: Part) -> Iterator[Line]:
        asked = production(self.state.timelines[self.endpoint], part.minute)
        answers, settings = part.interval.served.answers, self.state.settings
        random, capture = long_random(part.key("captured")), self.span.capture
        for record in records(part, asked, settings.event_ids, self.span.stretch):
            kept = self._is_kept(random, answers.capture_loss)
            if kept and (record.failure is None or settings.failed_captures == "all"):
                yield line(record, capture, answers, asked.content_type)

    def _is_kept(self, random: Random, loss: float) -> bool:
        """Whether a record is captured: chosen, and not lost (assumed: capture-loss)."""
        chosen, lost = random.random(), random.random()
        return chosen < self.span.capture.sampling and lost >= loss
