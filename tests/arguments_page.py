"""Write docs/arguments.md from the docstrings: `python -m tests.arguments_page`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from airflow_shadow import operators, sensors
from airflow_shadow.rollout import shadow_rollout

PAGE = Path(__file__).resolve().parent.parent / "docs" / "arguments.md"
HEAD = """# Arguments

All arguments, by class.
Those of Airflow's own base classes (`task_id`, `retries`, ...) are in Airflow's documentation.

*Templated* arguments may be Jinja templates.
A *duration* is a `timedelta`, seconds, or text such as `"90m"`, `"1d12h"` or ISO's `"PT36H"`.
It is a year at most.
An argument without a default here has none, or the text says what happens without it.

This page is written from the docstrings by `python -m tests.arguments_page`.
"""
#: What Sphinx would make a link, and Markdown shows as it is.
_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")
_PARAM = re.compile(r":param (\w+): (.*?)(?=\n:|\Z)", re.DOTALL)


def page() -> str:
    """Return the page."""
    kinds = [
        getattr(module, name) for module in (operators, sensors) for name in sorted(module.__all__)
    ]
    parts = [_part("shadow_rollout", [shadow_rollout])]
    parts += [_part(kind.__name__, kind.__mro__) for kind in dict.fromkeys(kinds)]
    return "\n".join([HEAD, *parts])


def _part(name: str, sources: Any) -> str:
    lines = (f"- `{argument}`: {text}" for argument, text in arguments_of(sources).items())
    return "\n".join([f"## {name}\n", *lines, ""])


def arguments_of(sources: Iterable[Any]) -> dict[str, str]:
    """Return the arguments that our own docstrings describe; an earlier one goes first."""
    rows = dict(reversed([row for source in sources for row in _arguments(source)]))
    return dict(reversed(rows.items()))


def _arguments(source: Any) -> Iterator[tuple[str, str]]:
    """Yield each argument that one of our own docstrings describes."""
    if source.__module__.startswith("airflow_shadow."):
        defaults = _defaults(source)
        for found in _PARAM.finditer(inspect.cleandoc(source.__doc__ or "")):
            text = _ROLE.sub(r"`\1`", " ".join(found[2].split()))
            yield found[1], text + defaults.get(found[1], "")


def _defaults(source: Any) -> dict[str, str]:
    """Return the default of each argument that has one other than nothing, in words.

    That of `deferrable` is Airflow's own setting.
    """
    made = vars(source).get("__init__") if inspect.isclass(source) else source
    return {
        name: f"; default `{_python(one.default)}`"
        for name, one in (inspect.signature(made).parameters if made else {}).items()
        if name != "deferrable" and isinstance(one.default, str | int | tuple)
        # An empty tuple or text is nothing.
        if one.default or not isinstance(one.default, str | tuple)
    }


def _python(value: Any) -> str:
    """Return a value as Python would have it, with the quotes of this project."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


if __name__ == "__main__":
    PAGE.write_text(page())
