"""A file of disagreements: the only place where contents of answers are written, on request."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_shadow.answers.comparison import Comparison


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Hold how many disagreements are written, and where.

    :param most: how many of each output
    :param path: a file, which is replaced and which only its owner may read
    """

    most: int
    path: Path


class Writer:
    """Write disagreements as JSON lines, or nothing at all.

    :param examples: None writes nothing
    """

    def __init__(self, examples: Examples | None) -> None:
        self._examples = examples
        self._written: dict[str, int] = {}
        self._is_made = False
        if examples is not None:
            examples.path.unlink(missing_ok=True)

    def add(self, comparison: Comparison, *, first: float, end: float) -> None:
        """Write disagreements of the records that were summed last."""
        if self._examples is None:
            return
        for n, name in enumerate(comparison.outputs):
            most = self._examples.most - self._written.get(name, 0)
            rows = comparison.examples(n, most=most, first=first, end=end)
            self._written[name] = self._written.get(name, 0) + len(rows)
            self._write(self._examples.path, [_line(name, row) for row in rows])

    def _write(self, path: Path, lines: list[str]) -> None:
        # Made anew, or another user's file of this name would be filled.
        made = 0 if self._is_made else os.O_CREAT | os.O_EXCL
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | made, 0o600)
        self._is_made = True
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(lines)


def _line(name: str, row: tuple[Any, ...]) -> str:
    inference_id, event_id, at_ms, production, shadow = row
    pair = {
        "output": name,
        "time": datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat(),
        "inferenceId": inference_id,
        "eventId": event_id,
        "production": production,
        "shadow": shadow,
    }
    return json.dumps(pair, ensure_ascii=False) + "\n"
