r"""The model's regular expressions, as Python can run them.

They are written for Java, mostly: ``\p{L}``, surrogate pairs, quantified anchors. What Python does
not know is widened, never narrowed: a value that AWS would take must not be refused here, while
one that slips through is refused by AWS a moment later.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

_TOKEN = re.compile(
    r"""
    (?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})
  | \\(?P<sign>[pP])\{(?P<property>\w+)\}
  | (?P<end>\\z)
  | \\.
  | \[:(?P<posix>\w+):\]
  | (?P<anchor>[\^$])(?:\{[0-9]+,?[0-9]*\}|[*+?])
  | (?P<open>\[\^?)
  | (?P<close>\])
  | (?P<set>&&|--|\|\||~~)
  | .
    """,
    re.VERBOSE | re.DOTALL,
)
_BEYOND_ASCII = r"\x80-\U0010ffff"
_POSIX: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "alnum": str.isalnum,
        "alpha": str.isalpha,
        "ascii": str.isascii,
        "blank": " \t".__contains__,
        "cntrl": lambda char: unicodedata.category(char) == "Cc",
        "digit": str.isdigit,
        "graph": lambda char: char.isprintable() and char != " ",
        "lower": str.islower,
        "print": str.isprintable,
        "punct": string.punctuation.__contains__,
        "space": str.isspace,
        "upper": str.isupper,
        "xdigit": string.hexdigits.__contains__,
    }
)
_CATEGORIES = "CLMNPSZ"  # the first letters of Unicode's general categories


class _UntranslatableError(ValueError):
    """Python has no counterpart."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str] | None:
    r"""Return a Python pattern that accepts at least what the given one does, else None.

    ``re.ASCII``, because ``\d``, ``\w``, ``\s`` and their negations mean ASCII in Java.
    """
    try:
        return re.compile("".join(_translated(pattern)), re.ASCII)
    except (re.error, OverflowError, RecursionError, _UntranslatableError):
        return None


def _translated(pattern: str) -> Iterator[str]:
    opened = ""  # how the character class began in which we are, if in one
    for token in _TOKEN.finditer(pattern):
        _refuse_set_operation(token, within=opened)
        if token["open"]:
            opened = token["open"]
        elif token["close"]:
            opened = ""
        yield _translated_token(token, opened=opened)


def _refuse_set_operation(token: re.Match[str], *, within: str) -> None:
    """Refuse what Java reads as a nested class, a union or a difference, and Python does not."""
    if within and (token["set"] or token["open"]):
        raise _UntranslatableError(token[0])


def _translated_token(token: re.Match[str], *, opened: str) -> str:
    if token["pair"]:
        return _one_character(token["pair"])
    if token["property"] or (token["posix"] and opened):
        return _characters(token, opened=opened)
    if token["posix"]:
        raise _UntranslatableError(token[0])
    if token["end"]:
        return r"\Z"
    return "" if token["anchor"] and not opened else token[0]


def _one_character(pair: str) -> str:
    """Return a pair of UTF-16 surrogates as the one character they stand for."""
    high, low = int(pair[2:6], 16), int(pair[8:], 16)
    return f"\\U{0x10000 + (high - 0xD800) * 0x400 + (low - 0xDC00):08x}"


def _characters(token: re.Match[str], *, opened: str) -> str:
    """Return a property's ASCII characters, and all beyond ASCII, for AWS to decide on.

    In a negated class those beyond are left out: leaving out is what widens there.
    """
    if "(?!" in token.string or "(?<!" in token.string:
        raise _UntranslatableError(token[0])
    belongs = _membership(token["property"] or token["posix"])
    wanted = token["sign"] != "P"
    chars = "".join(f"\\x{code:02x}" for code in range(128) if belongs(chr(code)) is wanted)
    chars += "" if opened == "[^" else _BEYOND_ASCII
    return chars if opened else f"[{chars}]"


def _membership(name: str) -> Callable[[str], bool]:
    if name[0] in _CATEGORIES and len(name) <= len("Lu"):
        return lambda char: unicodedata.category(char).startswith(name)
    if name.lower() in _POSIX:
        return _POSIX[name.lower()]
    raise _UntranslatableError(name)
