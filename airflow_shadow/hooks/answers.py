"""AWS's answers as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def to_plain(value: Any) -> Any:
    """Return a response as JSON-able values, for XCom and for a trigger's event.

    Times become ISO-8601 text in UTC; ``ResponseMetadata`` tells of the call, not of the answer.
    """
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):  # botocore's are aware, and so are ours
        return value.astimezone(UTC).isoformat()
    return value
