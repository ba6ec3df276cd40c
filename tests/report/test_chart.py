"""The series: thinned honestly, gaps left open, every place inside the picture."""

from __future__ import annotations

import math

import pytest

from airflow_shadow.analysis import Pair, Series
from airflow_shadow.analysis.formatting import MILLISECONDS, PER_CENT
from airflow_shadow.report.chart import Picture, Timeline, chart
from airflow_shadow.report.scale import Scale, round_up
from airflow_shadow.report.thinning import (
    MOST_POINTS,
    Buckets,
    count_level,
    mean_level,
    runs,
    share_level,
    thinned,
)
from tests.report.reading import NUMBER, of_class, places, tree, words

HOUR = Buckets.over(0.0, 3600.0, 60.0)


def series(values, samples=100.0) -> Series:
    """Return minutes of a metric; None leaves a minute out."""
    kept = [(60.0 * index, value) for index, value in enumerate(values) if value is not None]
    times, values = zip(*kept, strict=True) if kept else ((), ())
    return Series(times=times, values=values, samples=[samples] * len(times))


def drawn(pair, *, unit=MILLISECONDS, level=mean_level, stages=(), buckets=HOUR, **marks) -> str:
    """Return the chart of one pair."""
    picture = Picture(key="k", title="Latency", unit=unit, level=level, pairs=[pair])
    return chart(picture, Timeline(buckets=buckets, stages=stages, **marks))


@pytest.mark.parametrize("days", [1, 7, 30])
def test_a_long_window_has_few_points(days):
    """However long the window, a line has no more points than can be seen."""
    buckets = Buckets.over(0.0, days * 86400.0, 60.0)
    points = thinned([series([1.0] * days * 1440)], buckets, mean_level)
    assert MOST_POINTS / 2 < len(points) <= MOST_POINTS
    assert 0 == buckets.width % 60


def test_a_bucket_keeps_its_extremes():
    """Thinning may smooth the line, but the band still reaches the worst minute."""
    values = [10.0] * 1440
    values[700] = 900.0
    points = thinned([series(values)], Buckets.over(0.0, 86400.0, 60.0), mean_level)
    assert (10.0, 900.0) == (
        min(point.low for point in points),
        max(point.high for point in points),
    )


@pytest.mark.parametrize(
    ("level", "expected"), [(mean_level, 40.0), (share_level, 0.1), (count_level, 200.0)]
)
def test_levels_weigh_by_requests(level, expected):
    """A minute with three times the requests counts three times, a rate is bad ones of all."""
    values, samples = (
        ((20.0, 20.0), (100.0, 300.0)) if level is share_level else ((10.0, 50.0), (100.0, 300.0))
    )
    assert pytest.approx(expected) == level(values, samples)


def test_a_gap_stays_open():
    """Where nothing came no line is drawn; neighbours on both sides are lines of their own."""
    points = thinned([series([1.0, 1.0, None, 1.0])], HOUR, mean_level)
    assert [2, 1] == [len(run) for run in runs(points)]
    plot = drawn(Pair(baseline=series([1.0, 1.0, None, 1.0])))
    (line,) = of_class(plot, "line")
    assert 2 == line.get("d").count("M")


def test_odd_numbers_are_left_out():
    """NaN, infinity, None and minutes without requests reach no place of the picture."""
    odd = Series(
        times=[0.0, 60.0, 120.0, 180.0, 240.0, -60.0],
        values=[math.nan, math.inf, None, 5e4, 5e4, 5e4],
        samples=[9.0, 9.0, 9.0, 9.0, 0.0, 9.0],
    )
    plot = drawn(Pair(baseline=odd, candidate=odd))
    assert [180.0 + 30] == [point.time for point in thinned([odd], HOUR, mean_level)]
    assert [] == [value for value in places(plot) if "nan" in value or "inf" in value]


def test_every_place_lies_inside_the_picture():
    """What is higher than the scale ends at its edge."""
    values = [1e5] * 59 + [9e9]
    plot = drawn(Pair(baseline=series(values)), buckets=Buckets.over(0.0, 3600.0, 1800.0))
    numbers = [float(each) for value in places(plot) for each in NUMBER.findall(value)]
    assert max(numbers) <= 400
    assert min(numbers) >= -3.5


def test_latencies_are_told_in_milliseconds():
    """The chart has milliseconds where CloudWatch has microseconds."""
    plot = drawn(Pair(baseline=series([1.2e5] * 60), candidate=series([1.5e5] * 60)))
    told = words(tree(plot).find("desc"))
    assert "production: from 120 ms at the start to 120 ms at the end" in told
    assert ["100 ms", "200 ms"] == [words(each) for each in of_class(plot, "halo")]


def test_a_silent_variant_is_said():
    """A variant without data has no line, and the description says so."""
    plot = drawn(Pair(baseline=series([1e5] * 60)))
    assert "shadow: no data." in words(tree(plot).find("desc"))
    assert ["line production"] == [each.get("class") for each in of_class(plot, "line")]


def test_without_errors_the_scale_is_still_a_scale():
    """A rate of nothing is drawn on the ground, below one per cent."""
    plot = drawn(Pair(baseline=series([0.0] * 60)), unit=PER_CENT, level=share_level)
    assert ["0.5 %", "1 %"] == [words(each) for each in of_class(plot, "halo")]


def test_looks_are_marked_once_for_each_place():
    """Looks that would lie on each other are one mark, and those outside the window none."""
    plot = drawn(Pair(), planned=[1800.0, 1800.5, 2400.0, 9e9])
    (marks,) = of_class(plot, "look")
    assert 2 == marks.get("d").count("M")


def test_planned_looks_are_marked_apart():
    """A look in between has a mark of its own, and gives way where a planned one is."""
    plot = drawn(Pair(), planned=[1800.0], between=[600.0, 1200.0, 1830.0])
    counts = {kind: of_class(plot, kind)[0].get("d").count("M") for kind in ("look", "between")}
    assert {"look": 1, "between": 2} == counts


@pytest.mark.parametrize("at", [30.0, 900.0, 3590.0])
def test_a_change_of_production_is_marked_with_its_time(at):
    """The line stands where production became another, its label never leaves the picture."""
    plot = drawn(Pair(), changes=[at, at + 5.0])
    assert 2 == len(of_class(plot, "change"))
    (label,) = [each for each in of_class(plot, "halo") if "changed" in words(each)]
    assert f"production changed Thu 00:{int(at // 60):02}" == words(label)
    x, is_end = float(label.get("x")), "end" in label.get("class").split()
    assert (x > 200) == is_end
    assert 2 == words(tree(plot).find("desc")).count("Production was changed at 1970-01-01 00:")


def test_stages_are_marked_with_their_sampling():
    """Each stage has its line; labels that would lie on each other are left out."""
    plot = drawn(Pair(), stages=[(0.0, "10 %"), (60.0, "20 %"), (1800.0, "100 %")])
    assert 3 == len(of_class(plot, "stage"))
    texts = [words(each) for each in tree(plot).iter("text")]
    assert ["10 %", "100 %"] == [text for text in texts if text.endswith("0 %")]


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 1.0), (math.inf, 1.0), (101.0, 200.0), (0.021, 0.025), (5.0, 5.0)]
)
def test_scales_end_at_round_numbers(value, expected):
    """A grid line has a number that a person can read."""
    assert pytest.approx(expected) == round_up(value)


@pytest.mark.parametrize(("value", "place"), [(-math.inf, 10), (0, 10), (5, 15), (math.inf, 20)])
def test_a_scale_never_leaves_the_paper(value, place):
    """Infinity lies at the edge."""
    assert place == Scale(low=0, high=10, start=10, end=20).at(value)


@pytest.mark.parametrize("banded", [True, False])
def test_only_means_have_a_band(banded):
    """The range of a rate's minutes shows how few requests they hold, so it is not drawn."""
    both = series([1e5, 2e5] * 30)
    picture = Picture(
        key="k",
        title="t",
        unit=MILLISECONDS,
        level=mean_level,
        pairs=[Pair(baseline=both)],
        banded=banded,
    )
    plot = chart(picture, Timeline(buckets=Buckets(start=0, end=3600, width=120), stages=()))
    assert (1 if banded else 0) == len(of_class(plot, "band"))
