"""What people read: numbers with units, tables for logs and for questions."""

from __future__ import annotations

import re

import pytest

from airflow_shadow.analysis import (
    AnalysisSpec,
    Criterion,
    Finding,
    OutsideCriterion,
    OutsideResult,
    escaped,
    judge,
    markdown_table,
    text_table,
)
from airflow_shadow.analysis.formatting import allowed, change, number
from tests.analysis.data import (
    ERRORS,
    LATENCY,
    error_criterion,
    half_seen,
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
    assert f"{change(given)} {allowed(given)}" == text


SPEC = AnalysisSpec(
    initial_delay=0,
    breakers=(),
    criteria=(error_criterion(severity="warning"), latency_criterion()),
    outside=(OutsideCriterion(name="cpu", target="cpu-high"),),
)
PAIRS = {ERRORS: rates([1.0] * 90, [1.0] * 90), LATENCY: noisy(90, 1.0)}
OUTSIDE = {"outside": {"cpu": OutsideResult.of_alarm("cpu|high", "OK")}}
VERDICT = judge(SPEC, seen(PAIRS, minutes=90, **OUTSIDE))


def test_the_log_gets_a_plain_table():
    """What it is and rests on, a head, a line for each criterion, and what has no column."""
    lines = text_table(VERDICT).splitlines()
    assert "PASS (operational metrics only)" == lines[0]
    assert [
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
    ] == lines[1].split()
    assert lines[2].startswith("errors (warning)     PASS")
    assert "9,000 / 9,000" in lines[2]
    assert lines[3].startswith("latency              PASS")
    assert lines[4].startswith("unanswered requests  PASS")
    assert "alarm cpu|high is OK" == lines[6]
    assert lines[7].startswith("covers Thu 00:00 to Thu 01:30 UTC; stalls in fewer than 3.3 %")


def test_a_person_gets_markdown():
    """Every line of the table has as many cells, and a bar in a text does not break it."""
    body = markdown_table(VERDICT)
    rows = [line for line in body.splitlines() if line.startswith("|")]
    assert [11] * 6 == [line.count("|") for line in rows]
    assert f"|{' --- |' * 10}" == rows[1]
    assert "alarm cpu\\|high is OK" in body
    assert body.startswith("**PASS** (operational metrics only)")


NASTY = "<img src=x onerror=alert(1)> **b** [l](/x) `c` | & ~~d~~"


def test_names_reach_markdown_as_they_are():
    """HTML and Markdown in names are escaped."""
    spec = AnalysisSpec(breakers=(), criteria=(latency_criterion(name=NASTY),))
    body = markdown_table(judge(spec, seen({}, minutes=90)))
    shown = re.sub(r"\\.", "", body)
    assert not re.search("[<>`]|onerror=alert\\(|\\[l|~~", shown)
    assert NASTY in re.sub(r"\\(.)", r"\1", body)


#: What Airflow's pages link by themselves (mdast-util-gfm-autolink-literal): it looks at the text
#: that is left of the Markdown, so escapes do not keep it from that.
AUTOLINKS = (
    re.compile(r"(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)", re.IGNORECASE),
    re.compile(r"([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)"),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://evil.example/x", "see https: //evil.example/x"),
        ("HTTP://evil.example", "HTTP: //evil.example"),
        ("(www.evil.example)", r"\(www .evil.example\)"),
        ("mail a.b+c@evil.example", r"mail a.b\+c @evil.example"),
        ("s3://bucket/key", "s3: //bucket/key"),
        ("1. promote it", r"1\. promote it"),
        ("12. promote it", r"12\. promote it"),
        ("- promote it", r"\- promote it"),
        ("1.5 % of 20. No more", "1.5 % of 20. No more"),
    ],
)
def test_a_text_becomes_no_link_and_no_list(text, shown):
    """Text from outside becomes no link and no list in Markdown."""
    assert shown == escaped(text)
    plain = re.sub(r"\\(.)", r"\1", escaped(text))
    assert [] == [link for link in AUTOLINKS if link.search(plain)]


def test_lines_of_a_callers_sentence_stay_in_their_place():
    """Line breaks in a caller's sentence make no paragraph or heading in Markdown."""
    found = OutsideResult(outcome="PASS", sentence="one\n\n# two\n---")
    body = markdown_table(judge(SPEC, seen(PAIRS, minutes=90, outside={"cpu": found})))
    assert "- one \\# two ---" in body.splitlines()


def test_a_stage_that_passed_is_good_so_far():
    """Below full sampling a stage that passed has the headline "good so far"."""
    good = judge(SPEC, seen(**half_seen(PAIRS), minutes=90, **OUTSIDE))
    assert text_table(good).startswith("good so far (operational metrics only)\n")
    assert markdown_table(good).startswith("**good so far** (operational metrics only)")
    assert "sampling of 50 % is below 100 %" in text_table(good)


def test_an_interval_that_says_nothing_is_unknown():
    """Never +99,999,900 %."""
    verdict = judge(SPEC, seen({LATENCY: noisy(2, 1.0, spread=3.0)}, minutes=2))
    row = next(line for line in text_table(verdict).splitlines() if line.startswith("latency"))
    assert "[unknown]" in row


def test_the_tail_of_both_variants_is_told():
    """The tables have production's own limit and the percentiles of both variants."""
    slow = Criterion(
        name="slow",
        metric="ModelLatency",
        statistic="above:p99",
        comparison="difference",
        tolerance=0.01,
    )
    spec = AnalysisSpec(breakers=(), initial_delay=0, criteria=(slow,))
    observed = seen(
        {slow.key: rates([1.0] * 90, [1.0] * 90)},
        minutes=90,
        limits={("ModelLatency", "p99"): 2.5e5},
        percentiles={"ModelLatency": ({"p50": 1e5, "p99": 2.4e5}, {"p50": 1.1e5})},
    )
    assert (
        "slow: slow is above 250 ms, production's own before the test; "
        "production p50 100 ms, p99 240 ms; shadow p50 110 ms"
    ) in text_table(judge(spec, observed)).splitlines()
