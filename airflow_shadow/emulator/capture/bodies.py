"""Requests and answers as texts of their content types."""

import math
from collections.abc import Callable, Iterable

from airflow_shadow.emulator.capture.answers import Answers, ContentType
from airflow_shadow.emulator.capture.moods import Mood
from airflow_shadow.emulator.capture.replies import Reply, Value, reply
from airflow_shadow.emulator.capture.requests import Request

_RUBBISH = "<!--"
_QUOTE = '"'
_MANNERS = ("empty", "garbled", "nan", "shape")


def question(request: Request, content_type: ContentType) -> str:
    """Return a request's body."""
    if content_type == "text/csv":
        return _lines(",".join(map(str, row.features)) for row in request.rows)
    if content_type == "text/plain":
        return _lines(" ".join(map(str, row.features)) for row in request.rows)
    rows = [f'{{"features": {list(row.features)}}}' for row in request.rows]
    if content_type == "application/jsonlines":
        return _lines(rows)
    return f'{{"instances": [{", ".join(rows)}]}}'


def answer(answers: Answers, request: Request, mood: Mood) -> str:
    """Return the body of a model's answer."""
    rows = zip(request.rows, mood.rows, strict=True)
    replies = [reply(answers, row, own) for row, own in rows]
    if mood.broken < answers.broken:
        return _broken(answers, replies, mood.manner)
    return _body(answers, replies)


def _broken(answers: Answers, replies: list[Reply], number: float) -> str:
    """Return a broken answer; a number from 0 to 1 chooses how, if any way will do."""
    manner: str = answers.broken_as
    if manner == "any":
        manner = _MANNERS[int(number * len(_MANNERS))]
    if manner == "empty":
        return ""
    if manner == "nan":
        return _body(answers, [dict.fromkeys(one, math.nan) for one in replies])
    if manner == "shape":
        return _body(answers, replies[:-1])
    body = _body(answers, replies)
    return body[: len(body) // 2] + _RUBBISH


def _body(answers: Answers, replies: list[Reply]) -> str:
    return _BODIES[answers.content_type](replies)


def _json(replies: list[Reply]) -> str:
    return f'{{"predictions": [{", ".join(map(_object, replies))}]}}'


def _json_lines(replies: list[Reply]) -> str:
    return _lines(map(_object, replies))


def _object(reply: Reply) -> str:
    """Return an answer as JSON; the json module takes ten times as long for one so small."""
    members = (f'"{name}": {_cell(value, quote=_QUOTE)}' for name, value in reply.items())
    return f"{{{', '.join(members)}}}"


def _csv(replies: list[Reply]) -> str:
    return _lines(",".join(_cell(value, quote=_QUOTE) for value in one.values()) for one in replies)


def _plain(replies: list[Reply]) -> str:
    return "\n".join(" ".join(_cell(value) for value in one.values()) for one in replies)


def _cell(value: Value, *, quote: str = "") -> str:
    """Return a value; texts have no characters that would need an escape."""
    if isinstance(value, str):
        return f"{quote}{value}{quote}"
    return "NaN" if math.isnan(value) else str(value)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


_BODIES: dict[str, Callable[[list[Reply]], str]] = {
    "application/json": _json,
    "application/jsonlines": _json_lines,
    "text/csv": _csv,
    "text/plain": _plain,
}
