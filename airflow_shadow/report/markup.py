"""Well-formed markup by construction: what is not markup is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

#: Characters that no HTML file may hold; a name from outside may.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def text(value: object) -> Markup:
    """Return a value as it may stand in an element or in a quoted attribute."""
    return value if isinstance(value, Markup) else escape(FORBIDDEN.sub("\ufffd", str(value)))


def tag(element: str, *children: str, **attributes: str | float) -> Markup:
    """Return an element of a picture.

    :param children: markup, or text that is escaped
    :param attributes: ``class_`` is ``class``, ``aria_label`` is ``aria-label``
    """
    given = joined(_attribute(key, value) for key, value in attributes.items())
    return Markup("<{0}{1}>{2}</{0}>").format(element, given, joined(children))


def joined(parts: Iterable[str]) -> Markup:
    """Return parts behind each other, each escaped unless it is markup."""
    return Markup().join(map(text, parts))


def _attribute(key: str, value: str | float) -> Markup:
    told = value if isinstance(value, str) else short(value)
    return Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), text(told))


def short(value: float) -> str:
    """Return a coordinate with one decimal at most, which is less than a pixel."""
    return f"{value:.1f}".removesuffix(".0")
