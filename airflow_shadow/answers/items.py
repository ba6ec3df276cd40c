"""What is read: files of captures, labels and own numbers, wherever they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

#: Bytes that are read at a time.
CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Item:
    """Name one file and how to get it.

    :param address: where it is, for errors
    :param version: changes with its content, such as an ETag
    :param size: bytes
    :param save: writes it into a file, or links it there
    """

    address: str
    version: str
    size: int
    save: Callable[[Path], None] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Return the last part of the address."""
        return self.address.rpartition("/")[2]


class Store(Protocol):
    """Where captures are, by hour and variant."""

    def captured(self, variant: str, hour: int) -> list[Item]:
        """Return the files of one variant and hour (hours since 1970)."""

    def below(self, address: str) -> list[Item]:
        """Return all files below an address of labels or own numbers."""

    def holds(self, address: str) -> bool:
        """Tell whether an address is inside the captures."""


def local(path: Path) -> Item:
    """Return a local file, which is linked and not copied where that is possible."""
    state = path.stat()
    return Item(
        address=str(path),
        version=f"{state.st_mtime_ns}-{state.st_size}",
        size=state.st_size,
        save=lambda target: _link(path, target),
    )


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what a stream holds, piece by piece."""
    while piece := stream.read(CHUNK):
        yield piece
