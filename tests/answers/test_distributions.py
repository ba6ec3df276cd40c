"""What is told of answers besides sums: classes that are frequent, and histograms of scores."""

from __future__ import annotations

import json

import pytest

from airflow_shadow.analysis.answer_distribution import HOURLY_CLASSES, LEAST_ANSWERS, MOST_LETTERS
from airflow_shadow.analysis.answer_sums import AnswerSums
from airflow_shadow.analysis.outputs import Output
from tests.answers.captured import compared, record

LABEL, SCORE = Output(answer="$.c", kind="label"), Output(answer="$.c", kind="score")
OFTEN = LEAST_ANSWERS


def distribution(tmp_path, output, pairs):
    """Return what is told of pairs of answers."""
    production, shadow = (
        [record({"c": pair[side]}, inference_id=str(n)) for n, pair in enumerate(pairs)]
        for side in (0, 1)
    )
    return compared(tmp_path, output, production, shadow).distributions.get("it")


def test_pairs_of_classes_are_counted(tmp_path):
    """Production's class first; what is broken on a side is no pair of classes."""
    pairs = [("yes", "yes")] * OFTEN + [("yes", "no")] * 3 + [("no", "no")] * OFTEN + [("", "no")]
    found = distribution(tmp_path, LABEL, pairs)
    assert {("yes", "yes"): OFTEN, ("no", "no"): OFTEN, ("yes", "no"): 3} == found.cells


def test_a_rare_class_has_no_name(tmp_path):
    """What few answers say may tell of a person, so it leaves the engine as another class."""
    pairs = [("yes", "yes")] * OFTEN + [("Ada", "Ada")] * (OFTEN // 2 - 1) + [("yes", "Bob")]
    found = distribution(tmp_path, LABEL, pairs)
    assert {("yes", "yes"): OFTEN, (None, None): OFTEN // 2 - 1, ("yes", None): 1} == found.cells


def test_a_long_name_is_a_text(tmp_path):
    """However often it is said, a sentence is not named."""
    kept, long = "x" * MOST_LETTERS, "y" * (MOST_LETTERS + 1)
    found = distribution(tmp_path, LABEL, [(kept, kept), (long, long)] * OFTEN)
    assert {(kept, kept): OFTEN, (None, None): OFTEN} == found.cells


def test_few_classes_of_an_hour_are_named(tmp_path):
    """Of many classes the most frequent ones are named."""
    names = [f"c{n:02}" for n in range(HOURLY_CLASSES + 5)]
    pairs = [(name, name) for n, name in enumerate(names) for _ in range(OFTEN - (n > 0))]
    found = distribution(tmp_path, LABEL, pairs)
    assert {*names[:HOURLY_CLASSES], None} == {key[0] for key in found.cells}


@pytest.mark.parametrize(
    "output", [Output(answer="$.c", kind="label", show_classes=False), Output()]
)
def test_what_may_not_be_shown_is_not_counted(tmp_path, output):
    """Nothing is told of texts, nor of classes where that is switched off."""
    assert distribution(tmp_path, output, [("yes", "yes")] * OFTEN) is None


def test_scores_are_put_into_bins(tmp_path):
    """Each number is in its bin, the differences are shadow minus production."""
    pairs = [(0.1, 0.1), (0.25, 0.75), (0.5, 0.25), (1, 1), (1.0, "x")] * 10
    found = distribution(tmp_path, SCORE, pairs).histograms
    assert {"production": 40, "shadow": 40, "difference": 40} == {
        name: sum(each.counts) + each.outside for name, each in found.items()
    }
    assert {0.0: 20, 0.5: 10, -0.25: 10} == edges(found["difference"])
    shadow = edges(found["shadow"])
    assert (10, 10, 10) == (shadow[0.25], shadow[0.75], shadow[1.0])


def edges(histogram):
    """Return the lower edge of each bin that holds something, and how many it holds."""
    return {number * histogram.width: count for (_, number), count in histogram.bins.items()}


@pytest.mark.parametrize("number", ["1e30", "-1e30", "1e-300", "0", "-0.0", "65536"])
def test_every_number_has_a_bin(tmp_path, number):
    """From the smallest to the largest number that counts, of either sign."""
    found = distribution(tmp_path, SCORE, [(number, number)] * 3).histograms
    ((edge, count),) = edges(found["shadow"]).items()
    assert (3, True) == (count, edge <= float(number) < edge + found["shadow"].width)


def test_it_is_kept_with_the_sums(tmp_path):
    """The results of an hour hold it, and are read back."""
    pairs = [record({"c": 0.5}, inference_id="1")]
    sums = compared(tmp_path, SCORE, pairs, pairs)
    assert sums == AnswerSums.from_dict(json.loads(json.dumps(sums.to_dict())))
