"""What a model answers, declared in the environment of its container."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from airflow_shadow.emulator.behaviour import ANSWERS as PREFIX
from airflow_shadow.emulator.errors import Invalid

Kind = Literal["score", "label", "text", "json"]
ContentType = Literal["application/json", "application/jsonlines", "text/csv", "text/plain"]
Broken = Literal["any", "empty", "garbled", "nan", "shape"]


def _ranged(default: float, low: float, high: float) -> Any:
    """Return a field with a default and a range."""
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a model answers; each field is declared as `SHADOW_ANSWER_` and its name.

    Each row of a request has a hidden truth: a class, or a probability and its outcome, 0 or 1.

    kind: a label (the class), a score (the probability), a text (one for each class), or "json": a
        score and the label that follows from it.
    classes: how many classes labels and texts have.
    error_rate: share of the rows that are answered wrongly; a wrong score is one minus the right
        one.
    bias: added to each score.
    noise: standard deviation of what else is added to a score. Scores stay between 0 and 1.
    correlation: of errors and noise between models that get the same row.
    randomness: share of the requests that are answered anew each time, where others are answered
        as the same model answers the same input.
    broken: share of the answers that are broken.
    broken_as: how: "empty", "garbled" (half of it, and rubbish), "nan" (NaN for each number),
        "shape" (a row is missing), or "any" of them.
    rows: how many rows a request has, if the variant is production.
    content_type: of answers, and of requests if the variant is production.
    capture_loss: share of the variant's records that are never captured.
    clock_seconds: how far the clock of its instances is ahead, which captures show.
    """

    kind: Kind = "score"
    classes: int = _ranged(2, 2, 1000)
    error_rate: float = _ranged(0.0, 0, 1)
    bias: float = _ranged(0.0, -1, 1)
    noise: float = _ranged(0.0, 0, 1)
    correlation: float = _ranged(0.5, 0, 1)
    randomness: float = _ranged(0.0, 0, 1)
    broken: float = _ranged(0.0, 0, 1)
    broken_as: Broken = "any"
    rows: int = _ranged(1, 1, 1000)
    content_type: ContentType = "application/json"
    capture_loss: float = _ranged(0.0, 0, 1)
    clock_seconds: float = _ranged(0.0, -86_400, 86_400)


KEYS: dict[str, Any] = {f"{PREFIX}_{one.name.upper()}": one for one in fields(Answers)}


def read_answers(environment: Mapping[str, str]) -> Answers:
    """Return what is declared; keys without the prefix are ignored.

    Raises Invalid (ValidationException), which names all that is wrong.
    """
    declared = {key: text for key, text in environment.items() if key.startswith(PREFIX)}
    if faults := [fault for key, text in declared.items() for fault in _faults(key, text)]:
        raise Invalid(f"The model's Environment declares no valid answers: {' '.join(faults)}")
    values: Any = {KEYS[key].name: _value(KEYS[key], text) for key, text in declared.items()}
    return Answers(**values)


def _faults(key: str, text: str) -> Iterator[str]:
    if key not in KEYS:
        yield f"{key} is unknown; there are {', '.join(sorted(KEYS))}."
    elif _value(KEYS[key], text) is None:
        yield f"{key}={text!r} has to be {allowed(KEYS[key])}."


def allowed(one: Any) -> str:
    """Return which values a field of Answers can have."""
    if choices := get_args(one.type):
        return f"one of {', '.join(choices)}"
    low, high = one.metadata["range"]
    number = "a whole number" if one.type is int else "a number"
    return f"{number} from {low:.10g} to {high:.10g}"


def _value(one: Any, text: str) -> str | float | None:
    """Return a declared value, None if it is not allowed."""
    if choices := get_args(one.type):
        return text if text in choices else None
    try:
        number = one.type(text)
    except ValueError:
        return None
    low, high = one.metadata["range"]
    return number if math.isfinite(number) and low <= number <= high else None


def environment(answers: Answers) -> dict[str, str]:
    """Return the environment that declares these answers: the values that are not the defaults."""
    return {
        key: str(getattr(answers, one.name))
        for key, one in KEYS.items()
        if getattr(answers, one.name) != one.default
    }
