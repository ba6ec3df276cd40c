"""Classes and histograms of an output: few classes, the most frequent ones, and no odd names."""

from __future__ import annotations

import json

import pytest

from airflow_shadow.analysis.answer_distribution import (
    MOST_CLASSES,
    MOST_LETTERS,
    Distribution,
    of_classes,
    of_scores,
)
from airflow_shadow.analysis.histogram import Histogram
from airflow_shadow.analysis.outputs import Output


def test_the_most_frequent_classes_are_named():
    """Ten classes have names, all others are one."""
    rows = [(f"c{n:02}", f"c{n:02}", 100 - n) for n in range(15)] + [("c00", "c14", 3)]
    found = of_classes(rows).few_classes()
    assert [f"c{n:02}" for n in range(MOST_CLASSES)] == found.classes
    assert (sum(90 - n for n in range(5)), 3, 100) == (
        found.cells[None, None],
        found.cells["c00", None],
        found.cells["c00", "c00"],
    )


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "", "\ud800", "x" * (MOST_LETTERS + 1)])
def test_odd_names_are_other_classes(name):
    """A database could not keep some of them, and a text is no class."""
    assert {(None, "a"): 5, (None, None): 1} == of_classes(
        [(name, "a", 2), (None, "a", 3), (name, name, 1)]
    ).cells


def test_hours_are_added():
    """Cells are summed, and so are histograms."""
    one = of_classes([("a", "b", 2)]) + of_scores([(0, -4, 3, 5)])
    both = one + one
    assert {("a", "b"): 4} == both.cells
    assert (10,) == both.histograms["production"].counts
    assert Histogram() == both.histograms["difference"]


def test_it_travels_as_json():
    """What is kept is read back, other classes too."""
    found = of_classes([("a", None, 2), (None, "b", 1)]) + of_scores([(2, -4, -3, 5)])
    assert found == Distribution.from_dict(json.loads(json.dumps(found.to_dict())))


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"cells": {}},
        {"cells": [["a", "b"]]},
        {"cells": [["a", 1, 2]]},
        {"cells": [["a", "b", -1]]},
        {"cells": [["a\x00", "b", 1]]},
        {"histograms": {"else": {}}},
        {"histograms": {"shadow": {}}},
        {"more": 1},
    ],
)
def test_what_no_engine_writes_is_refused(wrong):
    """A kept result that somebody changed is made again."""
    data = {**Distribution().to_dict(), **wrong} if isinstance(wrong, dict) else wrong
    with pytest.raises(ValueError, match="no "):
        Distribution.from_dict(data)


@pytest.mark.parametrize("kind", ["score", "text", "json"])
def test_only_labels_have_classes(kind):
    """The switch is refused where nothing is named anyway."""
    faults = [*Output(kind=kind, show_classes=False).faults()]
    assert [f"show_classes: is for kind label, and this is {kind}"] == faults
