"""Whether a dataclass holds what its annotations say: Python itself does not ask."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from airflow_shadow.text.shown import shown


def misfits(item: Any) -> Iterator[str]:
    """Yield the fields whose values have another type than they should, each with its name."""
    hints = _hints(item.__class__)
    for field in fields(item):
        value = getattr(item, field.name)
        if not _fits(value, hints[field.name]):
            yield f"{field.name}: {shown(value)} is not of type {field.type}"


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return value in inner
    if get_origin(hint) is tuple:
        return isinstance(value, list | tuple) and _all_fit(value, inner)
    if inner:
        return any(_fits(value, one) for one in inner)
    if hint is float:
        return _is_a(int | float, value) and -math.inf < value < math.inf
    return _is_a(hint, value)


def _all_fit(values: Any, hints: tuple[Any, ...]) -> bool:
    if hints[-1] is Ellipsis:
        return all(_fits(value, hints[0]) for value in values)
    return len(values) == len(hints) and all(map(_fits, values, hints))


def _is_a(hint: Any, value: Any) -> bool:
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
