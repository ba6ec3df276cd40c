"""Named outputs: what is wrong with them, and what can be measured of each kind."""

from __future__ import annotations

import pytest

from airflow_shadow.analysis.outputs import Output, metric_fault

LABELS = "s3://bucket/truth/"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"answer": "$..a"}, "answer: '$..a' cannot be read"),
        ({"kind": "number"}, "kind: 'number' is not of type"),
        ({"labels": "bucket/x", "kind": "label"}, "labels: 'bucket/x' is not like"),
        ({"values": "s3://b/x?y"}, "values: 's3://b/x?y' is not like"),
        ({"labels": LABELS, "kind": "text"}, "labels: are for kind label or score"),
        ({"within": 0.1, "kind": "label"}, "within: is for kind score"),
        ({"threshold": 0.5, "kind": "label"}, "threshold: is for kind score"),
        ({"within": -1.0, "kind": "score"}, "within: -1.0 is not at least 0"),
        ({"min_labelled": 0}, "min_labelled: 0 is not at least 1"),
        ({"min_values": 0}, "min_values: 0 is not at least 1"),
        ({"noise": "12 %"}, "noise: '12 %' is neither 'repeats' nor disagreed/compared of an A/A"),
        ({"noise": "-1/5"}, "noise: '-1/5' is neither 'repeats' nor disagreed"),
        ({"noise": "6/5"}, "noise: '6/5' is no share; give disagreed/compared"),
        ({"noise": "0/0"}, "noise: '0/0' is no share"),
        ({"noise": 0.1}, "noise: 0.1 is not of type"),
    ],
)
def test_a_fault_names_its_field(fields, fault):
    """What is wrong with an output is a sentence that begins with the field."""
    assert any(each.startswith(fault) for each in Output(**fields).faults())


@pytest.mark.parametrize(
    ("fields", "metric", "why"),
    [
        ({}, "answers.other.broken", "no output 'other' is declared in answers; declared: churn"),
        ({}, "answers.churn.recall", "'recall' is not one of disagreement, broken, shift"),
        ({}, "answers.churn", "'' is not one of"),
        ({"kind": "label"}, "answers.churn.shift", "shift is for kind score"),
        ({"kind": "label", "labels": LABELS}, "answers.churn.error", "error is for kind score"),
        ({"kind": "label"}, "answers.churn.accuracy", "accuracy needs labels"),
        ({"kind": "score", "labels": LABELS}, "answers.churn.accuracy", "needs a threshold"),
        ({}, "answers.churn.values.ndcg", "values need the folder"),
        ({"values": LABELS}, "answers.churn.values.a b", "'a b' is no name of a value"),
        ({}, "answers.churn.disagreement", ""),
        ({"kind": "label", "labels": LABELS}, "answers.churn.accuracy", ""),
        ({"kind": "score", "labels": LABELS}, "answers.churn.error", ""),
        ({"values": LABELS}, "answers.churn.values.ndcg", ""),
    ],
)
def test_a_measure_that_a_kind_does_not_have_is_refused(fields, metric, why):
    """A criterion on what is not declared, or not to be had of a kind, is told why."""
    fault = metric_fault(metric, {"churn": Output(**fields)})
    assert (why in fault) if why else ("" == fault)
