"""A captured request as a line, in the format of SageMaker's data capture."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from airflow_shadow.emulator.capture import bodies
from airflow_shadow.emulator.capture.answers import Answers, ContentType
from airflow_shadow.emulator.capture.config import Capture
from airflow_shadow.emulator.capture.moods import Mood
from airflow_shadow.emulator.capture.received import Failure
from airflow_shadow.emulator.capture.requests import Request

_JSON = "application/json"
_FAILED: dict[Failure, str] = {
    "server": '{"error": "internal server error"}',
    "client": '{"error": "bad request"}',
}


class Line(NamedTuple):
    """A record; `at` is its time in seconds since 1970."""

    at: float
    text: str


class Record(NamedTuple):
    """A request that a variant got, what it answered, and the ids of both."""

    at: float
    request: Request
    mood: Mood
    failure: Failure | None
    event: str

    @property
    def id(self) -> str:
        """The id that labels name: the caller's, else the event's."""
        return self.request.inference_id or self.event


def line(record: Record, capture: Capture, answers: Answers, asked: ContentType) -> Line:
    """Return the line of a record.

    asked: the content type of the request.
    """
    sides = []
    if capture.has("Input"):
        sides.append(_side("Input", asked, bodies.question(record.request, asked), capture))
    if capture.has("Output"):
        sides.extend(_output(record, capture, answers))
    given = record.request.inference_id
    ids = f'"eventId":"{record.event}"' + (f',"inferenceId":"{given}"' if given else "")
    text = (
        f'{{"captureData":{{{",".join(sides)}}},"eventMetadata":{{{ids},'
        f'"inferenceTime":"{_time(record.at)}"}},"eventVersion":"0"}}\n'
    )
    return Line(record.at, text)


def _output(record: Record, capture: Capture, answers: Answers) -> Iterator[str]:
    """Yield the answer; a request without one has no output (assumed: failed-captures)."""
    if record.failure is None:
        body = bodies.answer(answers, record.request, record.mood)
        yield _side("Output", answers.content_type, body, capture)
    elif record.failure in _FAILED:
        yield _side("Output", _JSON, _FAILED[record.failure], capture)


def _side(name: str, content_type: str, body: str, capture: Capture) -> str:
    encoding = capture.encoding(content_type)
    data = base64.b64encode(body.encode()).decode() if encoding == "BASE64" else body
    return (
        f'"endpoint{name}":{{"observedContentType":"{content_type}","mode":"{name.upper()}",'
        f'"data":{json.dumps(data)},"encoding":"{encoding}"}}'
    )


def _time(at: float) -> str:
    """Return a time in whole seconds, which is what captures have."""
    minute, second = divmod(int(at), 60)
    return f"{_minute(minute)}:{second:02d}Z"


@lru_cache(maxsize=16)
def _minute(minute: int) -> str:
    return f"{datetime.fromtimestamp(minute * 60, UTC):%Y-%m-%dT%H:%M}"
