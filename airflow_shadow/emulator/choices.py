"""Where AWS may do one thing or the other: tests choose which."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

BusyCode = Literal["ResourceInUse", "ConflictException", "ValidationException"]
ErrorSamples = Literal["zeros", "ones"]

_ALLOWED = {"busy_code": BusyCode, "error_samples": ErrorSamples}


@dataclass(kw_only=True)
class Choices:
    """What an emulator does where AWS's documentation leaves it open.

    busy_code: what a Create on an endpoint that is not free answers (assumed: busy-code).
    error_samples: "zeros" sends 0 or 1 for each request, "ones" only the 1 of a failed one, so that
    SampleCount is Sum, and a minute without errors has no point (assumed: error-zeros).
    Raises ValueError for a value that there is not.
    """

    busy_code: BusyCode = "ResourceInUse"
    error_samples: ErrorSamples = "zeros"

    def __setattr__(self, name: str, value: Any) -> None:
        allowed = get_args(_ALLOWED[name])
        if value not in allowed:
            raise ValueError(f"No {name} {value!r}. Choose one of: {', '.join(allowed)}.")
        super().__setattr__(name, value)
