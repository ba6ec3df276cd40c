"""Files that are read on many machines: each task of Spark reads a share of them with DuckDB.

So what is broken is said in one place, the reader of `dialect`, whatever joins and sums.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.clients import s3_client
from airflow_shadow.answers.comparison import Comparison
from airflow_shadow.answers.engine import Engine
from airflow_shadow.answers.items import Item, local
from airflow_shadow.answers.spool import MEGABYTE, Spool
from airflow_shadow.answers.store import CaptureStore
from airflow_shadow.exceptions import ShadowError

#: Megabytes of files that a task reads, unless one file has more.
SHARE_MB = 64
#: Columns of what is read, and their types in Spark; captures have those of their answers, too.
COLUMNS: Mapping[str, str] = {
    "captures": "side STRING, inference_id STRING, event_id STRING, input_key STRING, at_ms BIGINT",
    "labels": "id STRING, t STRING",
    "own": "id STRING, side STRING, name STRING, number DOUBLE",
}
#: Spark has no unsigned numbers.
_CAPTURES = "SELECT * REPLACE (CAST(input_key AS VARCHAR) AS input_key) FROM captures"


@dataclass(frozen=True, kw_only=True)
class File:
    """Name a file so that another machine finds it.

    :param side: of a capture
    """

    address: str
    version: str
    size: int
    side: Literal["", "production", "shadow"] = ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Hold how files become rows, the same for all tasks.

    :param what: `captures`, `labels` or `own`
    :param n: number of the output that labels and own numbers are of
    :param variants: names of both variants, as own numbers have them
    :param spool_mb: megabytes of files that a task has on disk at a time
    :param memory_mb: megabytes of a task's DuckDB
    """

    what: Literal["captures", "labels", "own"]
    outputs: Mapping[str, Output]
    variants: tuple[str, str]
    spool_mb: int
    memory_mb: int
    n: int = 0

    @property
    def schema(self) -> str:
        """Return the columns of :meth:`rows` in Spark's words; the first tells what went wrong."""
        columns = f"problem STRING, {COLUMNS[self.what]}"
        if self.what == "captures":
            for n in range(len(self.outputs)):
                columns += f", answer_{n} STRING, shape_{n} STRING"
        return columns

    def rows(self, shares: Iterable[list[File]]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of some shares, or a row with an error of ours.

        An exception would come back as text, with the lines of code that it went through.
        """
        nothing = [None] * self.schema.count(",")
        for share in shares:
            try:
                for row in self._read(share):
                    yield (None, *row)
            except ShadowError as error:
                yield (json.dumps(error.to_dict()), *nothing)

    def _read(self, share: list[File]) -> list[tuple[Any, ...]]:
        with (
            Spool(self.spool_mb) as spool,
            Engine(
                spool.folder, memory_mb=self.memory_mb, spool_mb=self.spool_mb, threads=1
            ) as engine,
        ):
            production, shadow = self.variants
            comparison = Comparison(
                engine, spool, self.outputs, production=production, shadow=shadow
            )
            if self.what != "captures":
                comparison.read_beside(self.what, self.n, _items(share))
                return engine.run(f"SELECT * FROM read_{self.what}_{self.n}")
            sides = {
                side: _items(file for file in share if file.side == side)
                for side in ("production", "shadow")
            }
            comparison.read_captures("captures", **sides)
            return engine.run(_CAPTURES)


def shares_of(files: Iterable[File]) -> list[list[File]]:
    """Return files in shares of about :data:`SHARE_MB`."""
    shares: list[list[File]] = []
    room = 0
    for file in files:
        if file.size > room or not shares:
            shares.append([])
            room = SHARE_MB * MEGABYTE
        shares[-1].append(file)
        room -= file.size
    return shares


def _items(files: Iterable[File]) -> list[Item]:
    client: Any = None
    items = []
    for file in files:
        if "://" not in file.address:
            items.append(local(Path(file.address)))
            continue
        client = client or s3_client()
        store = CaptureStore(client, destination="s3://any", endpoint="any")
        items.append(store.item(file.address, version=file.version, size=file.size))
    return items
