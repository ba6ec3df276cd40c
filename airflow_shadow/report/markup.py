"""Well-formed markup by construction: what is not markup is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

#: Characters that no HTML file may hold; a name from outside may.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that is markup already; every other text is escaped where it is put in."""

    __slots__ = ()


def text(value: str) -> Markup:
    """Return a text as it may stand in an element or in a quoted attribute."""
    return value if isinstance(value, Markup) else Markup(escape(FORBIDDEN.sub("\ufffd", value)))


def tag(element: str, *children: str, **attributes: str | float | None) -> Markup:
    """Return an element; an attribute that is None is left out.

    :param children: markup, or text that is escaped
    :param attributes: ``class_`` is ``class``, ``aria_label`` is ``aria-label``
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if not children and element in EMPTY:
        return Markup(f"<{element}{given}/>")
    return Markup(f"<{element}{given}>{joined(children)}</{element}>")


#: Elements that hold nothing; HTML lets no other close itself.
EMPTY = frozenset({"circle", "link", "meta", "path", "rect"})


def joined(parts: Iterable[str]) -> Markup:
    """Return parts behind each other, each escaped unless it is markup."""
    return Markup("".join(map(text, parts)))


def _attribute(key: str, value: str | float | None) -> str:
    if value is None:
        return ""
    told = value if isinstance(value, str) else short(value)
    return f' {key.rstrip("_").replace("_", "-")}="{text(told)}"'


def short(value: float) -> str:
    """Return a coordinate with one decimal at most, which is less than a pixel."""
    return f"{value:.1f}".removesuffix(".0")
