"""PromoteShadowVariantOperator(verdict=..., promote_on=...): the evidence is asked for."""

from __future__ import annotations

import json
import math
from datetime import timedelta

import pytest

from airflow_shadow._compat import AirflowFailException, AirflowSkipException
from airflow_shadow.emulator import fleet
from airflow_shadow.operators import PromoteShadowVariantOperator
from tests.helpers import accepted, fails, serves, somebodys
from tests.mapping import expanded
from tests.tasks import FakeDagRun, FakeTaskInstance

NAME = "theirs"


@pytest.fixture
def running(churn, sagemaker, emulator):
    """Let an experiment run at full sampling for two hours."""
    mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    schedule = {"EndTime": emulator.clock.now() + timedelta(hours=2)}
    return somebodys(sagemaker, NAME, ShadowModeConfig=mode, Schedule=schedule)


@pytest.fixture
def verdict(running):
    """Return what an analysis of the experiment would, in the fields that decide here."""

    def one(outcome="PASS", **more):
        known = {
            "outcome": outcome,
            "operational_only": True,
            "reason": f"{outcome}: mean latency +4.1 %.",
            "experiment": NAME,
            "creation_time": running["CreationTime"].isoformat(),
        }
        return {**known, **more}

    return one


@pytest.fixture
def promote(tasks):
    """Run a promotion in both modes, on operational metrics alone."""
    return lambda verdict, **arguments: tasks.run(
        PromoteShadowVariantOperator,
        **{"name": NAME, "verdict": verdict, "promote_on": "operational", **arguments},
    )


def skipped(run, *args, **kwargs):
    """Return why a task is skipped."""
    with pytest.raises(AirflowSkipException) as caught:
        run(*args, **kwargs)
    return str(caught.value)


def test_a_pass_promotes(promote, verdict, sagemaker):
    """The verdict says so, and it is the one on this experiment."""
    promote(verdict())
    assert ["churn-v2"] == serves(sagemaker)


def test_a_verdict_may_come_as_text(promote, verdict, sagemaker):
    """As a template gives it."""
    promote(json.dumps(verdict()))
    assert ["churn-v2"] == serves(sagemaker)


@pytest.mark.parametrize("outcome", ["FAIL", "INCONCLUSIVE"])
def test_another_outcome_skips(promote, verdict, emulator, outcome):
    """Whatever Airflow forgot to skip; the reason is the verdict's."""
    assert f"Skipped: {outcome}: mean latency +4.1 %." == skipped(promote, verdict(outcome))
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_the_reason_of_a_verdict_forges_no_line(promote, verdict):
    """It may come from a form."""
    text = skipped(promote, verdict("FAIL", reason="bad\nNext: promote\u202e"))
    assert r"bad\nNext: promote\u202e" in text


@pytest.mark.parametrize("word", ["answers", "outputs"])
def test_an_operational_pass_skips_unless_it_is_enough(promote, verdict, emulator, word):
    """As in the branch, the default is that the answers must have been compared."""
    why = skipped(promote, verdict(), promote_on=word)
    assert "the answers were not compared" in why
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_a_pass_on_the_answers_promotes_by_default(promote, verdict, sagemaker):
    """Then nothing is left to be said."""
    promote(verdict(operational_only=False), promote_on="answers")
    assert ["churn-v2"] == serves(sagemaker)


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        "{{ none }}",
        "PASS",
        "[]",
        {},
        {"outcome": "PASS"},
        pytest.param("[" * 10**5, id="deep"),
    ],
)
def test_no_verdict_fails(promote, running, emulator, nothing):
    """A skipped analysis gives nothing, and nothing is no evidence."""
    assert "which is none" in fails(AirflowFailException, promote, nothing)
    assert [] == accepted(emulator, "StopInferenceExperiment")


@pytest.mark.parametrize("outcome", ["PASS", "FAIL"])
def test_the_verdict_on_another_experiment_fails(promote, verdict, emulator, outcome):
    """One that a colleague's analysis left under the same key says nothing here."""
    said = fails(AirflowFailException, promote, verdict(outcome, experiment="another"))
    assert "one on experiment 'another'" in said
    assert [] == accepted(emulator, "StopInferenceExperiment")


@pytest.mark.parametrize("outcome", ["PASS", "FAIL"])
@pytest.mark.parametrize("then", ["2026-03-01T00:00:00+00:00", None, "yesterday"])
def test_the_verdict_on_a_namesake_fails(promote, verdict, emulator, outcome, then):
    """Deleted and created again under its name, it was not judged."""
    fails(AirflowFailException, promote, verdict(outcome, creation_time=then))
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_a_fail_on_what_is_gone_skips(promote, verdict, sagemaker):
    """Nothing is left that could be promoted, and nothing was to be."""
    sagemaker.stop_inference_experiment(
        Name=NAME,
        ModelVariantActions={"AllTraffic": "Retain", "churn-v2": "Remove"},
        DesiredState="Cancelled",
    )
    while sagemaker.describe_inference_experiment(Name=NAME)["Status"] != "Cancelled":
        pass
    sagemaker.delete_inference_experiment(Name=NAME)
    assert "Skipped: FAIL" in skipped(promote, verdict("FAIL"))


def test_without_the_argument_nothing_is_asked(tasks, running, sagemaker):
    """A Dag may promote on other grounds."""
    tasks.run(PromoteShadowVariantOperator, name=NAME)
    assert ["churn-v2"] == serves(sagemaker)


def test_an_entry_that_lacks_the_verdict_of_others_fails(running, verdict, emulator):
    """In `expand_kwargs()` a key is soon forgotten; without it nothing would be asked."""
    entries = [{"name": NAME}, {"name": "other", "verdict": verdict()}]
    task = expanded(PromoteShadowVariantOperator, lambda partial, _: partial.expand_kwargs(entries))
    context = {"ti": FakeTaskInstance(), "dag_run": FakeDagRun()}
    said = fails(AirflowFailException, task.execute, context)
    assert "none in this entry of expand_kwargs(), though others have one" in said
    assert [] == accepted(emulator, "StopInferenceExperiment")


@pytest.mark.parametrize("share", [10, 10.0, 99.99999999, 0])
def test_the_verdict_of_an_earlier_stage_fails(promote, verdict, emulator, share):
    """The sampling is 100 % by now, but was less when the candidate was judged."""
    said = fails(AirflowFailException, promote, verdict(sampling_percentage=share))
    assert f"a verdict on {share:.15g} % of the requests" in said
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_the_verdict_of_an_earlier_stage_can_be_allowed(promote, verdict, sagemaker):
    """`allow_partial_sampling` promotes a candidate that was tested below 100 %."""
    promote(verdict(sampling_percentage=10), allow_partial_sampling=True)
    assert ["churn-v2"] == serves(sagemaker)


@pytest.mark.parametrize("outcome", ["PASS", "FAIL"])
@pytest.mark.parametrize(
    "share",
    ["10", True, None, math.nan, math.inf, -math.inf, 150, -5, 10**400, -(10**400)],
    ids=lambda share: f"{share!r:.10}",
)
def test_a_share_that_is_none_is_no_verdict(promote, verdict, emulator, share, outcome):
    """It would be compared with one."""
    given = verdict(outcome, sampling_percentage=share)
    assert "which is none" in fails(AirflowFailException, promote, given)
    assert [] == accepted(emulator, "StopInferenceExperiment")


BAD = {"name": "errors", "severity": "critical", "outcome": "FAIL"}


@pytest.mark.parametrize(
    "more",
    [
        {"stage_passed": False},
        {"stage_passed": "yes"},
        {"concluded": True},
        {"lacking": ["window of 5 min is below 60 min"]},
        {"findings": [BAD]},
        {"findings": [{**BAD, "outcome": "INCONCLUSIVE"}]},
        {"findings": [{"name": "errors"}]},
        {"findings": [5]},
        {"findings": "x"},
        {"breakers": [{"name": "M rate", "tripped": True}]},
        {"breakers": 5},
    ],
    ids=repr,
)
def test_a_pass_that_contradicts_itself_fails(promote, verdict, emulator, more):
    """No judge made it."""
    text = fails(AirflowFailException, promote, verdict(**more))
    assert "Found: a PASS that contradicts itself: " in text
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_a_pass_may_hold_all_that_a_pass_does(promote, verdict, sagemaker):
    """A warning decides nothing."""
    good = {**BAD, "outcome": "PASS"}
    promote(
        verdict(
            stage_passed=True,
            lacking=[],
            findings=[good, {**BAD, "severity": "warning"}],
            breakers=[{"name": "M rate", "tripped": False}],
        )
    )
    assert ["churn-v2"] == serves(sagemaker)


def test_a_key_that_stands_twice_is_no_verdict(promote, verdict, emulator):
    """Readers take the first or the last."""
    text = json.dumps({"first": 1, **verdict("FAIL")}).replace('"first": 1', '"outcome": "PASS"')
    for given in (text, text.replace('"FAIL"', '"PASS"')):
        assert "which is none" in fails(AirflowFailException, promote, given)
    assert [] == accepted(emulator, "StopInferenceExperiment")


def test_a_fail_of_an_earlier_stage_skips(promote, verdict):
    """What failed with less load need not be judged under more."""
    assert "Skipped: FAIL" in skipped(promote, verdict("FAIL", sampling_percentage=10))
