"""The bars of criteria on answers, with fewer runs: wide enough not to fail by chance."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_shadow.analysis import Criterion, Output

pytestmark = pytest.mark.thorough
RUNS = 200
#: Three standard errors above 5 %.
BOUND = 0.05 + 3 * (0.05 * 0.95 / RUNS) ** 0.5
LABELS = "s3://bucket/truth/"


def case(bench, measure: str):
    """Return a world of one measure, with its criterion."""
    draw = bench.answers
    worlds = {
        "disagreement": (draw.disagreements(0.02, 0.5), Output(), "absolute", "increase", 0.02),
        "shift": (
            draw.shifts(0.01, draw.student(0.05, 3)),
            Output(kind="score"),
            "difference",
            "increase",
            0.01,
        ),
        "accuracy": (
            draw.accuracies(0.01, 0.05, 0.0),
            Output(kind="label", labels=LABELS),
            "difference",
            "decrease",
            0.01,
        ),
        "error": (
            draw.errors(0.05, draw.student(0.1, 30)),
            Output(kind="score", labels=LABELS),
            "relative",
            "increase",
            0.05,
        ),
    }
    world, output, comparison, direction, tolerance = worlds[measure]
    rule = Criterion(
        name=measure,
        metric=f"answers.churn.{measure}",
        comparison=comparison,
        direction=direction,
        tolerance=tolerance,
    )
    equal = 0.5 if measure == "disagreement" else 0.0
    return draw.Case(criterion=rule, output=output, world=world, equal=equal)


@pytest.mark.parametrize("measure", ["disagreement", "shift", "accuracy", "error"])
def test_a_candidate_at_the_tolerance_hardly_passes(bench, measure):
    """A day of 500 pairs an hour: false PASS at one look and at planned ones, and the power."""
    rng, one = np.random.default_rng(9), case(bench, measure)
    limit = [one.at_tolerance(rng, 500, 24) for _ in range(RUNS)]
    equal = [one.equal_one(rng, 500, 24) for _ in range(RUNS // 4)]
    for look in ("one", "any"):
        assert BOUND >= sum(look in shown for shown in limit) / RUNS
    assert 0.9 <= sum("passed" in shown for shown in equal) / len(equal)
