"""The journal of a run: what it makes, written before it is made, so that it can be deleted."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from airflow_shadow.exceptions import InvalidRequestError, ReportNotWrittenError
from airflow_shadow.text.messages import short_repr

Kind = Literal["experiment", "endpoint", "endpoint-config"]


@dataclass(frozen=True)
class Entry:
    """Something that the run makes.

    :param by_service: whether AWS makes it for the run, without the run's tag
    """

    kind: Kind
    name: str
    by_service: bool = False


@dataclass
class Journal:
    """What a run has made and not deleted yet, in memory and in its file.

    :param path: the file; it exists as long as there are entries
    :param run: name of the run, with which all that it makes begins
    :param began: AWS's time at which it began, ISO-8601; what is older is not its own
    :param region: where it runs
    """

    path: Path
    run: str
    began: str
    region: str
    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Write down what is about to be made.

        :raises ReportNotWrittenError: the file cannot be written, so nothing may be made
        """
        if entry in self.entries:
            return
        self.entries.append(entry)
        try:
            self._write()
        except OSError as error:
            self.entries.remove(entry)
            raise ReportNotWrittenError(
                asked=f"to write down {entry.kind} {entry.name!r} in {self.path}",
                found=f"the file cannot be written: {error.strerror}",
                next_step="Make room or give another --folder; it was not created.",
            ) from error

    def remove(self, entry: Entry) -> None:
        """Cross out what is gone, or was refused; an empty journal has no file."""
        self.entries = [one for one in self.entries if one != entry]
        with suppress(OSError):  # a file that names more than there is does no harm
            self._write()

    def knows(self, name: str) -> bool:
        """Tell whether something of that name is written down."""
        return any(entry.name == name for entry in self.entries)

    def _write(self) -> None:
        if not self.entries:
            self.path.unlink(missing_ok=True)
            return
        facts = {**asdict(self), "path": None}
        new = self.path.with_suffix(".new")
        # On the disk before AWS is asked, and never half a file.
        with new.open("w", encoding="utf-8") as file:
            json.dump(facts, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)


def read_journal(path: Path) -> Journal:
    """Return the journal in a file.

    :raises InvalidRequestError: there is none, or it is no journal
    """
    try:
        facts = json.loads(path.read_text("utf-8"))
        entries = [Entry(**entry) for entry in facts.pop("entries")]
        return Journal(**{**facts, "path": path, "entries": entries})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidRequestError(
            asked=f"to clean up what {short_repr(str(path))} names",
            found=f"it is no journal of a run that can be read: {type(error).__name__}",
            next_step="Give the file that the run named; it is gone once all is deleted.",
        ) from error
