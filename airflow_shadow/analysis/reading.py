"""Read a specification from a dict, JSON or YAML, with all its faults in one error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from airflow_shadow.analysis.spec import (
    AnalysisSpec,
    Breaker,
    Comparison,
    Count,
    Criterion,
    Direction,
    Kind,
    Missing,
    OnNoData,
    OutsideCriterion,
    Severity,
    raise_faults,
)
from airflow_shadow.text.numbers import finite
from airflow_shadow.text.shown import MOST, shortened, shown

Parser = Callable[[Any], Any]
Item = TypeVar("Item", Criterion, Breaker, OutsideCriterion)

TRUE, FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})


def read_spec(value: AnalysisSpec | Mapping[str, Any] | str) -> AnalysisSpec:
    """Return the specification that a dict, JSON text or YAML text describes.

    Keys are the fields of :class:`AnalysisSpec` and what it holds; what is left out has its
    default. Numbers may be text, as a rendered template is. YAML is read with its base loader,
    which guesses no types.

    :param value: the description; a specification is given back as it is
    :raises InvalidRequestError: naming every fault, unknown keys among them
    """
    if isinstance(value, AnalysisSpec):
        return value
    faults: list[str] = []
    fields = _fields(_loaded(value), SPEC, "", faults)
    for group, item in GROUPS.items():
        if group in fields:
            fields[group] = _items(fields[group], item, group, faults)
    if faults:
        raise_faults(faults + _rule_faults(fields))
    return AnalysisSpec(**fields)


def _loaded(value: Mapping[str, Any] | str) -> Any:
    """Return the structure that a text holds."""
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


def _fields(
    value: Any, parsers: Mapping[str, Parser], path: str, faults: list[str]
) -> dict[str, Any]:
    """Return the parsed fields of a structure; what does not parse goes to `faults`."""
    if not isinstance(value, Mapping):
        faults.append(f"{path.rstrip('.') or 'specification'}: {shown(value)} is not a structure")
        return {}
    fields = {}
    for key, given in value.items():
        if key not in parsers:
            known = f"unknown; known are {', '.join(parsers)}"
            told = shortened(str(key), most=MOST)
            faults.append(f"{path}{told}: {REMOVED.get(key, known)}")
            continue
        try:
            fields[key] = parsers[key](given)
        except (TypeError, ValueError) as error:
            faults.append(f"{path}{key}: {error}")
    return fields


def _items(value: Any, kind: type[Item], path: str, faults: list[str]) -> tuple[Item, ...]:
    """Return a list's items; those with faults are left out."""
    read = []
    for index, given in enumerate(value):
        if isinstance(given, kind):
            read.append(given)
            continue
        mine: list[str] = []
        fields = _fields(given, PARSERS[kind], f"{path}[{index}].", mine)
        lacking = [] if mine else [key for key in REQUIRED[kind] if key not in fields]
        mine += [f"{path}[{index}].{key}: is missing" for key in lacking]
        faults += mine
        if not mine:
            read.append(kind(**fields))
    return tuple(read)


def _rule_faults(fields: Mapping[str, Any]) -> list[str]:
    """Return the faults of what could be read, so that they need no second round."""
    return [
        f"{group}[{index}].{fault}"
        for group in GROUPS
        for index, item in enumerate(fields.get(group, ()))
        for fault in item.faults()
    ]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{shown(value)} is not text")
    return value


def _integer(value: Any) -> int:
    number = finite(value)
    if number != int(number):
        raise ValueError(f"{shown(value)} is not a whole number")
    return int(number)


def _boolean(value: Any) -> bool:
    word = (value if isinstance(value, str) else shown(value)).strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(f"{shown(value)} is neither true nor false")
    return word in TRUE


def _list(value: Any) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{shown(value)} is not a list")
    return value


def _datapoints(value: Any) -> tuple[int, int]:
    parts = value.split(" of ") if isinstance(value, str) else value
    if not isinstance(parts, Sequence) or len(parts) != len(("m", "n")):
        raise ValueError(f"{shown(value)} is not M and N, like [3, 5] or '3 of 5'")
    return _integer(parts[0]), _integer(parts[1])


def _choice(literal: Any) -> Parser:
    choices = get_args(literal)

    def parse(value: Any) -> Any:
        if value not in choices:
            raise ValueError(f"{shown(value)} is not one of {', '.join(choices)}")
        return value

    return parse


def _optional(parser: Parser) -> Parser:
    """Return a parser that takes nothing for nothing, however it was rendered."""
    return lambda value: None if value in (None, "", "None", "null") else parser(value)


CRITERION: dict[str, Parser] = {
    "name": _text,
    "metric": _text,
    "tolerance": finite,
    "statistic": _text,
    "comparison": _choice(Comparison),
    "direction": _choice(Direction),
    "severity": _choice(Severity),
    "min_samples": _optional(_integer),
    "missing": _choice(Missing),
    "count": _choice(Count),
    "on_no_data": _choice(OnNoData),
}
BREAKER: dict[str, Parser] = {
    "metric": _text,
    "statistic": _text,
    "limit": _optional(finite),
    "relative_limit": _optional(finite),
    "datapoints": _datapoints,
    "min_samples": _integer,
    "missing": _choice(Missing),
    "count": _choice(Count),
}
OUTSIDE: dict[str, Parser] = {
    "name": _text,
    "target": _text,
    "kind": _choice(Kind),
    "severity": _choice(Severity),
}
SPEC: dict[str, Parser] = {
    "criteria": _list,
    "breakers": _list,
    "outside": _list,
    "alpha": finite,
    "period": _integer,
    "initial_delay": _integer,
    "min_periods": _integer,
    "min_effective_periods": _integer,
    "min_duration": _integer,
    "require_full_sampling": _boolean,
    "planned_looks": _integer,
    "min_power": finite,
}
#: Fields of earlier versions, and what stands in their place.
REMOVED = {
    "looks": (
        "there is no choice any more: PASS is read at planned looks, FAIL at any; planned_looks "
        "says how many there are from a window's duration to its max_duration"
    ),
    "traffic_tolerance": (
        "unanswered requests are a criterion of their own, and their tolerance is that of the one "
        "on Invocation5XXErrors"
    ),
}
GROUPS: dict[str, Any] = {"criteria": Criterion, "breakers": Breaker, "outside": OutsideCriterion}
PARSERS: dict[type, dict[str, Parser]] = {
    Criterion: CRITERION,
    Breaker: BREAKER,
    OutsideCriterion: OUTSIDE,
}
REQUIRED: dict[type, tuple[str, ...]] = {
    Criterion: ("name", "metric", "tolerance"),
    Breaker: ("metric",),
    OutsideCriterion: ("name", "target"),
}
