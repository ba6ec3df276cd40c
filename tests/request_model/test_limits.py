"""The model's patterns in Python: none crashes, none refuses what the original accepts."""

import time

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from airflow_shadow.request_model.limits import _compiled
from tests.helpers import input_shape

VERBS = ["Create", "Describe", "Update", "Start", "Stop", "Delete"]
OPERATIONS = [f"{verb}InferenceExperiment" for verb in VERBS] + ["ListInferenceExperiments"]
NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}"
TAG = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"


def patterns(shape: Shape) -> set[str]:
    """Return the patterns of a shape and all below it."""
    below: list[Shape] = []
    if isinstance(shape, StructureShape):
        below = list(shape.members.values())
    elif isinstance(shape, ListShape):
        below = [shape.member]
    elif isinstance(shape, MapShape):
        below = [shape.key, shape.value]
    own = {shape.metadata["pattern"]} if "pattern" in shape.metadata else set()
    return own.union(*map(patterns, below))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_pattern_of_a_request_is_checked(operation):
    """A botocore whose patterns are stranger still may skip some; today's needs none skipped."""
    written = patterns(input_shape(operation))
    assert written
    assert [] == [pattern for pattern in written if _compiled(pattern) is None]


@pytest.mark.parametrize(
    ("pattern", "accepted", "rejected"),
    [
        (TAG, ["", "a b_1", "Größe", "日本 ٣", "\U0001f600"], ["a;b", "\t", "a\n", "ß\x7f"]),
        (r"^\d+$", ["12"], ["", "12\n", "٣"]),
        (r".*", ["", "a b"], ["a\nb"]),
    ],
)
def test_a_pattern_accepts_what_the_original_does(pattern, accepted, rejected):
    """Beyond ASCII a class of characters is widened; within ASCII it is exact."""
    found = _compiled(pattern)
    assert accepted == [text for text in accepted + rejected if found.fullmatch(text)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "pattern",
    [r"[a-z&&[^b]]", r"[[:alpha:]_]+", r"[:alpha:]", r"(a*)${1,128}", r"\p{Lu}+", r"[^\p{M}]",
     "(", r"\Qa\E", r"(?<n>a)", "a{99999999999999999999}"],
)  # fmt: skip
def test_a_pattern_without_counterpart_is_skipped(pattern):
    """What Python would read differently, or not at all, is AWS's to check."""
    assert _compiled(pattern) is None


@pytest.mark.parametrize("bad", ["a", "-", "a-", "!", "/", "\n", "é"])
def test_a_bad_name_is_refused_quickly(bad):
    """A pattern with nested repetition does not run away on a name of full length."""
    began = time.perf_counter()
    assert _compiled(NAME).fullmatch((bad * 120)[:119] + "!") is None
    assert time.perf_counter() - began < 0.5
