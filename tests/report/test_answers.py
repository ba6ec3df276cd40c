"""What a report shows of answers: their course, the classes, the scores, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from airflow_shadow.analysis.answer_distribution import Distribution, of_classes, of_scores
from airflow_shadow.analysis.answer_summary import MOST_POINTS, AnswerSummary
from airflow_shadow.report import render_report
from airflow_shadow.report.answers import matrix
from airflow_shadow.report.histogram import score_histograms
from airflow_shadow.report.limits import limits
from tests.report import data
from tests.report.reading import NUMBER, nesting, of_class, places, tree, words

NAME = "<b>&'\""


def page_of(**outputs) -> str:
    """Return a report with some outputs."""
    stages = [data.compared(**outputs)]
    return render_report(stages=stages, experiment=data.EXPERIMENT, spec=data.SPEC)


def finding(**fields):
    """Return a finding on an output, on latency unless told otherwise."""
    stage = data.stage()
    (one,) = (each for each in stage.verdict.findings if each.name == "mean latency")
    return replace(one, **fields)


@pytest.mark.parametrize(("minutes", "width"), [(30, 60), (120, 120), (30 * 1440, 720 * 60)])
def test_a_summary_has_few_points(minutes, width):
    """However long the window, an XCom stays small, and no answer is lost."""
    found = data.summary(minutes=minutes)
    assert width == found.width
    assert len(found.times) <= MOST_POINTS
    assert 200 * minutes == found.total("compared") == found.total("labelled")


def test_a_summary_travels_as_json():
    """The report of a rollout reads it from the XCom of the comparison."""
    found = data.summary("score")
    told = json.dumps(found.to_dict())
    assert found == AnswerSummary.from_dict(json.loads(told))
    assert len(told) < 5000


def test_a_course_is_drawn_without_gaps():
    """Points of answers are wider than those of metrics."""
    lines = of_class(page_of(species=data.summary()), "both")
    # One in the chart, one in the legend.
    assert [1, 1] == [each.get("d").count("M") for each in lines]


def test_what_is_zero_is_told_in_words():
    """A flat chart says less than a sentence."""
    page = page_of(species=data.summary())
    assert "Zero throughout: Broken answers." in words(tree(page))
    titles = [words(each) for each in tree(page).iter("figcaption")]
    assert (True, False) == ("Disagreement, in %" in titles, "Broken answers, in %" in titles)


def test_classes_are_a_table():
    """Ten classes and the others, equal ones on the diagonal, the numbers where they are."""
    (table,) = of_class(page_of(species=data.summary()), "matrix")
    rows = [[words(cell) for cell in row] for row in table.iter("tr")]
    assert [*"ABCDEFGHIJ*"] == rows[0][1:]
    assert 12 == len(rows)
    assert "* other" == rows[-1][0]
    assert 11 == len([each for each in table.iter("td") if "same" in each.get("class", "")])


def test_the_most_frequent_disagreements_are_named():
    """Three of them, with their part of all."""
    cells = [("a", "a", 90), ("a", "b", 6), ("b", "a", 3), (None, "a", 1), ("b", None, 0)]
    assert [
        "production a, shadow b: 6 of 100 (6 %)",
        "production b, shadow a: 3 of 100 (3 %)",
        "production other, shadow a: 1 of 100 (1 %)",
    ] == matrix(of_classes(cells)).named


def test_without_classes_there_is_no_table():
    """Where none is named, or may be."""
    assert matrix(Distribution()) is None
    assert matrix(of_classes([(None, None, 9)])) is None


def test_names_of_classes_stay_text():
    """They come from a model, which may say anything."""
    shown = replace(data.summary(), distribution=of_classes([(NAME, NAME, 90), (NAME, "a", 9)]))
    page = page_of(species=shown)
    assert ([], []) == nesting(page)
    assert "<b>" not in page
    assert NAME in words(tree(page))


def test_scores_are_two_pictures():
    """Scores of both over each other, and the differences with their zero."""
    page = page_of(risk=data.summary("score"))
    scores, differences = of_class(page, "histogram")
    assert ["steps line production", "steps line shadow"] == [
        each.get("class") for each in scores if "steps" in each.get("class", "")
    ]
    told = words(differences.find("desc"))
    assert told.startswith("difference: nine of ten between -0.0")
    numbers = [float(each) for value in places(page) for each in NUMBER.findall(value)]
    assert (True, True) == (min(numbers) >= -34, max(numbers) <= 600)


def test_scores_far_outside_are_counted():
    """The captions say how many numbers no bin shows."""
    rows = [(side, -4, 3, 1000) for side in range(3)] + [(1, 20, 5, 2), (2, 20, 5, 1)]
    captions = [each for each, _ in score_histograms(of_scores(rows).histograms, key="k")]
    assert ["Scores; 2 far outside", "Shadow minus production; 1 far outside"] == captions


def test_without_scores_there_is_no_picture():
    """Labels, and outputs that nothing was compared of."""
    assert [] == score_histograms({}, key="k")
    assert [] == score_histograms(of_scores([]).histograms, key="k")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tolerance": 0.1}, [110.0]),
        ({"tolerance": -0.1}, [90.0]),
        ({"tolerance": 0.1, "direction": "either"}, [110.0, 90.0]),
        ({"tolerance": 0.1, "direction": "decrease"}, [90.0]),
        ({"tolerance": 5.0, "comparison": "difference"}, [105.0]),
        ({"tolerance": 7.0, "comparison": "absolute"}, [7.0]),
        ({"tolerance": None}, []),
        ({"tolerance": 0.1, "baseline": None}, []),
    ],
)
def test_a_tolerance_is_a_level(fields, expected):
    """It is what the shadow may reach, given production's level."""
    one = finding(**{"baseline": 100.0, **fields})
    stage = data.stage()
    stage = replace(stage, verdict=replace(stage.verdict, findings=(one,)))
    found = [*limits([stage], one.metric, one.statistic)]
    assert pytest.approx(expected) == [level for *_, level in found]
    assert [] == [*limits([stage], "Other")]


def test_tolerances_are_drawn():
    """A line in the chart of the metric, and its level in the description."""
    page = render_report(stages=[data.stage()], experiment=data.EXPERIMENT, spec=data.SPEC)
    latency = next(
        each for each in of_class(page, "chart") if words(each[0]).startswith("ModelLatency, Av")
    )
    assert 1 == len([each for each in latency if each.get("class") == "tolerance"])
    assert "Tolerance at 111 ms." in words(latency.find("desc"))
