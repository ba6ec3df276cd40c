"""What an answer says, by Python's own JSON and CSV readers held to strict rules.

Independent of the engine and of its SQL: the tests hold both against each other.
"""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any

from airflow_shadow.analysis.answer_path import AnswerPath, parse_answer
from airflow_shadow.analysis.outputs import Output

# Python's readers are recursive, and some answers are deep.
sys.setrecursionlimit(10_000)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0+)?")
_SPACE = " \t\n\r"
#: A place that the path does not lead to, or that cannot be read.
BROKEN = None


class _Number(str):
    """A number as text: whole ones with all their digits, others by their value."""

    __slots__ = ()


def _whole(text: str) -> _Number:
    return _Number("0" if text == "-0" else text)


def _other(text: str) -> _Number:
    return _Number(repr(float(text)) if math.isfinite(float(text)) else text)


def _refuse(text: str) -> None:
    raise ValueError(text)


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a name that is given twice the first counts."""
    return dict(reversed(pairs))


def strict(text: str) -> Any:
    """Return what one JSON text holds.

    :raises ValueError: it is none, or holds text that is no Unicode
    """
    value = json.loads(
        text,
        parse_constant=_refuse,
        parse_int=_whole,
        parse_float=_other,
        object_pairs_hook=_first,
    )
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _follow(value: Any, steps: tuple[Any, ...]) -> list[Any]:
    """Return the places that steps lead to; one that leads nowhere is one broken place."""
    if not steps:
        return [value]
    step, rest = steps[0], steps[1:]
    if step is None:
        items = value if isinstance(value, list) else []
        return [place for item in items for place in _follow(item, rest)] or [BROKEN]
    is_there = (
        step < len(value)
        if isinstance(value, list) and isinstance(step, int)
        else isinstance(value, dict) and isinstance(step, str) and step in value
    )
    return _follow(value[step], rest) if is_there else [BROKEN]


def _number(text: str) -> str | None:
    is_number = _NUMBER.fullmatch(text) and math.isfinite(float(text)) and abs(float(text)) <= 1e30
    return repr(float(text)) if is_number else BROKEN


def _of_text(text: str, kind: str) -> str | None:
    """Return the meaning of text: scores as Python writes them, other kinds as they are."""
    text = text.strip(_SPACE)
    if kind == "score":
        return _number(text)
    if kind == "label" and (match := _WHOLE.fullmatch(text)):
        return "0" if match[1] == "-0" else match[1]
    if kind == "json":
        try:
            return _of_json(strict(text), kind)
        except (ValueError, RecursionError):
            return BROKEN
    return text or BROKEN


def _of_json(value: Any, kind: str) -> str | None:
    """Return the meaning of a value in JSON."""
    if value is None:
        return BROKEN
    if kind == "json":
        return written(value)
    if isinstance(value, list | dict):
        return written(value) if kind == "text" else BROKEN
    return _of_text(str(value).lower() if isinstance(value, bool) else str(value), kind)


def written(value: Any) -> str:
    """Return JSON without blanks."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        inner = (f"{json.dumps(k, ensure_ascii=False)}:{written(v)}" for k, v in value.items())
        return "{" + ",".join(inner) + "}"
    return json.dumps(value, ensure_ascii=False)


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").rstrip("\n").split("\n")


def _fields(line: str) -> list[str]:
    """Return the fields of a line of CSV, none if its quotes are not as RFC 4180 has them."""
    fields, rest = [], line + ","
    while rest:
        match = re.match(r'(?:"((?:[^"]|"")*)"|([^",]*)),', rest)
        if match is None:
            return []
        quoted = match[1]
        fields.append(match[2] if quoted is None else quoted.replace('""', '"'))
        rest = rest[match.end() :]
    return fields


def _json_places(text: str, path: AnswerPath, kind: str) -> list[str | None]:
    try:
        found = _follow(strict(text), path.steps)
    except (ValueError, RecursionError):
        return [BROKEN]
    return [_of_json(value, kind) for value in found]


def _csv_places(text: str, column: int | str, kind: str) -> list[str | None]:
    rows = [_fields(line) for line in _lines(text)]
    at = column
    if isinstance(column, str):
        header, *rows = rows
        at = header.index(column) if column in header else len(text)
    read = [_of_text(row[int(at)], kind) if int(at) < len(row) else BROKEN for row in rows]
    return read or [BROKEN]


def places(answer: str, output: Output, content_type: str) -> list[str | None]:
    """Return what the compared places of an answer say, None where they are broken."""
    path = parse_answer(output.answer)
    kind = content_type.partition(";")[0].lower()
    is_lines = "jsonl" in kind or "ndjson" in kind
    is_json, is_csv = "json" in kind and not is_lines, "csv" in kind
    answer = answer.lstrip("\ufeff")
    if path.column is not None:
        is_other = is_json or is_lines
        return [BROKEN] if is_other else _csv_places(answer, path.column, output.kind)
    if is_lines:
        found = [_json_places(line, path, output.kind) for line in _lines(answer)]
        return [place for each in found for place in each]
    if path.steps:
        return [BROKEN] if is_csv else _json_places(answer, path, output.kind)
    if is_json:
        return _json_places(answer, path, output.kind)
    return [_of_text(answer, output.kind)]
