"""Lists: filters, order, and pages with the emulator's own tokens."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from airflow_shadow.emulator.account_state import Document
from airflow_shadow.emulator.errors import Invalid

DEFAULT_PAGE = 10  # (assumed: page-size)

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The facts that lists filter and sort by."""

    name: str
    created: datetime
    modified: datetime
    status: str | None = None
    type: str | None = None


def select(
    items: Iterable[Item], describe: Callable[[Item], Listed], request: Document
) -> list[Item]:
    """Return the items that a List request selects, in its order."""
    kept = [(describe(item), item) for item in items]
    kept = [(facts, item) for facts, item in kept if _fits(facts, request)]
    # (assumed: list-order)
    field = {"Name": "name", "Status": "status"}.get(request.get("SortBy") or "", "created")
    falling = request.get("SortOrder", "Descending") == "Descending"
    kept.sort(key=lambda pair: (getattr(pair[0], field), pair[0].name), reverse=falling)
    return [item for _, item in kept]


def _fits(facts: Listed, request: Document) -> bool:
    return (
        (request.get("NameContains") or "").lower() in facts.name.lower()
        and request.get("StatusEquals") in (None, facts.status)
        and request.get("Type") in (None, facts.type)
        and _between(facts.created, request, "CreationTime")
        and _between(facts.modified, request, "LastModifiedTime")
    )


def _between(time: datetime, request: Document, name: str) -> bool:
    after, before = (request.get(f"{name}{side}") for side in ("After", "Before"))
    naive = time.astimezone(UTC).replace(tzinfo=None)  # as moto parses a request's times
    return (after is None or naive > after) and (before is None or naive < before)


def page(
    items: Sequence[Item],
    request: Document,
    *,
    key: Callable[[Item], str],
    size: int = DEFAULT_PAGE,
) -> tuple[list[Item], str | None]:
    """Return one page and the token of the next, or None.

    A token holds the names already listed, so that nothing is lost or repeated if items are deleted
    between two pages. Raises Invalid (ValidationException) for a token that no list returned.
    """
    seen = _read(request.get("NextToken"))
    left = [item for item in items if key(item) not in seen]
    limit = request.get("MaxResults") or size
    if len(left) <= limit:
        return left, None
    return left[:limit], _token([*seen, *(key(item) for item in left[:limit])])


def _token(seen: Sequence[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(seen)).encode()).decode()


def same_place(text: str | None) -> str:
    """Return another token of the same page, because clients refuse to get one twice."""
    seen = _read(text)
    return _token([*seen, "*" * (len(seen) + 1)])  # no name has an asterisk


def _read(text: str | None) -> list[str]:
    if not text:
        return []
    try:
        seen: Any = json.loads(base64.urlsafe_b64decode(text))
    except (ValueError, binascii.Error) as error:
        raise Invalid(f"NextToken {text!r} was not returned by this list.") from error
    return list(seen)
