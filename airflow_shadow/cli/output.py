"""Tables, JSON and YAML, as Airflow's own commands print them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from airflow.cli.simple_table import AirflowConsole
from rich.markup import escape

Row = Mapping[str, Any]


def emit(rows: Sequence[Row], output: str, *, whole: Any = None) -> None:
    """Print rows.

    :param output: one of :data:`~airflow_shadow.cli.arguments.FORMATS`
    :param whole: what JSON and YAML hold, if that is more than the rows
    """
    plain = rows if whole is None else whole
    if output == "json":
        print(json.dumps(plain, indent=2, default=str))
    elif output == "yaml":
        print(yaml.safe_dump(json.loads(json.dumps(plain, default=str)), sort_keys=False), end="")
    else:
        shown = [{name: _cell(value, output) for name, value in row.items()} for row in rows]
        AirflowConsole().print_as(shown, output)


def properties(facts: Mapping[str, Any]) -> list[Row]:
    """Return facts as rows with the columns of `airflow dags details`."""
    return [
        {"property_name": name, "property_value": value}
        for name, value in facts.items()
        if value not in (None, "")
    ]


def _cell(value: Any, output: str) -> str:
    """Return a cell's text; rich would take square brackets in it for markup."""
    text = "" if value is None else str(value)
    return escape(text) if output == "table" else text
