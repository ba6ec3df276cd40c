"""What tests choose: how statuses end, and behaviour that AWS does not document."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

PaceName = Literal["count", "time"]
BusyCode = Literal["ResourceInUse", "ConflictException", "ValidationException"]
ErrorSamples = Literal["zeros", "ones"]
FailedCaptures = Literal["none", "all"]
EventIds = Literal["own", "shared"]
FleetName = Literal["demo"]

#: A day in a second: fast enough for every test, and slow enough not to reach the last year.
FASTEST = 86_400.0

_ALLOWED = {
    "pace": PaceName,
    "busy_code": BusyCode,
    "error_samples": ErrorSamples,
    "failed_captures": FailedCaptures,
    "event_ids": EventIds,
}
_LATEST = 86_400


@dataclass(kw_only=True)
class Settings:
    """An emulator's settings. A value that does not exist raises ValueError when it is assigned.

    pace: how transitional statuses end: after `reads` reads ("count") or by the clock ("time").
    reads: how many reads show each transitional status at pace "count".
    busy_code: the error code of a Create on an endpoint that is not free (assumed: busy-code).
    error_samples: "zeros" sends 0 or 1 for each request, "ones" only the 1 of a failed one, so that
    SampleCount equals Sum, and a minute without errors has no point (assumed: error-zeros).
    capture_late_seconds: how long after a minute its captures are in S3 on average (assumed:
    capture-late).
    failed_captures: whether failed requests are captured, "none" or "all" of them (assumed:
    failed-captures).
    event_ids: whether the records of a request at production and at the shadow have eventIds of
    their "own", or a "shared" one (assumed: event-ids).
    """

    pace: PaceName = "count"
    reads: int = 2
    busy_code: BusyCode = "ResourceInUse"
    error_samples: ErrorSamples = "zeros"
    capture_late_seconds: float = 120.0
    failed_captures: FailedCaptures = "none"
    event_ids: EventIds = "own"

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "reads":
            value = int(value)
        elif name == "capture_late_seconds":
            value = _seconds(name, value)
        elif value not in (allowed := get_args(_ALLOWED[name])):
            raise ValueError(f"No {name} {value!r}. Choose one of: {', '.join(allowed)}.")
        super().__setattr__(name, value)


def _seconds(name: str, value: Any) -> float:
    if not 0 <= float(value) <= _LATEST:
        raise ValueError(f"{name}={value!r} has to be a number from 0 to {_LATEST}.")
    return float(value)
