"""A rollout that compares answers: its graph, its times, and what is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.operators.rollout import RolloutCompareOperator, RolloutPlanOperator
from airflow_shadow.rollout.comparison import comparison_time
from airflow_shadow.rollout.plan import Plan
from airflow_shadow.steps import extras
from tests.helpers import fails, somebodys
from tests.rollout.test_group import ONLY_TESTS, edges, refused, rollout

SPEC: dict[str, Any] = {"answers": {"churn": {"answer": "$.score", "kind": "score"}}}
COMPARES: dict[str, Any] = {
    "spec": SPEC,
    "capture": "s3://captures/churn",
    "promote_on": "answers",
    "ramp": [10, 100],
}


def test_each_stage_compares_after_its_analysis():
    """The verdict of the comparison is the stage's: the ramp, the branch and the result read it."""
    tasks = rollout(**COMPARES).tasks
    found = edges(tasks)
    assert {"analyse_10"} == found["compare_10"]
    assert {"compare_10"} == found["ramp_100"]
    assert {"ramp_100"} == found["analyse_100"]
    assert {"compare_10", "compare_100"} == found["decide"]
    judges = [tasks["compare_10"].task_id, tasks["compare_100"].task_id]
    assert judges == tasks["decide"].stages == tasks["result"].stages
    assert judges[:1] == tasks["analyse_100"].before == tasks["compare_100"].before


AGREE = {
    "name": "answers agree",
    "metric": "answers.churn.disagreement",
    "comparison": "absolute",
    "tolerance": 0.02,
}


def test_a_rollout_that_compares_can_promote_by_itself():
    """`promote_on` needs not be given, nor a person."""
    spec = {**SPEC, "criteria": [AGREE]}
    tasks = rollout(**{**COMPARES, "spec": spec, "promote": {"alarms": []}}).tasks
    assert ONLY_TESTS not in tasks["plan"].summary
    assert "answers" == tasks["decide"].promote_on


def test_broken_answers_alone_promote_nothing():
    """The default criteria without labels tell no good answer from a wrong one."""
    said = refused(**{**COMPARES, "promote": {"alarms": []}})
    assert "no criterion compares the answers themselves" in said


def test_answers_that_nothing_captures_are_refused():
    """Known when the Dag is read, if the specification is."""
    said = refused(**{**COMPARES, "capture": None})
    assert "compares answers (churn), but nothing captures them: give capture=" in said


def test_a_capture_in_the_words_of_the_api_will_do():
    """Whoever needs other content types gives them all."""
    create = {"data_storage_config": {"Destination": "s3://captures/churn"}}
    assert "compare_10" in rollout(**{**COMPARES, "capture": None, "create": create}).tasks


@pytest.mark.parametrize("spec", [None, {"alpha": 0.01}])
def test_what_is_only_captured_is_not_compared(spec):
    """Somebody may want to look at it."""
    assert "compare_10" not in rollout(**{**COMPARES, "spec": spec}).tasks


def test_a_template_may_turn_out_to_have_answers():
    """Its tasks compare if there is something to compare."""
    assert "compare_10" in rollout(**{**COMPARES, "spec": "{{ params.spec }}"}).tasks


def test_comparisons_have_arguments_of_their_own():
    """They are checked like those of the other tasks."""
    tasks = rollout(**COMPARES, compare={"results": "s3://kept/sums"}).tasks
    assert "s3://kept/sums" == tasks["compare_100"].results
    assert "no task has an argument result (did" in refused(
        **COMPARES, compare={"result": "s3://x"}
    )
    assert "verdict is given by the rollout" in refused(**COMPARES, compare={"verdict": {}})


def test_the_plan_has_time_for_comparisons():
    """An experiment that ended meanwhile could not be promoted any more."""
    without = Plan(ramp=(10, 100), stage=timedelta(hours=2))
    hour = timedelta(hours=1)
    plan = Plan(ramp=(10, 100), stage=timedelta(hours=2), comparison=hour)
    assert [2 * hour, hour] == [plan.after(index) - without.after(index) for index in (0, 1)]
    late = {"answers": {"churn": {**SPEC["answers"]["churn"], "labels_wait": "1d"}}}
    analyse = rollout(**{**COMPARES, "spec": late}).tasks["analyse_100"]
    assert timedelta(seconds=analyse.min_remaining) > timedelta(days=1)


def test_comparisons_may_wait_for_no_late_file():
    """A timeout may be zero, as the operator's."""
    analyse = rollout(**COMPARES, compare={"capture_timeout": 0}).tasks["analyse_100"]
    usual = rollout(**COMPARES).tasks["analyse_100"]
    assert 1800 == usual.min_remaining - analyse.min_remaining


# --- the tasks


def test_a_specification_that_nothing_captures_for_is_refused_by_the_plan(worker):
    """Before anything is created, if it was a template when the Dag was read."""
    said = fails(AirflowFailException, worker.run, RolloutPlanOperator, spec=SPEC)
    assert "nothing captures them" in said


def test_a_missing_extra_is_refused_by_the_plan(worker, monkeypatch):
    """Hours before the first stage is over."""
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    said = fails(AirflowFailException, worker.run, RolloutPlanOperator, spec=SPEC, captures=True)
    assert "pip install 'airflow-shadow[answers]'" in said


@pytest.mark.parametrize(
    ("labels", "buckets", "is_refused"),
    [
        ("s3://elsewhere/labels/", [], True),
        ("s3://elsewhere/labels/", ["elsewhere"], False),
        ("s3://captures/labels/", [], False),
    ],
)
def test_a_bucket_of_a_form_is_refused_by_the_plan(worker, labels, buckets, is_refused):
    """Hours before the first comparison would refuse it."""
    spec = {"answers": {"churn": {**SPEC["answers"]["churn"], "labels": labels}}}
    capture = {"captures": True, "capture": "s3://{{ params.bucket }}/churn", "buckets": buckets}
    form = {"params": {"spec": json.dumps(spec), "bucket": "captures"}}

    def plan():
        return worker.run(RolloutPlanOperator, spec="{{ params.spec }}", context=form, **capture)

    if is_refused:
        assert "give buckets=['elsewhere'] in the Dag" in fails(AirflowFailException, plan)
    else:
        plan()


def test_the_plan_knows_where_the_comparisons_may_read():
    """It has the capture, and of the comparisons where they keep sums and what they may read."""
    compare = {"buckets": ["truth"], "results": "s3://kept/sums"}
    plan = rollout(**COMPARES, compare=compare).tasks["plan"]
    assert (COMPARES["capture"], *compare.values()) == (plan.capture, plan.buckets, plan.results)


@pytest.mark.usefixtures("churn")
def test_without_answers_the_verdict_is_passed_on(tasks, sagemaker, log):
    """A template may have rendered to a specification of metrics alone."""
    experiment = somebodys(sagemaker)
    verdict = {
        "outcome": "INCONCLUSIVE",
        "reason": "INCONCLUSIVE: too little",
        "operational_only": True,
        "stage_passed": False,
        "sampling_percentage": 100.0,
        "start": 0.0,
        "end": 60.0,
        "alpha": 0.05,
        "findings": [],
        "breakers": [],
        "looked": [60.0],
        "experiment": "theirs",
        "creation_time": experiment["CreationTime"].isoformat(),
    }
    run = tasks.run(RolloutCompareOperator, verdict=verdict)
    passed = ("outcome", "reason", "operational_only", "looked", "experiment")
    assert {key: verdict[key] for key in passed} == {key: run.value[key] for key in passed}
    assert log.containing("so the verdict rests on metrics alone")


def test_a_path_that_is_none_is_refused_when_the_dag_is_read():
    """As all that is wrong with a specification."""
    with pytest.raises(InvalidRequestError, match=r"answers\.churn\.answer"):
        rollout(**{**COMPARES, "spec": {"answers": {"churn": {"answer": "$..score"}}}})


@pytest.mark.parametrize(
    ("given", "hours"),
    [
        ({}, 1.5),
        ({"capture_timeout": "2h"}, 3),
        ({"waiter_timeout": 7200}, 2.5),
        ({"capture_timeout": "{{ params.late }}", "waiter_timeout": "{{ params.patience }}"}, 1.5),
    ],
)
def test_the_durations_of_a_comparison_count(given, hours):
    """Those that are templates count as their defaults when the Dag is read."""
    assert timedelta(hours=hours) == comparison_time(SPEC, given)
    assert "compare_10" in rollout(**COMPARES, compare=given).tasks


def test_the_time_between_looks_may_be_a_template():
    """No plan depends on it, so it is read when the analysis runs."""
    tasks = rollout(interval="{{ params.often }}").tasks
    assert "{{ params.often }}" == tasks["analyse_10"].interval
