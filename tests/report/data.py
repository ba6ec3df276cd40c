"""Stages of seeded shadow tests, judged, for the tests of the report."""

from __future__ import annotations

import math
import random
from array import array
from collections import Counter
from dataclasses import replace

from airflow_shadow.analysis import (
    AnalysisSpec,
    Baseline,
    Criterion,
    Observations,
    OutsideCriterion,
    OutsideResult,
    Pair,
    Series,
    judge,
    parse_statistic,
)
from airflow_shadow.analysis.answer_distribution import Distribution, of_classes, of_scores
from airflow_shadow.analysis.answer_summary import AnswerSummary
from airflow_shadow.report import Experiment, Stage

#: A Sunday in 2026, midnight UTC.
START = 1_772_323_200.0
SPEC = AnalysisSpec(initial_delay=0)
EXPERIMENT = Experiment(
    name="nightly-42",
    endpoint="shop-search",
    production_model="ranker-41",
    shadow_model="ranker-42",
    account="123456789012",
    region="eu-central-1",
    more={"Dag run": "nightly / scheduled__2026-03-01"},
)


def pair(key: tuple[str, str], minutes: int, *, worse: float, start: float, share: float) -> Pair:
    """Return one metric: bad requests in one of 200, or latencies longer by the share `worse`."""
    draw = random.Random(f"{key} {minutes}")
    times = array("d", (start + 60.0 * minute for minute in range(minutes)))
    if parse_statistic(key[1]).kind != "mean":
        values = [[float(draw.random() < each) for each in (0.5, 0.5 * share)] for _ in times]
    else:
        base = [1e5 * draw.lognormvariate(0, 0.1) for _ in range(minutes)]
        values = [[each, each * (1 + worse) * draw.lognormvariate(0, 0.05)] for each in base]
    counts = (200.0, 200.0 * share)
    baseline, candidate = (
        Series(
            times=times,
            values=array("d", (row[side] for row in values)),
            samples=array("d", [counts[side]] * minutes),
        )
        for side in (0, 1)
    )
    return Pair(baseline=baseline, candidate=candidate)


def observed(
    minutes: int = 120,
    *,
    slower: float = 0.0,
    sampling: float = 100.0,
    start: float = START,
    late: float = 0.0,
    spec: AnalysisSpec = SPEC,
) -> Observations:
    """Return what the specification needs, with a candidate slower by a share.

    :param late: seconds since the planned look
    """
    wanted = {"minutes": minutes, "start": start, "share": sampling / 100}
    end = start + 60.0 * minutes
    return Observations(
        start=start,
        end=end,
        sampling_percentage=sampling,
        looks=[end - late, end - late + 3600.0],
        limits={("ModelLatency", "p99"): 250_000.0},
        percentiles={
            "ModelLatency": (
                {"p50": 95_000.0, "p90": 180_000.0, "p99": 240_000.0},
                {"p50": 96_000.0, "p90": 181_000.0, "p99": 260_000.0},
            )
        },
        series={key: pair(key, worse=slower, **wanted) for key in spec.needs},
        invocations=pair(("Invocations", "Average"), worse=0.0, **wanted),
    )


def stage(observations: Observations | None = None, spec: AnalysisSpec = SPEC, **given) -> Stage:
    """Return a judged stage with a look each half an hour."""
    seen = observations or observed(spec=spec, **given)
    looks = [seen.start + 1800.0 * step for step in range(1, int((seen.end - seen.start) / 1800))]
    return Stage(observations=seen, verdict=judge(spec, seen), looks=[*looks, seen.end])


def ramp() -> list[Stage]:
    """Return three stages behind each other; the last one fails."""
    wanted = ((10.0, 0.0), (50.0, 0.0), (100.0, 0.5))
    return [
        stage(
            replace(
                observed(sampling=sampling, slower=slower, start=START + 7200.0 * index),
                stage=index + 1,
                stages=len(wanted),
            )
        )
        for index, (sampling, slower) in enumerate(wanted)
    ]


def silent(observations: Observations) -> Observations:
    """Return the same window with nothing in it."""
    return replace(observations, series={}, invocations=None)


def rich_spec() -> AnalysisSpec:
    """Return a specification with every kind of comparison and direction."""
    return AnalysisSpec(
        initial_delay=0,
        criteria=(
            *SPEC.criteria,
            Criterion(
                name="very slow requests",
                metric="ModelLatency",
                statistic="above:500ms",
                comparison="difference",
                tolerance=0.02,
            ),
            Criterion(
                name="cache misses",
                metric="Misses",
                comparison="absolute",
                tolerance=0.05,
            ),
            Criterion(
                name="GPU memory",
                metric="GPUMemoryUtilization",
                statistic="Average",
                direction="either",
                tolerance=0.2,
            ),
            Criterion(
                name="cache hits",
                metric="CacheHits",
                statistic="Average",
                comparison="absolute",
                direction="decrease",
                tolerance=40000.0,
                severity="warning",
            ),
        ),
        outside=(OutsideCriterion(name="alarm", target="shop-alarm"),),
    )


def rich() -> Stage:
    """Return a stage of that specification, with an alarm that nobody could read."""
    spec = rich_spec()
    outside = {"alarm": OutsideResult.of_alarm("shop-alarm", "INSUFFICIENT_DATA")}
    return stage(replace(observed(slower=0.09, spec=spec), outside=outside), spec)


def looked(observations: Observations, *models: str) -> Observations:
    """Return the same window with a look each half an hour, at which production runs a model."""
    seen = tuple(
        Baseline(
            at=observations.start + 1800.0 * number,
            changed=observations.start + 1800.0 * number - 600.0,
            variant="AllTraffic",
            model=model,
            configuration="shop-1",
            instances=2,
            shadow_instances=1,
        )
        for number, model in enumerate(models)
    )
    return replace(observations, baseline=seen)


def unknown() -> Stage:
    """Return a stage with so few periods that the interval of a mean says nothing."""
    spec = AnalysisSpec(initial_delay=0, breakers=SPEC.breakers)
    return stage(observed(2, spec=spec), spec)


def summary(kind: str = "label", *, minutes: int = 120, start: float = START) -> AnswerSummary:
    """Return what a comparison tells of an output: in one of fifty answers the shadow differs."""
    draw = random.Random(f"{kind} {minutes}")
    count = [200] * minutes
    few = [sum(draw.random() < 0.02 for _ in range(200)) for _ in count]
    table = {
        "minute": [start / 60 + minute for minute in range(minutes)],
        "values": count,
        "compared": count,
        "disagreed": few,
        "production_broken": [0] * minutes,
        "shadow_broken": [0] * minutes,
        "labelled": count,
        "production_right": [180] * minutes,
        "shadow_right": [180 + each for each in few],
    }
    told = classes(draw) if kind == "label" else scores(draw)
    return AnswerSummary.of(kind, table, told, start=start, end=start + 60.0 * minutes)


def classes(draw: random.Random) -> Distribution:
    """Return pairs of twelve classes, of which neighbours are mistaken for each other."""
    names = [f"class-{number:02}" for number in range(12)]
    return of_classes(
        (one, other, draw.randrange(900, 1100) if one == other else draw.randrange(40))
        for place, one in enumerate(names)
        for other in names[max(place - 1, 0) : place + 2]
    )


def scores(draw: random.Random) -> Distribution:
    """Return scores from 0 to 1, whose differences are small."""
    pairs = [(draw.betavariate(2, 5), draw.gauss(0.0, 0.02)) for _ in range(5000)]
    rows = Counter(
        (side, -8, math.floor(256 * value))
        for one, apart in pairs
        for side, value in enumerate((one, one + apart, apart))
    )
    return of_scores((*key, count) for key, count in rows.items())


def compared(**outputs: AnswerSummary) -> Stage:
    """Return a stage whose answers were compared."""
    return replace(stage(), answers=outputs)
