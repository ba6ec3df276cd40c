"""What people read: numbers with units, tables for logs and for questions."""

from __future__ import annotations

import pytest

from airflow_shadow.analysis import (
    AnalysisSpec,
    Finding,
    OutsideCriterion,
    OutsideResult,
    judge,
    markdown_table,
    text_table,
)
from airflow_shadow.analysis.words import allowed, change, number
from tests.analysis.data import (
    ERRORS,
    LATENCY,
    error_criterion,
    latency_criterion,
    noisy,
    rates,
    seen,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1440.0, "1,440"),
        (123.4, "123"),
        (12.34, "12.3"),
        (4.134, "4.13"),
        (0.5, "0.5"),
        (0.0021, "0.0021"),
        (0.0, "0"),
        (-3.0, "-3"),
    ],
)
def test_numbers_have_the_digits_they_are_worth(value, text):
    """No false precision and no noise of floating point."""
    assert text == number(value)


def finding(**fields) -> Finding:
    """Return a finding with an estimate and an interval."""
    given = {
        "name": "x",
        "metric": "ModelLatency",
        "statistic": "Average",
        "comparison": "relative",
        "direction": "increase",
        "severity": "critical",
        "outcome": "PASS",
        "estimate": 0.041,
        "lower": 0.010,
        "upper": 0.073,
        "tolerance": 0.1,
        "sentence": "",
    }
    return Finding(**(given | fields))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "+4.1 % [+1.0, +7.3] +10 %"),
        ({"direction": "decrease"}, "+4.1 % [+1.0, +7.3] -10 %"),
        ({"direction": "either"}, "+4.1 % [+1.0, +7.3] +/-10 %"),
        (
            {"statistic": "rate", "metric": "E", "comparison": "difference"},
            "+4.1 pp [+1.0, +7.3] +10 pp",
        ),
        (
            {"statistic": "rate", "metric": "E", "comparison": "absolute"},
            "4.1 % [1.0, 7.3] at most 10 %",
        ),
        (
            {
                "comparison": "difference",
                "estimate": 4100.0,
                "lower": 1000.0,
                "upper": 7300.0,
                "tolerance": 1e4,
            },
            "+4.1 ms [+1.0, +7.3] +10 ms",
        ),
        (
            {"metric": "CPUUtilization", "comparison": "absolute", "direction": "decrease"},
            "0.041 [0.010, 0.073] at least 0.1",
        ),
    ],
)
def test_changes_have_the_units_that_people_use(fields, text):
    """Per cent of a ratio, percentage points of a rate, milliseconds of a latency."""
    given = finding(**fields)
    assert text == f"{change(given)} {allowed(given)}"


SPEC = AnalysisSpec(
    initial_delay=0,
    breakers=(),
    criteria=(error_criterion(severity="warning"), latency_criterion()),
    outside=(OutsideCriterion(name="cpu", target="cpu-high"),),
)
PAIRS = {ERRORS: rates([1.0] * 90, [1.0] * 90), LATENCY: noisy(90, 1.0)}
VERDICT = judge(
    SPEC, seen(PAIRS, minutes=90, outside={"cpu": OutsideResult.of_alarm("cpu|high", "OK")})
)


def test_the_log_gets_a_plain_table():
    """The reason, a head, a line for each criterion, and what has no column."""
    lines = text_table(VERDICT).splitlines()
    assert VERDICT.reason == lines[0]
    assert lines[1].split() == [
        "criterion",
        "outcome",
        "production",
        "shadow",
        "change",
        "allowed",
        "requests",
        "periods",
        "effective",
        "missing",
    ]
    assert lines[2].startswith("errors (warning)  PASS")
    assert "9,000 / 9,000" in lines[2]
    assert lines[3].startswith("latency           PASS")
    assert "alarm cpu|high is OK" in lines[5]
    assert "100 % expected" in lines[6]


def test_a_person_gets_markdown():
    """Every line of the table has as many cells, and a bar in a text does not break it."""
    body = markdown_table(VERDICT)
    rows = [line for line in body.splitlines() if line.startswith("|")]
    assert [11] * 5 == [line.count("|") for line in rows]
    assert "alarm cpu\\|high is OK" in body
    assert body.startswith("**PASS**")
