"""Lists: filters, order, and pages with the emulator's own tokens."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Any, TypeVar

from airflow_shadow.emulator.account_state import Document
from airflow_shadow.emulator.errors import Invalid

DEFAULT_PAGE = 10  # (assumed: page-size)

Item = TypeVar("Item")
#: What a list is sorted by: a number or a text, and the name.
Key = tuple[Any, ...]


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
    """Return the items that a List request selects."""
    return [item for item in items if _fits(describe(item), request)]


def order(request: Document) -> tuple[Callable[[Listed], Key], bool]:
    """Return by what a List request sorts, and whether the last comes first."""
    # (assumed: list-order)
    field = {"Name": "name", "Status": "status"}.get(request.get("SortBy") or "", "created")
    return partial(_key, field), request.get("SortOrder", "Descending") == "Descending"


def _key(field: str, facts: Listed) -> Key:
    value = getattr(facts, field)
    return (value.timestamp() if field == "created" else value or "", facts.name)


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
    items: Iterable[Item],
    request: Document,
    *,
    key: Callable[[Item], Key],
    falling: bool = False,
    size: int = DEFAULT_PAGE,
) -> tuple[list[Item], str | None]:
    """Return one page, sorted by unique keys, and the token of the next, or None.

    A token holds the last key listed, so that nothing is lost or repeated if items are deleted
    between two pages. Raises Invalid (ValidationException) for a token that no list returned.
    """
    last, limit = _read(request.get("NextToken")), request.get("MaxResults") or size
    left = sorted(((key(item), item) for item in items), key=itemgetter(0), reverse=falling)
    if last is not None:
        left = [pair for pair in left if (pair[0] < last if falling else pair[0] > last)]
    listed = [item for _, item in left[:limit]]
    return listed, _token(left[limit - 1][0]) if len(left) > limit else None


def _token(last: Key | None, again: int = 0) -> str:
    return base64.urlsafe_b64encode(json.dumps([last, again]).encode()).decode()


def same_place(text: str | None) -> str:
    """Return another token of the same page, because clients refuse to get one twice."""
    again = _parse(text)[1] if text else 0
    return _token(_read(text), again + 1)


def _read(text: str | None) -> Key | None:
    last = _parse(text)[0] if text else None
    return None if last is None else tuple(last)


def _parse(text: str) -> tuple[Any, int]:
    try:
        last, again = json.loads(base64.urlsafe_b64decode(text))
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid(f"NextToken {text!r} was not returned by this list.") from error
    return last, again
