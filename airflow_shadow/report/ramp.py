"""The ramp as a time line: each stage's share of the requests, its outcome, and the end, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from airflow_shadow.report.inputs import Ending, Stage
from airflow_shadow.report.markup import short, svg, tag
from airflow_shadow.report.scale import Scale, moment

WIDTH, HEIGHT = 400.0, 112.0
LEFT, RIGHT, TOP, BOTTOM = 8.0, 392.0, 20.0, 84.0
#: Space that a stage's label needs.
LABEL_SPACE = 34.0
MARKS = {"PASS": "✓", "FAIL": "✕", "INCONCLUSIVE": "?", "good so far": "↗"}
TONES = {"good so far": "good"}


def ramp(stages: Sequence[Stage], ending: Ending) -> Markup:
    """Return the time line of several stages."""
    start = stages[0].observations.start
    end = max(stage.observations.end for stage in stages)
    over = ending.at if ending.concluded and ending.at is not None else None
    last = max(end, over or end, start + 60)
    scale = Scale(low=start, high=last, start=LEFT, end=RIGHT)
    return svg(
        tag("path", d=f"M{short(LEFT)} {short(BOTTOM)}H{short(RIGHT)}", class_="grid"),
        *(part for stage in stages for part in _stage(stage, scale)),
        *(() if over is None else _end(over, scale)),
        tag("text", moment(start), x=LEFT, y=HEIGHT - 8, class_="small"),
        tag("text", f"{moment(last)} UTC", x=RIGHT, y=HEIGHT - 8, class_="small end"),
        key="ramp",
        title="The ramp: the shadow's share of the requests, and how each stage ended",
        description=" ".join([*map(_words, stages), *_end_words(ending)]),
        class_="ramp",
        size=(WIDTH, HEIGHT),
    )


def _words(stage: Stage) -> str:
    start, end = (moment(each) for each in (stage.observations.start, stage.observations.end))
    return f"{stage.sampling} from {start} to {end} UTC: {stage.verdict.headline}."


def _end_words(ending: Ending) -> Iterator[str]:
    if ending.concluded and ending.at is not None:
        yield f"The shadow test ended at {moment(ending.at)} UTC{_how(ending)}."


def _how(ending: Ending) -> str:
    return {True: ", promoted", False: ", not promoted", None: ""}[ending.promoted]


def _stage(stage: Stage, scale: Scale) -> Iterator[Markup]:
    left, right = (scale.at(each) for each in (stage.observations.start, stage.observations.end))
    top = BOTTOM - (BOTTOM - TOP) * min(stage.observations.sampling_percentage, 100.0) / 100
    headline = stage.verdict.headline
    tone = TONES.get(headline, headline.lower())
    width = max(right - left - 1, 1)
    yield tag("rect", x=left, y=top, width=width, height=BOTTOM - top, class_=f"step {tone}")
    if right - left >= LABEL_SPACE:
        label = f"{stage.sampling} {MARKS[headline]}"
        yield tag("text", label, x=(left + right) / 2, y=top - 5, class_=f"mid {tone}")


def _end(at: float, scale: Scale) -> Iterator[Markup]:
    yield tag("path", d=f"M{short(scale.at(at))} {short(TOP)}V{short(BOTTOM)}", class_="change")
