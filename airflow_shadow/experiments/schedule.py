"""When an experiment starts and ends, given dates that may lie in the past."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.lifecycle import DEFAULT_DAYS, MAX_DAYS
from airflow_shadow.text.messages import short_repr

_DURATION = re.compile(
    r"P?(?:(?P<weeks>\d+)w)?(?:(?P<days>\d+)d)?t?"
    r"(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?",
    re.IGNORECASE,
)
#: A timedelta that a template rendered.
_CLOCK = re.compile(
    r"(?:(?P<days>\d+) days?, )?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)(?:\.\d+)?"
)
#: Longer than any experiment, and short enough to count with.
LONGEST = timedelta(days=366)
#: AWS documents it for the console; whether the API refuses less is unknown.
SHORTEST = timedelta(hours=1)
DEFAULT_DURATION = timedelta(days=DEFAULT_DAYS)


def parse_duration(
    value: Any, *, argument: str = "duration", may_be_zero: bool = False
) -> timedelta:
    """Return a duration given as `timedelta`, seconds, `90m`, `1d12h` or ISO-8601 `P1DT12H`.

    :param argument: its name, for the message
    :raises InvalidRequestError: it is none of these, not above zero, or longer than a year
    """
    try:
        found = _duration(value)
    except (OverflowError, ValueError):
        found = None
    if found is None or not timedelta() <= found <= LONGEST or not (found or may_be_zero):
        raise InvalidRequestError(
            asked=f"{argument}={short_repr(value)}",
            found="not a duration, or longer than a year",
            next_step="Give a timedelta, seconds, '90m', '1d12h' or 'PT36H'.",
        )
    return found


def _duration(value: Any) -> timedelta | None:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(seconds=value)
    return _duration_of_text(value.strip()) if isinstance(value, str) else None


def _duration_of_text(text: str) -> timedelta | None:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return timedelta(seconds=float(text))
    match = _DURATION.fullmatch(text) or _CLOCK.fullmatch(text)
    units = {unit: int(n) for unit, n in match.groupdict().items() if n} if match else {}
    return timedelta(**units) if units else None


@dataclass(frozen=True)
class Window:
    """When an experiment is to start and end, as the user gave it."""

    start: datetime | None
    end: datetime | None
    duration: timedelta | None

    @property
    def length(self) -> timedelta | None:
        """Return how long the experiment shall last, `None` if that depends on when it starts.

        :raises InvalidRequestError: the times contradict each other
        """
        if self.end and self.duration:
            raise self._invalid("end_time and duration are both given", "Give one of them.")
        if self.start and self.end and self.end <= self.start:
            raise self._invalid("the end is not after the start", "Correct the times.")
        return self.duration or (self.end - self.start if self.start and self.end else None)

    def schedule(self, *, now: datetime, shift_past: bool) -> dict[str, datetime]:
        """Return the `Schedule` to send; empty means "now, for AWS's default of 7 days".

        A start in the past means now: a scheduled run starts after its interval ends, and a
        backfill lives in the past. A window wholly in the past is moved to now if `shift_past`.

        :param now: AWS's time, aware
        :raises InvalidRequestError: contradictory, wholly past, or longer than 30 days
        """
        length, end = self.length, self._end(now)
        begins = self.start if self.start and self.start > now else None
        if end and end <= now:
            if not (shift_past and length):
                raise self._invalid(
                    f"the window lies wholly in the past, it is {_text(now)} at AWS",
                    "Pass shift_past_schedule=True with a start or a duration to run it now.",
                    end=end,
                )
            begins, end = None, now + length
        if end and end - (begins or now) > timedelta(days=MAX_DAYS):
            raise self._invalid(f"longer than {MAX_DAYS} days", "Choose an earlier end.", end=end)
        times = {"StartTime": begins, "EndTime": end}
        return {key: time for key, time in times.items() if time is not None}

    def change(self, schedule: Mapping[str, datetime], *, now: datetime) -> str:
        """Return in one line what became of times in the past, `""` if there were none.

        :param schedule: what :meth:`schedule` returned
        """
        if self.start is None or self.start > now:
            return ""
        until, end = _text(planned_end(schedule, now=now)), self._end(now)
        if end and end <= now:
            return (
                f"The window from {_text(self.start)} to {_text(end)} lies wholly in the past, so "
                f"it is moved to {_text(now)} until {until} (shift_past_schedule=True)."
            )
        return (
            f"The start at {_text(self.start)} lies in the past, so the experiment starts now, "
            f"{_text(now)}, until {until}."
        )

    def _end(self, now: datetime) -> datetime | None:
        return (self.start or now) + self.duration if self.duration else self.end

    def _invalid(
        self, found: str, next_step: str, *, end: datetime | None = None
    ) -> InvalidRequestError:
        asked = f"an experiment from {_text(self.start)} to {_text(end or self.end)}"
        advice = f"{next_step} Nothing was sent to AWS."
        return InvalidRequestError(asked=asked, found=found, next_step=advice)


def planned_end(schedule: Mapping[str, datetime], *, now: datetime) -> datetime:
    """Return when AWS will end an experiment of this schedule."""
    return schedule.get("EndTime") or schedule.get("StartTime", now) + DEFAULT_DURATION


def too_short(schedule: Mapping[str, datetime], *, now: datetime) -> str:
    """Return a warning of a schedule shorter than AWS's console allows, `""` if it is not."""
    length = planned_end(schedule, now=now) - schedule.get("StartTime", now)
    if length >= SHORTEST:
        return ""
    return f"The experiment would last {length}, but AWS's console allows no less than an hour."


def _text(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else "not given"
