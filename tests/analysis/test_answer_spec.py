"""Answers in a specification: read, refused, and completed with default criteria."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_shadow.analysis import AnalysisSpec, Criterion, Output, read_spec
from airflow_shadow.exceptions import InvalidRequestError
from tests.analysis.answer_data import LABELS, answer_spec, criterion

YAML = """
answers:
  churn:
    answer: $.predictions[*].score
    kind: score
    within: 0.05
    labels: s3://bucket/truth/
    threshold: 0.5
    labels_wait: 2h
  reason:
    answer: 1
  summary:
criteria:
  - {name: answers agree, metric: answers.churn.disagreement, comparison: absolute, tolerance: 0.02}
  - {name: score shift, metric: answers.churn.shift, comparison: difference, direction: either,
     tolerance: 0.01}
"""
CHURN = Output(
    answer="$.predictions[*].score",
    kind="score",
    within=0.05,
    labels=LABELS,
    threshold=0.5,
    labels_wait=7200,
)
SCORE = {"kind": "score"}


def faults(spec: object) -> str:
    """Return what is wrong with a description."""
    with pytest.raises(InvalidRequestError) as caught:
        read_spec(spec)
    return caught.value.found


def on_churn(**fields: object) -> dict:
    """Return a description with one output of scores and one criterion."""
    described = {"name": "c", "comparison": "difference", "tolerance": 0.01, **fields}
    return {"answers": {"churn": SCORE}, "criteria": [described]}


def test_outputs_are_read_from_yaml():
    """Durations, numbers of columns and empty entries are what they look like."""
    spec = read_spec(YAML)
    assert {"churn": CHURN, "reason": Output(answer="1"), "summary": Output()} == spec.answers


@pytest.mark.parametrize(
    "spec", [read_spec(YAML), AnalysisSpec(answers={"churn": Output(answer="0")})]
)
def test_a_specification_with_answers_is_read_back(spec):
    """JSON of it, and itself, mean the same; no default criterion is added twice."""
    assert spec == read_spec(spec.to_dict())
    assert spec == read_spec(json.dumps(spec.to_dict()))
    assert spec == read_spec({"answers": {"churn": {"answer": 0}}}) or len(spec.answers) > 1


def test_the_statistic_follows_from_the_measure():
    """It need not be written, and a wrong one is refused."""
    spec = read_spec(YAML)
    assert ["rate", "Average"] == [each.statistic for each in spec.on_answers[:2]]
    found = faults(on_churn(metric="answers.churn.shift", statistic="rate"))
    assert "criteria[0].statistic: that of shift is 'Average'; leave it out" in found


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (Output(), {"disagreement": 0.02, "broken": 0.005}),
        (
            Output(kind="label", labels=LABELS),
            {"disagreement": 0.02, "broken": 0.005, "accuracy": 0.01},
        ),
        (
            Output(kind="score", labels=LABELS),
            {"disagreement": 0.02, "broken": 0.005, "error": 0.05},
        ),
        (CHURN, {"disagreement": 0.02, "broken": 0.005, "accuracy": 0.01}),
    ],
)
def test_an_output_without_a_criterion_gets_the_default_ones(output, expected):
    """Disagreement warns, broken answers decide, and what was right where it is known."""
    spec = AnalysisSpec(answers={"churn": output})
    found = {each.metric.rpartition(".")[2]: each for each in spec.on_answers}
    assert expected == {name: each.tolerance for name, each in found.items()}
    assert {"disagreement"} == {name for name, each in found.items() if each.severity == "warning"}
    assert AnalysisSpec().criteria == spec.operational


def test_where_noise_is_known_only_what_goes_beyond_it_counts():
    """The default criterion on disagreement compares with production's own, and warns."""
    spec = read_spec({"answers": {"churn": {"noise": "216/1800"}}})
    one = spec.on_answers[0]
    assert ("difference", 0.02, "warning") == (one.comparison, one.tolerance, one.severity)
    assert spec == read_spec(json.dumps(spec.to_dict()))


def test_an_output_with_a_criterion_gets_no_default():
    """Whoever names one criterion on an output names all of them."""
    spec = read_spec(YAML)
    names = [each.name for each in spec.on_answers]
    assert ["answers agree", "score shift"] == names[:2]
    assert ["reason disagreement", "reason broken"] == names[2:4]


def test_answers_alone_are_enough_to_judge():
    """A specification without any metric has the critical default on broken answers."""
    spec = AnalysisSpec(criteria=(), breakers=(), answers={"churn": Output()})
    assert (2, ()) == (len(spec.criteria), spec.needs)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"metric": "answers.other.broken"}, "criteria[0].metric: no output 'other' is declared"),
        ({"metric": "answers.churn.recall"}, "criteria[0].metric: 'recall' is not one of"),
        ({"metric": "answers.churn.error"}, "criteria[0].metric: error needs labels"),
        ({"metric": "answers..broken"}, "criteria[0].metric: '' is no name of an output"),
        (
            {"metric": "answers.churn.disagreement"},
            "and the output has no noise; use 'absolute', or give noise",
        ),
        (
            {"metric": "answers.churn.disagreement", "comparison": "relative"},
            "'relative' does not fit disagreement; use 'absolute' or 'difference'",
        ),
        (
            {"metric": "answers.churn.shift", "comparison": "relative"},
            "criteria[0].comparison: 'relative' does not fit shift; use 'difference'",
        ),
        (
            {"metric": "answers.churn.broken", "direction": "decrease"},
            "criteria[0].direction: 'decrease' does not fit broken; use 'increase'",
        ),
        (
            {"metric": "answers.churn.broken", "count": "invocations"},
            "criteria[0].count: 'invocations' is for CloudWatch's counts",
        ),
        (
            {"metric": "prediction_disagreement"},
            "criteria[0].metric: 'prediction_disagreement' was removed: declare what is compared",
        ),
        ({"metric": "answers.churn.broken", "tolerance": 2}, "of a rate is a share, below 1"),
        ({"metric": "answers.churn.broken", "tolerance": 0}, "0 accepts no uncertainty"),
        (
            {"metric": "answers.churn.shift", "direction": "either", "tolerance": -0.1},
            "asks for an improvement, and direction 'either' has none",
        ),
        (
            {"name": "answer coverage", "metric": "answers.churn.broken"},
            "is reserved for a finding",
        ),
    ],
)
def test_a_criterion_that_cannot_be_had_is_refused(fields, fault):
    """What is not declared, or not to be had of its kind, is named with its path."""
    assert fault in faults(on_churn(**fields))


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ([], "answers: [] is not a structure"),
        ("churn", "answers: 'churn' is not a structure"),
        ({"churn": "score"}, "answers.churn: 'score' is not a structure"),
        ({"churn": {"kind": "number"}}, "answers.churn.kind: 'number' is not one of label, score"),
        ({"churn": {"colour": 1}}, "answers.churn.colour: unknown; known are answer, kind"),
        (
            {"churn": {"noise": "inputs"}},
            "answers.churn.noise: 'inputs' is neither 'repeats' nor disagreed/compared",
        ),
        ({"churn": {"noise": 0.12}}, "answers.churn.noise: 0.12 is not text"),
        ({"churn": {"sound": 1}}, "answers.churn.sound: unknown"),
        ({"churn": {"answer": "$..a"}}, "answers.churn.answer: '$..a' cannot be read"),
        ({"a b": {}}, "answers.'a b': is no name of an output"),
        ({f"o{index}": {} for index in range(21)}, "answers: has 21 outputs, at most 20"),
    ],
)
def test_an_output_that_cannot_be_compared_is_refused(answers, fault):
    """Each fault has its path below `answers`."""
    assert fault in faults({"answers": answers})


def test_all_faults_of_answers_are_in_one_error():
    """Faults of outputs, of criteria and of other fields need no second round."""
    found = faults(
        {
            "alpha": "high",
            "answers": {"churn": {"answer": "$..a"}, "other": {"kind": "number"}},
            "criteria": [{"name": "a", "metric": "answers.churn.recall", "tolerance": 0.1}],
        }
    )
    for fault in ("alpha:", "answers.churn.answer:", "answers.other.kind:", "criteria[0].metric:"):
        assert fault in found


@pytest.mark.parametrize("answers", [None, 5, {"churn": 5}, {5: Output()}])
def test_wrong_types_are_faults_of_the_dataclass_too(answers):
    """A specification made in Python is checked like one that was read."""
    with pytest.raises(InvalidRequestError, match="answers"):
        AnalysisSpec(answers=answers)


def test_negative_tolerances_belong_to_comparisons():
    """An improvement is asked of a change, so a limit cannot be negative, nor a ratio below -1."""
    for fields, fault in (
        ({"comparison": "absolute"}, "an absolute limit compares with nothing"),
        ({"comparison": "relative", "statistic": "Average", "tolerance": -1.0}, "of 100 % or more"),
    ):
        item = Criterion(**{"name": "a", "metric": "M", "tolerance": -0.1, **fields})
        assert any(fault in each for each in item.faults())
    better = criterion("shift", comparison="difference", direction="decrease", tolerance=-0.1)
    assert (0.1, float("inf")) == better.accepted
    assert [] == list(better.faults())


def test_the_page_shows_what_can_be_read():
    """The specification of docs/answers.md is one, and the Python that makes one runs."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "answers.md").read_text()
    spec = read_spec(page.split("```yaml\n")[1].split("```")[0])
    assert (7, CHURN.threshold) == (len(spec.criteria), spec.answers["churn"].threshold)
    blocks = [block.split("```")[0] for block in page.split("```python\n")[1:]]
    [code] = [block for block in blocks if "import AnalysisSpec" in block]
    exec(code, {})


def test_replacing_criteria_keeps_outputs():
    """A specification of one output and its criteria is what the tests of the judge use."""
    item = criterion("disagreement", comparison="absolute", tolerance=0.02)
    assert (item,) == answer_spec(item).criteria
