"""What happened in the emulator, in order, for tests to check."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from threading import RLock
from typing import Any, Literal, NamedTuple

EntryKind = Literal["call", "status", "endpoint", "variant", "capture"]

#: How many entries are kept; a server may run for weeks. An experiment makes some 20, of 1 kB each.
KEPT_ENTRIES = 50_000


class Numbered(NamedTuple):
    """An entry with its number, which no other entry ever has."""

    number: int
    entry: dict[str, Any]


class History:
    """One ordered list of JSON-able entries over all accounts and regions.

    kept: how many entries there are at most; the oldest go first
    """

    def __init__(self, kept: int = KEPT_ENTRIES) -> None:
        self._lock = RLock()
        self._entries: deque[Numbered] = deque(maxlen=kept)
        self._next = 0

    def add(
        self, *, at: datetime, account: str, region: str, kind: EntryKind, **facts: Any
    ) -> dict[str, Any]:
        """Append an entry and return it."""
        entry = {"at": at.isoformat(), "account": account, "region": region, "kind": kind, **facts}
        with self._lock:
            self._entries.append(Numbered(self._next, entry))
            self._next += 1
        return entry

    def remove(self, entry: dict[str, Any]) -> None:
        """Remove the entry of a call that was refused in the end; nobody else gets its number."""
        with self._lock:
            # From the end, where it is.
            for later, one in enumerate(reversed(self._entries)):
                if one.entry is entry:
                    del self._entries[-1 - later]
                    return

    def entries(self, *, account: str | None, region: str | None) -> list[dict[str, Any]]:
        """Return copies of the entries of an account and a region; None means all."""
        return [
            entry
            for _, entry in self.numbered()
            if account in (None, entry["account"]) and region in (None, entry["region"])
        ]

    def numbered(self) -> list[Numbered]:
        """Return copies of all entries with their numbers, for :meth:`replace`."""
        with self._lock:
            return [Numbered(number, dict(entry)) for number, entry in self._entries]

    def newest(self, count: int, *, without: EntryKind) -> list[Numbered]:
        """Return the last entries that are not of a kind, newest first, with their numbers."""
        with self._lock:
            others = (
                Numbered(number, dict(entry))
                for number, entry in reversed(self._entries)
                if entry["kind"] != without
            )
            return list(islice(others, count))

    def replace(self, entries: Iterable[Numbered]) -> None:
        """Replace all entries; these keep their numbers, later ones get numbers of their own."""
        with self._lock:
            kept = [Numbered(number, dict(entry)) for number, entry in entries]
            self._entries = deque(kept, maxlen=self._entries.maxlen)
            self._next = max([self._next, *(number + 1 for number, _ in kept)])
