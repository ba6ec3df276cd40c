"""What counts in a rollout after a clear, and who acts on it."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from types import SimpleNamespace

import pytest

from airflow_shadow._compat import AirflowFailException, AirflowSkipException
from airflow_shadow.analysis import Verdict, read_spec
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.experiments.lifecycle import Action, mark, sampling
from airflow_shadow.operators.rollout import RolloutResultOperator
from airflow_shadow.sensors.rollout import RolloutAnalysisSensor
from airflow_shadow.steps.rollout import final_verdict, judged, skip_unchosen
from tests.helpers import accepted, described, fails, somebodys, stop


class _Left:
    """XComs of a run's tasks, by task id."""

    map_index = -1
    dag_id = ""

    def __init__(self, **xcoms):
        self.xcoms, self.asked = xcoms, []

    def xcom_pull(self, task_ids, key, **_):
        """Return an XCom of a task."""
        self.asked.append(key)
        return self.xcoms.get(task_ids, {}).get(key)

    def xcom_push(self, key, value, **_):
        """Keep nothing."""


def _said(outcome, start, end):
    return {"return_value": {"outcome": outcome, "start": start, "end": end}}


@pytest.mark.parametrize(
    ("first", "last", "counts"),
    [
        (("PASS", 0, 10), ("PASS", 20, 30), ["PASS", "PASS"]),
        (("FAIL", 0, 10), ("PASS", 20, 30), ["FAIL"]),
        (("INCONCLUSIVE", 40, 50), ("PASS", 20, 30), ["INCONCLUSIVE"]),
    ],
)
def test_a_verdict_from_before_a_clear_counts_no_more(first, last, counts):
    """A task that is cleared and then skipped keeps its old verdict, which must not count."""
    left = _Left(one=_said(*first), two=_said(*last))
    found = judged({"ti": left}, ["one", "two"])
    assert counts == [verdict["outcome"] for verdict in found]


@pytest.fixture
def judge_again(tasks, emulator, sagemaker, churn):
    """Return how to judge a stage of 50 % again after its experiment was replaced."""
    emulator.clock.speed = 3600
    emulator.traffic("churn", Traffic(requests_per_minute=2000, daily_swing=0))

    def judge(successor: str) -> SimpleNamespace:
        somebodys(sagemaker, "first")
        since = emulator.clock.now()
        stop(sagemaker, "first")
        if successor == "first":
            sagemaker.delete_inference_experiment(Name="first")
        somebodys(sagemaker, successor)
        return tasks.run(
            RolloutAnalysisSensor,
            name="first",
            created=successor,
            since=since.isoformat(),
            sampling_percentage=50,
            spec={"min_duration": 600, "min_periods": 10, "min_effective_periods": 5},
            duration="40m",
            min_remaining=3600,
            poke_interval=0.05,
        )

    return judge


@pytest.mark.parametrize("successor", ["second", "first"])
def test_a_cleared_stage_goes_on_with_a_new_experiment(judge_again, successor):
    """The creation ran again at the first stage's sampling: the stage raises it to its own.

    A name that the user chose is the same again.
    """
    run = judge_again(successor)
    assert (successor, 50) == (run.value["experiment"], run.value["sampling_percentage"])
    assert 50 == sampling(run.experiment)[1]


def test_a_cleared_stage_raises_the_sampling_once(judge_again, emulator):
    """The sampling is raised once, though the answer is lost and botocore repeats the call."""
    emulator.faults.add(kind="drop-after", operation="UpdateInferenceExperiment")
    assert 50 == sampling(judge_again("second").experiment)[1]
    assert ["second"] == accepted(emulator, "UpdateInferenceExperiment")[:1]


def run_that_left(**xcoms) -> dict:
    """Return the context of a run whose tasks have these return values."""
    ti = SimpleNamespace(map_index=-1, xcom_pull=lambda task_ids, **_: xcoms.get(task_ids))
    return {"ti": ti}


@pytest.mark.parametrize(
    ("left", "chosen"),
    [
        ({"decide": ["promote"]}, "promote"),
        ({"decide": ["remove"]}, "remove"),
        ({"decide": ["approve"], "approve": ["promote"]}, "promote"),
        ({"decide": ["approve"], "approve": ["remove"]}, "remove"),
        ({"decide": ["remove"], "approve": ["promote"]}, "remove"),
        ({"decide": ["result"]}, None),
        ({}, None),
    ],
)
def test_only_what_was_decided_is_done(left, chosen):
    """A task that was not chosen skips itself; a person's answer counts only if asked for."""
    done = []
    for name in ("promote", "remove"):
        ids = {"task_id": name, "decision": "decide", "question": "approve"}
        operator = SimpleNamespace(**ids, log=logging.getLogger(__name__))
        with suppress(AirflowSkipException):
            skip_unchosen(operator, run_that_left(**left))
            done.append(name)
    assert ([chosen] if chosen else []) == done


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        ({}, True),
        ({"ModelVariants": []}, True),  # the promotion has asked the endpoint
        ({"Name": "before"}, False),
        ({"CreationTime": "2026-03-01T00:00:00+00:00"}, False),
        ({"Status": "Cancelled"}, False),
    ],
)
def test_only_what_was_judged_counts_as_promoted(worker, other, counts):
    """A promotion from before a clear does not count for another experiment."""
    born = "2026-03-02T00:00:00+00:00"
    verdict = passed(100, experiment="theirs", creation_time=born)
    reason = mark(Action.PROMOTE, "All well.")
    record = {
        "ShadowModeConfig": fleet.shadow_mode(source="old", shadow="new", sampling_percentage=100),
        "ModelVariants": [
            {"VariantName": "old", "Status": "Deleted"},
            {"VariantName": "new", "Status": "InService"},
        ],
    }
    promoted = {"Name": "theirs", "CreationTime": born, "Status": "Completed", **record} | other
    ti = _Left(
        analyse_100={"return_value": verdict},
        promote={"experiment": {**promoted, "StatusReason": reason}},
    )
    stages = {"stages": ["analyse_100"], "promotion": "promote"}
    run = worker.run(RolloutResultOperator, context={"ti": ti}, **stages)
    assert counts == run.value["promoted"]


@pytest.fixture
def end_of(tasks, churn, sagemaker):
    """Return how to end a rollout after its last stage, and what it pushed."""
    somebodys(sagemaker, "theirs")
    record = json.loads(json.dumps(described(sagemaker, "theirs"), default=str))
    verdict = passed(100, experiment="theirs", creation_time=record["CreationTime"])

    def end(promoted: bool, **arguments):
        done = {"experiment": {**record, "Status": "Completed", "ModelVariants": []}}
        left = _Left(
            analyse_100={"return_value": verdict, "experiment": record},
            **({"promote": done} if promoted else {}),
        )
        left.pushed = {}
        left.xcom_push = lambda key, value, **_: left.pushed.update({key: value})
        stages = {"stages": ["analyse_100"], "promotion": "promote", **arguments}
        with suppress(AirflowFailException):
            tasks.run(RolloutResultOperator, context={"ti": left}, **stages)
        return left.pushed

    return end


@pytest.mark.parametrize(
    ("promoted", "said"),
    [
        (True, "Promoted churn-v2 on churn (was churn-v1)."),
        (False, "Did not promote churn-v2 on churn (tested against churn-v1). PASS: all well"),
    ],
)
@pytest.mark.parametrize("fail_on", [(), ("PASS",)])
def test_the_result_says_in_one_sentence_how_it_ended(end_of, log, promoted, said, fail_on):
    """The log has the evidence as a table, and one sentence on the end."""
    end_of(promoted, fail_on=fail_on)
    assert [said] == [line for line in log.lines if "romote" in line]
    assert log.containing("criterion  outcome")


def test_the_result_has_live_links(end_of):
    """The task has its links while it runs, without calling AWS."""
    facts = end_of(True)["shadow_test"]
    assert ("theirs", "churn", "churn-v2") == (
        facts["name"],
        facts["endpoint_name"],
        facts["shadow_variant"],
    )


@pytest.mark.usefixtures("churn")
@pytest.mark.parametrize(
    ("answers", "asked"), [({}, []), ({"score": {"answer": "$.score"}}, ["answers"])]
)
def test_the_report_asks_only_for_answers_that_were_compared(
    worker, sagemaker, tmp_path, answers, asked
):
    """Asking for an XCom that no task pushed is an error in Airflow's log."""
    somebodys(sagemaker, "theirs")
    born = described(sagemaker, "theirs")["CreationTime"].isoformat()
    whose = {"experiment": "theirs", "creation_time": born, "looked": []}
    verdict = passed(100, spec=read_spec({"answers": answers}).to_dict(), **whose)
    left = _Left(analyse_100={"return_value": verdict})
    stages = {"stages": ["analyse_100"], "promotion": "promote"}
    report = str(tmp_path / "x.html")
    worker.run(RolloutResultOperator, context={"ti": left}, report=report, **stages)
    assert asked == [key for key in left.asked if key == "answers"]


def test_a_report_of_nothing_is_refused(worker, tmp_path):
    """Without any verdict the error says which task to clear."""
    stages = {"stages": ["analyse_100"], "promotion": "promote", "report": str(tmp_path / "x.html")}
    text = fails(
        AirflowFailException, worker.run, RolloutResultOperator, context={"ti": _Left()}, **stages
    )
    assert "no verdict of analyse_100" in text


def test_a_pass_below_the_full_load_promotes_nothing():
    """A PASS below 100 % sampling promotes nothing."""
    verdict = passed(50)
    found = final_verdict(run_that_left(analyse_50=verdict), ["analyse_50", "analyse_100"])
    reason = "the candidate was not tested at 100 %; PASS: all well"
    assert {
        **verdict,
        "outcome": "INCONCLUSIVE",
        "reason": f"INCONCLUSIVE (operational metrics only): {reason}",
    } == found


def passed(sampling, **more):
    """Return a verdict as an analysis returns it."""
    verdict = Verdict(
        outcome="PASS",
        reason="PASS: all well",
        findings=(),
        breakers=(),
        stage_passed=True,
        operational_only=True,
        look=1,
        looks=(600,),
        sampling_percentage=sampling,
        start=0,
        end=600,
        alpha=0.05,
    )
    return {**verdict.to_dict(), **more}


@pytest.fixture
def second_stage(worker, emulator, sagemaker, churn):
    """Return how to begin the second of three stages after a verdict of the first."""

    def begin(**first):
        somebodys(sagemaker, "mine")
        born = sagemaker.describe_inference_experiment(Name="mine")["CreationTime"].isoformat()
        whose = {"experiment": "mine", "creation_time": born, **first}
        counts = {"bad_baseline": 1.0, "n_baseline": 90.0, "bad_candidate": 2.0, "n_candidate": 9.0}
        findings = [{"name": "errors", "counts": counts}, {"name": "latency", "counts": None}]
        left = passed(10, findings=findings, **whose)
        worker.mode = "deferred"
        run = worker.run(
            RolloutAnalysisSensor,
            context={"ti": _Left(analyse_10={"return_value": left})},
            name="mine",
            before=["analyse_10"],
            stage=2,
            stages=3,
            duration="2h",
            poke_interval=0.05,
            until_deferred=True,
        )
        return run.trigger.goal, counts

    return begin


def test_a_stage_counts_what_the_stages_before_saw(second_stage):
    """The trigger gets the error counts of the earlier stages as plain values."""
    goal, counts = second_stage()
    assert (2, 3, {"errors": [counts]}) == (goal["stage"], goal["stages"], goal["earlier"])


@pytest.mark.parametrize(
    "other", [{"experiment": "before"}, {"creation_time": "2026-03-01T00:00:00+00:00"}]
)
def test_stages_of_an_experiment_before_a_clear_do_not_count(second_stage, other):
    """Counts of another experiment do not count, even if it has the same name."""
    assert {} == second_stage(**other)[0]["earlier"]
