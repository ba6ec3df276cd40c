"""Well-formed markup by construction: what is not markup is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

#: Characters that no HTML file may hold, but a name from outside may.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def text(value: object) -> Markup:
    """Return a value escaped for an element or a quoted attribute."""
    return value if isinstance(value, Markup) else escape(FORBIDDEN.sub("\ufffd", str(value)))


def svg(
    *children: str,
    key: str,
    title: str,
    description: str,
    class_: str,
    size: tuple[float, float],
) -> Markup:
    """Return a picture with a title and a description for readers who do not see it.

    :param key: unique in the file
    :param size: width and height
    """
    return tag(
        "svg",
        tag("title", title, id=f"{key}-title"),
        tag("desc", description, id=f"{key}-desc"),
        *children,
        role="img",
        class_=class_,
        viewBox=f"0 0 {short(size[0])} {short(size[1])}",
        aria_labelledby=f"{key}-title {key}-desc",
    )


def tag(element: str, *children: str, **attributes: str | float) -> Markup:
    """Return an element of a picture.

    :param children: markup, or text that is escaped
    :param attributes: ``class_`` is ``class``, ``aria_label`` is ``aria-label``
    """
    written = joined(_attribute(key, value) for key, value in attributes.items())
    if not children:
        return Markup("<{0}{1}/>").format(element, written)
    return Markup("<{0}{1}>{2}</{0}>").format(element, written, joined(children))


def _attribute(key: str, value: str | float) -> Markup:
    content = value if isinstance(value, str) else short(value)
    return Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), text(content))


def joined(parts: Iterable[str]) -> Markup:
    """Return parts behind each other, each escaped unless it is markup."""
    return Markup().join(map(text, parts))


def short(value: float) -> str:
    """Return a coordinate with one decimal at most, which is less than a pixel."""
    return f"{value:.1f}".removesuffix(".0")
