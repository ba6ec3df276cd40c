"""Walk through a request along botocore's shape: give each value its type, collect all faults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from airflow_shadow.request_model.limits import Typed, check_limits
from airflow_shadow.request_model.scalars import SCALARS
from airflow_shadow.request_model.violations import (
    Fault,
    FaultKind,
    InvalidParametersError,
    listed,
    shown_value,
    suggestion,
)
from airflow_shadow.text.messages import short_repr
from airflow_shadow.text.structures import UnreadableTextError, parse_structure

_NOTHING = frozenset({"", "None", "null"})
_PAIR = frozenset({"Key", "Value"})
_PLAIN_NAME = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Prepared:
    """A request that can be sent.

    :param params: the API's fields with the API's types
    :param left_out: the paths of the optional fields that rendered to nothing
    :param warnings: values that the model does not know, but AWS may
    """

    params: dict[str, Any]
    left_out: tuple[str, ...]
    warnings: tuple[Fault, ...]


def prepare(*, operation: str, shape: StructureShape, values: Mapping[str, Any]) -> Prepared:
    """Return the request with the API's types, checked against the whole model.

    :param operation: the API operation, for the message
    :param shape: the shape of its input
    :param values: the API's fields, as objects or as rendered text
    :raises InvalidParametersError: with every fault, in the order of the request
    """
    return _Walk(operation=operation, checking=True).through(shape, values)


def coerce(*, operation: str, shape: StructureShape, values: Mapping[str, Any]) -> Prepared:
    """Return the values with the API's types, complete or not.

    :raises InvalidParametersError: for values of a wrong type, and for fields that do not exist
    """
    return _Walk(operation=operation, checking=False).through(shape, values)


@dataclass
class _Walk:
    """What is found on the way.

    Each step returns the converted value, and `None` for nothing. After a fault it returns what was
    given: that is never used, but must not count as missing too.

    :param checking: whether required fields and the model's limits are checked, not only types
    :param found: faults, and values whose limits are checked after the walk, in their order
    :param left_out: paths of optional fields that rendered to nothing
    """

    operation: str
    checking: bool
    found: list[Fault | Typed] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def through(self, shape: StructureShape, values: Mapping[str, Any]) -> Prepared:
        params = dict(self._members(shape, values, ""))
        found = list(check_limits(self.found))
        # AWS adds members to an enum, and managed Airflow pins an old botocore.
        warnings = tuple(fault for fault in found if fault.kind is FaultKind.ENUM)
        if faults := [fault for fault in found if fault not in warnings]:
            raise InvalidParametersError(operation=self.operation, faults=faults)
        return Prepared(params, tuple(self.left_out), warnings)

    def _value(self, shape: Shape, given: Any, path: str) -> Any:
        given = given.value if isinstance(given, Enum) else given
        if _is_nothing(shape, given):
            return None
        if isinstance(shape, StructureShape | ListShape | MapShape):
            return self._container(shape, given, path)
        return self._scalar(shape, given, path)

    def _container(
        self, shape: StructureShape | ListShape | MapShape, given: Any, path: str
    ) -> Any:
        held = given
        if isinstance(given, str):
            try:
                held = parse_structure(given, what=path)
            except UnreadableTextError as error:
                return self._wrong_type(given, _noun(shape), path, problem=error.problem)
        if isinstance(shape, ListShape):
            return self._list(shape, held, path)
        if isinstance(shape, MapShape):
            return self._map(shape, held, path)
        return self._structure(shape, held, path)

    def _structure(self, shape: StructureShape, given: Any, path: str) -> Any:
        if not isinstance(given, Mapping):
            return self._wrong_type(given, _noun(shape), path)
        members = dict(self._members(shape, given, path))
        # A mapping whose members all rendered to nothing is nothing; `{}` as given is kept.
        hollow = given and not members and not shape.required_members
        return None if hollow else members

    def _members(
        self, shape: StructureShape, given: Mapping[Any, Any], path: str
    ) -> Iterator[tuple[str, Any]]:
        for name, member in shape.members.items():
            where = _below(path, name)
            value = self._value(member, given.get(name), where)
            if value is not None:
                yield name, value
            elif self.checking and name in shape.required_members:
                self._missing(where)
            elif name in given:
                self.left_out.append(where)
        for name in given:
            if name not in shape.members:
                self._unknown(shape, name, path)

    def _list(self, shape: ListShape, given: Any, path: str) -> Any:
        items = _items(shape, given)
        if items is None:
            return self._wrong_type(given, _noun(shape), path)
        self._check(shape, items, path)
        return [
            self._present(shape.member, item, f"{path}[{index}]")
            for index, item in enumerate(items)
        ]

    def _map(self, shape: MapShape, given: Any, path: str) -> Any:
        if not isinstance(given, Mapping):
            return self._wrong_type(given, _noun(shape), path)
        self._check(shape, given, path)
        return {
            self._key(shape.key, key, path): self._present(shape.value, value, _below(path, key))
            for key, value in given.items()
        }

    def _key(self, shape: Shape, key: Any, path: str) -> Any:
        if not isinstance(key, str):
            return self._wrong_type(key, "text", f"{path} (key)")
        self._check(shape, key, f"{path} (key)")
        return key

    def _present(self, shape: Shape, given: Any, path: str) -> Any:
        """Return an item or entry, which unlike a field cannot be left out."""
        value = self._value(shape, given, path)
        if value is None:
            self._missing(path)
        return value

    def _scalar(self, shape: Shape, given: Any, path: str) -> Any:
        scalar = SCALARS.get(shape.type_name)
        if scalar is None:  # a blob, or a type newer than this: botocore knows what to do
            return given
        try:
            is_text = shape.type_name == "string" and isinstance(given, str)
            value = given if is_text else scalar.convert(given)
        except (ValueError, OverflowError, OSError):
            self._add(FaultKind.TYPE, path, f"{shown_value(shape, given)} is not {scalar.noun}")
            return given
        self._check(shape, value, path)
        return value

    def _check(self, shape: Shape, value: Any, path: str) -> None:
        if self.checking:
            self.found.append(Typed(shape, value, path))

    def _missing(self, path: str) -> None:
        self._add(FaultKind.REQUIRED, path, "nothing was given, but it is required")

    def _unknown(self, shape: StructureShape, name: Any, path: str) -> None:
        if not isinstance(name, str):
            self._wrong_type(name, "text", f"{path or self.operation} (key)")
            return
        advice = suggestion(name, shape.members) or f"; use {listed(shape.members)}"
        problem = f"{short_repr(name)} is not a field of {shape.name}{advice}"
        self._add(FaultKind.UNKNOWN_FIELD, _below(path, name), problem)

    def _wrong_type(self, given: Any, noun: str, path: str, *, problem: str = "") -> Any:
        self._add(FaultKind.TYPE, path, f"{short_repr(given)} {problem or f'is not {noun}'}")
        return given

    def _add(self, kind: FaultKind, path: str, problem: str) -> None:
        self.found.append(Fault(path, kind, problem))


def _noun(shape: Shape) -> str:
    return "a list" if isinstance(shape, ListShape) else "a mapping"


def _is_nothing(shape: Shape, value: Any) -> bool:
    """Tell whether a template rendered to nothing; in a text, ``None`` is a word like others."""
    if isinstance(value, str) and shape.type_name != "string":
        return value.strip() in _NOTHING
    return value is None


def _items(shape: ListShape, given: Any) -> list[Any] | None:
    """Return the items of what was given for a list; a set has no order, so it gets one."""
    if isinstance(given, AbstractSet):
        return _sorted(given)
    if isinstance(given, Sequence) and not isinstance(given, (str, bytes, bytearray, memoryview)):
        return list(given)
    if _is_tags(shape, given):
        return [{"Key": key, "Value": value} for key, value in given.items()]
    return None


def _sorted(given: AbstractSet[Any]) -> list[Any]:
    try:
        return sorted(given)
    except TypeError:
        return sorted(given, key=short_repr)


def _is_tags(shape: ListShape, given: Any) -> bool:
    """Tell whether it is ``{"team": "ml"}`` for a list of keys and values, as users write tags.

    ``{"Key": "team", "Value": "ml"}`` is one item that was not put in a list.
    """
    member = shape.member
    has_pairs = isinstance(member, StructureShape) and set(member.members) == _PAIR
    return has_pairs and isinstance(given, Mapping) and set(given) != _PAIR


def _below(path: str, name: Any) -> str:
    if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
        return f"{path}[{short_repr(name)}]"
    return f"{path}.{name}" if path else name
