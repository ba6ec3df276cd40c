"""What tests choose: how statuses end, and behaviour that AWS does not document."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

PaceName = Literal["count", "time"]
BusyCode = Literal["ResourceInUse", "ConflictException", "ValidationException"]
ErrorSamples = Literal["zeros", "ones"]

_ALLOWED = {"pace": PaceName, "busy_code": BusyCode, "error_samples": ErrorSamples}


@dataclass(kw_only=True)
class Settings:
    """An emulator's settings. A value that does not exist raises ValueError when it is assigned.

    pace: how transitional statuses end: after `reads` reads ("count") or by the clock ("time").
    reads: how many reads show each transitional status at pace "count".
    busy_code: the error code of a Create on an endpoint that is not free (assumed: busy-code).
    error_samples: "zeros" sends 0 or 1 for each request, "ones" only the 1 of a failed one, so that
    SampleCount equals Sum, and a minute without errors has no point (assumed: error-zeros).
    """

    pace: PaceName = "count"
    reads: int = 2
    busy_code: BusyCode = "ResourceInUse"
    error_samples: ErrorSamples = "zeros"

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "reads":
            value = int(value)
        elif value not in (allowed := get_args(_ALLOWED[name])):
            raise ValueError(f"No {name} {value!r}. Choose one of: {', '.join(allowed)}.")
        super().__setattr__(name, value)
