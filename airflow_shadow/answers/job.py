"""A comparison as a document, for what runs outside of Airflow: a Processing job, or Spark."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_shadow.analysis import AnalysisSpec, read_spec
from airflow_shadow.analysis.answer_sums import AnswerSums
from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.clients import s3_client
from airflow_shadow.answers.compare import MEMORY_MB, SPOOL_MB, Comparing, Limits, compare_captures
from airflow_shadow.answers.hours import AROUND, listed
from airflow_shadow.answers.items import Item, Store
from airflow_shadow.answers.results import key_of
from airflow_shadow.answers.store import HOUR, CaptureStore, FolderStore
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.messages import short_repr
from airflow_shadow.text.values import epoch

_CAPTURED_AT = re.compile(r"([0-5]\d)-[0-5]\d-\d{3}-")
_NAME_LENGTH, _HASH_LENGTH = 36, 20


@dataclass(frozen=True, kw_only=True)
class ComparisonJob:
    """Hold what is compared: the fields of the document.

    :param captures: where the endpoint captures, `s3://bucket/prefix` or a folder like it
    :param endpoint: the endpoint's name
    :param production: name of the production variant
    :param shadow: name of the shadow variant
    :param start: from when production's records count, in seconds since 1970
    :param end: before when they count, in seconds since 1970
    :param answers: the outputs, as in a specification
    :param results: where sums of hours are kept
    :param sums: a file for the sums of all hours, in S3 or local
    :param spool_mb: megabytes of files on disk; on Spark, of each task
    :param memory_mb: megabytes of DuckDB; on Spark, of each task
    """

    captures: str
    endpoint: str
    production: str
    shadow: str
    start: float
    end: float
    answers: Mapping[str, Output] = field(repr=False)
    results: str | None = None
    sums: str | None = None
    spool_mb: int = SPOOL_MB
    memory_mb: int = MEMORY_MB

    @classmethod
    def read(cls, text: str) -> ComparisonJob:
        """Return what a document in JSON says; times may be ISO-8601, too.

        :raises InvalidRequestError: it is no such document
        """
        try:
            fields = json.loads(text)
            outputs = read_spec({"answers": fields["answers"]}).answers
            times = {name: epoch(fields[name]) for name in ("start", "end")}
            sizes = {
                name: int(fields[name]) for name in ("spool_mb", "memory_mb") if name in fields
            }
            return cls(**{**fields, **times, **sizes, "answers": outputs})
        except (KeyError, TypeError, ValueError) as error:
            found = f"{type(error).__name__}: {short_repr(str(error))}"
        needed = ", ".join(sorted(cls.__dataclass_fields__))
        raise InvalidRequestError(
            asked="the document of a comparison of answers",
            found=found,
            next_step=f"Give JSON with the fields {needed}; results, sums, spool_mb and memory_mb "
            "may be left out.",
        )

    def text(self) -> str:
        """Return the document, which :meth:`read` reads back."""
        answers = AnalysisSpec(answers=self.answers).to_dict()["answers"]
        return json.dumps({**vars(self), "answers": answers}, sort_keys=True)

    def run(self, *, on: Comparing | None = None) -> AnswerSums:
        """Compare with the machine's own rights, write the sums, and return them.

        :param on: where it runs, DuckDB in this process by default
        :raises ShadowError: as :func:`~airflow_shadow.answers.compare_captures` does
        """
        in_s3 = "://" in self.captures or "://" in str(self.sums)
        client = s3_client() if in_s3 else None
        sums = compare_captures(
            self.store(client),
            self.answers,
            production=self.production,
            shadow=self.shadow,
            start=self.start,
            end=self.end,
            results=self.results,
            limits=Limits(spool_mb=self.spool_mb, memory_mb=self.memory_mb),
            on=on,
        )
        self._write(client, json.dumps(sums.to_dict()).encode())
        return sums

    def store(self, client: Any) -> CaptureStore | FolderStore:
        """Return where the captures are.

        :param client: boto3's client of S3, if they are there
        """
        if "://" in self.captures:
            return CaptureStore(client, destination=self.captures, endpoint=self.endpoint)
        return FolderStore(Path(self.captures), endpoint=self.endpoint)

    def _write(self, client: Any, content: bytes) -> None:
        if self.sums is None:
            return
        if "://" in self.sums:
            CaptureStore(client, destination=self.sums, endpoint="").write(self.sums, content)
        else:
            Path(self.sums).write_bytes(content)

    def name(self, store: Store, *settings: Any) -> str | None:
        """Return a name for a job that runs this; None if there is no captured file at all.

        The same files give the same name, so that a task that runs again finds its own job, and
        new files give another.

        :param settings: what else tells one job from another
        """
        files = self._captured(store)
        if not files:
            return None
        for folders in ("labels", "values"):
            places = {name: getattr(output, folders) for name, output in self.answers.items()}
            files += [
                item for items in listed(store, places, self.start).values() for item in items
            ]
        made_of = key_of(
            self.answers, files, job=self.text(), settings=json.dumps(settings, default=str)
        )
        readable = re.sub("[^A-Za-z0-9]+", "-", self.endpoint)[:_NAME_LENGTH].strip("-")
        return f"{readable}-{made_of[:_HASH_LENGTH]}"

    def _captured(self, store: Store) -> list[Item]:
        """Return the files of the window and of some minutes around it: later ones go on coming."""
        hours = range(math.floor(self.start / HOUR) - 1, math.ceil(self.end / HOUR) + 1)
        return [
            item
            for hour in hours
            for variant in (self.production, self.shadow)
            for item in store.captured(variant, hour)
            if self._is_near(item, hour)
        ]

    def _is_near(self, item: Item, hour: int) -> bool:
        match = _CAPTURED_AT.match(item.name)
        at = hour * HOUR + int(match[1]) * 60 if match else self.start
        return self.start - AROUND * 60 <= at < self.end + AROUND * 60
