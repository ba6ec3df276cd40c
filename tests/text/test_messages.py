"""What messages show of values."""

import pytest

from airflow_shadow.text.messages import printable, short_repr, short_reprs, shorten
from airflow_shadow.text.numbers import finite

DEEP = [[[[[[[[["x"] * 99] * 99] * 99] * 99] * 99] * 99]]]


@pytest.mark.parametrize(
    "value", ["x" * 10**6, DEEP, {"k" * 999: DEEP}, 10**5000, b"x" * 999], ids=type
)
def test_a_value_is_short_in_a_message(value):
    """However large or deep it is: a form may give a megabyte, and a file holds secrets."""
    assert len(short_repr(value)) <= 80


def test_a_short_value_is_shown_whole():
    """A short value is printed as Python writes it."""
    assert ("'a'", "[1, 2]") == (short_repr("a"), short_repr([1, 2]))


def test_a_list_shows_the_first_few():
    """A long list is cut off after its first values."""
    assert ("0, 1", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...") == (
        short_reprs(range(2)),
        short_reprs(range(99)),
    )


def test_a_text_loses_its_end():
    """A long text is cut off and ends in dots."""
    assert ("ab", "a...") == (shorten("ab", most=4), shorten("abcde", most=4))


@pytest.mark.parametrize("hidden", ["\n", "\x1b", "\u202e", "\u200b", "\u3164", "\u2800", "\ud800"])
def test_what_nobody_sees_is_escaped(hidden):
    """Invisible characters are escaped, because they could forge a line or hide a difference."""
    assert printable(f"a{hidden}b").isascii()
    assert "a b, \u00e9 \u4e2d" == printable("a b, \u00e9 \u4e2d")


@pytest.mark.parametrize(
    ("value", "number"), [(5, 5), (0.5, 0.5), (" 1e-3 ", 0.001), ("-.5", -0.5)]
)
def test_a_number_may_be_text(value, number):
    """A number may be the text that a template rendered."""
    assert number == finite(value)


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        "",
        "nan",
        "inf",
        float("nan"),
        10**400,
        "1_0",
        "\u0665",
        "0x1",
        "9" * 400,
        b"1",
        [],
    ],
)
def test_other_values_are_no_number(value):
    """Texts that only Python takes for numbers are refused, with one error."""
    with pytest.raises(ValueError, match="is not a number"):
        finite(value)
