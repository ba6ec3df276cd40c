"""What messages show of values."""

import pytest

from airflow_shadow.text.shown import listed, shortened, shown

DEEP = [[[[[[[[["x"] * 99] * 99] * 99] * 99] * 99] * 99]]]


@pytest.mark.parametrize(
    "value", ["x" * 10**6, DEEP, {"k" * 999: DEEP}, 10**5000, b"x" * 999], ids=type
)
def test_a_value_is_short_in_a_message(value):
    """However large or deep it is: a form may give a megabyte, and a file holds secrets."""
    assert len(shown(value)) <= 80


def test_a_short_value_is_shown_whole():
    """As Python writes it."""
    assert ("'a'", "[1, 2]") == (shown("a"), shown([1, 2]))


def test_a_list_shows_the_first_few():
    """The others would bury the message."""
    assert ("0, 1", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...") == (listed(range(2)), listed(range(99)))


def test_a_text_loses_its_end():
    """And shows that it did."""
    assert ("ab", "a...") == (shortened("ab", most=4), shortened("abcde", most=4))
