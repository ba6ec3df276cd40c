"""A bounded folder through which files go to DuckDB: a batch is fetched, read and removed."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from airflow_shadow.answers.items import CHUNK, Item, chunks
from airflow_shadow.exceptions import AnswersTooLargeError, AnswersUnreadableError

Form = Literal["jsonl", "csv", "parquet"]
#: Files that are fetched at the same time.
THREADS = 8
MEGABYTE = 1 << 20
#: Bytes of the longest line that DuckDB reads without being told.
LINE = 16 * MEGABYTE
_PREFIX, _LOCK = "airflow-shadow-answers-", "lock"
#: Seconds within which a new folder is locked.
_YOUNG = 60
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


@dataclass(frozen=True, kw_only=True)
class Spooled:
    """Hold a file in the spool.

    :param item: what it is a copy of
    :param path: where it is
    :param form: what it looks like
    :param line: bytes that its longest line may have
    """

    item: Item
    path: Path
    form: Form
    line: int


class Spool:
    """Hold a temporary folder that is removed at every end.

    A process that the system ends at once cannot, so the next one on this machine does.

    :param most_mb: megabytes of files that may be in it at a time
    """

    def __init__(self, most_mb: int) -> None:
        self.most = most_mb * MEGABYTE
        _remove_left(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
        # DuckDB compares real paths.
        self.folder = Path(self._folder.name).resolve()
        self._lock = (self.folder / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._names = count()
        #: Bytes that the compressed files of a batch hold.
        self._unpacked = 0

    def __enter__(self) -> Self:
        """Return the spool."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Remove the folder, whatever ended the comparison."""
        self._folder.cleanup()
        self._lock.close()

    def batches(self, items: Iterable[tuple[Item, str]]) -> Iterator[list[Spooled]]:
        """Yield files that fit into the spool together; each batch is removed before the next.

        :param items: each with a mark, with which the name of its copy ends
        :raises AnswersTooLargeError: one file is larger than the spool
        :raises AnswersUnreadableError: a compressed file is broken
        """
        for marked in _batches([each for each in items if each[0].size], self.most):
            batch = [item for item, _ in marked]
            paths = [self.folder / f"{next(self._names)}{mark}" for _, mark in marked]
            try:
                yield self._fetch(batch, paths)
            finally:
                for path in paths:
                    path.unlink(missing_ok=True)

    def _fetch(self, batch: Sequence[Item], paths: Sequence[Path]) -> list[Spooled]:
        self._unpacked = 0
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="answers-spool")
        try:
            return list(pool.map(self._spooled, batch, paths))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        finally:
            pool.shutdown(cancel_futures=True)
        raise AnswersTooLargeError(
            asked=f"room for files in {self.folder.parent}",
            found="no space is left on the device",
            next_step="Set TMPDIR to a folder with more room, or lower spool_mb.",
        )

    def _spooled(self, item: Item, path: Path) -> Spooled:
        item.save(path)
        with path.open("rb") as file:
            if file.read(2) == _GZIP:
                self._inflate(item, path)
        return Spooled(item=item, path=path, form=_form(path), line=_longest(path))

    def _inflate(self, item: Item, path: Path) -> None:
        """Replace a compressed file by what it holds, whatever its name says."""
        plain = path.with_suffix(".plain")
        try:
            with path.open("rb") as packed, plain.open("wb") as out:
                for piece in _inflated(chunks(packed)):
                    self._unpacked += len(piece)
                    if self._unpacked > self.most:
                        raise _too_large(item, self.most)
                    out.write(piece)
            plain.replace(path)
        except zlib.error:
            problem = AnswersUnreadableError(
                asked=item.address, found="a compressed file that is broken or cut off"
            )
        else:
            return
        finally:
            plain.unlink(missing_ok=True)
        raise problem


def _remove_left(parent: Path) -> None:
    """Remove the folders of processes that were killed: contents of requests are in them.

    A lock ends with the process that holds it. Other users' folders stay as they are, and so does
    what another task removes at this moment.
    """
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):
            _remove_if_left(lock)


def _remove_if_left(lock: Path) -> None:
    if lock.parent.stat().st_uid != os.getuid():
        return
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock.stat().st_mtime < time.time() - _YOUNG:
            shutil.rmtree(lock.parent, ignore_errors=True)


def _batches(items: Sequence[tuple[Item, str]], most: int) -> Iterator[list[tuple[Item, str]]]:
    batch: list[tuple[Item, str]] = []
    room = most
    for item, mark in items:
        if item.size > most:
            raise _too_large(item, most)
        # What a compressed file holds is not known, so it comes alone.
        needed = most if item.name.endswith(".gz") else item.size
        if needed > room and batch:
            yield batch
            batch, room = [], most
        batch.append((item, mark))
        room -= needed
    if batch:
        yield batch


def _too_large(item: Item, most: int) -> AnswersTooLargeError:
    return AnswersTooLargeError(
        asked=item.address, found=f"one file with more than the spool's {most // MEGABYTE} MB"
    )


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what gzip's members hold, in pieces; a cut one is an error."""
    rest, inflate = b"", zlib.decompressobj(wbits=31)
    for piece in packed:
        rest += piece
        while rest:
            if inflate.eof:
                inflate = zlib.decompressobj(wbits=31)
            yield inflate.decompress(rest, CHUNK)
            rest = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
    yield inflate.flush()
    if not inflate.eof:
        raise zlib.error


def _form(path: Path) -> Form:
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(_PARQUET):
        return "parquet"
    return "jsonl" if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" else "csv"


def _longest(path: Path) -> int:
    """Return bytes that DuckDB must allow for a line; short files need not be looked at."""
    if path.stat().st_size <= LINE:
        return LINE
    longest = length = 0
    with path.open("rb") as file:
        for piece in chunks(file):
            head, *others = piece.split(b"\n")
            for part in others:
                longest, length = max(longest, length + len(head)), 0
                head = part
            length += len(head)
    return max(LINE, longest + CHUNK, length + CHUNK)
