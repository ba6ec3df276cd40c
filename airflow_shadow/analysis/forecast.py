"""The forecast of a plan for a candidate as good as production, before anything is created.

The windows of production's own history stand for the stages to come: their traffic, their errors,
their minutes' spread and dependence are what the judge would see. So sample sizes and error rates
are predicted as they are, and means as a range (:mod:`airflow_shadow.analysis.expected_evidence`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.history import History
from airflow_shadow.analysis.spec import AnalysisSpec
from airflow_shadow.analysis.stage_forecast import (
    PlannedStage,
    Range,
    StageForecast,
    forecast_stage,
    in_per_cent,
    time_needed,
)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Hold the forecast of a plan.

    A range is from a shadow that shares none of the minutes' spread to one that shares all.

    :param chance: of a PASS in the end
    :param instance_hours: of the shadow, if every stage ends at its first look and at its last;
        None if the instances are unknown
    :param ruled_out: why the last stage cannot PASS whatever is measured, in sentences
    :param hours: length of the history
    :param sentence: the whole in plain words
    """

    stages: tuple[StageForecast, ...]
    chance: Range
    instance_hours: Range | None
    ruled_out: tuple[str, ...]
    hours: float
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast as JSON-able values; infinite numbers become None."""
        text = json.dumps(asdict(self))
        plain: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)
        return plain


def forecast(spec: AnalysisSpec, history: History, stages: Sequence[PlannedStage]) -> Forecast:
    """Return the forecast of a plan for a candidate as good as production.

    :param spec: what is judged
    :param history: of production; only a whole day rules out what depends on traffic
    :param stages: the plan, in the order of time
    """
    forecasts = tuple(forecast_stage(spec, history, stage) for stage in stages)
    low, high = forecasts[-1].chance
    # An inconclusive early stage does not end the ramp, but a false FAIL does.
    chances = (low * (1 - spec.alpha), high)
    hours = _instance_hours(history.instances, stages)
    return Forecast(
        stages=forecasts,
        chance=chances,
        instance_hours=hours,
        ruled_out=tuple(_ruled_out(spec, stages[-1], forecasts[-1])),
        hours=history.seconds / 3600,
        sentence=_sentence(chances, hours),
    )


def forecast_table(plan: Forecast) -> str:
    """Return the forecast for a log: a row for each criterion, a column for each stage.

    The last column has the duration that the last stage needs.
    """
    shares = [f"{stage.sampling_percentage:g} %" for stage in plan.stages]
    rows = [("chance of a PASS at", *shares, "80 % at the last stage")]
    for index, last in enumerate(plan.stages[-1].criteria):
        cells = [
            in_per_cent(stage.criteria[index].chance) if index < len(stage.criteria) else "-"
            for stage in plan.stages
        ]
        name = last.name if last.severity == "critical" else f"{last.name} (warning)"
        rows.append((name, *cells, time_needed(last.needed)))
    rows.append(("all critical", *(in_per_cent(stage.chance) for stage in plan.stages), ""))
    return "\n".join([*formatting.aligned(rows), plan.sentence])


def _ruled_out(spec: AnalysisSpec, stage: PlannedStage, last: StageForecast) -> Iterator[str]:
    """Yield what the last stage has too little of, whatever is measured."""
    if stage.looks[-1] < spec.min_duration:
        needed, planned = map(formatting.duration, (spec.min_duration, stage.looks[-1]))
        yield f"min_duration: a window of {needed} is needed; {planned} are planned"
    for one in last.criteria:
        if one.ruled_out and one.severity == "critical":
            yield one.ruled_out


def _instance_hours(instances: int, stages: Sequence[PlannedStage]) -> Range | None:
    if not instances:
        return None
    first, last = (math.fsum(stage.looks[index] for stage in stages) for index in (0, -1))
    return instances * first / 3600, instances * last / 3600


def _sentence(chances: Range, hours: Range | None) -> str:
    sentence = f"A candidate as good as production passes with a chance of {in_per_cent(chances)}"
    if hours is None:
        return f"{sentence}."
    span = " to ".join(dict.fromkeys(formatting.number(round(value, 1)) for value in hours))
    return f"{sentence}, for {span} instance-hours of the shadow."
