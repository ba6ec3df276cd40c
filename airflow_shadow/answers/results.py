"""Sums of hours that are done, kept outside the captures, so that nothing is read twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from airflow_shadow.analysis.answer_sums import VERSION, AnswerSums
from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.items import Item, Store
from airflow_shadow.answers.store import CaptureStore
from airflow_shadow.exceptions import InvalidRequestError

#: Raised with every change of what is summed or how records are joined.
RULES = 2


class Results:
    """Keep sums by what they were made of.

    :param place: ``s3://bucket/folder/`` or a local folder; None keeps nothing there
    :param store: where the captures are
    :param known: sums that this process has already, to which new ones are added
    :raises InvalidRequestError: the place is inside the captures, or in S3 without a client
    """

    def __init__(
        self, place: str | None, store: Store, known: dict[str, AnswerSums] | None = None
    ) -> None:
        if place is not None and store.holds(place):
            raise InvalidRequestError(
                asked=f"results in {place}",
                found="captures are written there, and results would be read as such",
                next_step="Give a folder outside the captures.",
            )
        if place is not None and "://" in place and not isinstance(store, CaptureStore):
            raise InvalidRequestError(
                asked=f"results in {place}",
                found="the captures are in a local folder",
                next_step="Give a local folder.",
            )
        self._place, self._store = place, store
        self._known = {} if known is None else known

    def get(self, key: str) -> AnswerSums | None:
        """Return the sums of a key, None if there are none or they cannot be read."""
        if key in self._known:
            return self._known[key]
        content = self._read(key) if self._place is not None else None
        if content is not None:
            # A result that is broken is made again.
            with suppress(ValueError, RecursionError, InvalidRequestError):
                return AnswerSums.from_dict(json.loads(content))
        return None

    def put(self, key: str, sums: AnswerSums) -> None:
        """Keep the sums of a key."""
        self._known[key] = sums
        if self._place is None:
            return
        content = json.dumps(sums.to_dict(), separators=(",", ":")).encode()
        if isinstance(self._store, CaptureStore) and "://" in self._place:
            self._store.write(self._address(key), content)
        else:
            _replace(Path(self._place) / f"{key}.json", content)

    def _read(self, key: str) -> bytes | None:
        if isinstance(self._store, CaptureStore) and "://" in str(self._place):
            return self._store.read(self._address(key))
        path = Path(str(self._place)) / f"{key}.json"
        return path.read_bytes() if path.is_file() else None

    def _address(self, key: str) -> str:
        return f"{str(self._place).rstrip('/')}/{key}.json"


def _replace(path: Path, content: bytes) -> None:
    """Write a file at once, so that a killed task leaves no half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of its own name, for another task may keep the same sums at this moment.
    part = path.with_suffix(f".{uuid4().hex}.part")
    part.write_bytes(content)
    part.replace(path)


def key_of(outputs: Mapping[str, Output], items: Iterable[Item], /, **settings: str | float) -> str:
    """Return what sums are kept by: a hash of all that they depend on.

    :param items: the files of captures, labels and own numbers
    :param settings: variants and times
    """
    # A whole number of seconds is the same time however it is written.
    plain = {k: v if isinstance(v, str) else float(v) for k, v in settings.items()}
    made_of: list[Any] = [VERSION, RULES, plain]
    made_of += [[name, repr(output)] for name, output in outputs.items()]
    made_of += sorted([item.address, item.version] for item in items)
    return sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
