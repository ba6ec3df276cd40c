"""Parse a specification from a dict, JSON or YAML, with all its faults in one error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from airflow_shadow.analysis.breaker import Breaker
from airflow_shadow.analysis.criterion import Criterion, OutsideCriterion
from airflow_shadow.analysis.outputs import Output, output_faults
from airflow_shadow.analysis.spec import AnalysisSpec
from airflow_shadow.analysis.validation import Seconds, integer, raise_faults, whole_seconds
from airflow_shadow.text.messages import MOST, short_repr, shorten
from airflow_shadow.text.numbers import finite
from airflow_shadow.text.values import as_boolean

Parser = Callable[[Any], Any]
Item = Criterion | Breaker | OutsideCriterion
#: The lists of a specification, and the class of their items.
GROUPS: dict[str, type[Item]] = {
    "criteria": Criterion,
    "breakers": Breaker,
    "outside": OutsideCriterion,
}
#: Words of YAML for what JSON calls true and false.
BOOLEANS = {"yes": "true", "1": "true", "no": "false", "0": "false"}
#: Fields of earlier versions, and what replaces them.
REMOVED = {
    "looks": (
        "was removed: PASS is possible at planned looks, FAIL at any; planned_looks says how many "
        "there are from a window's duration to its max_duration"
    ),
    "traffic_tolerance": (
        "was removed: unanswered requests have a finding of their own, with the tolerance of the "
        "criterion on Invocation5XXErrors"
    ),
}


def read_spec(value: AnalysisSpec | Mapping[str, Any] | str) -> AnalysisSpec:
    """Return the specification that a dict, JSON text or YAML text describes.

    Keys are the fields of :class:`AnalysisSpec` and of its items; a field that is left out has its
    default. Numbers may be text, as a rendered template is, and seconds any duration. YAML is read
    with its base loader, which guesses no types.

    :param value: the description; an :class:`AnalysisSpec` is returned as it is
    :raises InvalidRequestError: naming every fault, unknown keys among them
    """
    if isinstance(value, AnalysisSpec):
        return value
    faults: list[str] = []
    fields = _fields(_loaded(value), AnalysisSpec, "", faults)
    for group, item in GROUPS.items():
        if group in fields:
            fields[group] = _items(fields[group], item, group, faults)
    if "answers" in fields:
        fields["answers"] = _outputs(fields["answers"], faults)
    if faults:
        raise_faults(faults + _rule_faults(fields))
    return AnalysisSpec(**fields)


def _loaded(value: Mapping[str, Any] | str) -> Any:
    """Return the structure in a text."""
    if not isinstance(value, str):
        return value
    # Imported when needed: most specifications are dicts.
    from airflow_shadow.text.structures import (  # noqa: PLC0415
        UnreadableTextError,
        parse_structure,
    )

    try:
        return parse_structure(value, what="specification")
    except UnreadableTextError as error:
        raise_faults([error.problem])
        raise


def _fields(value: Any, kind: type, path: str, faults: list[str]) -> dict[str, Any]:
    """Return the parsed fields of a structure; what does not parse goes to `faults`."""
    parsers = _parsers(kind)
    if not isinstance(value, Mapping):
        faults.append(
            f"{path.rstrip('.') or 'specification'}: {short_repr(value)} is not a structure"
        )
        return {}
    fields = {}
    for key, raw in value.items():
        if key not in parsers:
            known = f"unknown; known are {', '.join(parsers)}"
            faults.append(f"{path}{shorten(str(key), most=MOST)}: {REMOVED.get(key, known)}")
            continue
        try:
            fields[key] = parsers[key](raw)
        except (TypeError, ValueError) as error:
            faults.append(f"{path}{key}: {error}")
    return fields


def _items(values: Any, kind: type[Any], path: str, faults: list[str]) -> tuple[Any, ...]:
    """Return a list's items; those with faults are left out."""
    items = []
    for index, value in enumerate(values):
        if isinstance(value, kind):
            items.append(value)
            continue
        own: list[str] = []
        fields = _fields(value, kind, f"{path}[{index}].", own)
        lacking = [] if own else [key for key in _required(kind) if key not in fields]
        own += [f"{path}[{index}].{key}: is missing" for key in lacking]
        faults += own
        if not own:
            items.append(kind(**fields))
    return tuple(items)


def _outputs(values: Mapping[Any, Any], faults: list[str]) -> dict[str, Output]:
    """Return the outputs by their names; those with faults are left out."""
    outputs = {}
    for key, value in values.items():
        name = shorten(str(key), most=MOST)
        if isinstance(value, Output):
            outputs[name] = value
            continue
        own: list[str] = []
        fields = _fields({} if value is None else value, Output, f"answers.{name}.", own)
        faults += own
        if not own:
            outputs[name] = Output(**fields)
    return outputs


def _rule_faults(fields: Mapping[str, Any]) -> list[str]:
    """Return the faults of the items that were parsed, so that one error names all faults."""
    outputs: Mapping[str, Output] = fields.get("answers", {})
    return [
        *(
            f"{group}[{index}].{fault}"
            for group in GROUPS
            for index, item in enumerate(fields.get(group, ()))
            for fault in item.faults()
        ),
        *(
            f"answers.{fault}"
            for name, output in outputs.items()
            for fault in output_faults(name, output)
        ),
    ]


@cache
def _parsers(kind: type) -> dict[str, Parser]:
    """Return the parser of each field of a dataclass, by its type."""
    hints = get_type_hints(kind)
    parsers = {field.name: _parser(hints[field.name]) for field in dataclasses.fields(kind)}
    return {**parsers, **({"answer": _answer} if "answer" in parsers else {})}


def _parser(hint: Any) -> Parser:
    if hint in _PARSERS:
        return _PARSERS[hint]
    inner = get_args(hint)
    if NoneType in inner:
        parser = _parser(inner[0])
        return lambda value: None if value in (None, "", "None", "null") else parser(value)
    if get_origin(hint) is Mapping:
        return _mapping
    return _choice(inner) if get_origin(hint) is Literal else _list


def _required(kind: type) -> list[str]:
    """Return the fields that have no default."""
    fields = dataclasses.fields(kind)
    return [field.name for field in fields if field.default is dataclasses.MISSING]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{short_repr(value)} is not text")
    return value


def _boolean(value: Any) -> bool:
    word = (value if isinstance(value, str) else short_repr(value)).strip().lower()
    parsed = as_boolean(BOOLEANS.get(word, word))
    if not isinstance(parsed, bool):
        raise TypeError(f"{short_repr(value)} is neither true nor false")
    return parsed


def _mapping(value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{short_repr(value)} is not a structure")
    return value


def _answer(value: Any) -> str:
    """Return a path, or the number of a column, which JSON and Python may give as a number."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else _text(value)


def _list(value: Any) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{short_repr(value)} is not a list")
    return value


def _datapoints(value: Any) -> tuple[int, int]:
    parts = value.split(" of ") if isinstance(value, str) else value
    if not isinstance(parts, Sequence) or len(parts) != len(("m", "n")):
        raise ValueError(f"{short_repr(value)} is not M and N, like [3, 5] or '3 of 5'")
    return integer(parts[0]), integer(parts[1])


def _choice(choices: tuple[str, ...]) -> Parser:
    def parse(value: Any) -> Any:
        if value not in choices:
            raise ValueError(f"{short_repr(value)} is not one of {', '.join(choices)}")
        return value

    return parse


_PARSERS: dict[Any, Parser] = {
    str: _text,
    float: finite,
    int: integer,
    Seconds: whole_seconds,
    bool: _boolean,
    tuple[int, int]: _datapoints,
}
