"""Lists: filters, order, and pages with tokens of our own."""

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
    """What lists filter and sort by."""

    name: str
    created: datetime
    modified: datetime
    status: str | None = None
    type: str | None = None


def select(
    items: Iterable[Item], describe: Callable[[Item], Listed], request: Document
) -> list[Item]:
    """Return the items that a List request asks for, in its order."""
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
    after, before = (_aware(request.get(f"{name}{side}")) for side in ("After", "Before"))
    return (after is None or time > after) and (before is None or time < before)


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None


def page(
    items: Sequence[Item],
    request: Document,
    *,
    key: Callable[[Item], str],
    size: int = DEFAULT_PAGE,
) -> tuple[list[Item], str | None]:
    """Return one page and the token of the next, or None.

    A token holds the names already given: nothing is lost or repeated if items go away between
    two pages. Raises Invalid (ValidationException) for a token that is not ours.
    """
    seen = _read(request.get("NextToken"))
    left = [item for item in items if key(item) not in seen]
    wanted = request.get("MaxResults") or size
    given = left[:wanted]
    if len(left) <= wanted:
        return given, None
    return given, token([*seen, *(key(item) for item in given)])


def token(seen: Sequence[str]) -> str:
    """Return the token of the page that follows the named items."""
    return base64.urlsafe_b64encode(json.dumps(list(seen)).encode()).decode()


def same_place(text: str | None) -> str:
    """Return another token for the same place: clients refuse to get one twice."""
    seen = _read(text)
    return token([*seen, "*" * (len(seen) + 1)])  # no name has an asterisk


def _read(text: str | None) -> list[str]:
    if not text:
        return []
    try:
        seen: Any = json.loads(base64.urlsafe_b64decode(text))
    except (ValueError, binascii.Error) as error:
        raise Invalid(f"NextToken {text!r} was not given out by this list.") from error
    return list(seen)
