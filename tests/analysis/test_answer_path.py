"""Paths to the compared value of an answer, as a specification writes them."""

from __future__ import annotations

import pytest

from airflow_shadow.analysis.answer_path import AnswerPath, parse_answer

PATHS = {
    "$.predictions[*].score": ("predictions", None, "score"),
    "$['a b'][\"c\"][0].d-e": ("a b", "c", 0, "d-e"),
    "$[*][1]": (None, 1),
    "$.größe": ("größe",),
}


@pytest.mark.parametrize(("text", "steps"), PATHS.items())
def test_a_json_path_is_its_steps(text, steps):
    """Names, indices and all items are the steps of a JSONPath."""
    assert AnswerPath(steps=steps) == parse_answer(text)


@pytest.mark.parametrize(("text", "column"), [("0", 0), ("12", 12), ("score", "score")])
def test_anything_else_is_a_column(text, column):
    """A number or a header names a column of CSV."""
    assert AnswerPath(column=column) == parse_answer(text)


@pytest.mark.parametrize("text", ["", "$"])
def test_nothing_is_the_whole_answer(text):
    """Without a path the whole answer is compared."""
    assert parse_answer(text).is_whole


@pytest.mark.parametrize(
    "text",
    ["$..a", "$.*", "$[1:2]", "$[-1]", "$[?(@.a)]", "$.a'", "$['a\"b']", "$['a\\b']", "$.0", "$a"],
)
def test_what_engines_read_differently_is_refused(text):
    """No filter, slice, quote or descent is read, and the error says what is."""
    with pytest.raises(ValueError, match=r"cannot be read at .*known are names"):
        parse_answer(text)


@pytest.mark.parametrize("text", [" 0", "a\nb", "$['a\u200bb']", "$" + ".a" * 21, "x" * 301])
def test_odd_texts_are_refused(text):
    """Blanks at the ends, invisible characters and endless paths are no paths."""
    with pytest.raises(ValueError, match=r"blanks|invisible|allowed"):
        parse_answer(text)
