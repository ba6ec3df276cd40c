"""Where in an answer the compared value stands: a JSONPath, a column of CSV, or the whole text.

Only the part of JSONPath is read that every engine has: names, indices and ``[*]``. Each engine
writes the parsed steps in its own dialect, so no text of a specification ever reaches its SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_shadow.text.messages import printable, short_repr

#: One step of a path.
Step = str | int | None
#: A step: a name after a dot, then in brackets a quoted name, an index or a star.
_STEP = re.compile(
    r"""\.(?P<name>[^\W\d][\w-]*)"""
    r"""|\[(?:'(?P<single>[^'"\\]+)'|"(?P<double>[^'"\\]+)"|(?P<index>\d{1,6})|(?P<star>\*))\]"""
)
_COLUMN = re.compile(r"\d{1,6}", re.ASCII)
MAX_LENGTH = 300
MAX_STEPS = 20
KNOWN = "known are names (.a, ['a b']), indices ([0]) and all items ([*])"


@dataclass(frozen=True, kw_only=True)
class AnswerPath:
    """Hold a parsed path.

    :param steps: of a JSONPath: names, indices, and None for ``[*]``
    :param column: of CSV: the number of a column from 0, or its header; None for a JSONPath
    """

    steps: tuple[Step, ...] = ()
    column: int | str | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether the whole answer is compared."""
        return not self.steps and self.column is None


def parse_answer(text: str) -> AnswerPath:
    """Return the path that a text describes.

    :param text: a JSONPath (``$.predictions[*].score``), the number (``0``) or header (``score``)
        of a column of CSV; ``""`` or ``$`` for the whole answer
    :raises ValueError: it is none of these, in a sentence that says which part
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"has {len(text)} characters, at most {MAX_LENGTH} are allowed")
    if text.startswith("$"):
        return AnswerPath(steps=_steps(text))
    if text != text.strip() or printable(text) != text:
        raise ValueError(f"{short_repr(text)} has blanks at its ends or invisible characters")
    if _COLUMN.fullmatch(text):
        return AnswerPath(column=int(text))
    return AnswerPath(column=text or None)


def _steps(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(
                f"{short_repr(text)} cannot be read at {short_repr(text[at:])}; {KNOWN}"
            )
        steps.append(_step(match))
        at = match.end()
    if len(steps) > MAX_STEPS:
        raise ValueError(
            f"{short_repr(text)} has {len(steps)} steps, at most {MAX_STEPS} are allowed"
        )
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if match["star"]:
        return None
    if match["index"]:
        return int(match["index"])
    name = match["name"] or match["single"] or match["double"]
    if printable(name) != name:
        raise ValueError(f"{short_repr(name)} has invisible characters")
    return name
