"""The comparison on Spark: DuckDB's reader in its tasks, the same SQL for pairs and sums."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.compare import Comparing, Limits
from airflow_shadow.answers.comparison import Comparison, Kind
from airflow_shadow.answers.dialect import BETWEEN
from airflow_shadow.answers.examples import Examples, Writer
from airflow_shadow.answers.items import Item
from airflow_shadow.answers.shares import File, Reading, shares_of
from airflow_shadow.exceptions import AnswersError, InvalidRequestError, error_from_dict

_STRAYS = "side STRING, join_key STRING, at_ms BIGINT"
#: Spark's words for a row of each place of the view `aligned`.
_PLACE = f"""
    SELECT at_minute, place.p, place.s, place.t
    FROM (SELECT at_minute, EXPLODE(ARRAYS_ZIP(p, s, t)) AS place
          FROM (SELECT at_minute, SPLIT(p, {BETWEEN}) AS p, SPLIT(s, {BETWEEN}) AS s,
                       SPLIT(t, {BETWEEN}) AS t
                FROM aligned) AS split) AS zipped"""


class SparkEngine:
    """Run statements in a Spark session, and keep what queries say.

    :param session: the session; what its views are named is ours alone
    """

    most_records = math.inf

    def __init__(self, session: Any) -> None:
        self._session = session
        self._kept: dict[str, Any] = {}

    def run(
        self, text: str, parameters: dict[str, Any] | None = None, *, asked: str = "answers"
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a statement.

        :raises AnswersError: Spark cannot run it; its own log says more
        """
        return self._answer(text)[0]

    def table(self, text: str) -> dict[str, list[Any]]:
        """Return the columns of a query by their names."""
        rows, names = self._answer(text)
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        return {name: list(column) for name, column in zip(names, columns, strict=True)}

    def _answer(self, text: str) -> tuple[list[tuple[Any, ...]], list[str]]:
        with _own_errors():
            frame = self._session.sql(text)
            return [tuple(row) for row in frame.collect()], frame.columns

    def keep(self, name: str, text: str) -> None:
        """Keep what a query says, in memory and beyond that on disk, in the place of another."""
        with _own_errors():
            self._hold(name, self._session.sql(text))

    def read(self, name: str, reading: Reading, files: Iterable[File]) -> None:
        """Keep the rows of files, which tasks read.

        :raises ShadowError: the first that a task met
        """
        shares = shares_of(files)
        with _own_errors():
            rows = self._session.sparkContext.parallelize(shares, max(1, len(shares)))
            frame = self._session.createDataFrame(
                rows.mapPartitions(reading.rows), reading.schema, verifySchema=False
            )
            self._hold(name, frame)
        met = self.run(f"SELECT MIN(problem) FROM {name}")
        if met[0][0] is not None:
            raise error_from_dict(json.loads(met[0][0]))

    def fill(self, name: str, rows: list[tuple[Any, ...]], schema: str) -> None:
        """Make a view of some rows."""
        with _own_errors():
            self._session.createDataFrame(rows, schema).createOrReplaceTempView(name)

    def _hold(self, name: str, frame: Any) -> None:
        self.drop(name)
        self._kept[name] = frame.persist()
        frame.createOrReplaceTempView(name)

    def drop(self, name: str) -> None:
        """Let go of what was kept by a name, if anything was."""
        kept = self._kept.pop(name, None)
        if kept is not None:
            kept.unpersist()

    def close(self) -> None:
        """Let go of all that was kept; the session is its owner's."""
        for name in [*self._kept]:
            self.drop(name)


class SparkComparison(Comparison):
    """Read captures, labels and own numbers in Spark's tasks, and sum them in Spark.

    :param engine: what runs the SQL
    :param limits: of a single task's DuckDB
    """

    place: ClassVar[str] = _PLACE

    def __init__(
        self,
        engine: SparkEngine,
        outputs: Mapping[str, Output],
        *,
        production: str,
        shadow: str,
        limits: Limits,
    ) -> None:
        self._spark, self._limits = engine, limits
        self._strays: list[tuple[Any, ...]] = []
        super().__init__(engine, None, outputs, production=production, shadow=shadow)

    def _prepare(self) -> None:
        """Need nothing: what texts mean is said where they are read."""

    def read_captures(self, name: str, *, production: list[Item], shadow: list[Item]) -> None:
        """Keep the records of some files."""
        files = [_file(item, side="production") for item in production]
        files += [_file(item, side="shadow") for item in shadow]
        self._spark.read(name, self._reading("captures"), files)

    def read_beside(self, what: Kind, n: int, items: list[Item]) -> None:
        """Keep the labels, or own numbers, of some files as `read_<what>_<n>`."""
        files = [_file(item) for item in items]
        self._spark.read(f"read_{what}_{n}", self._reading(what, n), files)

    def _reading(self, what: Any, n: int = 0) -> Reading:
        return Reading(
            what=what,
            n=n,
            outputs=self.outputs,
            variants=(self._variants["production"], self._variants["shadow"]),
            spool_mb=self._limits.spool_mb,
            memory_mb=self._limits.memory_mb,
        )

    def _keep_strays(self, text: str) -> None:
        self._strays += self._spark.run(text)

    def keep_since(self, name: str, since: float) -> None:
        """Keep all: Spark has room, and a smaller copy would be read from the larger one."""

    def apart(self) -> dict[str, Any]:
        """Return how far records of the same id stand apart that are in different hours, if any."""
        self._spark.fill("strays", self._strays, _STRAYS)
        return super().apart()


def on_spark(session: Any) -> Comparing:
    """Return what lets :func:`~airflow_shadow.answers.compare_captures` run on Spark.

    `spool_mb` and `memory_mb` bound a single task of Spark then.

    :param session: a `SparkSession`
    """

    @contextmanager
    def comparing(
        outputs: Mapping[str, Output],
        variants: tuple[str, str],
        limits: Limits | None,
        examples: Examples | None,
    ) -> Iterator[tuple[Comparison, Writer]]:
        if examples is not None:
            raise InvalidRequestError(
                asked="examples of disagreements",
                found="the comparison runs on Spark, through which no whole answer goes",
                next_step="Compare an hour of it with DuckDB for examples.",
            )
        engine, (production, shadow) = SparkEngine(session), variants
        try:
            yield (
                SparkComparison(
                    engine,
                    outputs,
                    production=production,
                    shadow=shadow,
                    limits=limits or Limits(),
                ),
                Writer(None),
            )
        finally:
            engine.close()

    return comparing


def _file(item: Item, *, side: Any = "") -> File:
    return File(address=item.address, version=item.version, size=item.size, side=side)


@contextmanager
def _own_errors() -> Iterator[None]:
    """Say what failed by its name: Spark's own text may quote what it read."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 - comes with pyspark
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        yield
    except (Py4JError, PySparkException) as error:
        name = type(error).__name__
    else:
        return
    raise AnswersError(
        asked="a comparison of answers on Spark",
        found=f"Spark failed ({name})",
        next_step="Look into Spark's own log, correct the cause and run it again; hours that are "
        "done stay.",
    )
