"""Numbers from outside: values, or the text that a template rendered."""

from __future__ import annotations

import math
import re
from typing import Any

from airflow_shadow.text.messages import short_repr

#: Numbers as people and JSON write them; Python also takes `1_0`, `nan` and other scripts' digits.
_WRITTEN = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)


def finite(value: Any) -> float:
    """Return the number in a value or its text.

    :raises ValueError: it is no number, or a bool, a NaN or infinite
    """
    is_other = isinstance(value, bool | bytes)
    if not is_other and (not isinstance(value, str) or _WRITTEN.fullmatch(value)):
        try:
            number = float(value)
        except (OverflowError, TypeError, ValueError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise ValueError(f"{short_repr(value)} is not a number")
