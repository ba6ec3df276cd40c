"""One metric of both variants over the whole experiment, with its looks and stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from airflow_shadow.analysis import Pair, Series
from airflow_shadow.analysis.formatting import Unit, in_unit, number
from airflow_shadow.analysis.formatting import moment as hour
from airflow_shadow.report.markup import joined, short, tag
from airflow_shadow.report.scale import Scale, moment, round_up
from airflow_shadow.report.thinning import Buckets, Level, Point, thinned, unbroken

WIDTH, HEIGHT = 400.0, 170.0
LEFT, RIGHT, TOP, BOTTOM = 8.0, 392.0, 30.0, 136.0
#: Parts of the height that get a line and a number.
PARTS = (0.0, 0.5, 1.0)
#: Units that two labels of stages need between them.
APART = 44.0
#: Units that the label of a change of production needs.
LONG = 165.0
CHANGED = "Production was changed"
#: Units between two marks that can be told apart.
TOUCHING = 8.0


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Hold what all charts share: the time that they show and the moments marked in it.

    :param stages: when each began (seconds since 1970), and its sampling percentage in words
    :param planned: the looks at which PASS is read
    :param between: the looks in between
    :param changes: when production became another
    """

    buckets: Buckets
    stages: Sequence[tuple[float, str]]
    planned: Sequence[float] = ()
    between: Sequence[float] = ()
    changes: Sequence[float] = ()

    @property
    def scale(self) -> Scale:
        """Return the horizontal scale."""
        return Scale(low=self.buckets.start, high=self.buckets.end, start=LEFT, end=RIGHT)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Hold one metric's chart before it is drawn.

    :param key: unique in the file
    :param level: how the periods of a bucket are combined
    :param banded: whether a band shows the periods' range; that of rates would only show how few
        requests a period has
    :param alarms: when a circuit breaker on the metric tripped
    """

    key: str
    title: str
    unit: Unit
    level: Level
    pairs: Sequence[Pair]
    banded: bool = True
    alarms: Sequence[float] = ()


def chart(picture: Picture, timeline: Timeline) -> Markup:
    """Return the chart: a line for each variant, of means above the range of its periods."""
    lines = _lines(picture, timeline.buckets)
    levels = [point.level for points in lines.values() for point in points]
    top = round_up(max(levels, default=0.0) * picture.unit.factor) / picture.unit.factor
    height = Scale(low=0.0, high=top, start=BOTTOM, end=TOP)
    return tag(
        "svg",
        tag("title", picture.title, id=f"{picture.key}-title"),
        tag("desc", _described(lines, picture, timeline), id=f"{picture.key}-desc"),
        *_grid(height),
        *_marks(picture, timeline),
        *_bands(lines if picture.banded else {}, timeline.scale, height),
        *_drawn(lines, timeline.scale, height),
        *_levels(height, picture.unit),
        *_changes(timeline),
        *_times(timeline),
        role="img",
        class_="chart",
        viewBox=f"0 0 {short(WIDTH)} {short(HEIGHT)}",
        aria_labelledby=f"{picture.key}-title {picture.key}-desc",
    )


def _lines(picture: Picture, buckets: Buckets) -> dict[str, list[Point]]:
    variants: dict[str, list[Series]] = {
        "production": [pair.baseline for pair in picture.pairs],
        "shadow": [pair.candidate for pair in picture.pairs],
    }
    return {name: thinned(each, buckets, picture.level) for name, each in variants.items()}


def _described(lines: dict[str, list[Point]], picture: Picture, timeline: Timeline) -> str:
    """Return what the lines show, for who does not see them."""
    told = [_span(name, points, picture.unit) for name, points in lines.items()]
    window = f"From {moment(timeline.buckets.start)} to {moment(timeline.buckets.end)} UTC."
    changed = [f"{CHANGED} at {moment(at)} UTC." for at in timeline.changes]
    return " ".join([window, *told, *changed])


def _span(name: str, points: Sequence[Point], unit: Unit) -> str:
    if not points:
        return f"{name}: no data."
    low, high = min(point.low for point in points), max(point.high for point in points)
    first, last = points[0].level, points[-1].level
    return (
        f"{name}: from {in_unit(first, unit)} at the start to {in_unit(last, unit)} at the end, "
        f"lowest period {in_unit(low, unit)}, highest {in_unit(high, unit)}."
    )


def _bands(lines: dict[str, list[Point]], width: Scale, height: Scale) -> Iterator[Markup]:
    """Yield the range of the periods in each point; what is too high ends at the edge."""
    for name, points in lines.items():
        runs = filter(_is_wide, unbroken(points))
        if band := joined(_band(run, width, height) for run in runs):
            yield tag("path", d=band, class_=f"band {name}")


def _drawn(lines: dict[str, list[Point]], width: Scale, height: Scale) -> Iterator[Markup]:
    for name, points in lines.items():
        if line := joined(_line(run, width, height) for run in unbroken(points)):
            yield tag("path", d=line, class_=f"line {name}")


def _is_wide(run: Sequence[Point]) -> bool:
    return any(point.low < point.high for point in run)


def _line(run: Sequence[Point], width: Scale, height: Scale) -> str:
    """Return a run as a path; one point alone becomes a dot, by the round ends of the stroke."""
    places = [_place(point.time, point.level, width, height) for point in run]
    return f"M{places[0]}" + ("h0" if len(places) == 1 else "L" + " ".join(places[1:]))


def _band(run: Sequence[Point], width: Scale, height: Scale) -> str:
    there = [_place(point.time, point.high, width, height) for point in run]
    back = [_place(point.time, point.low, width, height) for point in reversed(run)]
    return f"M{' '.join(there + back)}Z"


def _place(time: float, value: float, width: Scale, height: Scale) -> str:
    return f"{short(width.at(time))} {short(height.at(value))}"


def _grid(height: Scale) -> Iterator[Markup]:
    for part in PARTS:
        place = short(height.at(part * height.high))
        yield tag("path", d=f"M{short(LEFT)} {place}H{short(RIGHT)}", class_="grid")


def _levels(height: Scale, unit: Unit) -> Iterator[Markup]:
    """Yield the numbers of the grid, above the lines; zero needs none."""
    for part in PARTS[1:]:
        value = part * height.high
        told, place = _level(value, unit), height.at(value) - 3
        yield tag("text", told, x=LEFT + 3, y=place, class_="small halo")


def _level(value: float, unit: Unit) -> str:
    """Return a grid line's number without the noise of the last binary digit."""
    return number(float(f"{value * unit.factor:.6g}")) + unit.symbol


def _marks(picture: Picture, timeline: Timeline) -> Iterator[Markup]:
    """Yield stages as upright lines with their sampling, looks, changes and alarms as marks."""
    scale, last = timeline.scale, -APART
    for time, label in timeline.stages:
        place = scale.at(time)
        yield tag("path", d=f"M{short(place)} 14V{short(BOTTOM)}", class_="stage")
        if place - last >= APART and place <= RIGHT - APART / 2:
            yield tag("text", label, x=place + 3, y=12, class_="small")
            last = place
    planned = _places(timeline.planned, scale)
    between = _places(timeline.between, scale, taken=planned)
    for class_, shape, places in (("look", TRIANGLE, planned), ("between", STROKE, between)):
        if looks := joined(f"M{short(place)} {short(BOTTOM + 1)}{shape}" for place in places):
            yield tag("path", d=looks, class_=class_)
    for alarm in _places(picture.alarms, scale):
        yield tag("path", d=f"M{short(alarm)} {short(TOP)}V{short(BOTTOM)}", class_="alarm")


def _changes(timeline: Timeline) -> Iterator[Markup]:
    """Yield a line where production became another, with the time above it where there is room."""
    scale, last = timeline.scale, -LONG
    for time in filter(timeline.scale.holds, timeline.changes):
        place = scale.at(time)
        yield tag("path", d=f"M{short(place)} {short(TOP)}V{short(BOTTOM)}", class_="change")
        if place - last >= LONG:
            side = "small halo end" if place + LONG > RIGHT else "small halo"
            told = f"production changed {hour(time)}"
            x = place + (-4 if side.endswith("end") else 4)
            yield tag("text", told, x=x, y=BOTTOM - 5, class_=side)
            last = place


#: What marks a look, below the plot: a planned one, and one in between.
TRIANGLE, STROKE = "l-3.5 7h7z", "v5"


def _places(times: Sequence[float], scale: Scale, taken: Sequence[float] = ()) -> list[float]:
    """Return where moments are marked; of those that would touch, the first.

    A month may hold thousands of looks.

    :param taken: places that are marked already
    """
    kept: list[float] = []
    for place in sorted(scale.at(time) for time in times if scale.holds(time)):
        if all(abs(place - other) >= TOUCHING for other in [*kept[-1:], *taken]):
            kept.append(place)
    return kept


def _times(timeline: Timeline) -> Iterator[Markup]:
    """Yield the first and the last moment below the chart."""
    foot = HEIGHT - 10
    yield tag("text", moment(timeline.buckets.start), x=LEFT, y=foot, class_="small")
    end = f"{moment(timeline.buckets.end)} UTC"
    yield tag("text", end, x=RIGHT, y=foot, class_="small end")
