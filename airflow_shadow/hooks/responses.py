"""AWS's responses: as plain values, and the time that they tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


def to_plain(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response as JSON-able values, for XCom and for a trigger's event.

    Times become ISO-8601 text in UTC; ``ResponseMetadata`` is about the call and is left out.
    """
    return {key: _plain(item) for key, item in response.items() if key != "ResponseMetadata"}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):  # botocore's are aware, and so are ours
        return value.astimezone(UTC).isoformat()
    return value


def date_of(response: Mapping[str, Any]) -> datetime | None:
    """Return AWS's time by the `Date` of a response, `None` if it has none that can be read."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        date = parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
