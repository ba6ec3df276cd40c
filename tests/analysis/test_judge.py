"""The whole verdict: what fails alone fails all, what passes must pass everywhere."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest

from airflow_shadow.analysis import (
    AnalysisSpec,
    Breaker,
    OutsideCriterion,
    OutsideResult,
    Pair,
    Verdict,
    judge,
)
from airflow_shadow.experiments.lifecycle import MAX_REASON
from tests.analysis.data import (
    ERRORS,
    LATENCY,
    error_criterion,
    half_seen,
    latency_criterion,
    noisy,
    rates,
    seen,
    series,
)

MINUTES = 120
SPEC = AnalysisSpec(initial_delay=0, breakers=(), criteria=(error_criterion(), latency_criterion()))
GOOD = {ERRORS: rates([0.0] * MINUTES, [0.0] * MINUTES), LATENCY: noisy(MINUTES, 1.0)}
SLOW = GOOD | {LATENCY: noisy(MINUTES, 1.5)}
UNSURE = GOOD | {LATENCY: noisy(MINUTES, 1.1)}


def test_all_criteria_inside_pass():
    """Evidence for each critical criterion, full sampling and full traffic make a PASS."""
    verdict = judge(SPEC, seen(GOOD, minutes=MINUTES))
    assert ("PASS", True) == (verdict.outcome, verdict.stage_passed)


@pytest.mark.parametrize(("pairs", "outcome"), [(SLOW, "FAIL"), (UNSURE, "INCONCLUSIVE")])
def test_one_critical_criterion_is_enough_against(pairs, outcome):
    """The verdict passes only if every critical criterion passes."""
    verdict = judge(SPEC, seen(pairs, minutes=MINUTES))
    assert (outcome, False) == (verdict.outcome, verdict.stage_passed)


def test_a_warning_decides_nothing():
    """A warning's FAIL is reported and the verdict passes."""
    warning = replace(latency_criterion(), severity="warning")
    spec = replace(SPEC, criteria=(error_criterion(), warning))
    verdict = judge(spec, seen(SLOW, minutes=MINUTES))
    assert ("PASS", "FAIL") == (verdict.outcome, verdict.findings[1].outcome)
    assert "; warning: latency +" in verdict.reason


def test_below_full_sampling_nothing_passes():
    """A stage of a ramp may fail or go on; a promotion needs all traffic."""
    verdict = judge(SPEC, seen(**half_seen(GOOD), minutes=MINUTES))
    assert ("INCONCLUSIVE", "good so far", True) == (
        verdict.outcome,
        verdict.headline,
        verdict.stage_passed,
    )
    assert "sampling of 50 % is below 100 %" in verdict.reason
    failed = judge(SPEC, seen(**half_seen(SLOW), minutes=MINUTES))
    assert "FAIL" == failed.outcome


def test_full_sampling_need_not_be_required():
    """The specification may accept less."""
    spec = replace(SPEC, require_full_sampling=False)
    given = seen(**half_seen(GOOD), minutes=MINUTES)
    assert "PASS" == judge(spec, given).outcome


def test_a_window_that_is_too_short_does_not_pass():
    """An hour is AWS's shortest shadow test."""
    spec = replace(SPEC, min_duration=3 * 3600)
    verdict = judge(spec, seen(GOOD, minutes=MINUTES))
    assert ("INCONCLUSIVE", False) == (verdict.outcome, verdict.stage_passed)
    assert "window of 120 min is below 180 min" in verdict.reason


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (OutsideResult.of_alarm("cpu-high", "OK"), "PASS"),
        (OutsideResult.of_alarm("cpu-high", "ALARM"), "FAIL"),
        (OutsideResult.of_alarm("cpu-high", "INSUFFICIENT_DATA"), "INCONCLUSIVE"),
        (None, "INCONCLUSIVE"),
    ],
)
def test_an_alarm_takes_part(found, outcome):
    """A CloudWatch alarm passes or fails the verdict; without its state there is no PASS."""
    spec = replace(SPEC, outside=(OutsideCriterion(name="cpu", target="cpu-high"),))
    outside = {"cpu": found} if found else {}
    verdict = judge(spec, seen(GOOD, minutes=MINUTES, outside=outside))
    assert outcome == verdict.outcome


def test_a_breaker_fails_the_verdict():
    """A hard limit needs no statistics."""
    breaker = Breaker(metric="ModelLatency", statistic="Average", limit=4e5, datapoints=(2, 3))
    burst = list(GOOD[LATENCY].candidate.values)
    burst[50:53] = [6e5, 1e5, 6e5]
    pair = Pair(baseline=GOOD[LATENCY].baseline, candidate=series(burst))
    verdict = judge(
        replace(SPEC, breakers=(breaker,)), seen(GOOD | {LATENCY: pair}, minutes=MINUTES)
    )
    assert "FAIL" == verdict.outcome
    assert verdict.breakers[0].tripped
    assert verdict.reason.startswith(
        "FAIL (operational metrics only): ModelLatency Average was above 400 ms in 2 of 3 periods"
    )


def test_the_reason_fits_into_awss_record():
    """One line, at most 1,024 characters, what speaks against the candidate first."""
    many = tuple(error_criterion(name=f"criterion {'x' * 40} {index}") for index in range(30))
    spec = replace(SPEC, criteria=(*many, latency_criterion()))
    verdict = judge(spec, seen(SLOW, minutes=MINUTES))
    assert len(verdict.reason) <= MAX_REASON
    assert "\n" not in verdict.reason
    assert verdict.reason.startswith("FAIL (operational metrics only): FAIL latency +")


@pytest.mark.parametrize("pairs", [GOOD, SLOW, {}])
def test_a_verdict_travels_as_json(pairs):
    """A verdict comes back from JSON equal, and is small."""
    spec = replace(SPEC, outside=(OutsideCriterion(name="cpu", target="cpu-high"),))
    verdict = judge(spec, seen(pairs, minutes=MINUTES))
    text = json.dumps(verdict.to_dict(), allow_nan=False)
    assert verdict == Verdict.from_dict(json.loads(text))
    assert len(text) < 8_000


@pytest.mark.parametrize(("comparison", "end"), [("relative", 999_999), ("difference", 2**53)])
def test_an_endless_interval_travels_too(comparison, end):
    """Interval ends are bounded, because PostgreSQL and Airflow take no larger integers."""
    criterion = latency_criterion(comparison=comparison, tolerance=0.1)
    verdict = judge(
        replace(SPEC, criteria=(criterion,), alpha=1e-9),
        seen({LATENCY: noisy(2, 1.0, spread=1.0)}, minutes=2),
    )
    finding, _ = Verdict.from_dict(verdict.to_dict()).findings
    assert pytest.approx(end) == finding.upper <= verdict.findings[0].upper


def test_the_same_observations_give_the_same_verdict():
    """Re-runs and backfills reproduce it."""
    given = seen(UNSURE, minutes=MINUTES)
    assert judge(SPEC, given) == judge(SPEC, given)


def test_the_whole_verdict_rarely_fails_an_equal_candidate():
    """Looked at four times in two hours, an equal candidate is rejected in few of 30 runs."""
    failed = 0
    for seed in range(30):
        draw = random.Random(seed)
        pair = noisy(MINUTES, 1.0, seed=seed)
        errors = [[float(draw.random() < 0.3) for _ in range(MINUTES)] for _ in range(2)]
        for minutes in range(30, MINUTES + 1, 30):
            observed = seen(
                {ERRORS: rates(*errors), LATENCY: pair}, minutes=minutes, looks=(60.0 * MINUTES,)
            )
            if judge(SPEC, observed).outcome == "FAIL":
                failed += 1
                break
    assert failed <= 2


@pytest.mark.parametrize("guarded", [False, True])
def test_a_late_regression_is_a_breakers_matter(guarded):
    """A step in the middle keeps the verdict from PASS; a breaker makes it FAIL."""
    breaker = Breaker(
        metric="ModelLatency", statistic="Average", relative_limit=1.3, datapoints=(15, 20)
    )
    before, after = noisy(600, 1.0), noisy(600, 1.5, seed=2)
    pair = Pair(
        baseline=series([*before.baseline.values, *after.baseline.values]),
        candidate=series([*before.candidate.values, *after.candidate.values]),
    )
    spec = replace(SPEC, criteria=(latency_criterion(),), breakers=(breaker,) * guarded)
    verdict = judge(spec, seen({LATENCY: pair}, minutes=1200))
    assert ("FAIL" if guarded else "INCONCLUSIVE") == verdict.outcome


def test_the_caveat_is_never_cut_off():
    """Outcome and what it rests on come first, however long the rest is."""
    many = tuple(error_criterion(name=f"criterion {'x' * 40} {index}") for index in range(40))
    for pairs, headline in ((GOOD, "PASS"), (SLOW, "FAIL"), ({}, "INCONCLUSIVE")):
        spec = replace(SPEC, criteria=(*many, latency_criterion()))
        reason = judge(spec, seen(pairs, minutes=MINUTES)).reason
        assert reason.startswith(f"{headline} (operational metrics only): ")
        assert len(reason) <= MAX_REASON


def test_a_pass_says_what_it_covers():
    """The hours of the week, and the smallest share of stalled minutes that it can exclude."""
    (note,) = judge(SPEC, seen(GOOD, minutes=MINUTES)).notes
    assert (
        "covers Thu 00:00 to Thu 02:00 UTC; stalls in fewer than 2.5 % of the minutes "
        "may go unnoticed" == note
    )


def test_a_failure_says_no_hours():
    """Only a PASS has the note on the hours that it covers."""
    for pairs in (SLOW, UNSURE):
        assert not any("covers" in note for note in judge(SPEC, seen(pairs, minutes=MINUTES)).notes)


def test_which_look_it_was_is_kept():
    """The verdict keeps the number of its look and the planned ends."""
    looks = (3600.0, 7200.0, 10800.0)
    at, between = (judge(SPEC, seen(GOOD, minutes=minutes, looks=looks)) for minutes in (120, 100))
    assert (2, 0) == (at.look, between.look)
    assert looks == at.looks
    assert ("PASS", "INCONCLUSIVE") == (at.outcome, between.outcome)
    assert not between.stage_passed


def test_stages_share_the_alpha_of_a_failure():
    """A FAIL of one of three stages takes more, of a later one most; a PASS costs the same."""
    ends = [
        judge(SPEC, seen(GOOD, minutes=MINUTES, stage=stage, stages=stages)).findings[1]
        for stage, stages in ((1, 1), (1, 3), (3, 3))
    ]
    assert ends[0].lower > ends[1].lower > ends[2].lower
    assert 1 == len({end.upper for end in ends})


def test_an_unknown_limit_is_said_and_decides_nothing():
    """Without production's own day before, slow requests are not judged."""
    slow = latency_criterion(
        name="slow", statistic="above:p99", comparison="difference", tolerance=0.01
    )
    spec = replace(SPEC, criteria=(*SPEC.criteria, slow))
    pairs = GOOD | {slow.key: rates([1.0] * MINUTES, [1.0] * MINUTES)}
    without = judge(spec, seen(pairs, minutes=MINUTES))
    limits = {("ModelLatency", "p99"): 2e5}
    known = judge(spec, seen(pairs, minutes=MINUTES, limits=limits))
    assert ("INCONCLUSIVE", "PASS") == (without.outcome, known.outcome)
    assert "the limit is unknown" in without.reason
    assert 2e5 == known.findings[2].limit


def test_more_slow_requests_than_production_fail():
    """Three per cent above what one per cent of production's was."""
    slow = latency_criterion(
        name="slow", statistic="above:p99", comparison="difference", tolerance=0.01
    )
    spec = replace(SPEC, criteria=(slow,))
    observed = seen(
        {slow.key: rates([1.0] * MINUTES, [4.0] * MINUTES)},
        minutes=MINUTES,
        limits={("ModelLatency", "p99"): 2e5},
    )
    assert "FAIL" == judge(spec, observed).outcome


def test_a_verdict_of_an_earlier_version_can_be_read():
    """A rollout may outlive an upgrade of this package."""
    told = judge(AnalysisSpec(), seen({}, minutes=60)).to_dict()
    old = {key: value for key, value in told.items() if key not in {"look", "looks", "notes"}}
    found = Verdict.from_dict({**old, "scheduled": True, "traffic": {}})
    assert (told["outcome"], 0, ()) == (found.outcome, found.look, found.looks)
