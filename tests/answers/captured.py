"""Captured records as SageMaker writes them, and short ways to compare some."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_shadow.analysis.answer_sums import AnswerSums
from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers import compare_files

#: Ten o'clock of a day (2026-03-02T10:00:00Z), and its minute and hour since 1970.
TEN = 1772445600
MINUTE, HOUR = TEN // 60, TEN // 3600
JSON, CSV = "application/json", "text/csv"


def record(
    answer: Any,
    *,
    inference_id: str | None = None,
    event_id: str | None = None,
    at: float = TEN,
    given: str = "",
    kind: str = JSON,
    encoding: str | None = None,
    time: str | None = None,
) -> dict[str, Any]:
    """Return a record; an answer that is no text is written as JSON."""
    data = answer if isinstance(answer, str) else json.dumps(answer)
    encoding = encoding or {JSON: "JSON", CSV: "CSV"}.get(kind, "JSON")
    if encoding == "BASE64":
        data = base64.b64encode(data.encode()).decode()
    ids = {"eventId": event_id, "inferenceId": inference_id}
    written = f"{datetime.fromtimestamp(at, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "captureData": {
            "endpointInput": {
                "observedContentType": CSV,
                "mode": "INPUT",
                "data": given,
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": kind,
                "mode": "OUTPUT",
                "data": data,
                "encoding": encoding,
            },
        },
        "eventMetadata": {
            **{name: each for name, each in ids.items() if each is not None},
            "inferenceTime": written if time is None else time,
        },
        "eventVersion": "0",
    }


def lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    """Return records as JSON lines."""
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records).encode()


def compared(
    folder: Path,
    output: Output,
    production: Sequence[Mapping[str, Any]] | bytes,
    shadow: Sequence[Mapping[str, Any]] | bytes,
    **settings: Any,
) -> AnswerSums:
    """Return the sums of some records of both sides, whenever they were made."""
    paths = []
    for name, side in (("production", production), ("shadow", shadow)):
        path = folder / f"{name}.jsonl"
        path.write_bytes(side if isinstance(side, bytes) else lines(side))
        paths.append(path)
    span = {"start": 0, "end": 4e9} | settings
    return compare_files({"it": output}, production=paths[:1], shadow=paths[1:], **span)


def totals(sums: AnswerSums, name: str = "it") -> dict[str, float]:
    """Return the totals of one output's columns, over all minutes."""
    table = sums.outputs[name]
    return {column: sum(numbers) for column, numbers in table.items() if column != "minute"}


def counts(sums: AnswerSums) -> dict[str, float]:
    """Return the totals of the records' columns that are not zero."""
    table = {column: sum(numbers) for column, numbers in sums.records.items() if column != "minute"}
    return {column: number for column, number in table.items() if number}
