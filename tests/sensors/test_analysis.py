"""ShadowAnalysisSensor: the same in all its modes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from airflow_shadow._compat import (
    AirflowFailException,
    AirflowSensorTimeout,
)
from airflow_shadow.analysis import AnalysisSpec, Verdict
from airflow_shadow.emulator.behaviour import Behaviour
from tests.helpers import fails, stop, until
from tests.sensors.analysing import HOUR, NAME, minutes

BROKEN = Behaviour(error_rate=1.0)
SLOW = Behaviour(latency_ms=58)  # 16 % slower than production's 50


def test_a_good_candidate_passes_at_the_end_of_the_window(shadow, analyse):
    """A good candidate passes at the planned look, not before."""
    since = shadow()
    verdict = analyse(since=since.isoformat()).value
    assert ("PASS", 120, 1) == (verdict["outcome"], minutes(verdict), verdict["look"])


def test_a_specification_is_parsed_once_in_each_process(shadow, analyse, monkeypatch):
    """A worker parses it once; a deferred task has the triggerer and a second worker besides."""
    check, parsed = AnalysisSpec.__post_init__, []

    def counting(spec):
        parsed.append(spec)
        check(spec)

    monkeypatch.setattr(AnalysisSpec, "__post_init__", counting)
    analyse(since=shadow().isoformat(), spec={"alpha": 0.04})
    workers = 1 + analyse.reschedules
    assert (3 if analyse.mode == "deferrable" else workers) == len(parsed)


def test_a_dead_candidate_fails_at_the_first_look_that_sees_it(shadow, analyse):
    """A candidate that only fails is a FAIL at the first look after the warm-up."""
    since = shadow(BROKEN, step=60)
    run = analyse(since=since.isoformat(), interval=300)
    assert ("FAIL", 10) == (run.value["outcome"], minutes(run.value))


def test_ten_failed_requests_are_enough(shadow, poke):
    """At two requests a minute the first look with ten of them ends the wait."""
    since = shadow(BROKEN, step=60, per_minute=2)
    verdict = poke(since=since.isoformat(), interval=60).value
    errors = next(f for f in verdict["findings"] if f["name"] == "server errors")
    assert ("FAIL", True) == (verdict["outcome"], errors["n_candidate"] <= 10)
    assert 1 == errors["candidate"]


@pytest.mark.parametrize(
    "more", [{"looks": "anytime"}, {"traffic_tolerance": 0.1}], ids=lambda more: next(iter(more))
)
def test_a_specification_of_an_earlier_version_is_told_what_replaces_it(shadow, analyse, more):
    """The error of an old field names the new one."""
    since = shadow()
    text = fails(AirflowFailException, analyse, since=since.isoformat(), spec=more)
    named = {"looks": "planned_looks", "traffic_tolerance": "Invocation5XXErrors"}
    (field,) = more
    assert (True, True) == (f"1 fault(s): {field}: " in text, named[field] in text)


@pytest.mark.thorough
def test_the_log_tells_how_far_the_window_is(shadow, poke, log):
    """The log has the periods, the estimate, and the times of the next and the last look."""
    since = shadow(step=300)
    poke(since=since.isoformat(), interval=600, spec={"min_periods": 60})
    first = next(line for line in log.lines if "14 of 60 periods" in line)
    assert re.search(
        r"verdict on experiment 'theirs': 14 of 60 periods, server errors \S+ pp \[.*\], "
        r"next look \w{3} \d\d:\d\d, end \w{3} \d\d:\d\d UTC",
        first,
    )


def test_a_slow_candidate_fails(shadow, analyse):
    """A FAIL does not fail the task."""
    since = shadow(SLOW)
    verdict = analyse(since=since.isoformat(), interval=1800).value
    latency = next(f for f in verdict["findings"] if f["name"] == "mean latency")
    assert ("FAIL", "FAIL") == (verdict["outcome"], latency["outcome"])


def test_partial_sampling_never_passes(shadow, analyse):
    """A good stage below 100 % says "good so far" instead of PASS."""
    since = shadow(sampling=50)
    verdict = analyse(since=since.isoformat()).value
    assert ("INCONCLUSIVE", True, 50) == (
        verdict["outcome"],
        verdict["stage_passed"],
        verdict["sampling_percentage"],
    )


def test_what_the_verdict_holds(shadow, poke):
    """The verdict has its specification and its experiment, and can be shown as Markdown."""
    since = shadow()
    run = poke(since=since.isoformat(), spec={"min_periods": 40}, interval=1800)
    looks, looked = (
        [round((at - run.value["start"]) / 60) for at in run.value[key]]
        for key in ("looks", "looked")
    )
    assert (NAME, described_time(run), 40, [120], [30, 60, 90, 120]) == (
        run.value["experiment"],
        run.value["creation_time"],
        run.value["spec"]["min_periods"],
        looks,
        looked,
    )
    assert "PASS" == Verdict.from_dict(run.value).outcome
    assert "| mean latency |" in run.ti.xcoms["evidence"]


def described_time(run):
    """Return when the experiment of a run was created."""
    return run.ti.xcoms["experiment"]["CreationTime"]


def test_the_same_window_gives_the_same_verdict(shadow, analyse):
    """A re-run gives the same verdict, also after the experiment ended or was changed."""
    since = shadow(SLOW, sampling=50, step=300)
    arguments = {"since": since.isoformat(), "interval": 1800, "sampling_percentage": "50"}
    first = analyse(**arguments).value
    again = analyse(**arguments).value
    assert first == again


def test_a_verdict_outlives_its_experiment(emulator, sagemaker, shadow, poke):
    """After our own stop the window is judged as before."""
    since = shadow(BROKEN, step=60)
    first = poke(since=since.isoformat()).value
    stop(sagemaker, NAME)
    until(sagemaker, NAME, "Cancelled")
    again = poke(since=since.isoformat()).value
    assert first == again


def test_an_experiment_that_somebody_stops_ends_the_wait(emulator, sagemaker, shadow, analyse):
    """A stopped experiment cannot PASS, whatever the data says."""
    since = shadow(step=0)
    emulator.clock.advance(HOUR)
    stop(sagemaker, NAME, Reason="Enough.")
    until(sagemaker, NAME, "Cancelled")
    verdict = analyse(since=since.isoformat()).value
    assert "INCONCLUSIVE" == verdict["outcome"]
    assert (
        "the experiment is Cancelled after 60 min, before the analysis was over"
        in (verdict["reason"])
    )
    assert "Enough." in verdict["reason"]


def test_a_long_reason_of_somebody_does_not_cut_off_what_the_verdict_rests_on(
    emulator, sagemaker, shadow, poke
):
    """The verdict's caveat comes first, because AWS keeps only 1,024 characters."""
    since = shadow(step=0)
    emulator.clock.advance(HOUR)
    stop(sagemaker, NAME, Reason="Enough. " * 128)
    until(sagemaker, NAME, "Cancelled")
    reason = poke(since=since.isoformat()).value["reason"]
    assert reason.startswith("INCONCLUSIVE (operational metrics only): the experiment is Cancelled")
    assert 1024 == len(reason)


def test_the_reason_of_somebody_forges_no_line(emulator, sagemaker, shadow, analyse):
    """Line breaks and control characters of a person's reason are escaped."""
    since = shadow(step=0)
    emulator.clock.advance(HOUR)
    stop(sagemaker, NAME, Reason="a\x1b[31mb\u202ec\u2028d\u3164")
    until(sagemaker, NAME, "Cancelled")
    reason = analyse(since=since.isoformat()).value["reason"]
    assert r"(a\x1b[31mb\u202ec\u2028d\u3164); until then" in reason


def test_a_broken_experiment_fails(emulator, sagemaker, shadow, analyse):
    """An experiment that failed has tested nothing."""
    since = shadow(step=0)
    emulator.faults.add(kind="fail-update", reason="No capacity.")
    sagemaker.update_inference_experiment(Name=NAME, Description="new")
    until(sagemaker, NAME, "Cancelled")
    text = fails(AirflowFailException, analyse, since=since.isoformat())
    assert "No capacity." in text


def test_a_deadline_of_its_own(shadow, analyse):
    """The sensor's own timeout is an AirflowSensorTimeout."""
    since = shadow(step=0)
    text = fails(AirflowSensorTimeout, analyse, since=since.isoformat(), timeout=0.3)
    assert f"a verdict on experiment {NAME!r}" in text


def test_denied_metrics_fail_at_once(emulator, shadow, analyse):
    """The error names the missing permission."""
    since = shadow()
    emulator.faults.add(kind="access-denied", operation="GetMetricData", times=None)
    text = fails(AirflowFailException, analyse, since=since.isoformat())
    assert "GetMetricData" in text


@pytest.mark.thorough
def test_throttled_metrics_are_waited_out(emulator, shadow, analyse):
    """Throttled metrics are read again."""
    since = shadow()
    emulator.faults.add(kind="throttle", operation="GetMetricData", times=4)
    assert "PASS" == analyse(since=since.isoformat(), botocore_config=ONE_TRY).value["outcome"]


ONE_TRY = {"retries": {"total_max_attempts": 1}}


def test_an_experiment_that_is_long_over_is_judged(emulator, sagemaker, shadow, analyse):
    """An old experiment is judged although its end is long past and a call is throttled."""
    since = shadow(BROKEN, step=0)
    schedule = {"StartTime": since, "EndTime": since + 2 * HOUR}
    sagemaker.update_inference_experiment(Name=NAME, Schedule=schedule)
    emulator.clock.advance(timedelta(days=3))
    until(sagemaker, NAME, "Completed")
    emulator.faults.add(kind="throttle", operation="GetMetricData", times=2)
    run = analyse(since=since.isoformat(), duration="1h", botocore_config=ONE_TRY)
    assert "FAIL" == run.value["outcome"]


MISTYPED = {
    "criteria": [{"name": "x", "metric": "Latency", "statistic": "Average", "tolerance": 0.1}]
}


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"spec": {"alpha": "two", "colour": "red"}}, "2 fault(s)"),
        ({"spec": "{{ none }}"}, "Asked: spec.\nFound: a template that rendered to nothing"),
        ({"spec": MISTYPED}, "SageMaker has no metric named 'Latency'"),
        ({"since": "yesterday"}, "'yesterday'"),
        ({"duration": "long"}, "duration='long'"),
        ({"duration": None, "max_duration": "6h"}, "max_duration.\nFound: no duration"),
        ({"interval": 0}, "interval=0"),
        ({"sampling_percentage": "some"}, "sampling_percentage='some'"),
    ],
)
def test_bad_input_is_named(shadow, poke, arguments, part):
    """Wrong arguments are errors before the wait begins."""
    since = shadow()
    assert part in fails(AirflowFailException, poke, **{"since": since.isoformat(), **arguments})
