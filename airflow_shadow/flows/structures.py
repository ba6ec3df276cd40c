"""Structured arguments: as they are, from text, or from a file on the template path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.structures import parse_structure

_FILES = (".json", ".yaml", ".yml")


def load_structure(value: Any, *, what: str, env: jinja2.Environment | None) -> Any:
    """Return a structured argument: as it is, from JSON or YAML text, or from a file.

    A top-level path that ends in `.json` or `.yaml` is read from the Dag's template path.
    Airflow's own `template_ext` would do so for every nested string, such as a description.

    :raises InvalidRequestError: neither a structure nor readable text
    """
    if not isinstance(value, str):
        return value
    if value.strip().endswith(_FILES):
        value = _read(value.strip(), what=what, env=env)
    try:
        return parse_structure(value, what=what)
    except ValueError as error:
        raise InvalidRequestError(asked=what, found=str(error)) from error


def _read(path: str, *, what: str, env: jinja2.Environment | None) -> str:
    try:
        if Path(path).is_absolute():
            return Path(path).read_text(encoding="utf-8")
        if env is None or env.loader is None:
            raise FileNotFoundError(path)
        return env.loader.get_source(env, path)[0]
    except (OSError, jinja2.TemplateNotFound) as error:
        raise InvalidRequestError(
            asked=f"{what}={path!r}",
            found="no such file on the Dag's template path",
            next_step="Put the file beside the Dag or into its template_searchpath.",
        ) from error
