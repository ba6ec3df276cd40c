"""Specifications: their defaults, their faults, and how they are read."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_shadow.analysis import (
    AnalysisSpec,
    Breaker,
    Criterion,
    OutsideCriterion,
    parse_statistic,
    read_spec,
)
from airflow_shadow.exceptions import InvalidRequestError
from tests.analysis.data import error_criterion, latency_criterion

FULL = {
    "criteria": [
        {
            "name": "tail",
            "metric": "ModelLatency",
            "statistic": "above:250ms",
            "comparison": "difference",
            "tolerance": "0.01",
            "severity": "warning",
            "min_samples": "900",
            "on_no_data": "fail",
            "missing": "zero",
            "count": "invocations",
        },
        {"name": "latency", "metric": "ModelLatency", "statistic": "Average", "tolerance": 0.1},
    ],
    "breakers": [
        {
            "metric": "Invocation5XXErrors",
            "limit": "0.5",
            "datapoints": "2 of 3",
            "missing": "zero",
        }
    ],
    "outside": [{"name": "cpu", "target": "cpu-high"}],
    "alpha": "0.1",
    "period": "300",
    "require_full_sampling": "False",
    "planned_looks": "4",
    "min_power": "0.6",
}
MEANT = AnalysisSpec(
    criteria=(
        Criterion(
            name="tail",
            metric="ModelLatency",
            statistic="above:250ms",
            comparison="difference",
            tolerance=0.01,
            severity="warning",
            min_samples=900,
            on_no_data="fail",
            missing="zero",
            count="invocations",
        ),
        Criterion(name="latency", metric="ModelLatency", statistic="Average", tolerance=0.1),
    ),
    breakers=(Breaker(metric="Invocation5XXErrors", limit=0.5, datapoints=(2, 3), missing="zero"),),
    outside=(OutsideCriterion(name="cpu", target="cpu-high"),),
    alpha=0.1,
    period=300,
    require_full_sampling=False,
    planned_looks=4,
    min_power=0.6,
)
YAML = """
criteria:
  - {name: tail, metric: ModelLatency, statistic: "above:250ms", comparison: difference,
     tolerance: 0.01, severity: warning, min_samples: 900, on_no_data: fail,
     missing: zero, count: invocations}
  - {name: latency, metric: ModelLatency, statistic: Average, tolerance: 0.1}
breakers:
  - {metric: Invocation5XXErrors, limit: 0.5, datapoints: [2, 3], missing: zero}
outside:
  - {name: cpu, target: cpu-high}
alpha: 0.1
period: 300
require_full_sampling: no
planned_looks: 4
min_power: 0.6
"""


@pytest.mark.parametrize("given", [FULL, json.dumps(FULL), YAML, MEANT, asdict(MEANT)])
def test_a_dict_json_and_yaml_mean_the_same(given):
    """Numbers may be text, and YAML's `no` is what was written."""
    assert MEANT == read_spec(given)


def test_the_specification_in_the_docs_is_one():
    """What docs/analysis.md shows can be read, and asks for what it says."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "analysis.md").read_text()
    spec = read_spec(page.split("```yaml\n")[1].split("```")[0])
    assert ["server errors", "mean latency", "slow requests", "slow answers", "answers agree"] == [
        criterion.name for criterion in spec.criteria
    ]


def test_nothing_given_is_the_default():
    """An empty specification is the default one."""
    spec = read_spec({})
    assert AnalysisSpec() == spec
    assert [
        ("server errors", 0.005, "critical", 1000),
        ("model errors", 0.005, "critical", 1000),
        ("mean latency", 0.1, "critical", 1000),
        ("slow requests", 0.01, "warning", 500),
        ("caller errors", 0.01, "warning", 500),
    ] == [(c.name, c.tolerance, c.severity, c.needed_samples) for c in spec.criteria]


def test_all_faults_are_in_one_error():
    """Unknown keys, wrong types, missing fields and broken rules need no second round."""
    with pytest.raises(InvalidRequestError) as caught:
        read_spec(
            {
                "critera": [],
                "alpha": "high",
                "criteria": [
                    {"name": "a", "metric": "M", "tolerance": True, "colour": "red"},
                    {"name": "b", "metric": "M"},
                    {"name": "c", "metric": "M", "statistic": "p99", "tolerance": 0.1},
                    "d",
                ],
                "breakers": [{"metric": "M", "datapoints": [4, 3], "limit": 1}],
            }
        )
    found = caught.value.found
    assert found.startswith("8 fault(s): ")
    for fault in (
        "critera: unknown; known are criteria, breakers",
        "alpha: 'high' is not a number",
        "criteria[0].tolerance: True is not a number",
        "criteria[0].colour: unknown",
        "criteria[1].tolerance: is missing",
        "criteria[3]: 'd' is not a structure",
        "percentiles of minutes cannot be averaged; use above:<limit>",
        "breakers[0].datapoints: (4, 3) is not M of N",
    ):
        assert fault in found


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("criteria", "x", "criteria: 'x' is not a list"),
        ("period", "1.5", "period: '1.5' is not a whole number"),
        ("require_full_sampling", "maybe", "'maybe' is neither true nor false"),
        ("alpha", "nan", "alpha: 'nan' is not a number"),
        ("alpha", "0.5", "alpha: 0.5 is above 0.2"),
        ("alpha", "5e-324", "alpha: 5e-324 is not at least 1e-09"),
        ("alpha", "0.0_1", "alpha: '0.0_1' is not a number"),
        ("alpha", 10**400, "is not a number"),
        ("criteria", [10**5000], "criteria[0]: <int too long to show> is not a structure"),
        ("period", 10**300, "is above 86400"),
        ("min_periods", 3, "min_periods: 3 is not at least 10"),
        ("planned_looks", 0, "planned_looks: 0 is not at least 1"),
        ("planned_looks", 21, "planned_looks: 21 is above 20"),
        ("min_power", 1, "min_power: 1.0 is not at least 0 and below 1"),
        ("looks", "anytime", "looks: was removed: PASS is possible at planned looks"),
        ("traffic_tolerance", 0.1, "with the tolerance of the criterion on Invocation5XXErrors"),
        ("period", 0, "period: 0 is not at least 1"),
        ("criteria", [], "criteria: none is critical, so nothing could pass"),
        ("breakers", [{"metric": "M"}], "give either limit or relative_limit"),
        ("breakers", [{"metric": "M", "limit": "1", "datapoints": "3"}], "is not M and N"),
        ("breakers", [{}], "breakers[0].metric: is missing"),
        ("breakers", [{"metric": "M", "limit": 1, "min_samples": -5}], "is not at least 1"),
        ("outside", [{"name": "a", "target": ""}], "outside[0].target: is empty"),
        ("outside", [{"name": "a", "target": "a\nNext: b"}], "is not one line of printable"),
        ("outside", [{"name": "a", "target": "a"}] * 101, "has 101 entries, at most 100"),
        ("criteria", [FULL["criteria"][1]] * 16_000, "has 16000 entries, at most 100 are"),
    ],
)
def test_each_fault_is_named_with_its_path(field, value, fault):
    """An error names each invalid field with its path."""
    with pytest.raises(InvalidRequestError) as caught:
        read_spec({field: value})
    assert fault in caught.value.found


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "a: [", "5", "[]", "false", '{"alpha": 0.01, "alpha": 0.2}']
)
def test_text_that_is_no_structure_is_refused(text):
    """Neither JSON nor YAML, or something else in it, or two values of one key."""
    with pytest.raises(InvalidRequestError):
        read_spec(text)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"tolerance": 0.0}, "tolerance: 0 accepts no uncertainty"),
        ({"tolerance": 1.5}, "of a rate is a share, below 1"),
        ({"tolerance": 1e-320}, "of a rate is a share, below 1, from 1e-09"),
        ({"comparison": "relative"}, "a ratio of rates explodes near zero"),
        ({"name": " "}, "name: is empty"),
        ({"name": "x" * 61}, "name: has 61 characters"),
        ({"name": "two\nlines"}, "name: 'two\\nlines' is not one line of printable characters"),
        ({"name": "\u202eetar"}, "is not one line of printable characters"),
        ({"name": "errors\u3164"}, "is not one line of printable characters"),
        ({"name": "errors "}, "name: 'errors ' has blanks at its ends or several in a row"),
        ({"name": "server  errors"}, "has blanks at its ends or several in a row"),
        ({"metric": "M\nNext: promote"}, "metric: 'M\\nNext: promote' is not one line"),
        ({"tolerance": 1e16, "statistic": "Average"}, "tolerance: 1e+16 is above 1e+15"),
        ({"name": "unanswered requests"}, "is reserved for a finding of every verdict"),
        ({"metric": ""}, "metric: is empty"),
        (
            {"statistic": "Average", "missing": "zero"},
            "missing: 'zero' is for counts, and Average is a mean",
        ),
        (
            {"statistic": "tm99", "count": "invocations"},
            "count: 'invocations' is for counts, and tm99 is a mean",
        ),
        ({"min_samples": 0}, "min_samples: 0 is not at least 1"),
        ({"comparison": "absolute", "direction": "either"}, "direction: an absolute limit"),
    ],
)
def test_a_criterion_that_cannot_be_judged_is_refused(fields, fault):
    """Each rule has its message."""
    with pytest.raises(InvalidRequestError) as caught:
        AnalysisSpec(criteria=(error_criterion(**fields),))
    assert fault in caught.value.found


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: AnalysisSpec(alpha="0.05"), "alpha: '0.05' is not of type float"),
        (lambda: AnalysisSpec(alpha=math.nan), "alpha: nan is not of type float"),
        (lambda: AnalysisSpec(period=True), "period: True is no duration in whole seconds"),
        (lambda: AnalysisSpec(criteria=[{"name": "a"}]), "is not of type tuple[Criterion, ...]"),
        (lambda: AnalysisSpec(criteria=5), "criteria: 5 is not of type tuple[Criterion, ...]"),
        (
            lambda: AnalysisSpec(criteria=(error_criterion(name=[]),)),
            "criteria[0].name: [] is not of type str",
        ),
        (
            lambda: AnalysisSpec(criteria=(error_criterion(severity="none"),)),
            "criteria[0].severity: 'none' is not of type Severity",
        ),
        (
            lambda: AnalysisSpec(breakers=(Breaker(metric="M", limit=1, datapoints=(1,)),)),
            "breakers[0].datapoints: (1,) is not of type tuple[int, int]",
        ),
        (
            lambda: read_spec({"alpha": "x", "criteria": [error_criterion(tolerance="1")]}),
            "criteria[0].tolerance: '1' is not of type float",
        ),
    ],
)
def test_a_value_of_another_type_is_a_fault(make, fault):
    """Values of a wrong type are refused before the judge would raise a TypeError."""
    with pytest.raises(InvalidRequestError) as caught:
        make()
    assert fault in caught.value.found


def test_two_criteria_need_two_names():
    """The verdict is read by names."""
    with pytest.raises(InvalidRequestError) as caught:
        AnalysisSpec(criteria=(latency_criterion(), latency_criterion()))
    assert "the name 'latency' is used more than once" in caught.value.found


def test_what_must_be_read_is_named_once():
    """Criteria and breakers on the same metric and statistic share one query."""
    assert (
        ("Invocation5XXErrors", "rate"),
        ("InvocationModelErrors", "rate"),
        ("ModelLatency", "Average"),
        ("ModelLatency", "above:p99"),
        ("Invocation4XXErrors", "rate"),
    ) == AnalysisSpec().needs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate", ("rate", "Sum", None)),
        ("Average", ("mean", "Average", None)),
        ("tm99", ("mean", "tm99", None)),
        ("IQM", ("mean", "IQM", None)),
        ("above:250ms", ("above", "TC(250000:)", 250e3)),
        ("above:1.5s", ("above", "TC(1500000:)", 1.5e6)),
        ("above:800us", ("above", "TC(800:)", 800.0)),
        ("above:70", ("above", "TC(70:)", 70.0)),
    ],
)
def test_statistics_are_read_from_their_names(text, expected):
    """Limits come out in the metric's own unit, as CloudWatch is asked for them."""
    found = parse_statistic(text)
    assert expected == (found.kind, found.cloudwatch, found.limit)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "p99",
            "p99.9",
            "PR(:250)",
            "Sum",
            "above:",
            "above:5h",
            "tm",
            "above:250\n\n",
            "above:250 ",
        ),
        *("above:\u0665", "above:" + "9" * 400, "above:999999999999999s", "tm99." + "9" * 400),
    ],
)
def test_other_statistics_are_refused(text):
    """Statistics that cannot be compared are refused, percentiles among them."""
    with pytest.raises(ValueError, match="is not one of rate"):
        parse_statistic(text)


def test_a_percentile_of_production_is_known_only_when_observed():
    """CloudWatch is asked for the count above it once the limit is known."""
    found = parse_statistic("above:p99")
    assert ("above", "", None, "p99") == (
        found.kind,
        found.cloudwatch,
        found.limit,
        found.reference,
    )


def test_server_errors_say_how_many_may_stay_unanswered():
    """The tolerance of unanswered requests is the tightest critical one on server errors."""
    strict = AnalysisSpec(
        criteria=(error_criterion(tolerance=0.001), error_criterion(name="b", tolerance=0.02))
    )
    warns = AnalysisSpec(
        criteria=(latency_criterion(), error_criterion(tolerance=0.1, severity="warning"))
    )
    assert (0.001, 0.005) == (strict.unanswered_tolerance, warns.unanswered_tolerance)


@pytest.mark.parametrize("given", [900, "900", "900.0", "15m", "PT15M", timedelta(minutes=15)])
def test_seconds_may_be_any_duration(given):
    """The fields in seconds take what the arguments of operators take, in Python as in YAML."""
    fields = {"initial_delay": given, "min_duration": given}
    for spec in (read_spec(fields), AnalysisSpec(**fields)):
        assert (900, 900) == (spec.initial_delay, spec.min_duration)


@pytest.mark.parametrize("given", ["", "soon", "1_0", "1.5", "-5m", True])
def test_what_is_no_duration_is_a_fault(given):
    """The fault names the field, and what it takes."""
    for made in (read_spec, lambda fields: AnalysisSpec(**fields)):
        with pytest.raises(InvalidRequestError, match="initial_delay"):
            made({"initial_delay": given})
