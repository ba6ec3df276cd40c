"""Compare the captured answers of two variants, hour by hour or of given files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from airflow_shadow.analysis.answer_sums import AnswerSums
from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.comparison import Comparison
from airflow_shadow.answers.engine import Engine
from airflow_shadow.answers.examples import Examples, Writer
from airflow_shadow.answers.hours import Hours, listed, read_beside
from airflow_shadow.answers.items import Store, local
from airflow_shadow.answers.results import Results
from airflow_shadow.answers.spool import Spool
from airflow_shadow.answers.store import HOUR

SPOOL_MB, MEMORY_MB, THREADS = 512, 384, 2
#: Files of labels, or of own numbers, of each output.
Beside = Mapping[str, Sequence[Path]]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Hold what a comparison may use.

    :param spool_mb: megabytes of files on disk, and four times as many that DuckDB may spill
    :param memory_mb: megabytes of DuckDB's memory; the process uses some more
    :param threads: of DuckDB
    """

    spool_mb: int = SPOOL_MB
    memory_mb: int = MEMORY_MB
    threads: int = THREADS


class Comparing(Protocol):
    """Where a comparison runs: DuckDB in this process (:func:`comparing`), or Spark."""

    def __call__(
        self,
        outputs: Mapping[str, Output],
        variants: tuple[str, str],
        limits: Limits | None,
        examples: Examples | None,
    ) -> AbstractContextManager[tuple[Comparison, Writer]]:
        """Yield a comparison that cleans up after itself, and where examples go."""


def compare_files(
    outputs: Mapping[str, Output],
    *,
    production: Sequence[Path],
    shadow: Sequence[Path],
    start: float,
    end: float,
    labels: Beside | None = None,
    values: Beside | None = None,
    variants: tuple[str, str] = ("production", "shadow"),
    limits: Limits | None = None,
    examples: Examples | None = None,
    on: Comparing | None = None,
) -> AnswerSums:
    """Return the sums of the captures in local files.

    :param outputs: what is compared, by name
    :param production: files of the production variant
    :param shadow: files of the shadow variant
    :param start: seconds since 1970 from which production's records count
    :param end: seconds since 1970 before which they count
    :param labels: files of the labels of outputs that have some
    :param values: files of own numbers of outputs that have some
    :param variants: names of both variants, as own numbers have them
    :param on: where it runs, DuckDB in this process by default
    :raises AnswersError: they cannot be read, or not within the limits
    """
    beside = {
        "labels": {name: [local(path) for path in paths] for name, paths in (labels or {}).items()},
        "own": {name: [local(path) for path in paths] for name, paths in (values or {}).items()},
    }
    with (on or comparing)(outputs, variants, limits, examples) as (comparison, writer):
        counts = read_beside(comparison, beside)
        comparison.read_captures(
            "part", production=[*map(local, production)], shadow=[*map(local, shadow)]
        )
        sums = comparison.sums(["part"], first=start, end=end)
        writer.add(comparison, first=start, end=end)
        notes = {**counts, **comparison.malformed(["part"])}
    return sums + AnswerSums(notes=notes)


def compare_captures(
    store: Store,
    outputs: Mapping[str, Output],
    *,
    production: str,
    shadow: str,
    start: float,
    end: float,
    results: str | None = None,
    known: dict[str, AnswerSums] | None = None,
    limits: Limits | None = None,
    examples: Examples | None = None,
    on: Comparing | None = None,
) -> AnswerSums:
    """Return the sums of what an endpoint captured, hour by hour.

    :param store: where the captures are
    :param outputs: what is compared, by name; labels and own numbers are read where they say
    :param production: name of the production variant
    :param shadow: name of the shadow variant
    :param start: seconds since 1970 from which production's records count
    :param end: seconds since 1970 before which they count
    :param results: where the sums of hours that are done are kept (``s3://bucket/folder/`` or a
        local folder, outside the captures), so that another try reads only what is new
    :param known: what an earlier call of this process was given and filled, so that it need not be
        read again, with or without `results`
    :param examples: off by default; of hours whose sums were kept there are none
    :param on: where it runs, DuckDB in this process by default
    :raises AnswersError: something cannot be read, or not within the limits
    :raises AwsError: S3 refuses, or is out of reach
    :raises InvalidRequestError: results would be inside the captures
    """
    kept = Results(results, store, known)
    beside = {
        "labels": listed(store, {name: output.labels for name, output in outputs.items()}, start),
        "own": listed(store, {name: output.values for name, output in outputs.items()}, start),
    }
    variants = (production, shadow)
    with (on or comparing)(outputs, variants, limits, examples) as (comparison, writer):
        hours = Hours(store, comparison, kept, beside, variants=variants)
        hour_numbers = range(math.floor(start / HOUR), math.ceil(end / HOUR))
        every = [hours.sums(hour, start, end, writer) for hour in hour_numbers]
        return AnswerSums.merged([*every, hours.notes()])


@contextmanager
def comparing(
    outputs: Mapping[str, Output],
    variants: tuple[str, str],
    limits: Limits | None,
    examples: Examples | None,
) -> Iterator[tuple[Comparison, Writer]]:
    """Yield a comparison in a folder that is removed at every end, and where examples go."""
    allowed = limits or Limits()
    production, shadow = variants
    with (
        Spool(allowed.spool_mb) as spool,
        Engine(
            spool.folder,
            memory_mb=allowed.memory_mb,
            spool_mb=allowed.spool_mb,
            threads=allowed.threads,
        ) as engine,
    ):
        yield (
            Comparison(
                engine,
                spool,
                outputs,
                production=production,
                shadow=shadow,
                excerpts=examples is not None,
            ),
            Writer(examples),
        )
