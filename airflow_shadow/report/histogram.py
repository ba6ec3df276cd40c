"""Scores of both variants, and their differences, as histograms in SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from markupsafe import Markup

from airflow_shadow.analysis.formatting import number
from airflow_shadow.analysis.histogram import Histogram
from airflow_shadow.report.markup import joined, short, svg, tag
from airflow_shadow.report.scale import Scale, round_up

WIDTH, HEIGHT = 400.0, 170.0
LEFT, RIGHT, TOP, BOTTOM = 8.0, 392.0, 30.0, 136.0
#: Space that a number at either end needs.
LABEL_SPACE = 60.0
#: Bins of differences are not narrower than a part of those of scores: two to the power of it.
FINER = -4


def score_histograms(histograms: Mapping[str, Histogram], *, key: str) -> list[tuple[str, Markup]]:
    """Return caption and picture of the scores, and of their differences; none without scores.

    :param key: unique in the file
    """
    scores = {name: histograms.get(name, Histogram()) for name in ("production", "shadow")}
    if not all(each.counts for each in scores.values()):
        return []
    widest = max(each.exponent for each in scores.values())
    scores = {name: each.at_least(widest) for name, each in scores.items()}
    apart = {"difference": histograms["difference"].at_least(widest + FINER)}
    return [
        (_caption("Scores", scores), _drawn("Scores of both variants", scores, f"{key}-scores")),
        (
            _caption("Shadow minus production", apart),
            _drawn("Differences, shadow minus production", apart, f"{key}-differences"),
        ),
    ]


def _caption(title: str, histograms: Mapping[str, Histogram]) -> str:
    outside = sum(each.outside for each in histograms.values())
    return f"{title}; {number(outside)} far outside" if outside else title


def _drawn(title: str, histograms: Mapping[str, Histogram], key: str) -> Markup:
    width = next(iter(histograms.values())).width
    first = min(each.first for each in histograms.values())
    last = max(each.first + len(each.counts) for each in histograms.values())
    across = Scale(low=first * width, high=last * width, start=LEFT, end=RIGHT)
    most = max(max(_shares(each)) for each in histograms.values())
    up = Scale(low=0.0, high=round_up(100 * most) / 100, start=BOTTOM, end=TOP)
    return svg(
        *_frame(up),
        *(_steps(name, each, across, up) for name, each in histograms.items()),
        *_zero(across),
        *_ends(across),
        key=key,
        title=title,
        description=" ".join(_words(name, each) for name, each in histograms.items()),
        class_="histogram",
        size=(WIDTH, HEIGHT),
    )


def _shares(histogram: Histogram) -> list[float]:
    total = sum(histogram.counts) + histogram.outside
    return [count / total for count in histogram.counts]


def _steps(name: str, histogram: Histogram, across: Scale, up: Scale) -> Markup:
    """Return the outline of the bins, from the ground to the ground."""
    edges = [
        short(across.at((histogram.first + place) * histogram.width))
        for place in range(len(histogram.counts) + 1)
    ]
    tops = [short(up.at(share)) for share in _shares(histogram)]
    steps = joined(f"V{top}H{edge}" for top, edge in zip(tops, edges[1:], strict=True))
    ground = short(BOTTOM)
    return tag("path", d=f"M{edges[0]} {ground}{steps}V{ground}", class_=f"steps line {name}")


def _frame(up: Scale) -> Iterator[Markup]:
    yield tag("path", d=f"M{short(LEFT)} {short(BOTTOM)}H{short(RIGHT)}", class_="grid")
    yield tag("path", d=f"M{short(LEFT)} {short(TOP)}H{short(RIGHT)}", class_="grid")
    label = f"{number(float(f'{100 * up.high:.6g}'))} % of the answers"
    yield tag("text", label, x=LEFT + 3, y=TOP - 3, class_="small halo")


def _zero(across: Scale) -> Iterator[Markup]:
    if across.low < 0 < across.high:
        place = short(across.at(0.0))
        yield tag("path", d=f"M{place} {short(TOP)}V{short(BOTTOM)}", class_="zero")
        if LEFT + LABEL_SPACE < across.at(0.0) < RIGHT - LABEL_SPACE:
            yield tag("text", "0", x=across.at(0.0), y=BOTTOM + 14, class_="small mid")


def _ends(across: Scale) -> Iterator[Markup]:
    yield tag("text", number(across.low), x=LEFT, y=BOTTOM + 14, class_="small")
    yield tag("text", number(across.high), x=RIGHT, y=BOTTOM + 14, class_="small end")


def _words(name: str, histogram: Histogram) -> str:
    """Return where most of the numbers are, for readers who do not see the picture."""
    counts, width = histogram.counts, histogram.width
    if not counts:
        return f"{name}: none."
    until = [*accumulate(counts)]
    low = _place(until, 0.05 * until[-1])
    high = _place(until, 0.95 * until[-1])
    most = counts.index(max(counts))
    edges = [number((histogram.first + place) * width) for place in (low, high + 1, most, most + 1)]
    return (
        f"{name}: nine of ten between {edges[0]} and {edges[1]}, "
        f"most often between {edges[2]} and {edges[3]}."
    )


def _place(until: Sequence[int], wanted: float) -> int:
    return next(place for place, count in enumerate(until) if count >= wanted)
