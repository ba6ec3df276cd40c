"""The forest plot and the evidence table: the findings' own numbers, drawn where they belong."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from airflow_shadow.analysis import Finding
from airflow_shadow.analysis.formatting import allowed, change
from airflow_shadow.report.forest import forest
from airflow_shadow.report.tables import evidence_table
from tests.report import data
from tests.report.reading import NUMBER, of_class, places, words

FINDING = Finding(
    name="mean latency",
    metric="ModelLatency",
    statistic="Average",
    comparison="relative",
    direction="increase",
    severity="critical",
    outcome="PASS",
    estimate=0.05,
    lower=0.02,
    upper=0.08,
    tolerance=0.1,
    baseline=120_000.0,
    candidate=126_000.0,
    n_baseline=24_000,
    n_candidate=12_000,
    periods=120,
    effective_periods=92.4,
    missing=3,
    sentence="mean latency +5.0 % [+2.0, +8.0], allowed +10 % (120 of 300 periods needed)",
)


def drawn(*findings: Finding) -> str:
    """Return the plot of some findings."""
    return forest(findings, key="f", title="Change")


def evidence(*findings: Finding) -> list[list[str]]:
    """Return the rows of the evidence of some findings."""
    return [list(row) for row in evidence_table("Evidence", findings).rows]


def xs(plot: str, class_: str) -> list[float]:
    """Return the places from left to right of what carries a class."""
    found = of_class(plot, class_)
    return [
        float(each.get("cx") or each.get("x") or NUMBER.search(each.get("d"))[0]) for each in found
    ]


def test_the_evidence_holds_the_findings_numbers():
    """Each number stands in its column, latencies in milliseconds, and the rest of the reason."""
    row = evidence(FINDING)[0]
    assert [
        "mean latency",
        "PASS",
        "120 ms",
        "126 ms",
        "+5.0 % [+2.0, +8.0]",
        "+10 %",
        "24,000 / 12,000",
        "120 (worth 92.4), 3 missing",
        "120 of 300 periods needed",
    ] == row


def test_every_judged_finding_is_in_table_and_plot():
    """What the judge found appears with its own words, warnings marked."""
    findings = data.rich().verdict.findings
    assert "unanswered requests" in [finding.name for finding in findings]
    rows = evidence(*findings)
    assert [finding.outcome for finding in findings] == [row[1] for row in rows]
    for finding, row in zip(findings[:-1], rows, strict=False):
        assert [change(finding), allowed(finding)] == row[4:6]
        assert f"{change(finding)}, allowed {allowed(finding)}" in drawn(finding)


def test_a_finding_from_outside_has_only_its_sentence():
    """An alarm has no interval: it is a row of the table, and nothing in the plot."""
    outside = data.rich().verdict.findings[-1]
    row = evidence(outside)[0]
    assert ["alarm", "INCONCLUSIVE", *[""] * 6, "alarm shop-alarm is INSUFFICIENT_DATA"] == row
    assert "" == drawn(outside)


def test_places_are_units_of_the_tolerance():
    """The estimate at half the tolerance lies halfway between no change and the limit."""
    plot = drawn(FINDING)
    (zero,), (limit,), (mark,) = xs(plot, "zero"), xs(plot, "limit"), xs(plot, "mark")
    assert pytest.approx((zero + limit) / 2, abs=0.1) == mark
    low, high = xs(plot, "interval")[1:]
    assert pytest.approx([0.2, 0.8], abs=0.01) == [(x - zero) / (limit - zero) for x in (low, high)]


@pytest.mark.parametrize(
    ("fields", "limits"),
    [
        ({}, 1),
        ({"direction": "decrease"}, 1),
        ({"direction": "either"}, 2),
        ({"direction": "decrease", "comparison": "absolute"}, 1),
    ],
)
def test_only_a_rows_own_limits_are_dashed(fields, limits):
    """A limit that the direction does not have is not drawn as one."""
    assert limits == len(xs(drawn(replace(FINDING, **fields)), "limit"))


@pytest.mark.parametrize(
    ("fields", "left_of_limit"),
    [
        ({}, True),
        ({"direction": "decrease"}, False),
        ({"tolerance": -0.1}, True),
        ({"direction": "decrease", "tolerance": -0.1}, False),
    ],
)
def test_the_allowed_side_is_shaded(fields, left_of_limit):
    """The shade ends at the limit and lies on its allowed side."""
    plot = drawn(replace(FINDING, **fields))
    (shade,), (limit,) = of_class(plot, "allowed"), xs(plot, "limit")
    start, width = float(shade.get("x")), float(shade.get("width"))
    assert pytest.approx(limit, abs=0.2) == (start + width if left_of_limit else start)


@pytest.mark.parametrize(("outcome", "shape"), [("PASS", "circle"), ("FAIL", "rect")])
def test_outcomes_differ_in_shape_and_word(outcome, shape):
    """Who cannot tell red from green still sees what passed."""
    plot = drawn(replace(FINDING, outcome=outcome))
    (mark,) = of_class(plot, "mark")
    assert shape == mark.tag
    assert outcome == words(of_class(plot, "end")[0])


@pytest.mark.parametrize("ends", [(None, None), (-1.0, 999_999.0)])
def test_an_interval_that_says_nothing_is_unknown(ends):
    """Absent or as good as endless, it is a dotted line in the picture and "unknown" in words."""
    plot = drawn(replace(FINDING, lower=ends[0], upper=ends[1], outcome="INCONCLUSIVE"))
    counts = {kind: len(of_class(plot, kind)) for kind in ("interval", "arrow", "mark", "unknown")}
    assert {"interval": 0, "arrow": 0, "mark": 1, "unknown": 1} == counts
    assert "[unknown]" in plot
    assert "999" not in plot


def test_unanswered_requests_are_a_row_like_any_other():
    """At full sampling they have an interval and a tolerance, in table and plot."""
    *_, found = data.stage().verdict.findings
    row = evidence(found)[0]
    assert ["unanswered requests", "PASS", "0 %", "0 %", change(found), "+0.5 pp"] == row[:6]
    plot = drawn(found)
    assert 1 == len(of_class(plot, "mark"))
    assert f"{change(found)}, allowed +0.5 pp" in plot


def test_below_full_sampling_the_share_is_told():
    """Below full sampling the plot has the shadow's share of the requests in words."""
    *_, found = data.stage(sampling=50.0).verdict.findings
    told = "the shadow got 50 % of the requests, 50 % expected"
    row = evidence(found)[0]
    expected = ["unanswered requests", "PASS", *[""] * 4, "21,000 / 10,500", "105", told]
    assert expected == row
    plot = drawn(found)
    assert told in plot
    assert [] == of_class(plot, "mark") + of_class(plot, "allowed")


def test_the_table_says_how_much_longer_it_would_take():
    """What a finding lacks, and the time that would bring it, stand in its last cell."""
    short = replace(FINDING, outcome="INCONCLUSIVE", longer=3000.0)
    row = evidence(short)[0]
    assert "120 of 300 periods needed; about 50 min more would decide" == row[-1]


def test_no_data_leaves_the_row_empty():
    """A criterion without data keeps its row, and says so."""
    empty = replace(
        FINDING, estimate=None, lower=None, upper=None, outcome="INCONCLUSIVE", sentence="no data"
    )
    plot = drawn(empty)
    assert ([], []) == (of_class(plot, "mark"), of_class(plot, "interval"))
    assert "no data, allowed +10 %" in plot


@pytest.mark.parametrize("far", [5.0, math.inf])
def test_what_leaves_the_plot_becomes_an_arrow(far):
    """A huge change does not press all others together, and no place is infinite."""
    plot = drawn(FINDING, replace(FINDING, estimate=far, lower=1.0, upper=math.inf))
    assert of_class(plot, "arrow")
    numbers = [float(each) for value in places(plot) for each in NUMBER.findall(value)]
    assert max(numbers) <= 400
    assert [] == [value for value in places(plot) if "nan" in value or "inf" in value]


def test_a_long_name_is_shortened_in_the_plot_only():
    """The table keeps the whole name."""
    long = replace(FINDING, name="x" * 60)
    assert "x" * 35 + "…" == words(of_class(drawn(long), "name")[0])
    assert "x" * 60 == evidence(long)[0][0]
