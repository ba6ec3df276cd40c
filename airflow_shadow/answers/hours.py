"""A test's captures, hour by hour: each file is read once, and of an hour only what is new."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_shadow.analysis.answer_sums import AnswerSums
from airflow_shadow.answers.comparison import Comparison
from airflow_shadow.answers.examples import Writer
from airflow_shadow.answers.items import Item, Store
from airflow_shadow.answers.results import Results, key_of
from airflow_shadow.answers.store import HOUR, folder_of

#: Minutes on either side of an hour in whose files the other half of its pairs may be.
AROUND = 5
_CAPTURED_AT = re.compile(r"([0-5]\d)-[0-5]\d-\d{3}-")
_DATED = re.compile(r"/(\d{4}/\d\d/\d\d/\d\d/)")
#: Parts of an hour by the minutes in the names of files; `loose` are those with other names.
PARTS = ("head", "body", "tail", "loose")
#: What is read of an hour at once, when it is its turn: body and tail.
REST = "rest"
#: Kind of what is read beside captures (labels, own) -> output -> its files.
Beside = Mapping[str, Mapping[str, list[Item]]]
#: Hour and part.
Part = tuple[int, str]


class Hours:
    """Sum hours one after the other.

    :param store: where the captures are
    :param comparison: what reads and sums
    :param kept: sums of hours that are done
    :param beside: files of labels and own numbers
    :param variants: production's and the shadow's
    """

    def __init__(
        self,
        store: Store,
        comparison: Comparison,
        kept: Results,
        beside: Beside,
        *,
        variants: tuple[str, str],
    ) -> None:
        self._store, self._comparison, self._kept = store, comparison, kept
        self._beside, self._variants = beside, variants
        self._listed: dict[int, dict[str, tuple[list[Item], list[Item]]]] = {}
        self._tables: dict[Part, str] = {}
        self._counts: AnswerSums | None = None

    def sums(self, hour: int, start: float, end: float, writer: Writer) -> AnswerSums:
        """Return the sums of an hour (since 1970), as far as it is between two times.

        :param start: seconds since 1970
        :param end: seconds since 1970
        :param writer: of examples
        """
        first, last = max(start, hour * HOUR), min(end, (hour + 1) * HOUR)
        parts = [part for part in _around(hour) if any(self._files(part))]
        files = [item for part in parts for side in self._files(part) for item in side]
        if not files:
            return AnswerSums()
        key = self._key([*files, *self._beside_files()], first=first, end=last)
        found = self._kept.get(key)
        if found is None:
            found = self._compared(hour, parts, first, last)
            writer.add(self._comparison, first=first, end=last)
            self._comparison.forget()
            self._kept.put(key, found)
        self._forget(hour)
        return found

    def notes(self) -> AnswerSums:
        """Return what became of labels and own numbers, and whether clocks stand apart."""
        counts = self._counts or self._kept.get(self._key(self._beside_files()))
        apart = AnswerSums(notes=self._comparison.apart())
        return apart if counts is None else counts + apart

    def _compared(self, hour: int, parts: list[Part], first: float, last: float) -> AnswerSums:
        self._read_beside()
        # What the hour before read of its own files holds what this one needs of them.
        joined = dict.fromkeys(self._read_as(part, hour) for part in parts)
        tables = [self._table(part) for part in joined]
        sums = self._comparison.sums(tables, first=first, end=last)
        own = [self._table(part) for part in joined if part[0] == hour]
        notes = self._comparison.malformed(own) if own else {}
        return sums + AnswerSums(notes=notes)

    def _read_as(self, part: Part, hour: int) -> Part:
        """Return the part that is read for a part: an hour's own files behind its head at once."""
        of, name = part
        is_own = of == hour and name in {"body", "tail"}
        is_read = name == "tail" and (of, REST) in self._tables
        return (of, REST) if is_own or is_read else part

    def _read_beside(self) -> None:
        """Read labels and own numbers before the first hour that is not kept."""
        if self._counts is None:
            self._counts = AnswerSums(notes=read_beside(self._comparison, self._beside))
            self._kept.put(self._key(self._beside_files()), self._counts)

    def _table(self, part: Part) -> str:
        """Return the table of a part, whose files are read the first time."""
        if part not in self._tables:
            hour, name = part
            production, shadow = self._files(part)
            self._tables[part] = f"part_{hour}_{name}"
            self._comparison.read_captures(self._tables[part], production=production, shadow=shadow)
        return self._tables[part]

    def _forget(self, hour: int) -> None:
        """Drop what the next hour does not need."""
        needed = [*_around(hour + 1), (hour, REST)]
        for part in [part for part in self._tables if part not in needed]:
            self._comparison.drop(self._tables.pop(part))
        for part in [part for part in self._tables if part == (hour, REST)]:
            self._comparison.keep_since(self._tables[part], (hour + 1) * HOUR)
        self._listed.pop(hour - 1, None)

    def _files(self, part: Part) -> tuple[list[Item], list[Item]]:
        hour, name = part
        if hour not in self._listed:
            production, shadow = (self._store.captured(each, hour) for each in self._variants)
            self._listed[hour] = {
                each: (_of_part(production, each), _of_part(shadow, each)) for each in PARTS
            }
        parts = self._listed[hour]
        if name == REST:
            return parts["body"][0] + parts["tail"][0], parts["body"][1] + parts["tail"][1]
        return parts[name]

    def _beside_files(self) -> list[Item]:
        return [item for kind in self._beside.values() for items in kind.values() for item in items]

    def _key(self, items: Iterable[Item], **times: float) -> str:
        production, shadow = self._variants
        outputs = self._comparison.outputs
        return key_of(outputs, items, production=production, shadow=shadow, **times)


def _around(hour: int) -> list[Part]:
    """Return the parts in which an hour's records, and their partners, may be."""
    before = [(hour - 1, "tail"), (hour - 1, "loose")]
    after = [(hour + 1, "head"), (hour + 1, "loose")]
    return [*before, *((hour, part) for part in PARTS), *after]


def _of_part(items: list[Item], part: str) -> list[Item]:
    return [item for item in items if _part_of(item) == part]


def _part_of(item: Item) -> str:
    match = _CAPTURED_AT.match(item.name)
    if match is None:
        return "loose"
    minute = int(match[1])
    return "head" if minute < AROUND else "tail" if minute >= 60 - AROUND else "body"


def listed(
    store: Store, addresses: Mapping[str, str | None], start: float
) -> dict[str, list[Item]]:
    """Return the files of labels, or of own numbers, of each output that has some.

    Their folders are dated by when they were collected, so all since the start count; files that
    are in no such folder always do.

    :param addresses: output to its folder
    :param start: seconds since 1970
    """
    since = folder_of(int(start // HOUR))
    return {
        name: [item for item in store.below(address) if _date(item) >= since]
        for name, address in addresses.items()
        if address is not None
    }


def _date(item: Item) -> str:
    """Return the folder that dates a file; one without a date sorts behind all dates."""
    match = _DATED.search(item.address)
    return match[1] if match else "undated"


def read_beside(comparison: Comparison, beside: Beside) -> dict[str, Any]:
    """Read labels and own numbers, and return how many there are, as notes."""
    notes: dict[str, Any] = {}
    for n, (name, output) in enumerate(comparison.outputs.items()):
        if output.labels is not None:
            items = beside["labels"].get(name, [])
            notes.setdefault("labels", {})[name] = comparison.read_labels(n, items)
        if output.values is not None:
            items = beside["own"].get(name, [])
            notes.setdefault("values", {})[name] = comparison.read_own(n, items)
    return notes
