"""The whole file: one piece, safe, small, and readable without seeing it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from airflow_shadow.analysis import read_spec
from airflow_shadow.report import Experiment, render_report
from tests.report import data
from tests.report.reading import cells, nesting, of_class, tree, words

EVIL = "</style></title><script src='//evil.example'>&\"\x00\x1b"
PAGES = {
    "one": lambda: [data.stage()],
    "ramp": data.ramp,
    "rich": lambda: [data.rich()],
    "silent": lambda: [data.stage(data.silent(data.observed()))],
    "none": list,
}


def rendered(stages, spec=data.SPEC, **given) -> str:
    """Return a report of the common experiment."""
    fixed = {"title": "Shadow test of ranker-42", "experiment": data.EXPERIMENT, "spec": spec}
    return render_report(stages=stages, **(fixed | given))


@pytest.fixture(scope="module", params=PAGES)
def page(request) -> str:
    """Return one report of each kind."""
    return rendered(PAGES[request.param]())


def test_elements_are_nested_as_html_wants(page):
    """Everything that starts ends, in order, and only void elements close themselves."""
    assert ([], []) == nesting(page)


def test_nothing_is_loaded_from_outside(page):
    """No attribute and no style refers to anything beyond the file."""
    referring = {"action", "background", "data", "href", "poster", "src", "srcset", "style"}
    found = [
        value for each in tree(page).iter() for name, value in each.items() if name in referring
    ]
    assert ["data:,"] == found
    assert [] == re.findall(r"https?://|url\(|@import|<script", page)


def test_a_policy_forbids_loading_anyway(page):
    """The file itself tells the browser to load nothing and to run nothing."""
    policy = next(each for each in tree(page).iter("meta") if each.get("http-equiv"))
    assert policy.get("content").startswith("default-src 'none';")
    assert "script-src" not in policy.get("content")


def test_ids_are_unique(page):
    """A picture's name and description are its own."""
    ids = [each.get("id") for each in tree(page).iter() if each.get("id")]
    assert sorted(set(ids)) == sorted(ids)


def test_each_picture_has_a_name_and_a_description(page):
    """A screen reader says what a picture shows; the legend's samples are silent."""
    ids = {each.get("id"): words(each) for each in tree(page).iter() if each.get("id")}
    for picture in tree(page).iter("svg"):
        if picture.get("aria-hidden") == "true":
            continue
        named = picture.get("aria-labelledby", "").split()
        assert "img" == picture.get("role")
        assert [True, True] == [bool(ids[each]) for each in named]


def test_each_table_can_be_walked(page):
    """Tables have a caption, and heads that say what they head."""
    for table in tree(page).iter("table"):
        assert words(table.find("caption"))
        assert {"col", "row"} == {head.get("scope") for head in table.iter("th")}


def test_headings_do_not_skip_a_level(page):
    """The headings are an outline: one first, and no third before a second."""
    levels = [int(each.tag[1]) for each in tree(page).iter() if each.tag in {"h1", "h2", "h3"}]
    assert 1 == levels.count(1)
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize(
    ("stages", "outcome"),
    [
        (lambda: [data.stage()], "PASS"),
        (data.ramp, "FAIL"),
        (lambda: [data.rich()], "INCONCLUSIVE"),
    ],
)
def test_the_last_stage_decides_in_words(stages, outcome):
    """The verdict is a word, its meaning and its reason, not a colour."""
    told = stages()
    (headline,) = of_class(rendered(told), "verdict")
    assert outcome in words(headline.find("strong"))
    assert told[-1].verdict.reason.removeprefix(f"{outcome}: ") in words(headline)


def test_without_stages_nothing_was_judged():
    """An experiment that ended before its first look gets a report too."""
    page = rendered([])
    assert "Nothing was judged." in words(tree(page).find("body/header"))
    assert [] == of_class(page, "verdict")


def test_a_window_without_metrics_has_no_charts():
    """Where nothing was observed the report says so, and explains no lines."""
    page = rendered([data.stage(data.silent(data.observed()))])
    assert "No metric was observed." in page
    assert [] == of_class(page, "chart") + of_class(page, "legend")


def test_what_nobody_asked_for_is_left_out():
    """A series that the specification does not name has no chart, readable or not."""
    seen = data.observed()
    extra = {("Invocations", "p99"): seen.invocations}
    more = replace(data.stage(), observations=replace(seen, series={**seen.series, **extra}))
    assert rendered([data.stage()]) == rendered([more])


def test_earlier_stages_keep_their_reasons():
    """Each stage's own reason and evidence stay in the report of a ramp."""
    stages = data.ramp()
    told = words(tree(rendered(stages)))
    for stage in stages:
        assert stage.verdict.reason.removeprefix(f"{stage.verdict.outcome}: ") in told
    assert 3 == len(of_class(rendered(stages), "forest"))


def test_names_from_outside_are_escaped():
    """What a user named stays text, control characters become the replacement character."""
    spec = data.AnalysisSpec(
        initial_delay=0,
        criteria=(data.Criterion(name=EVIL, metric=EVIL, tolerance=0.1, statistic="Average"),),
    )
    page = rendered(
        [data.stage(spec=spec)],
        spec,
        title=EVIL,
        experiment=Experiment(name=EVIL, more={EVIL: EVIL}),
        versions={EVIL: EVIL},
    )
    shown = EVIL.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    assert ([], []) == nesting(page)
    assert [] == [*tree(page).iter("script")]
    assert shown == tree(page).findtext("body/header/h1")
    assert shown == [row[0] for row in cells(page)][1]


def test_facts_and_versions_are_listed():
    """The configuration says what ran where, and leaves out what is not known."""
    page = rendered(
        [], experiment=Experiment(name="nightly", region="eu-west-1"), versions={"x": "1"}
    )
    told = [words(each) for each in tree(page).find(".//dl")]
    assert ["Shadow test", "nightly", "Region", "eu-west-1", "x", "1"] == told


def test_the_specification_can_be_read_back():
    """The JSON in the report is the specification, for who repeats the analysis."""
    spec = data.rich_spec()
    told = tree(rendered([], spec)).findtext(".//pre")
    assert spec == read_spec(json.loads(told))


def test_each_stage_has_its_row():
    """The stages stand in the order of time with their sampling and outcome."""
    stages = data.ramp()
    rows = [row[:2] for row in cells(rendered(stages)) if len(row) == 6]
    told = [
        [f"{share} %", each.verdict.outcome]
        for share, each in zip((10, 50, 100), stages, strict=True)
    ]
    assert [["Sampling", "Outcome"], *told] == rows


def test_the_traffic_check_shows_its_numbers():
    """Requests of both variants and the sentence stand in the traffic table."""
    found = data.stage(sampling=50.0).verdict.traffic
    told = found.sentence.removeprefix("traffic: ")
    row = ["50 %", "PASS", "24,000", "12,000", told]
    assert row in cells(rendered([data.stage(sampling=50.0)]))


def test_a_tripped_breaker_is_said_and_marked():
    """A breaker's first moment stands in words, and as a line in its metric's chart only."""
    page = rendered([data.stage(slower=5.0)])
    assert "was above 3 times the baseline in 5 of 5 periods, first at 2026-03-01 00:04 UTC" in page
    alarms = [each.get("d") for each in of_class(page, "alarm")]
    # One in the chart of the latency, one in the legend.
    assert 2 == len(alarms)


def test_a_month_stays_below_a_megabyte():
    """Thirty days of minutes are thinned to what a screen can show."""
    month = data.stage(minutes=30 * 24 * 60)
    size = len(rendered([month]).encode())
    assert 40_000 < size < 1_000_000


def test_the_same_arguments_give_the_same_text():
    """The report reads no clock; the moment it was made is an argument."""
    one, other = (rendered([data.rich()], made_at=data.START) for _ in range(2))
    assert one == other
    assert "Made at 2026-03-01 00:00 UTC." in one
