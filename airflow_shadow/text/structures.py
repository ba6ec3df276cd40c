"""Parse JSON or YAML text to lists and mappings without guessing types.

A template always renders to text, and text that looks like a number may be a name.
So every leaf stays text; the model of the request gives it its type later.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import Any, NoReturn

import yaml

from airflow_shadow.text.messages import short_reprs

#: Suffixes of files with a structure.
FILES = (".json", ".yaml", ".yml")
#: Characters of YAML, which takes about 13 microseconds each.
MOST_YAML = 100_000
DEEPEST = 50


class UnreadableTextError(ValueError):
    """The text is no list and no mapping, neither as JSON nor as YAML.

    :param what: what the text is, e.g. ``config``
    :param problem: what is wrong with it, as the rest of a sentence that begins with the text
    """

    def __init__(self, *, what: str, problem: str) -> None:
        self.what = what
        self.problem = problem
        super().__init__(f"{what}: the text {problem}. Give JSON or YAML of a list or a mapping.")

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), what=self.what, problem=self.problem), ()


def parse_structure(text: str, *, what: str) -> Any:
    """Return the list or mapping that the text holds, its leaves as text, bool (JSON) or None.

    YAML is read slowly, and its aliases make gigabytes of a kilobyte: a longer text must be JSON,
    and aliases are refused.

    :param text: JSON, else YAML of at most 100,000 characters
    :param what: what the text is, for the message
    :raises UnreadableTextError: if it is neither, gives a key twice, or is nested more than 50 deep
    """
    try:
        parsed = _json_else_yaml(text)
    except RecursionError:
        raise UnreadableTextError(what=what, problem="is nested too deeply") from None
    except _TwiceError as twice:
        raise UnreadableTextError(what=what, problem=f"gives a key twice: {twice}") from None
    except ValueError as neither:
        raise UnreadableTextError(what=what, problem=str(neither)) from None
    if _is_deep(parsed):
        raise UnreadableTextError(what=what, problem="is nested too deeply")
    if not isinstance(parsed, (dict, list)):
        raise UnreadableTextError(what=what, problem="is neither a list nor a mapping")
    return parsed


def _is_deep(value: Any, room: int = DEEPEST) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return room < 0 or any(_is_deep(each, room - 1) for each in inner)


def _json_else_yaml(text: str) -> Any:
    try:
        return _JSON.decode(text)
    except json.JSONDecodeError as not_json:
        if len(text) > MOST_YAML:
            problem = f"with its {len(text)} characters too long to be read as YAML"
            raise ValueError(f"is neither JSON ({_where(not_json)}) nor, {problem}") from None
        try:
            # The loader below makes only text, lists and mappings.
            return yaml.load(text, Loader=_TextLoader)  # noqa: S506
        except _TwiceError:
            raise
        # PyYAML raises other errors for an escape of no character.
        except (yaml.YAMLError, ValueError, OverflowError) as not_yaml:
            raise ValueError(_neither(not_json, not_yaml)) from None


def _neither(not_json: json.JSONDecodeError, not_yaml: Exception) -> str:
    why = getattr(not_yaml, "problem", None) or getattr(not_yaml, "reason", None) or "bad escape"
    mark = getattr(not_yaml, "problem_mark", None)
    where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"is neither JSON ({_where(not_json)}) nor YAML ({why}{where})"


def _where(not_json: json.JSONDecodeError) -> str:
    return f"{not_json.msg} in line {not_json.lineno}, column {not_json.colno}"


class _TwiceError(ValueError):
    """A mapping has a key twice, so that one of its values would be lost."""


def _twice(keys: list[str]) -> _TwiceError:
    return _TwiceError(short_reprs(key for key, count in Counter(keys).items() if count > 1))


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return what JSON calls an object.

    :raises ValueError: a key occurs twice, so that one of its values would be lost
    """
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise _twice([key for key, _ in pairs])
    return mapping


# Numbers stay text, so that no digit is lost; `strict=False` keeps line breaks inside text, which
# YAML, tried next, would fold to blanks.
_JSON = json.JSONDecoder(
    object_pairs_hook=unique_keys, parse_int=str, parse_float=str, parse_constant=str, strict=False
)


class _TextLoader(yaml.BaseLoader):
    """Read every scalar as text: ``no``, ``012``, ``1e5`` and ``22:30`` are what they look like."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node, but no alias and none too deep: both can exhaust memory."""
        if self.check_event(yaml.AliasEvent):
            self._refuse("an alias; write out what it stands for")
        if self.depth == DEEPEST:
            self._refuse("nested too deeply")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refuse(self, problem: str) -> NoReturn:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        raise yaml.composer.ComposerError(problem=problem, problem_mark=mark)

    def construct_scalar(self, node: Any) -> Any:
        """Return the text; only an absent value (``Key:``) is None."""
        text = super().construct_scalar(node)
        return None if not text and node.style is None else text

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping; a key that occurs twice is an error, as in the YAML standard."""
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            raise _twice([str(key.value) for key, _ in node.value])
        return mapping
