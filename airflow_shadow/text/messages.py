"""Values for messages: short, however large the value of a form or a file is."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from itertools import islice
from typing import Any

#: Invisible characters that Unicode counts as letters, marks or symbols.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
#: Characters of a value in a message.
MOST = 80
#: Values of one kind in a message.
FEW = 10


def short_repr(value: Any) -> str:
    """Return the value's ``repr`` in at most 80 characters, however large or deep it is."""
    try:
        text = _SHORT.repr(value)
    except ValueError:  # Python refuses to write numbers of more than 4300 digits
        text = f"<{type(value).__name__} too long to show>"
    return shorten(text, most=MOST)


def shorten(text: str, *, most: int) -> str:
    """Return the text, cut off with dots if it is longer."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def printable(text: str) -> str:
    """Return the text with invisible characters escaped: they could forge or reverse a line.

    Line breaks, control characters, surrogates, and those without width or with a direction.
    """
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable() and character not in _BLANK:
        return character
    return character.encode("unicode_escape").decode()


def short_reprs(values: Iterable[Any]) -> str:
    """Return the first few values, each short, with commas between them."""
    first = list(islice(values, FEW + 1))
    more = ", ..." if len(first) > FEW else ""
    return ", ".join(map(short_repr, first[:FEW])) + more


def _short_repr() -> reprlib.Repr:
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = MOST
    return short


_SHORT = _short_repr()
