"""The SQL of an output's sums, and the tables that become of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_shadow.analysis.answer_sums import MINUTE, VALUE_PARTS
from airflow_shadow.analysis.outputs import Output

#: Rounding of floating point at the edge of `within`: .80 and .75 agree within .05.
EDGE = 1 + 1e-9
_COUNT = "COUNT(CASE WHEN {condition} THEN 1 END) AS {name}"
_SUM = "COALESCE(SUM({value}), 0) AS {name}"


def parts_of(output: Output) -> dict[str, str]:
    """Return what `sums.sql` needs for an output: expressions and columns.

    The only values of the specification in it are finite numbers.
    """
    is_score = output.kind == "score"
    side = "CAST(NULLIF({side}, '') AS DOUBLE)" if is_score else "NULLIF({side}, '')"
    columns = [_COUNT.format(condition=_differs(output), name="disagreed")]
    columns += _score_columns() if is_score else []
    columns += _label_columns(output) if output.labels is not None else []
    sides = {name: side.format(side=name) for name in ("p", "s", "t")}
    return {**sides, "columns": ",\n       ".join(columns)}


def limit_of(output: Output) -> float:
    """Return the distance beyond which two scores disagree."""
    return float(output.within) * EDGE


def _differs(output: Output) -> str:
    return f"ABS(s - p) > {limit_of(output)!r}" if output.kind == "score" else "p <> s"


def _score_columns() -> list[str]:
    values = {
        "production_sum": "CASE WHEN s IS NOT NULL THEN p END",
        "shadow_sum": "CASE WHEN p IS NOT NULL THEN s END",
        "difference": "s - p",
        "difference_squared": "(s - p) * (s - p)",
    }
    return [_SUM.format(value=value, name=name) for name, value in values.items()]


def _label_columns(output: Output) -> list[str]:
    columns = ["COUNT(t) AS labelled"]
    if output.kind != "score":
        return [*columns, *_right("p = t", "s = t")]
    if output.threshold is not None:
        limit = float(output.threshold)
        is_right = f"(CASE WHEN {{side}} >= {limit!r} THEN 1 ELSE 0 END) = t"
        columns += _right(is_right.format(side="p"), is_right.format(side="s"))
    error = "ABS({side} - t)" if output.loss == "absolute" else "({side} - t) * ({side} - t)"
    return columns + _losses(error.format(side="p"), error.format(side="s"))


def _right(p: str, s: str) -> list[str]:
    conditions = {
        "production_right": p,
        "shadow_right": s,
        "production_right_only": f"{p} AND NOT {s}",
        "shadow_right_only": f"{s} AND NOT {p}",
    }
    return [_COUNT.format(condition=each, name=name) for name, each in conditions.items()]


def _losses(p: str, s: str) -> list[str]:
    apart = f"({s} - {p})"
    values = {
        "production_loss": p,
        "shadow_loss": s,
        "loss_difference": apart,
        "loss_difference_squared": f"{apart} * {apart}",
    }
    return [_SUM.format(value=value, name=name) for name, value in values.items()]


def with_own(
    sums: Mapping[str, list[Any]], rows: Iterable[tuple[Any, ...]]
) -> dict[str, list[Any]]:
    """Return an output's table with the columns of the user's own numbers.

    :param rows: minute, name, and the :data:`VALUE_PARTS`
    """
    added = dict(sums)
    place = {minute: index for index, minute in enumerate(sums[MINUTE])}
    for minute, name, *numbers in rows:
        for part, number in zip(VALUE_PARTS, numbers, strict=True):
            column = added.setdefault(f"value.{name}.{part}", [0] * len(place))
            column[place[minute]] = number
    return added


def renamed(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return columns by the names that sums have; those in SQL avoid its reserved words."""
    names = {"at_minute": MINUTE, "places": "values"}
    return {names.get(name, name): column for name, column in columns.items()}
