"""Sums of compared answers, minute by minute: what an engine returns and the judge reads.

No content of a request or an answer is in them but the names of frequent classes. Sums of hours are
added; pairs may straddle hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import gt
from typing import Any

from airflow_shadow.analysis.answer_distribution import Distribution
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.messages import short_repr, shorten

VERSION = 2
#: Column to its numbers, one entry for each minute.
Table = Mapping[str, Sequence[float]]
MINUTE = "minute"
RECORD_COLUMNS = (
    MINUTE,
    "production",
    "shadow",
    "pairs_id",
    "pairs_event",
    "pairs_input",
    "production_only",
    "shadow_only",
    "repeated",
    "ambiguous",
)
#: How a pair was found.
PAIR_COLUMNS = ("pairs_id", "pairs_event", "pairs_input")
#: Columns of every output.
OUTPUT_COLUMNS = (
    MINUTE,
    "pairs",
    "values",
    "compared",
    "disagreed",
    "production_broken",
    "shadow_broken",
)
#: Columns of scores, of outputs with labels, of both, and of production's own repeated inputs.
OPTIONAL_COLUMNS = (
    "production_sum",
    "shadow_sum",
    "difference",
    "difference_squared",
    "labelled",
    "production_right",
    "shadow_right",
    "production_right_only",
    "shadow_right_only",
    "production_loss",
    "shadow_loss",
    "loss_difference",
    "loss_difference_squared",
    "repeats",
    "repeats_disagreed",
)
#: Columns of one of the user's own numbers: ``value.<name>.<part>``.
VALUE_PARTS = ("n", "production", "shadow", "difference", "difference_squared")
#: Columns that may be negative; all others are counts, losses or squares.
SIGNED = frozenset({"production_sum", "shadow_sum", "difference", "loss_difference"})
SIGNED_PARTS = frozenset({"production", "shadow", "difference"})
#: No count exceeds the one that it is a part of.
PARTS = (
    ("compared", "values"),
    ("disagreed", "compared"),
    ("production_broken", "values"),
    ("shadow_broken", "values"),
    ("labelled", "compared"),
    ("production_right", "labelled"),
    ("shadow_right", "labelled"),
    ("production_right_only", "production_right"),
    ("shadow_right_only", "shadow_right"),
    ("repeats_disagreed", "repeats"),
)
RECORD_PARTS = (("production_only", "production"), ("shadow_only", "shadow"))
#: A score, or one of the user's own numbers, that is larger is broken: as good as not finite.
MAX_SCORE = 1e30
#: Larger numbers are no sums of such scores or of their squares.
MAX_NUMBER = 1e100
#: Rounding of counts that an engine returns as floating point.
ROUNDING = 1e-6
#: Minutes since 1970 of the year 9000.
MAX_MINUTE = 3.7e9
FEW = 10


@dataclass(frozen=True, kw_only=True)
class AnswerSums:
    """Hold the sums of compared answers.

    :param records: captured records and pairs in each minute, see :data:`RECORD_COLUMNS`
    :param outputs: name of an output to the sums of its pairs, see :data:`OUTPUT_COLUMNS`; what a
        kind does not have is left out
    :param notes: what else is to be told: shapes of answers, counts of unreadable lines
    :param distributions: name of an output to what its answers were like, which is not judged
    :raises InvalidRequestError: naming what is broken
    """

    records: Table = field(default_factory=lambda: {MINUTE: []})
    outputs: Mapping[str, Table] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    distributions: Mapping[str, Distribution] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no engine of this version writes."""
        faults = [*_table_faults("records", self.records, RECORD_COLUMNS, RECORD_PARTS)]
        for name, table in self.outputs.items():
            faults += _table_faults(f"outputs.{name}", table, OUTPUT_COLUMNS, PARTS)
        if faults:
            more = f" and {len(faults) - FEW} more" if len(faults) > FEW else ""
            raise _refused("; ".join(shorten(each, most=300) for each in faults[:FEW]) + more)

    def __add__(self, other: AnswerSums) -> AnswerSums:
        """Return the sums of both."""
        return AnswerSums.merged([self, other])

    @classmethod
    def merged(cls, sums: Iterable[AnswerSums]) -> AnswerSums:
        """Return the sums of several hours; none of them is counted twice by itself."""
        every = list(sums)
        names = dict.fromkeys(name for one in every for name in one.outputs)
        notes: dict[str, Any] = {}
        distributions: dict[str, Distribution] = {}
        for one in every:
            notes = _added_notes(notes, one.notes)
            for name, each in one.distributions.items():
                distributions[name] = distributions.get(name, Distribution()) + each
        return cls(
            records=added_tables([one.records for one in every]),
            outputs={
                name: added_tables([one.outputs[name] for one in every if name in one.outputs])
                for name in names
            },
            notes=notes,
            distributions=distributions,
        )

    @classmethod
    def from_dict(cls, data: Any) -> AnswerSums:
        """Return the sums that :meth:`to_dict`, or an engine, described.

        :raises InvalidRequestError: it is no such document, or of another version
        """
        if not isinstance(data, Mapping):
            raise _refused(f"{short_repr(data)}, which is no structure")
        if (version := data.get("version")) != VERSION or isinstance(version, bool):
            raise _refused(f"version {short_repr(version)}, and {VERSION} is known")
        names = ("records", "outputs", "notes", "distributions")
        parts = {name: data.get(name, {}) for name in names}
        for name, part in parts.items():
            if not isinstance(part, Mapping):
                raise _refused(f"{name}: {short_repr(part)} is no structure")
        if unknown := sorted(map(str, set(data) - {*parts, "version"})):
            raise _refused(f"unknown: {short_repr(unknown)}")
        return cls(**{**parts, "distributions": _read_distributions(parts["distributions"])})

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as JSON-able values, which :meth:`from_dict` reads back."""
        return {
            "version": VERSION,
            "records": _plain(self.records),
            "outputs": {name: _plain(table) for name, table in self.outputs.items()},
            "notes": dict(self.notes),
            "distributions": {name: each.to_dict() for name, each in self.distributions.items()},
        }


def _plain(table: Table) -> dict[str, list[float]]:
    return {column: list(numbers) for column, numbers in table.items()}


def _read_distributions(data: Mapping[str, Any]) -> dict[str, Distribution]:
    try:
        return {name: Distribution.from_dict(each) for name, each in data.items()}
    except ValueError as error:
        raise _refused(f"distributions: {error}") from None


def _refused(found: str) -> InvalidRequestError:
    return InvalidRequestError(
        asked="the sums of compared answers",
        found=found,
        next_step="Compare the answers again; the result that was kept is broken or of another "
        "version.",
    )


def _table_faults(
    path: str, table: Any, needed: Sequence[str], parts: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """Yield what is wrong with a table, the first kind of fault only."""
    if not isinstance(table, Mapping):
        yield f"{path}: {short_repr(table)} is no structure"
        return
    faults = [f"{path}.{fault}" for fault in _shape_faults(table, needed)]
    faults = faults or [f"{path}.{fault}" for fault in _number_faults(table)]
    faults = faults or [f"{path}.{fault}" for fault in _minute_faults(table[MINUTE])]
    yield from faults or [f"{path}.{fault}" for fault in _part_faults(table, parts)]


def _shape_faults(table: Table, needed: Sequence[str]) -> Iterator[str]:
    is_records = needed is RECORD_COLUMNS
    for column in table:
        if column not in needed and (is_records or not _is_optional(column)):
            yield f"{short_repr(column)}: is unknown"
    if MINUTE not in table:
        yield f"{MINUTE}: is missing"
        return
    rows = _length(table[MINUTE])
    yield from (f"{column}: is missing" for column in needed if column not in table and rows)
    for column, numbers in table.items():
        if _length(numbers) != rows or rows is None:
            yield f"{column}: is no list as long as that of the minutes"


def _is_optional(column: Any) -> bool:
    return column in OPTIONAL_COLUMNS or _value_part(column) is not None


def _value_part(column: Any) -> str | None:
    """Return the part of a column of the user's own numbers, None for others."""
    pieces = column.split(".") if isinstance(column, str) else []
    is_value = len(pieces) == len(("value", "name", "part")) and pieces[0] == "value"
    return pieces[2] if is_value and pieces[1] and pieces[2] in VALUE_PARTS else None


def _length(numbers: Any) -> int | None:
    is_list = isinstance(numbers, Sequence) and not isinstance(numbers, str | bytes)
    return len(numbers) if is_list else None


def _number_faults(table: Table) -> Iterator[str]:
    for column, numbers in table.items():
        part = _value_part(column)
        signed = column in SIGNED or part in SIGNED_PARTS
        least = -MAX_NUMBER if signed else 0
        if _are_numbers(numbers, least):
            continue
        wrong = next((each for each in numbers if not _is_number(each, least)), None)
        if wrong is not None or None in numbers:
            yield f"{column}: {short_repr(wrong)} is not a number{'' if signed else ' from 0 on'}"


def _are_numbers(values: Sequence[float], least: float) -> bool:
    """Tell whether all are numbers in range, without a loop in Python over a month."""
    if not {*map(type, values)} <= {int, float}:
        return False
    # A NaN makes the sum one.
    return not values or (
        least <= min(values) and max(values) <= MAX_NUMBER and not math.isnan(sum(values))
    )


def _is_number(value: Any, least: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and least <= value <= MAX_NUMBER  # a NaN is refused, too


def _minute_faults(minutes: Sequence[float]) -> Iterator[str]:
    wrong = [each for each in minutes if each != math.floor(each) or each > MAX_MINUTE]
    if wrong:
        yield f"{MINUTE}: {short_repr(wrong[0])} is no whole minute since 1970"
    elif len({*minutes}) < len(minutes):
        yield f"{MINUTE}: a minute is there twice"


def _part_faults(table: Table, parts: Sequence[tuple[str, str]]) -> Iterator[str]:
    for part, whole in parts:
        if part in table and whole not in table:
            yield f"{whole}: is missing, and {part} is a part of it"
        elif part in table and _exceeds(table[part], table[whole]):
            yield f"{part}: exceeds {whole}"


def _exceeds(part: Sequence[float], whole: Sequence[float]) -> bool:
    if not any(map(gt, part, whole)):
        return False
    return any(one > other + ROUNDING for one, other in zip(part, whole, strict=True))


def added_tables(tables: Sequence[Table]) -> dict[str, list[float]]:
    """Return the sum of tables, by minute; a column that one has not counts as zero there."""
    columns = dict.fromkeys([MINUTE, *(column for table in tables for column in table)])
    minutes = sorted({minute for table in tables for minute in table.get(MINUTE, ())})
    row = {minute: index for index, minute in enumerate(minutes)}
    added: dict[str, list[float]] = {column: [0] * len(minutes) for column in columns}
    for table in tables:
        rows = [row[minute] for minute in table.get(MINUTE, ())]
        for column, numbers in table.items():
            sums = added[column]
            for index, value in zip(rows, numbers, strict=True):
                sums[index] += value
    return {**added, MINUTE: minutes}


def _added_notes(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notes of both: counts are added, mappings joined, of other values the first."""
    added = dict(one)
    for key, value in other.items():
        known = added.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            added[key] = _added_notes(known, value)
        elif _is_number(known, -MAX_NUMBER) and _is_number(value, -MAX_NUMBER):
            added[key] = known + value
        elif known is None:
            added[key] = value
    return added
