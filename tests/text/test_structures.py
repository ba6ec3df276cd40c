"""What text is read as a list or a mapping, and what its leaves stay."""

import pickle
import time
from itertools import pairwise

import pytest

from airflow_shadow.text.structures import UnreadableTextError, parse_structure


@pytest.mark.parametrize(
    "text",
    [
        '{"Schedule": {"StartTime": 1e5}, "N": [25, true, null, 1.50, "a\nb"]}',
        "Schedule: {StartTime: 1e5}\nN: [25, on, ~, 1.50]",
    ],
)
def test_leaves_of_a_text_stay_text(text):
    """Nothing is guessed: numbers keep every digit that was written."""
    parsed = parse_structure(text, what="config")
    assert ("1e5", "25", "1.50") == (parsed["Schedule"]["StartTime"], *parsed["N"][0:4:3])


def test_yaml_scalars_stay_text():
    """YAML's base types guess nothing; only what was not written is None."""
    parsed = parse_structure("- no\n- 012\n- 22:30\n- null\n- ~\n- ''\n-\n", what="config")
    assert ["no", "012", "22:30", "null", "~", "", None] == parsed


def test_json_text_keeps_its_line_breaks():
    """A rendered value with a line break inside JSON is not folded away."""
    assert {"a": "b\nc"} == parse_structure('{"a": "b\nc"}', what="config")


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "a: 1\na: 2", "[{a: 1, b: 2, 'a': 3}]"])
def test_a_key_given_twice_is_an_error(text):
    """One of two values would be lost silently."""
    with pytest.raises(UnreadableTextError, match="config: the text gives a key twice: 'a'"):
        parse_structure(text, what="config")


@pytest.mark.parametrize(
    "text",
    ["", "two", "5", '{"a": ', "{{ a }}", "&a [*a]", '"\\UFFFFFFFF"', "a: b: c", "\x00", "[" * 9999,
     "- " * 9999, "---\na: 1\n---\nb: 2"],
    ids=lambda text: repr(text)[:12],
)  # fmt: skip
def test_what_is_no_structure_is_an_error(text):
    """Whatever the text, the error is ours and names what it is of."""
    with pytest.raises(UnreadableTextError, match=r"^config: the text is "):
        parse_structure(text, what="config")


def test_an_unreadable_text_says_where():
    """Both readings are explained, since either may have been meant."""
    with pytest.raises(UnreadableTextError) as caught:
        parse_structure('{"a": [1, 2}', what="config")
    assert "is neither JSON (Expecting ',' delimiter in line 1, column 12) nor YAML" in str(
        caught.value
    )
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "an alias; write out what it stands for in line 2, column 8"),
        ("a: &a 1\nb: {<<: *a}", "an alias"),
        ("- " * 60 + "x", "nested too deeply"),
        ("[" * 60 + "]" * 60 + "x", "nested too deeply"),
        ("a: b\n" * 1_000_000, "with its 5000000 characters too long to be read as YAML"),
        ("[" * 99_000, "nested too deeply"),
        ("[" * 60 + "]" * 60, "is nested too deeply"),
        ("? " * 49_000, "nested too deeply"),
    ],
    ids=["bomb", "merge", "block", "flow", "long", "open", "json", "keys"],
)
def test_yaml_takes_neither_time_nor_memory(text, problem):
    """A kilobyte of aliases took 40 seconds and a gigabyte, three megabytes of text as long."""
    begun = time.process_time()
    with pytest.raises(UnreadableTextError, match=problem):
        parse_structure(text, what="config")
    assert time.process_time() - begun < 5


def test_long_json_is_read():
    """Long JSON is parsed; only YAML has a limit."""
    assert 200_000 == len(parse_structure(f'["{"x" * 200_000}"]', what="config")[0])
