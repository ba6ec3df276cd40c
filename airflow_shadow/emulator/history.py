"""What happened in the emulator, in order, for tests to check."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from threading import RLock
from typing import Any, Literal

EntryKind = Literal["call", "status", "endpoint", "variant", "capture"]


class History:
    """One ordered list of JSON-able entries over all accounts and regions."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._entries: list[dict[str, Any]] = []

    def add(
        self, *, at: datetime, account: str, region: str, kind: EntryKind, **facts: Any
    ) -> dict[str, Any]:
        """Append an entry and return it."""
        entry = {"at": at.isoformat(), "account": account, "region": region, "kind": kind, **facts}
        with self._lock:
            self._entries.append(entry)
        return entry

    def remove(self, entry: dict[str, Any]) -> None:
        """Remove the entry of a call that was refused in the end."""
        with self._lock:
            self._entries = [other for other in self._entries if other is not entry]

    def entries(self, *, account: str | None, region: str | None) -> list[dict[str, Any]]:
        """Return copies of the entries of an account and a region; None means all."""
        with self._lock:
            return [
                dict(entry)
                for entry in self._entries
                if account in (None, entry["account"]) and region in (None, entry["region"])
            ]

    def newest(self, count: int, *, without: EntryKind) -> list[tuple[int, dict[str, Any]]]:
        """Return the last entries that are not of a kind, newest first, with their numbers."""
        with self._lock:
            numbered = zip(
                range(len(self._entries) - 1, -1, -1), reversed(self._entries), strict=True
            )
            others = ((number, dict(one)) for number, one in numbered if one["kind"] != without)
            return list(islice(others, count))

    def replace(self, entries: Iterable[dict[str, Any]]) -> None:
        """Replace all entries."""
        with self._lock:
            self._entries = [dict(entry) for entry in entries]
