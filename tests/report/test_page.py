"""The whole file: one piece, safe, small, and readable without seeing it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from airflow_shadow.analysis import Breaker, Verdict, read_spec
from airflow_shadow.report import Experiment, render_report
from tests.report import data
from tests.report.reading import cells, nesting, of_class, tree, words

EVIL = "</style></title><script src='//evil.example'>&\"\x00\x1b"
#: A name that a specification may have: one line, printable, at most 60 characters.
NAMED = "<script>alert(\"1\")</script> & 'b' | *c* _d_ `e` </svg>"
PAGES = {
    "one": lambda: [data.stage()],
    "ramp": data.ramp,
    "rich": lambda: [data.rich()],
    "silent": lambda: [data.stage(data.silent(data.observed()))],
    "good": lambda: [data.stage(sampling=50.0)],
    "changed": lambda: [data.stage(data.looked(data.observed(), "one", "one", "two"))],
    "unknown": lambda: [data.unknown()],
    "none": list,
    "answers": lambda: [data.compared(species=data.summary(), risk=data.summary("score"))],
}


def rendered(stages, spec=data.SPEC, **given) -> str:
    """Return a report of the common experiment."""
    fixed = {"experiment": data.EXPERIMENT, "spec": spec}
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
    """Tables have a caption, heads that say what they head, and as many cells in each row."""
    for table in tree(page).iter("table"):
        assert words(table.find("caption"))
        assert {"col", "row"} == {head.get("scope") for head in table.iter("th")}
        assert 1 == len({len(row) for row in table.iter("tr")})


def test_a_stacked_cell_bears_the_name_of_its_column(page):
    """A phone hides the heads: each cell says what it holds, and an empty one has no child."""
    for table in tree(page).iterfind(".//table[@role]"):
        head, *rows = ([*row] for row in table.iter("tr"))
        for row in rows:
            assert [words(label) for label in head[1:]] == [
                words_of(cell.get("data-label")) for cell in row[1:]
            ]
            assert [] == [cell for cell in row if not words(cell) and (cell.text or len(cell))]


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
        (lambda: [data.stage(sampling=50.0)], "good so far"),
    ],
)
def test_the_last_stage_decides_in_words(stages, outcome):
    """The verdict is a word, what it rests on and its reasons, not a colour."""
    told = stages()
    (headline,) = of_class(rendered(told), "verdict")
    assert words(headline.find("p")).endswith(f"{outcome} ({told[-1].verdict.caveat})")
    assert reasons(told[-1].verdict) <= {words(each) for each in headline.iter("dd")}


def reasons(verdict: Verdict) -> set[str]:
    """Return what the report must say of a verdict besides what passed."""
    open_ = [each for each in verdict.findings if each.outcome != "PASS"]
    told = [*open_, *(each for each in verdict.breakers if each.tripped)]
    sentences = [each.sentence for each in told if getattr(each, "severity", "") != "warning"]
    return {*sentences, *verdict.lacking, *verdict.notes}


def test_the_headline_is_never_cut_off():
    """However long the reasons are, the report says them all, the caveat first."""
    findings = [
        replace(finding, outcome="FAIL", name=f"{number}", sentence=f"{number} " + "x" * 200)
        for number in range(14)
        for finding in data.stage().verdict.findings[:1]
    ]
    verdict = replace(data.stage().verdict, outcome="FAIL", findings=tuple(findings), reason="cut")
    (headline,) = of_class(rendered([replace(data.stage(), verdict=verdict)]), "verdict")
    told = [words(each) for each in headline.iter("dd")]
    assert words(headline).startswith("\u2715 FAIL (operational metrics only)")
    assert [finding.sentence for finding in findings] == told[:14]
    assert "cut" not in words(headline)


def test_what_is_lacking_and_how_long_it_takes_is_said():
    """An INCONCLUSIVE says which guard lacks what, and about how much longer it would take."""
    verdict = replace(data.unknown().verdict, longer=3000.0)
    (headline,) = of_class(rendered([replace(data.unknown(), verdict=verdict)]), "verdict")
    told = [words(each) for each in headline.iter("dd")]
    assert "window of 2 min is below 60 min" == told[0]
    assert "about 50 min more would decide" in told


def test_a_pass_says_what_it_covers():
    """The hours of the week, and the stalls that the window may not show, stand in the headline."""
    (headline,) = of_class(rendered([data.stage()]), "verdict")
    assert "covers Sun 00:00 to Sun 02:00 UTC; stalls in fewer than 2.5 %" in words(headline)


def test_without_stages_nothing_was_judged():
    """An experiment that ended before its first look gets a report too."""
    page = rendered([])
    assert "Nothing was judged of ranker-42 on shop-search" == words(tree(page).find(".//h1"))
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
    for stage in stages[:-1]:
        assert f"{stage.name}: good so far (operational metrics only) Lacking" in told
        assert all(each in told for each in reasons(stage.verdict))
    assert 1 == len(of_class(rendered(stages), "forest"))


def test_names_from_outside_are_escaped():
    """What a user named stays text, control characters become the replacement character."""
    shown = EVIL.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    page = rendered([], experiment=Experiment(name=EVIL, more={EVIL: EVIL}))
    assert ([], []) == nesting(page)
    assert [] == [*tree(page).iter("script")]
    assert f"Nothing was judged of {shown}" == tree(page).findtext("body/header/h1")
    assert 3 == [words(each) for each in tree(page).find(".//dl")].count(words_of(shown))


def words_of(text: str) -> str:
    """Return a text with single spaces."""
    return " ".join(text.split())


def test_names_full_of_markup_stay_text():
    """Criteria, metrics, alarms, models and percentiles are escaped in tables and in pictures."""
    tail = {"metric": "ModelLatency", "statistic": "above:p99", "comparison": "difference"}
    spec = data.AnalysisSpec(
        initial_delay=0,
        criteria=(
            data.Criterion(name=NAMED, metric=NAMED, tolerance=0.1, statistic="Average"),
            data.Criterion(name=f"2 {NAMED}", tolerance=0.1, **tail),
        ),
        breakers=(Breaker(metric=NAMED, statistic="Average", limit=1.0),),
        outside=(data.OutsideCriterion(name=f"3 {NAMED}", target=NAMED),),
    )
    seen = replace(
        data.looked(data.observed(spec=spec), NAMED, f"4 {NAMED}"),
        outside={f"3 {NAMED}": data.OutsideResult.of_alarm(NAMED, "ALARM")},
        percentiles={"ModelLatency": ({NAMED: 1e5}, {NAMED: 1e5})},
    )
    page = rendered([data.stage(seen, spec)], spec)
    assert ([], []) == nesting(page)
    assert [] == [*tree(page).iter("script")]
    told = [cell for row in cells(page) for cell in row]
    named = [f"{prefix}{NAMED}" for prefix in ("", "2 ", "3 ", "4 ")]
    assert named == [each for each in named if each in told]
    assert [NAMED[:35] + "\u2026"] == [words(each) for each in of_class(page, "name")][:1]
    descriptions = " ".join(words(each) for each in tree(page).iter("desc"))
    assert f"{NAMED}: " in descriptions


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
    """The stages stand in the order of time with outcome and looks; who passed agrees with both."""
    rows = [[row[0], row[1], row[4], row[5]] for row in rows_of(rendered(data.ramp()), "Stages")]
    looks = "1 of 2 planned, 3 in between"
    assert [
        ["Stage 1 of 3, 10 % sampling", "good so far", looks, "yes"],
        ["Stage 2 of 3, 50 % sampling", "good so far", looks, "yes"],
        ["Stage 3 of 3, 100 % sampling", "FAIL", looks, "no"],
    ] == rows


def rows_of(page: str, caption: str) -> list[list[str]]:
    """Return the rows below the head of the table whose caption begins so."""
    found = (each for each in tree(page).iter("table") if words(each[0]).startswith(caption))
    return [[words(cell) for cell in row] for row in next(found).iter("tr")][1:]


def test_slow_requests_have_their_limit_and_percentiles():
    """The limit is production's own, the percentiles are those of the whole window."""
    rows = rows_of(rendered([data.stage()]), "Slow requests of the whole window")
    limit = "250 ms, production's p99 before the test"
    assert [
        ["slow requests (warning), production", limit, "95 ms", "180 ms", "240 ms"],
        ["slow requests (warning), shadow", limit, "96 ms", "181 ms", "260 ms"],
    ] == [[*row[:2], *row[3:]] for row in rows]


def test_without_percentiles_there_is_no_table_of_them():
    """Nothing is said of slow requests that nobody measured."""
    seen = replace(data.observed(), limits={}, percentiles={})
    assert "Slow requests of the whole window" not in rendered([data.stage(seen)])


def test_what_production_was_is_listed():
    """Each state of production has a row, and a change of it a line in each chart."""
    seen = data.looked(data.observed(), "ranker-41", "ranker-41", "ranker-40")
    page = rendered([data.stage(seen)])
    rest = ["shop-1", "2", "1"]
    assert [
        ["100 % sampling", "2026-03-01 00:00", "AllTraffic", "ranker-41", *rest],
        ["100 % sampling", "2026-03-01 01:00", "AllTraffic", "ranker-40", *rest],
    ] == rows_of(page, "Production at the looks")
    # One in each chart, one in the legend.
    assert len(of_class(page, "chart")) + 1 == len(of_class(page, "change"))
    assert "production changed Sun 00:50" in page
    assert [data.stage(seen).verdict.lacking[0]] == [
        words(each) for each in of_class(page, "verdict")[0].iter("dd")
    ][:1]


def test_a_change_between_stages_is_no_mark():
    """Only inside a window is production another baseline."""
    stages = [
        replace(each, observations=data.looked(each.observations, f"ranker-{index}"))
        for index, each in enumerate(data.ramp())
    ]
    assert 1 == len(of_class(rendered(stages), "change"))


def test_a_tripped_breaker_is_said_and_marked():
    """A breaker's first moment stands in the table, and as a line in its metric's chart only."""
    page = rendered([data.stage(slower=5.0)])
    row = rows_of(page, "Hard limits")[1]
    assert ["100 % sampling", "ModelLatency Average", "tripped", "2026-03-01 00:04", "120"] == row[
        :5
    ]
    assert row[5].startswith(
        "ModelLatency Average was above 3 times the baseline in 5 of 5 periods"
    )
    # One in the chart of the latency, one in the legend.
    assert 2 == len(of_class(page, "alarm"))


def test_a_breaker_without_data_says_so():
    """A breaker without data is not described as never tripped."""
    rows = rows_of(rendered([data.stage(data.silent(data.observed()))]), "Hard limits")
    assert [["no data", "", "0"]] * 2 == [row[2:5] for row in rows]
    assert ["ModelLatency Average: no data"] == [row[5] for row in rows][1:]


def test_stages_with_longer_periods_are_comparable():
    """Requests are told a minute, and no point is shorter than a period that was read."""
    old = replace(data.observed(), period=300)
    title = "Requests a minute"
    page = rendered([data.stage(old)])
    assert title in page
    assert "Each point is 5 min of requests." in page
    assert "production: from 40 at the start to 40 at the end" in page


@pytest.mark.thorough
def test_a_month_stays_below_100_kilobytes():
    """Three stages of ten days of minutes, with answers, are thinned to what a screen can show."""
    stages = []
    for number, sampling in enumerate((10.0, 50.0, 100.0)):
        span = {"minutes": 10 * 24 * 60, "start": data.START + number * 10 * 86400.0}
        seen = replace(data.observed(sampling=sampling, **span), stage=number + 1, stages=3)
        answers = {kind: data.summary(kind, **span) for kind in ("label", "score")}
        stages.append(replace(data.stage(seen), answers=answers))
    size = len(rendered(stages).encode())
    assert 40_000 < size < 100_000


def test_a_verdict_that_travelled_gives_the_same_report():
    """Through JSON, as an XCom goes, nothing is lost that the report tells."""
    stage = data.stage(sampling=50.0)
    verdict = Verdict.from_dict(json.loads(json.dumps(stage.verdict.to_dict())))
    assert rendered([stage]) == rendered([replace(stage, verdict=verdict)])


def test_the_same_arguments_give_the_same_text():
    """The report reads no clock; the moment it was made is an argument."""
    one, other = (rendered([data.rich()], made_at=data.START) for _ in range(2))
    assert one == other
    assert "Made at 2026-03-01 00:00 UTC." in one
