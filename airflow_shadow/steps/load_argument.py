"""Structured arguments: as they are, or from text."""

from __future__ import annotations

from typing import Any

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.messages import short_repr
from airflow_shadow.text.structures import FILES, UnreadableTextError, parse_structure


def load_structure(value: Any, *, what: str) -> Any:
    """Return a structured argument: as it is, or from JSON or YAML text.

    :raises InvalidRequestError: neither a structure nor readable text
    """
    if not isinstance(value, str):
        return value
    try:
        return parse_structure(value, what=what)
    except UnreadableTextError as error:
        raise InvalidRequestError(
            asked=what,
            found=f"the text {error.problem}",
            next_step=_NO_PATH if value.strip().endswith(FILES) else _STRUCTURE,
        ) from error


def list_of_text(value: Any, *, what: str) -> list[str]:
    """Return what an argument lists: one text, several, or JSON text of them.

    :raises InvalidRequestError: it lists something else
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = load_structure(value, what=what)
    texts = [value] if isinstance(value, str) else value or []
    if not isinstance(texts, list | tuple | set | frozenset) or not all(
        isinstance(text, str) for text in texts
    ):
        raise InvalidRequestError(asked=f"{what}={short_repr(value)}", found="not a list of text")
    return [str(text) for text in texts]


_STRUCTURE = "Give JSON or YAML of a list or a mapping; nothing was sent to AWS."
_NO_PATH = (
    "Give the structure. A path is read only where the Dag's author wrote it, as the whole of an "
    "argument and without a template: a form must not choose files of the worker."
)
