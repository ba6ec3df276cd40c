"""What a model says to a row, and what would be right."""

import math
from collections.abc import Mapping

from airflow_shadow.emulator.capture.answers import Answers
from airflow_shadow.emulator.capture.moods import Own
from airflow_shadow.emulator.capture.requests import Row
from airflow_shadow.emulator.random_draws import normal_quantile

Value = str | float
Reply = Mapping[str, Value]

_HALF = 0.5
_DIGITS = 6


def reply(answers: Answers, row: Row, own: Own) -> Reply:
    """Return the members of a model's answer to a row."""
    if answers.kind == "label":
        return {"predicted_label": _label(answers, row, own)}
    if answers.kind == "text":
        return {"text": _text(_label(answers, row, own))}
    score = _score(answers, row, own)
    if answers.kind == "json":
        return {"score": score, "predicted_label": int(score >= _HALF)}
    return {"score": score}


def truth(answers: Answers, row: Row) -> Value:
    """Return what would be right: the class, its text, or the outcome of a score."""
    if answers.kind == "label":
        return _true_class(answers, row)
    if answers.kind == "text":
        return _text(_true_class(answers, row))
    return int(row.outcome < row.truth)


def _true_class(answers: Answers, row: Row) -> int:
    return int(row.truth * answers.classes)


def _text(label: int) -> str:
    return f"This is number {label}."


def _label(answers: Answers, row: Row, own: Own) -> int:
    label = _true_class(answers, row)
    if not _is_wrong(answers, row, own):
        return label
    choice = row.choice if own.whose < answers.correlation else own.choice
    return (label + 1 + int(choice * (answers.classes - 1))) % answers.classes


def _score(answers: Answers, row: Row, own: Own) -> float:
    right = 1 - row.truth if _is_wrong(answers, row, own) else row.truth
    noise = answers.noise and answers.noise * _mixed(answers, row.shift, own.shift)
    return round(min(1.0, max(0.0, right + answers.bias + noise)), _DIGITS)


def _is_wrong(answers: Answers, row: Row, own: Own) -> bool:
    """Whether a row is answered wrongly, at the declared rate whatever the correlation."""
    if answers.error_rate in {0, 1}:
        return bool(answers.error_rate)
    return _mixed(answers, row.slip, own.slip) < normal_quantile(answers.error_rate)


def _mixed(answers: Answers, common: float, own: float) -> float:
    """Return a normal deviate, part of which is common to all models (assumed: errors-shared)."""
    share = answers.correlation
    return math.sqrt(share) * _normal(common) + math.sqrt(1 - share) * _normal(own)


def _normal(share: float) -> float:
    return normal_quantile(share or _HALF)
