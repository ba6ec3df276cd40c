"""Names of files that SageMaker writes, in folders of the hours."""

from datetime import UTC, datetime
from functools import lru_cache
from random import Random
from typing import NamedTuple

from airflow_shadow.emulator.capture.requests import make_id

_HOUR = 3600


class File(NamedTuple):
    """A file; its time, in seconds since 1970, is when it is written."""

    key: str
    body: bytes
    at: float


@lru_cache(maxsize=1024)
def folder(hour: int) -> str:
    """Return the folder of an hour since 1970: `yyyy/mm/dd/hh/`."""
    return f"{datetime.fromtimestamp(hour * _HOUR, UTC):%Y/%m/%d/%H}/"


def name(at: float, random: Random, *, suffix: str = "jsonl") -> str:
    """Return the folder and the name of a file whose first record has this time."""
    time = datetime.fromtimestamp(at, UTC)
    milliseconds = time.microsecond // 1000
    return f"{time:%Y/%m/%d/%H/%M-%S}-{milliseconds:03d}-{make_id(random)}.{suffix}"


def fits(path: str, prefix: str) -> bool:
    """Whether files below a path can have a prefix."""
    return path.startswith(prefix) or prefix.startswith(path)
