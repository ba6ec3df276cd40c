"""What holds for every specification and every input."""

from __future__ import annotations

import itertools
import json
import math
import random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_shadow.analysis import (
    AnalysisSpec,
    Baseline,
    Breaker,
    Counts,
    Criterion,
    Finding,
    Observations,
    Pair,
    Series,
    Verdict,
    judge,
    markdown_table,
    text_table,
)
from airflow_shadow.analysis.criterion import Comparison, Count, Direction, Missing, Severity
from tests.analysis.data import series

METRICS = ("ModelLatency", "Invocation5XXErrors", "Own")
STATISTICS = ("rate", "Average", "tm99", "above:250ms", "above:p99")
MINUTES = 60


@st.composite
def criteria(draw) -> Criterion:
    """Draw any criterion that a specification accepts."""
    statistic = draw(st.sampled_from(STATISTICS))
    is_mean = statistic in ("Average", "tm99")
    comparison = draw(st.sampled_from([c for c in get_args(Comparison) if is_mean or c[0] != "r"]))
    sides = [d for d in get_args(Direction) if comparison != "absolute" or d != "either"]
    tolerances = [0.001, 0.1, 0.9] + ([5e4] if is_mean else [])
    return Criterion(
        name="criterion",
        metric=draw(st.sampled_from(METRICS)),
        statistic=statistic,
        comparison=comparison,
        direction=draw(st.sampled_from(sides)),
        severity=draw(st.sampled_from(get_args(Severity))),
        tolerance=draw(st.sampled_from(tolerances)),
        min_samples=draw(st.sampled_from([None, 1])),
        missing="unknown" if is_mean else draw(st.sampled_from(get_args(Missing))),
        count="samples" if is_mean else draw(st.sampled_from(get_args(Count))),
    )


ODD = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, 1e5, 5e-324, 1e15, 1e308, -1.0, 0.5]),
)
PLAIN = st.sampled_from([0.0, 1.0, 2.0, 5.0, 50.0, 100.0, 1e5])


@st.composite
def columns(draw) -> Series:
    """Draw a variant's periods: odd ones in any order, or plain ones of an hour."""
    if draw(st.booleans()):
        size = draw(st.integers(0, 12))
        time = st.sampled_from([*(60.0 * i for i in range(MINUTES)), -60.0, 1e9, 30.5])
        rows = [(draw(time), draw(ODD), draw(ODD)) for _ in range(size)]
        times, values, samples = zip(*rows, strict=True) if rows else ((), (), ())
        return Series(times=times, values=values, samples=samples)
    rng = random.Random(draw(st.integers(0, 10**6)))
    level, spread, requests = draw(PLAIN), draw(st.sampled_from([0.0, 0.1, 2.0])), draw(PLAIN)
    size = draw(st.sampled_from([1, 2, 5, 30, MINUTES]))
    values = [level * rng.lognormvariate(0, spread) for _ in range(size)]
    return series(values, [max(requests, 0.5) * rng.choice([1, 1, 3]) for _ in range(size)])


PAIRS = st.builds(Pair, baseline=columns(), candidate=columns())
LIMITS = (2e5, 0.0, math.nan, math.inf, None)
COUNTS = st.builds(
    Counts,
    bad_baseline=st.sampled_from([0.0, 0.3, 5.0]),
    n_baseline=st.sampled_from([5.0, 1e6]),
    bad_candidate=st.sampled_from([0.0, 0.3, 5.0]),
    n_candidate=st.sampled_from([5.0, 1e6]),
)


@st.composite
def inputs(draw) -> tuple[AnalysisSpec, Observations]:
    """Draw a specification of one criterion and a breaker, and anything observed."""
    criterion = draw(criteria())
    limit = draw(st.sampled_from([{"limit": 0.0}, {"limit": 0.5}, {"relative_limit": 2.0}]))
    breaker = Breaker(metric=criterion.metric, **limit)
    always = Criterion(name="always", metric="E", comparison="difference", tolerance=0.1)
    spec = AnalysisSpec(
        criteria=(criterion, always),
        breakers=(breaker,),
        initial_delay=draw(st.sampled_from([0, 300, 10_000])),
        min_periods=10,
        min_duration=0,
        alpha=draw(st.sampled_from([1e-9, 0.05, 0.2])),
    )
    end = draw(st.sampled_from([0.0, 60.0, 61.5, 60.0 * MINUTES]))
    stage = draw(st.integers(1, 3))
    return spec, Observations(
        start=0.0,
        end=end,
        sampling_percentage=draw(st.sampled_from([0.0, 10.0, 99.9, 100.0, 130.0])),
        looks=draw(st.sampled_from([(), (end,), (1.0,), (end, end + 600.0), (end - 600.0, end)])),
        series={key: draw(PAIRS) for key in spec.needs if draw(st.booleans())},
        invocations=draw(st.one_of(st.none(), PAIRS)),
        limits=draw(st.sampled_from([{}, *({(criterion.metric, "p99"): x} for x in LIMITS)])),
        percentiles=draw(
            st.sampled_from([{}, *({"ModelLatency": ({"p99": x}, {"p50": x})} for x in LIMITS)])
        ),
        baseline=draw(
            st.sampled_from(
                [(), (Baseline(at=0, changed=0, variant="", model="", configuration=""),)]
            )
        ),
        period=draw(st.sampled_from([None, 60, 300])),
        stage=stage,
        stages=3,
        earlier={criterion.name: draw(st.lists(COUNTS, max_size=2))},
    )


def levels_agree(finding: Finding) -> bool:
    """Tell whether the change that is printed is that of the levels that are printed."""
    if finding.estimate is None or finding.candidate is None:
        return finding.estimate is None
    base = finding.baseline
    changes = {
        "relative": (finding.candidate / base - 1 if base else None),
        "difference": finding.candidate - (base or 0.0),
        "absolute": finding.candidate,
        None: finding.estimate,
    }
    size = max(abs(base or 0.0), abs(finding.candidate), 1e-12)
    expected = changes[finding.comparison]
    # Beyond a ratio of a million a change is as good as endless.
    capped = min(expected, 1e6 - 1) if finding.comparison == "relative" else expected
    return math.isclose(finding.estimate, capped, rel_tol=1e-6, abs_tol=1e-9 * size)


def inside(finding: Finding) -> bool:
    """Tell whether a point estimate lies inside its tolerance."""
    criterion = Criterion(
        name="x",
        metric="x",
        comparison=finding.comparison,
        direction=finding.direction,
        tolerance=finding.tolerance,
    )
    low, high = criterion.accepted
    return low < finding.estimate < high


@given(given_inputs=inputs())
@settings(max_examples=250)
def test_every_verdict_keeps_its_promises(given_inputs):
    """No input raises; what is printed fits together; what passes is inside; all of it travels."""
    spec, observations = given_inputs
    verdict = judge(spec, observations)
    for finding in verdict.findings:
        assert levels_agree(finding)
        if finding.lower is not None and finding.upper is not None:
            assert finding.lower <= finding.estimate <= finding.upper
            assert not math.isnan(finding.upper - finding.lower) or math.isinf(finding.upper)
        if finding.outcome == "PASS" and finding.comparison:
            assert inside(finding)
            assert verdict.look
    if verdict.outcome == "PASS":
        assert verdict.stage_passed
        assert not verdict.lacking
    assert text_table(verdict)
    assert markdown_table(verdict)
    assert len(verdict.reason) <= 1024
    text = json.dumps(verdict.to_dict(), allow_nan=False)
    assert json.loads(text) == Verdict.from_dict(json.loads(text)).to_dict()
    assert verdict.outcome == Verdict.from_dict(json.loads(text)).outcome


KINDS = [
    (statistic, comparison, direction, severity)
    for statistic, comparison, direction, severity in itertools.product(
        ("rate", "Average", "above:250ms"),
        get_args(Comparison),
        get_args(Direction),
        get_args(Severity),
    )
    if not (comparison == "absolute" and direction == "either")
    and (statistic == "Average" or comparison != "relative")
]


def observed(statistic: str, factor: float) -> Pair:
    """Return an hour in which the candidate has so many times what production has."""
    rng = random.Random(4)
    level = 1e5 if statistic == "Average" else 20.0
    return Pair(
        baseline=series([level * rng.lognormvariate(0, 0.05) for _ in range(MINUTES)]),
        candidate=series([factor * level * rng.lognormvariate(0, 0.05) for _ in range(MINUTES)]),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_criterion_passes_and_fails(kind):
    """Far inside passes, far outside fails, on the side that is bad, and a warning decides not."""
    statistic, comparison, direction, severity = kind
    tolerance = {"relative": 0.2, "difference": 0.05, "absolute": 0.3}[comparison]
    if statistic == "Average" and comparison != "relative":
        tolerance *= 5e5
    criterion = Criterion(
        name="x",
        metric="ModelLatency",
        statistic=statistic,
        comparison=comparison,
        direction=direction,
        severity=severity,
        tolerance=tolerance,
    )
    always = Criterion(name="always", metric="E", comparison="difference", tolerance=0.1)
    clean = Pair(baseline=series([0.0] * MINUTES), candidate=series([0.0] * MINUTES))
    spec = AnalysisSpec(initial_delay=0, breakers=(), criteria=(criterion, always))
    found = {}
    for factor in (0.5, 1.0, 2.0):
        verdict = judge(
            spec,
            Observations(
                start=0.0,
                end=60.0 * MINUTES,
                sampling_percentage=100.0,
                looks=(60.0 * MINUTES,),
                series={criterion.key: observed(statistic, factor), always.key: clean},
                invocations=Pair(
                    baseline=series([1.0] * MINUTES), candidate=series([1.0] * MINUTES)
                ),
                percentiles={"ModelLatency": ({"p99": 2e5}, {})},
            ),
        )
        found[factor] = verdict.findings[0].outcome
        decided = found[factor] if severity == "critical" else "PASS"
        assert decided == verdict.outcome
    less, more = {
        "increase": ("PASS", "FAIL"),
        "decrease": ("FAIL", "PASS"),
        "either": ("FAIL", "FAIL"),
    }[direction]
    expected = {0.5: less, 1.0: "PASS", 2.0: more}
    if comparison == "absolute":
        expected[1.0] = less
    assert expected == found


def test_plausible_windows_pass_wait_and_fail():
    """Seeded ones of any traffic, change and noise: each outcome is reached, and each is right."""
    outcomes: list[str] = []
    for seed in range(60):
        rng = random.Random(seed)
        requests = [rng.choice([20.0, 100.0, 300.0]) * rng.uniform(0.5, 2) for _ in range(MINUTES)]
        change, spread = rng.choice([0.9, 1.0, 1.05, 1.1, 1.3]), rng.choice([0.02, 0.1, 0.4])
        base = [1e5 * rng.lognormvariate(0, 0.2) for _ in range(MINUTES)]
        pair = Pair(
            baseline=series(base, requests),
            candidate=series([change * v * rng.lognormvariate(0, spread) for v in base], requests),
        )
        kind = rng.choice([("relative", 0.1), ("difference", 1e4), ("absolute", 1.15e5)])
        criterion = Criterion(
            name="x",
            metric="ModelLatency",
            statistic="Average",
            comparison=kind[0],
            tolerance=kind[1],
        )
        spec = AnalysisSpec(initial_delay=0, breakers=(), criteria=(criterion,))
        traffic = Pair(baseline=pair.baseline, candidate=pair.baseline)
        found = judge(
            spec,
            Observations(
                start=0.0,
                end=60.0 * MINUTES,
                sampling_percentage=100.0,
                looks=(60.0 * MINUTES,),
                series={criterion.key: pair},
                invocations=traffic,
            ),
        ).findings[0]
        assert levels_agree(found)
        assert found.lower <= found.estimate <= found.upper
        if found.outcome != "INCONCLUSIVE":
            assert inside(found) == (found.outcome == "PASS")
        outcomes.append(found.outcome)
    assert min(map(outcomes.count, ("PASS", "INCONCLUSIVE", "FAIL"))) >= 10
