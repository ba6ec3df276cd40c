"""Join the records of both variants: in slices by their keys, each of which fits into memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from airflow_shadow.analysis.answer_sums import AnswerSums
from airflow_shadow.answers.engine import sql
from airflow_shadow.answers.sums import renamed

NO_TEXT = "CAST(NULL AS STRING)"
#: Seconds within which an equal input is the same request; inferenceTime has whole seconds, and the
#: shadow's is that of its own container.
NEAR = 5
#: Milliseconds on either side of a span in which the other half of its pairs may be.
AROUND = 10 * 60_000
_SIDES = ("production", "shadow")


class SqlEngine(Protocol):
    """What runs the SQL: DuckDB (:class:`~airflow_shadow.answers.engine.Engine`), or Spark."""

    #: Records that are joined at once; Spark bounds its memory itself.
    most_records: float

    def run(
        self, text: str, parameters: dict[str, Any] | None = None, *, asked: str = "answers"
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""

    def table(self, text: str) -> dict[str, list[Any]]:
        """Return the columns of a query by their names."""

    def keep(self, name: str, text: str) -> None:
        """Keep what a query says as a table, in the place of one of that name."""

    def drop(self, name: str) -> None:
        """Let go of a table."""


@dataclass(frozen=True, kw_only=True)
class Join:
    """What of each record is kept.

    :param answers: columns of answers, and of their beginnings
    :param is_looked_up: whether something is found by the ids of production's records
    """

    answers: Sequence[str]
    is_looked_up: bool

    def keyed(self, *, ids: bool, events: bool) -> str:
        """Return the SQL of how each record is joined."""
        return sql(
            "keyed",
            ids=ids,
            events=events,
            ids_of="inference_id, event_id, " * self.is_looked_up,
            near=NEAR * 1000,
            answers="".join(f"{each}, " for each in self.answers),
        )

    def grouped(self, number: int) -> str:
        """Return the SQL of the requests of a slice."""
        one = "MIN(CASE WHEN side = 'production' THEN {name} END)" if self.is_looked_up else NO_TEXT
        ids = {name: one.format(name=name) for name in ("inference_id", "event_id")}
        return sql("grouped", slice=number, sides=self._both_sides, **ids)

    def repeats(self, *, first: int, end: int) -> str:
        """Return the SQL of production's own requests that have an equal input."""
        answers = "".join(f"MIN({each}) AS {each}, " for each in self.answers)
        return sql("repeats", answers=answers, sides=self._both_sides, first=first, end=end)

    @property
    def _both_sides(self) -> str:
        return "\n       ".join(_sides(each) for each in self.answers)


def join(
    engine: SqlEngine, how: Join, tables: Sequence[str], *, first: int, end: int
) -> tuple[dict[str, Any], Mapping[str, Sequence[float]]]:
    """Make the table `grouped`; return which ids join, and records and pairs of each minute.

    :param tables: of records
    :param first: milliseconds since 1970 from which records count
    :param end: milliseconds since 1970 before which they count
    """
    # Of neighbouring hours only what may belong to a pair of this one.
    source = _between(tables, first - AROUND, end + AROUND)
    _see(engine, source)
    ids = engine.run(sql("ids"))[0][0] == len(_SIDES)
    slices = _slices(engine)
    events = any(
        engine.run(sql("events", ids=ids))[0][0]
        for _ in _seen(engine, source, "event_id", slices=slices)
    )
    records: list[AnswerSums] = []
    for number in _seen(engine, source, _key(ids=ids, events=events), slices=slices):
        engine.keep("keyed", how.keyed(ids=ids, events=events))
        _fill(engine, "grouped", how.grouped(number), number)
        counts = renamed(engine.table(sql("records", slice=number, first=first, end=end)))
        records.append(AnswerSums(records=counts))
    notes = {"joined_by": {"inferenceId": int(ids), "eventId": int(events)}}
    return notes, AnswerSums.merged(records).records


def pair_repeats(
    engine: SqlEngine, how: Join, tables: Sequence[str], *, first: int, end: int
) -> None:
    """Make the table `repeats` of production's own requests that have an equal input.

    :param tables: of records
    :param first: milliseconds since 1970 from which records count
    :param end: milliseconds since 1970 before which they count
    """
    source = _between(tables, first, end)
    _see(engine, source)
    for number in _seen(engine, source, "input_key", slices=_slices(engine)):
        _fill(engine, "repeats", how.repeats(first=first, end=end), number)


def _between(tables: Sequence[str], first: int, end: int) -> str:
    """Return the SQL of the records between two times."""
    span = f"at_ms >= {first} AND at_ms < {end}"
    return " UNION ALL ".join(f"SELECT * FROM {name} WHERE {span}" for name in tables)


def _fill(engine: SqlEngine, name: str, text: str, number: int) -> None:
    """Keep what a query says of a slice beside what it said of those before."""
    if number:
        engine.run(f"INSERT INTO {name} {text}")
    else:
        engine.keep(name, text)


def _see(engine: SqlEngine, source: str) -> None:
    engine.run(f"CREATE OR REPLACE TEMP VIEW capture AS {source}")


def _slices(engine: SqlEngine) -> int:
    """Return in how many slices the seen records are joined."""
    if engine.most_records == math.inf:
        return 1
    ((count,),) = engine.run("SELECT COUNT(*) FROM capture")
    return max(1, math.ceil(int(count) / engine.most_records))


def _seen(engine: SqlEngine, source: str, key: str, *, slices: int) -> Iterator[int]:
    """Let the engine see the records of one slice after the other; what has a key has a slice."""
    for number in range(slices):
        if slices > 1:
            _see(engine, f"SELECT * FROM ({source}) WHERE HASH({key}) % {slices} = {number}")
        yield number


def _key(*, ids: bool, events: bool) -> str:
    """Return what records are joined by, as `keyed.sql` has it."""
    return (
        f"CASE WHEN {ids} AND inference_id IS NOT NULL THEN inference_id "
        f"WHEN {events} AND event_id IS NOT NULL THEN event_id "
        "ELSE CAST(input_key AS VARCHAR) END"
    )


def _sides(answer: str) -> str:
    short = answer.removeprefix("answer_")
    return " ".join(
        f"MIN(CASE WHEN side = '{side}' THEN {answer} END) AS {side[0]}_{short}," for side in _SIDES
    )
