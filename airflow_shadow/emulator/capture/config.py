"""How an endpoint captures, and since when."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from airflow_shadow.emulator.capture.times import Stretch, Written


class Place(NamedTuple):
    """A folder in S3; a prefix that is not empty ends with a slash."""

    bucket: str
    prefix: str

    @classmethod
    def read(cls, uri: str) -> Self:
        """Return the folder of `s3://bucket/prefix`. Raises ValueError for other addresses."""
        parts = urlsplit(uri)
        if parts.scheme != "s3" or not parts.netloc:
            raise ValueError(f"{uri!r} is no address in S3; give s3://bucket/prefix.")
        prefix = parts.path.strip("/")
        return cls(parts.netloc, f"{prefix}/" if prefix else "")


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A DataCaptureConfig that is enabled."""

    place: Place
    sampling: float
    csv_types: frozenset[str]
    json_types: frozenset[str]
    modes: frozenset[str]

    @classmethod
    def read(cls, document: dict[str, Any] | None) -> Self | None:
        """Return what a DataCaptureConfig asks for, None if it captures nothing in S3."""
        uri = str((document or {}).get("DestinationS3Uri"))
        if not document or not document.get("EnableCapture") or not uri.startswith("s3://"):
            return None
        types = document.get("CaptureContentTypeHeader") or {}
        csv, json = (
            frozenset(one.lower() for one in types.get(name) or ())
            for name in ("CsvContentTypes", "JsonContentTypes")
        )
        return cls(
            place=Place.read(uri),
            sampling=document["InitialSamplingPercentage"] / 100,
            csv_types=csv,
            json_types=json,
            modes=frozenset(one["CaptureMode"] for one in document["CaptureOptions"]),
        )

    def encoding(self, content_type: str) -> str:
        """Return how contents of a type are written: types that are not listed as BASE64."""
        if content_type in self.json_types:
            return "JSON"
        return "CSV" if content_type in self.csv_types else "BASE64"

    def has(self, side: str) -> bool:
        """Whether the `Input` or the `Output` is captured."""
        return bool(self.modes & {side, "InputAndOutput"})


@dataclass(kw_only=True)
class CaptureSpan:
    """A time in which an endpoint captured in one way; what is written of it, by variant."""

    capture: Capture
    since: datetime
    until: datetime | None = None
    written: dict[str, Written] = field(default_factory=dict)

    @property
    def stretch(self) -> Stretch:
        """The time in minutes since 1970."""
        end = self.until.timestamp() / 60 if self.until else float("inf")
        return Stretch(self.since.timestamp() / 60, end)


def record_capture(spans: list[CaptureSpan], document: dict[str, Any] | None, at: datetime) -> None:
    """Let an endpoint capture as a DataCaptureConfig says from a time on; None ends it."""
    capture = Capture.read(document)
    current = spans[-1] if spans and spans[-1].until is None else None
    if current and current.capture == capture:
        return
    if current:
        current.until = at
    if capture:
        spans.append(CaptureSpan(capture=capture, since=at))
