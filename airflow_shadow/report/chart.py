"""The chart of one metric of both variants over the whole experiment, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from airflow_shadow.analysis import Pair, Series
from airflow_shadow.analysis.formatting import Unit, in_unit, number
from airflow_shadow.analysis.formatting import moment as hour
from airflow_shadow.report.limits import Limit
from airflow_shadow.report.markup import joined, short, svg, tag
from airflow_shadow.report.scale import Scale, moment, round_up
from airflow_shadow.report.thinning import Buckets, Level, Point, runs, thinned

WIDTH, HEIGHT = 400.0, 170.0
LEFT, RIGHT, TOP, BOTTOM = 8.0, 392.0, 30.0, 136.0
#: Parts of the height that get a line and a number.
PARTS = (0.0, 0.5, 1.0)
#: Space that the label of a stage needs, and that of a change of production.
STAGE_SPACE, CHANGE_SPACE = 44.0, 165.0
#: Least distance of two marks that can be told apart.
MARK_SPACE = 12.0
#: A limit that is so many times higher than all levels is not drawn: it would flatten them.
FAR = 4.0
#: The mark of a look below the plot: of a planned one, and of another.
TRIANGLE, STROKE = "l-3.5 7h7z", "v5"
Lines = Mapping[str, Sequence[Point]]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Hold what all charts share: their time axis and the moments marked in it.

    All moments are in seconds since 1970.

    :param stages: begin of each stage, and its sampling percentage in words
    :param planned: planned looks, at which PASS is possible
    :param between: other looks
    :param changes: changes of production
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
    """Hold the data of one metric's chart.

    :param key: unique in the file
    :param level: how the periods of a bucket are combined
    :param banded: whether a band has the periods' range; that of rates would only tell how few
        requests a period has
    :param alarms: when a circuit breaker on the metric tripped, in seconds since 1970
    :param joint: whether the values are of both variants together, the candidate's of each pair
    :param limits: begin, end and level of what criteria allow
    """

    key: str
    title: str
    unit: Unit
    level: Level
    pairs: Sequence[Pair]
    banded: bool = True
    alarms: Sequence[float] = ()
    joint: bool = False
    limits: Sequence[Limit] = ()

    @property
    def sides(self) -> dict[str, list[Series]]:
        """Return the series of each line by its name."""
        shadow = [pair.candidate for pair in self.pairs]
        if self.joint:
            return {"both": shadow}
        return {"production": [pair.baseline for pair in self.pairs], "shadow": shadow}

    @property
    def is_flat(self) -> bool:
        """Tell whether all that was seen is zero, so that there is nothing to draw."""
        values = [value for side in self.sides.values() for one in side for value in one.values]
        return bool(values) and not self.alarms and all(value == 0 for value in values)


def chart(picture: Picture, timeline: Timeline) -> Markup:
    """Return the chart: a line for each variant, of means above the range of its periods."""
    lines = {
        name: thinned(series, timeline.buckets, picture.level)
        for name, series in picture.sides.items()
    }
    height = _height(lines, picture)
    return svg(
        *_grid(height),
        *_marks(picture, timeline),
        *_paths(lines if picture.banded else {}, "band", _band, timeline.scale, height),
        *_paths(lines, "line", _line, timeline.scale, height),
        *_limits(picture.limits, timeline.scale, height),
        *_grid_labels(height, picture.unit),
        *_changes(timeline),
        *_ends(timeline),
        key=picture.key,
        title=picture.title,
        description=_description(lines, picture, timeline),
        class_="chart",
        size=(WIDTH, HEIGHT),
    )


def _height(lines: Lines, picture: Picture) -> Scale:
    """Return the scale from zero to above all levels, and above limits that are not far away."""
    most = max((point.level for points in lines.values() for point in points), default=0.0)
    near = [level for *_, level in picture.limits if level <= FAR * most]
    top = round_up(max([most, *near]) * picture.unit.factor) / picture.unit.factor
    return Scale(low=0.0, high=top, start=BOTTOM, end=TOP)


def _limits(limits: Sequence[Limit], width: Scale, height: Scale) -> Iterator[Markup]:
    """Yield a line at each limit that is inside the scale."""
    for start, end, level in limits:
        if height.holds(level):
            left, right = short(width.at(start)), short(width.at(end))
            path = f"M{left} {short(height.at(level))}H{right}"
            yield tag("path", d=path, class_="tolerance")


def _description(lines: Lines, picture: Picture, timeline: Timeline) -> str:
    """Return the chart in words, for readers who do not see it."""
    spans = [_span(name, points, picture.unit) for name, points in lines.items()]
    window = f"From {moment(timeline.buckets.start)} to {moment(timeline.buckets.end)} UTC."
    changes = [f"Production was changed at {moment(at)} UTC." for at in timeline.changes]
    allowed = dict.fromkeys(in_unit(level, picture.unit) for *_, level in picture.limits)
    bounds = [f"Tolerance at {', '.join(allowed)}."] if allowed else []
    return " ".join([window, *spans, *bounds, *changes])


def _span(name: str, points: Sequence[Point], unit: Unit) -> str:
    if not points:
        return f"{name}: no data."
    low, high = min(point.low for point in points), max(point.high for point in points)
    first, last = points[0].level, points[-1].level
    return (
        f"{name}: from {in_unit(first, unit)} at the start to {in_unit(last, unit)} at the end, "
        f"lowest period {in_unit(low, unit)}, highest {in_unit(high, unit)}."
    )


def _paths(
    lines: Lines,
    name: str,
    draw: Callable[[Sequence[Point], Scale, Scale], str],
    width: Scale,
    height: Scale,
) -> Iterator[Markup]:
    """Yield a path for each variant, with the drawing of each run of its points."""
    for variant, points in lines.items():
        if path := joined(draw(run, width, height) for run in runs(points)):
            yield tag("path", d=path, class_=f"{name} {variant}")


def _band(run: Sequence[Point], width: Scale, height: Scale) -> str:
    """Return the range of the periods in each point; what is too high ends at the edge."""
    if all(point.low == point.high for point in run):
        return ""
    there = [_place(point.time, point.high, width, height) for point in run]
    back = [_place(point.time, point.low, width, height) for point in reversed(run)]
    return f"M{' '.join(there + back)}Z"


def _line(run: Sequence[Point], width: Scale, height: Scale) -> str:
    """Return a run as a path; a single point becomes a dot, by the round ends of the stroke."""
    places = [_place(point.time, point.level, width, height) for point in run]
    return f"M{places[0]}" + ("h0" if len(places) == 1 else "L" + " ".join(places[1:]))


def _place(time: float, value: float, width: Scale, height: Scale) -> str:
    return f"{short(width.at(time))} {short(height.at(value))}"


def _grid(height: Scale) -> Iterator[Markup]:
    for part in PARTS:
        place = short(height.at(part * height.high))
        yield tag("path", d=f"M{short(LEFT)} {place}H{short(RIGHT)}", class_="grid")


def _grid_labels(height: Scale, unit: Unit) -> Iterator[Markup]:
    """Yield the numbers of the grid, without the noise of the last binary digit; not zero."""
    for part in PARTS[1:]:
        value = part * height.high
        label = number(float(f"{value * unit.factor:.6g}")) + unit.symbol
        yield tag("text", label, x=LEFT + 3, y=height.at(value) - 3, class_="small halo")


def _marks(picture: Picture, timeline: Timeline) -> Iterator[Markup]:
    """Yield stages as upright lines with their sampling, looks and alarms as marks."""
    scale, last = timeline.scale, -STAGE_SPACE
    for time, label in timeline.stages:
        place = scale.at(time)
        yield tag("path", d=f"M{short(place)} 14V{short(BOTTOM)}", class_="stage")
        if place - last >= STAGE_SPACE and place <= RIGHT - STAGE_SPACE / 2:
            yield tag("text", label, x=place + 3, y=12, class_="small")
            last = place
    planned = _places(timeline.planned, scale)
    between = _places(timeline.between, scale, occupied=planned)
    for class_, shape, places in (("look", TRIANGLE, planned), ("between", STROKE, between)):
        if looks := joined(f"M{short(place)} {short(BOTTOM + 1)}{shape}" for place in places):
            yield tag("path", d=looks, class_=class_)
    for place in _places(picture.alarms, scale):
        yield _upright(place, "alarm")


def _changes(timeline: Timeline) -> Iterator[Markup]:
    """Yield a line at each change of production, with its time where there is room."""
    scale, last = timeline.scale, -CHANGE_SPACE
    for time in filter(scale.holds, timeline.changes):
        place = scale.at(time)
        yield _upright(place, "change")
        if place - last >= CHANGE_SPACE:
            is_left = place + CHANGE_SPACE > RIGHT
            yield tag(
                "text",
                f"production changed {hour(time)}",
                x=place - 4 if is_left else place + 4,
                y=BOTTOM - 5,
                class_="small halo end" if is_left else "small halo",
            )
            last = place


def _upright(place: float, class_: str) -> Markup:
    return tag("path", d=f"M{short(place)} {short(TOP)}V{short(BOTTOM)}", class_=class_)


def _places(times: Sequence[float], scale: Scale, occupied: Sequence[float] = ()) -> list[float]:
    """Return the places of moments; of those too near to each other only the first.

    A month may hold thousands of looks.
    """
    places: list[float] = []
    for place in sorted(scale.at(time) for time in times if scale.holds(time)):
        if all(abs(place - other) >= MARK_SPACE for other in [*places[-1:], *occupied]):
            places.append(place)
    return places


def _ends(timeline: Timeline) -> Iterator[Markup]:
    """Yield the first and the last moment below the chart."""
    foot, end = HEIGHT - 10, f"{moment(timeline.buckets.end)} UTC"
    yield tag("text", moment(timeline.buckets.start), x=LEFT, y=foot, class_="small")
    yield tag("text", end, x=RIGHT, y=foot, class_="small end")
