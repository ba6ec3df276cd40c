"""The model's patterns in Python: none crashes, none refuses what the original accepts."""

import re
import time

import pytest

from airflow_shadow.service_model.model import _sagemaker
from airflow_shadow.service_model.patterns import compiled

MODEL = _sagemaker()
PATTERNS = sorted(
    {
        pattern
        for name in MODEL.shape_names
        if (pattern := MODEL.shape_for(name).metadata.get("pattern")) is not None
    }
)
NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}"


@pytest.mark.filterwarnings("error")
def test_every_pattern_of_the_model_is_translated():
    """A botocore whose patterns are stranger still may skip some; today's needs none skipped."""
    assert len(PATTERNS) > 200
    assert [] == [pattern for pattern in PATTERNS if compiled(pattern) is None]


@pytest.mark.parametrize(
    ("pattern", "accepted", "rejected"),
    [
        (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", ["", "a b_1", "Größe", "日本 ٣"], ["a;b", "\t", "a\n"]),
        (r"\p{Lu}+", ["ABC", "É"], ["abc", "1"]),
        (r"\P{L}+", ["12", "日"], ["a"]),
        (r"[^\p{L}]+", ["12", "日"], ["a"]),
        (r"[^\P{L}]+", ["abc", "日"], ["1"]),
        (r"[\p{Alnum}\-]+", ["a-1"], ["_"]),
        (r"[[:alpha:]_]+", ["a_b"], ["1"]),
        (r"[[:punct:]]+", ["!?"], ["a"]),
        (r"[\u0020-\uD7FF\uD800\uDC00-\uDBFF\uDFFF\t]*", ["a \t", "\U0001f600"], ["\n"]),
        (r"(a*)${1,128}", ["", "aa"], ["b"]),
        (r"^\d+$", ["12"], ["", "12\n", "٣"]),
        (r"\Aa+\z", ["aa"], ["aa\n"]),
        (r"[a-z]++", ["abc"], ["1"]),
        (r"[$*]+", ["$*"], ["a"]),
        (r".*", ["", "a b"], ["a\nb"]),
        (r"[\S\s]*", ["a\nb"], []),
    ],
)
def test_a_pattern_accepts_what_the_original_does(pattern, accepted, rejected):
    """Beyond ASCII a class of characters is widened; within ASCII it is exact."""
    translated = compiled(pattern)
    assert accepted == [text for text in accepted + rejected if translated.fullmatch(text)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "pattern",
    [r"[a-z&&[^b]]", r"[a[bc]]", r"[+--]", r"\p{IsGreek}", r"(?!\p{L}).", r"[:alpha:]", "(",
     r"\Qa\E", r"[^\p{M}]", r"(?<n>a)", "a{99999999999999999999}"],
)  # fmt: skip
def test_a_pattern_without_counterpart_is_skipped(pattern):
    """What Python would read differently, or not at all, is AWS's to check."""
    assert compiled(pattern) is None


@pytest.mark.parametrize("bad", ["a", "-", "a-", "!", "/", "\n", "é"])
def test_a_bad_name_is_refused_quickly(bad):
    """A pattern with nested repetition does not run away on a name of full length."""
    began = time.perf_counter()
    assert compiled(NAME).fullmatch((bad * 120)[:119] + "!") is None
    assert time.perf_counter() - began < 0.5


def test_a_translated_pattern_is_compiled_once():
    """Nothing is translated twice for a request with many tags."""
    assert compiled(r"\p{L}") is compiled(r"\p{L}")
    assert isinstance(compiled(r"\p{L}"), re.Pattern)
