"""Where CloudWatch keeps the metrics that a specification names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow.analysis import AnalysisSpec, Output
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import MetricSource, read_sources
from tests.hooks.words import of, only


def test_custom_metrics_by_namespace_and_dimensions(shadowed, cloudwatch):
    """Both variants' names are put into the dimensions."""
    test = shadowed()
    for variant, value in (("AllTraffic", 2.0), ("Shadow", 3.0)):
        dimensions = [{"Name": "team", "Value": "churn"}, {"Name": "of", "Value": f"m-{variant}"}]
        datum = {"MetricName": "Score", "Dimensions": dimensions, "Value": value}
        stamp = test.start + timedelta(minutes=10)
        cloudwatch.put_metric_data(Namespace="Own", MetricData=[{**datum, "Timestamp": stamp}])
    dimensions = {"team": "{endpoint}", "of": "m-{variant}"}
    source = MetricSource(namespace="Own", name="Score", dimensions=dimensions)
    reading = test.look(only("score", "Average"), metrics={"score": source})
    both = of(reading, ("score", "Average"))
    assert [[2.0], [3.0]] == [list(one.values) for one in both]


def test_utilisation_has_a_namespace_of_its_own(shadowed):
    """SageMaker sends it for instances, not for requests."""
    baseline, _ = of(
        shadowed().look(only("CPUUtilization", "Average")), ("CPUUtilization", "Average")
    )
    assert 59 == len(baseline.times)


def test_unknown_metrics_are_refused(shadowed):
    """A mistyped name would have no data for ever, and its criterion no verdict."""
    look = shadowed().look
    with pytest.raises(InvalidRequestError, match=r"(?s)'ModelLatenzy'.*ModelLatency"):
        look(only("ModelLatenzy", "Average"))


def test_answers_are_not_asked_of_cloudwatch(shadowed):
    """Criteria on answers are no metrics, so nothing is read for them."""
    spec = AnalysisSpec(criteria=(), breakers=(), answers={"churn": Output()})
    assert {} == dict(shadowed().look(spec).series)


def test_sources_are_read_from_plain_words():
    """As a Dag or a form gives them; without dimensions they are SageMaker's."""
    described = {"namespace": "Own", "name": "Score", "dimensions": {"of": "{variant}"}}
    usual = {"namespace": "Own", "name": "Other"}
    expected = {
        "score": MetricSource(namespace="Own", name="Score", dimensions={"of": "{variant}"}),
        "other": MetricSource(namespace="Own", name="Other"),
    }
    assert expected == read_sources({"score": described, "other": usual})


@pytest.mark.parametrize(
    ("described", "fault"),
    [
        ("Own", "score: 'Own' is not a mapping"),
        ({"name": "n"}, "score.namespace: None is not text"),
        (
            {"namespace": "Own", "name": "n", "dimensions": {"a": 1}},
            "score.dimensions: {'a': 1} is not a mapping of text to text",
        ),
        (
            {"namespace": "Own", "name": "n", "dimensions": "a=b"},
            "score.dimensions: 'a=b' is not a mapping of text to text",
        ),
        (
            {"namespace": "Own", "name": "n", "unit": "ms"},
            "score.unit: is not one of namespace, name, dimensions",
        ),
    ],
)
def test_sources_that_say_nothing_are_refused(described, fault):
    """Each fault with its path."""
    with pytest.raises(InvalidRequestError) as caught:
        read_sources({"score": described})
    assert fault == caught.value.found


def test_cloudwatch_is_asked_through_the_same_connection(emulator):
    """Region and botocore's settings are those of the hook for SageMaker."""
    hook = InferenceExperimentHook(region_name="eu-west-1", config={"read_timeout": 7})
    meta = hook.cloudwatch.conn.meta
    assert ("cloudwatch", "eu-west-1", 7) == (
        meta.service_model.service_name,
        meta.region_name,
        meta.config.read_timeout,
    )
