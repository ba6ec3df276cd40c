"""When an experiment starts and ends, given dates that may lie in the past."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.lifecycle import DEFAULT_DAYS, MAX_DAYS
from airflow_shadow.text.shown import shown

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
#: AWS documents it for the console; whether the API holds it is unknown.
SHORTEST = timedelta(hours=1)
DEFAULT_DURATION = timedelta(days=DEFAULT_DAYS)


def parse_duration(
    value: Any, *, argument: str = "duration", may_be_zero: bool = False
) -> timedelta:
    """Return a duration given as `timedelta`, seconds, `90m`, `1d12h` or ISO-8601 `P1DT12H`.

    :param argument: its name, for the message
    :raises InvalidRequestError: it is none of these, not above zero, or longer than a year
    """
    nothing = timedelta()
    try:
        found = _duration(value)
    except (OverflowError, ValueError):
        found = None
    if found is None or not nothing <= found <= LONGEST or not (found or may_be_zero):
        raise InvalidRequestError(
            asked=f"{argument}={shown(value)}",
            found="not a duration, or longer than a year",
            next_step="Give a timedelta, seconds, '90m', '1d12h' or 'PT36H'.",
        )
    return found


def _duration(value: Any) -> timedelta | None:
    found: timedelta | None = None
    if isinstance(value, timedelta):
        found = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = timedelta(seconds=value)
    elif isinstance(value, str) and (match := _written(value.strip())):
        units = {unit: int(n) for unit, n in match.groupdict().items() if n}
        found = timedelta(**units) if units else None
    elif isinstance(value, str) and re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        found = timedelta(seconds=float(value))
    return found


def _written(text: str) -> re.Match[str] | None:
    return _DURATION.fullmatch(text) or _CLOCK.fullmatch(text)


def window_length(
    *, start: datetime | None, end: datetime | None, duration: timedelta | None
) -> timedelta | None:
    """Return how long the experiment shall last, `None` if that depends on when it starts.

    :raises InvalidRequestError: contradictory, whatever the time is
    """
    if end and duration:
        raise _invalid(start, end, "end_time and duration are both given", "Give one of them.")
    if start and end and end <= start:
        raise _invalid(start, end, "the end is not after the start", "Correct the times.")
    return duration or (end - start if start and end else None)


def resolve_schedule(
    *,
    start: datetime | None,
    end: datetime | None,
    duration: timedelta | None,
    now: datetime,
    shift_past: bool,
) -> dict[str, datetime]:
    """Return the `Schedule` to send; empty means "now, for AWS's default of 7 days".

    A start in the past means now: a scheduled run starts after its interval ends, and a backfill
    lives in the past. A window wholly in the past is moved to now if `shift_past`.

    :param now: AWS's time, aware
    :raises InvalidRequestError: contradictory, wholly past, or longer than 30 days
    """
    length = window_length(start=start, end=end, duration=duration)
    if duration:
        end = (start or now) + duration
    if end and end <= now:
        if not (shift_past and length):
            raise _invalid(
                start,
                end,
                f"the window lies wholly in the past, it is {_text(now)} at AWS",
                "Pass shift_past_schedule=True with a start or a duration to run it now.",
            )
        start, end = None, now + length
    begins = start if start and start > now else None
    if end and end - (begins or now) > timedelta(days=MAX_DAYS):
        raise _invalid(start, end, f"longer than {MAX_DAYS} days", "Choose an earlier end.")
    return {
        key: value for key, value in (("StartTime", begins), ("EndTime", end)) if value is not None
    }


def moved(
    *,
    start: datetime | None,
    end: datetime | None,
    duration: timedelta | None,
    schedule: Mapping[str, datetime],
    now: datetime,
) -> str:
    """Say in one line what became of a window that lay in the past, `""` if nothing did.

    :param schedule: what :func:`resolve_schedule` made of the others
    """
    if start is None or start > now:
        return ""
    until = _text(planned_end(schedule, now=now))
    asked_end = start + duration if duration else end
    if asked_end and asked_end <= now:
        return (
            f"The window from {_text(start)} to {_text(asked_end)} lies wholly in the past; it is "
            f"now {_text(now)} to {until}, because shift_past_schedule=True."
        )
    return f"The start at {_text(start)} lies in the past; it is now, {_text(now)}, until {until}."


def planned_end(schedule: Mapping[str, datetime], *, now: datetime) -> datetime:
    """Return when AWS will end an experiment of this schedule."""
    return schedule.get("EndTime") or schedule.get("StartTime", now) + DEFAULT_DURATION


def _text(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else "not given"


def _invalid(
    start: datetime | None, end: datetime | None, found: str, next_step: str
) -> InvalidRequestError:
    asked = f"an experiment from {_text(start)} to {_text(end)}"
    return InvalidRequestError(asked=asked, found=found, next_step=f"{next_step} Nothing was sent.")
