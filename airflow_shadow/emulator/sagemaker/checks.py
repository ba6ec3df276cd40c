"""Check a request against the table of limits, with the wording of AWS's errors."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from moto.core.utils import get_service_model

from airflow_shadow.emulator.errors import Invalid
from airflow_shadow.emulator.sagemaker.limits import LIMITS, Kind, Limit

# The characters of \p{Z}, because Python's re has no Unicode properties.
_SEPARATORS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


@cache
def _members() -> dict[str, tuple[str, ...]]:
    members: dict[str, tuple[str, ...]] = {}
    for path in LIMITS:
        parent, _, name = path.rpartition(".")
        if not name.endswith(("[]", "}")):
            members[parent] = (*members.get(parent, ()), name)
    return members


@cache
def enum_values(shape: str) -> tuple[str, ...]:
    """Return the values of an enumeration in botocore's model of SageMaker."""
    # Moto has the model loaded; loading it again takes a fifth of a second.
    enumeration: Any = get_service_model("sagemaker").shape_for(shape)
    return tuple(enumeration.enum)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    python = pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", "")
    return re.compile(python.replace(r"\p{Z}", _SEPARATORS))


def check(operation: str, request: dict[str, Any]) -> None:
    """Check a request. Raises Invalid (ValidationException), which names all that is wrong."""
    faults = list(_members_faults(operation, "", request))
    if faults:
        many = "s" if len(faults) > 1 else ""
        raise Invalid(f"{len(faults)} validation error{many} detected: {'; '.join(faults)}")


def _members_faults(path: str, shown: str, value: dict[str, Any]) -> Iterator[str]:
    for name in _members().get(path, ()):
        here = f"{shown}.{name[0].lower()}{name[1:]}".lstrip(".")
        yield from _faults(f"{path}.{name}", here, value.get(name))


def _faults(path: str, shown: str, value: Any) -> Iterator[str]:
    limit, text = LIMITS[path], "null" if value is None else f"'{value}'"
    for constraint in _broken(limit, value):
        yield f"Value {text} at '{shown}' failed to satisfy constraint: {constraint}"
    inner = _INNER.get(limit.kind)
    if inner and value is not None:
        yield from inner(path, shown, value)


def _broken(limit: Limit, value: Any) -> Iterator[str]:
    """Yield the constraints that a value does not satisfy."""
    if value is None:
        if limit.required:
            yield "Member must not be null"
        return
    yield from filter(None, (_bounds(limit, value), _pattern(limit, value), _enum(limit, value)))


def _list_faults(path: str, shown: str, value: list[Any]) -> Iterator[str]:
    for number, member in enumerate(value, start=1):
        here = f"{shown}.{number}.member"
        yield from _faults(f"{path}[]", here, member)


def _map_faults(path: str, shown: str, value: dict[str, Any]) -> Iterator[str]:
    for key, member in value.items():
        yield from _faults(f"{path}{{key}}", f"{shown}.{key}.key", key)
        yield from _faults(f"{path}{{value}}", f"{shown}.{key}.value", member)


_INNER: dict[Kind, Callable[[str, str, Any], Iterator[str]]] = {
    "structure": _members_faults,
    "list": _list_faults,
    "map": _map_faults,
}


def _bounds(limit: Limit, value: Any) -> str | None:
    if limit.kind in ("structure", "timestamp"):
        return None
    measure, size = ("value", value) if limit.kind == "integer" else ("length", len(value))
    if limit.minimum is not None and size < limit.minimum:
        return f"Member must have {measure} greater than or equal to {limit.minimum}"
    if limit.maximum is not None and size > limit.maximum:
        return f"Member must have {measure} less than or equal to {limit.maximum}"
    return None


def _pattern(limit: Limit, value: Any) -> str | None:
    if limit.pattern is None or _compiled(limit.pattern).fullmatch(value):
        return None
    return f"Member must satisfy regular expression pattern: {limit.pattern}"


def _enum(limit: Limit, value: Any) -> str | None:
    allowed = enum_values(limit.enum_shape) if limit.enum_shape else limit.enum
    if allowed is None or value in allowed:
        return None
    return f"Member must satisfy enum value set: [{', '.join(allowed)}]"
