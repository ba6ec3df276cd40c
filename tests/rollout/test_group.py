"""A rollout as it is written down: the graph, its arguments, and what is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_shadow._compat import (
    AirflowFailException,
    AirflowSkipException,
    BaseOperator,
    TaskGroup,
)
from airflow_shadow.analysis import AnalysisSpec, Output
from airflow_shadow.analysis.verdict import Verdict
from airflow_shadow.emulator import fleet
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.rollout import shadow_rollout
from airflow_shadow.steps.rollout import conclusion_xcoms
from tests.helpers import ROLLOUT, fails
from tests.tasks import DAG

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "example_dags" / "rollout_on_evidence.py"
ASKS_PEOPLE = version("apache-airflow") >= "3.1"


def rollout(**arguments) -> SimpleNamespace:
    """Return the group, its Dag, and its tasks by the last part of their ids."""
    with DAG("rollouts", schedule=None, start_date=datetime(2026, 3, 1, tzinfo=UTC)) as dag:
        group = shadow_rollout(**{**ROLLOUT, **arguments})
    tasks = {task.task_id.rpartition(".")[2]: task for task in dag.tasks}
    return SimpleNamespace(dag=dag, group=group, tasks=tasks)


def refused(**arguments) -> str:
    """Return the error of a rollout when its Dag is read."""
    with pytest.raises(ValueError, match="shadow_rollout") as caught:
        rollout(**arguments)
    return str(caught.value)


# --- the graph -----------------------------------------------------------------------------


def edges(tasks: dict[str, BaseOperator]) -> dict[str, set[str]]:
    """Return the direct upstream tasks of each."""
    return {
        name: {above.rpartition(".")[2] for above in task.upstream_task_ids}
        for name, task in tasks.items()
    }


def test_the_graph_is_a_chain_of_stages_and_one_decision():
    """The graph has only the edges that are needed, so that it can be read."""
    assert {
        "plan": set(),
        "create": {"plan"},
        "analyse_10": {"create"},
        "ramp_50": {"analyse_10"},
        "analyse_50": {"ramp_50"},
        "ramp_100": {"analyse_50"},
        "analyse_100": {"ramp_100"},
        "decide": {"analyse_10", "analyse_50", "analyse_100"},
        "promote": {"decide"},
        "remove": {"decide"},
        "result": {"decide", "promote", "remove"},
        "clean_up": {
            "plan",
            "create",
            "analyse_10",
            "analyse_50",
            "analyse_100",
            "promote",
            "remove",
        },
    } == edges(rollout().tasks)


def test_the_result_is_the_only_end_of_the_group():
    """A task after the group waits for the verdict, not for the teardown."""
    made = rollout()
    with made.dag:
        made.group >> BaseOperator(task_id="notify")
    assert {made.tasks["result"].task_id} == made.dag.get_task("notify").upstream_task_ids
    assert [made.tasks["result"]] == list(made.group.leaves)


def test_the_creation_is_a_setup_and_its_teardown_cleans_up():
    """A clear runs the creation again, and a shadow that is left behind fails the run."""
    tasks = rollout().tasks
    assert [True, False] == [tasks["create"].is_setup, tasks["create"].is_teardown]
    assert [False, True] == [tasks["clean_up"].is_setup, tasks["clean_up"].is_teardown]
    assert tasks["clean_up"].on_failure_fail_dagrun


def test_a_rollout_fits_into_a_group_of_its_users():
    """Inside another group all task ids get both prefixes."""
    dag = DAG("rollouts", schedule=None, start_date=datetime(2026, 3, 1, tzinfo=UTC))
    with dag, TaskGroup("models"):
        shadow_rollout("churn", **ROLLOUT)
    decide = dag.get_task("models.churn.decide")
    assert "models.churn.result" == decide.join
    assert "models.churn.analyse_100" == decide.stages[-1]
    assert "'models.churn.create'" in dag.get_task("models.churn.ramp_50").name


def test_one_stage_is_a_ramp_too():
    """`ramp=100` tests the candidate at 100 % at once."""
    tasks = rollout(ramp=[100]).tasks
    assert ["plan", "create", "analyse_100", "decide"] == list(tasks)[:4]
    assert 100 == tasks["create"].sampling_percentage


@pytest.mark.skipif(not ASKS_PEOPLE, reason="Airflow 3.1 asks people first")
def test_a_person_is_asked_before_the_conclusion():
    """Each answer leads to its task; without an answer the candidate is removed."""
    patience = timedelta(hours=3)
    tasks = rollout(approval="inconclusive", approval_timeout=patience, notifiers=[]).tasks
    found = edges(tasks)
    assert {"decide"} == found["approve"]
    assert {"decide", "approve"} == found["promote"] == found["remove"]
    approve = tasks["approve"]
    ids = {"Promote": tasks["promote"].task_id, "Remove": tasks["remove"].task_id}
    assert ids == approve.options_mapping
    assert (["Remove"], patience) == (approve.defaults, approve.response_timeout)
    ways = ["promote", "remove", "approve"]
    decide = tasks["decide"]
    assert ways == [decide.on_pass, decide.on_fail, decide.on_inconclusive]
    assert "approve" == rollout(approval="always").tasks["decide"].on_pass


def judged(outcome: str, **more: Any) -> dict[str, Any]:
    """Return a verdict as an analysis returns it."""
    verdict = Verdict(
        outcome=outcome,
        reason=f"{outcome}: so it is",
        findings=(),
        breakers=(),
        stage_passed=True,
        operational_only=False,
        look=1,
        looks=(600,),
        sampling_percentage=100,
        start=0,
        end=600,
        alpha=0.05,
    )
    about = {"experiment": "theirs", "creation_time": "2026-03-02T00:00:00+00:00", "spec": {}}
    return {**verdict.to_dict(), **about, **more}


def test_the_evidence_says_how_much_longer_it_would_take():
    """The question to a person says how much longer a decision would take."""
    evidence = conclusion_xcoms(judged("INCONCLUSIVE", longer=3600.0), promotes=True)["evidence"]
    assert "about 1 h more would decide: give a longer max\\_stage\\_duration." in evidence
    assert "would decide" not in conclusion_xcoms(judged("PASS"), promotes=True)["evidence"]


def test_nothing_of_a_name_is_markdown_in_the_question():
    """A criterion's name cannot put Markdown into the question to a person."""
    reason = "INCONCLUSIVE: <img src=x> [click](http://x) is open"
    evidence = conclusion_xcoms(judged("INCONCLUSIVE", reason=reason), promotes=True)["evidence"]
    assert evidence.startswith(r"INCONCLUSIVE: \<img src=x\> \[click\]\(http: //x\) is open")


@pytest.mark.skipif(not ASKS_PEOPLE, reason="Airflow 3.1 asks people first")
@pytest.mark.parametrize("outcome", ["PASS", "FAIL"])
def test_the_question_runs_in_any_case_and_skips_itself(outcome):
    """A person's answer from before a clear must not count."""
    tasks = rollout(approval="inconclusive", ramp=[100]).tasks
    left = {tasks["analyse_100"].task_id: {"return_value": judged(outcome)}}
    decided = left.setdefault(tasks["decide"].task_id, {})
    pull = lambda task_ids, key, **_: left.get(task_ids, {}).get(key)  # noqa: E731
    push = lambda key, value: decided.update({key: value})  # noqa: E731
    context = {"ti": SimpleNamespace(map_index=-1, xcom_pull=pull, xcom_push=push)}
    ids = {name: tasks[name].task_id for name in ("promote", "remove", "approve")}
    chosen = ids["promote" if outcome == "PASS" else "remove"]
    assert {chosen, ids["approve"]} == set(tasks["decide"].choose_branch(context))
    with pytest.raises(AirflowSkipException, match=chosen):
        tasks["approve"].execute(context)


@pytest.mark.skipif(ASKS_PEOPLE, reason="this Airflow can ask people")
def test_an_airflow_that_cannot_ask_people_says_what_it_can():
    """Before Airflow 3.1 the error names the model registry's approval instead."""
    assert "require_approved_model_package" in refused(approval="always")


# --- arguments -----------------------------------------------------------------------------


def test_shared_arguments_reach_all_tasks_that_know_them():
    """Shared arguments are the group's `default_args`."""
    tasks = rollout(region_name="eu-west-1", retries=4, deferrable=True, on_backfill="skip").tasks
    ours = [task for name, task in tasks.items() if name != "decide"]
    assert {"eu-west-1"} == {task.region_name for task in ours}
    assert {True} == {task.deferrable for task in ours}
    assert {4} == {task.retries for task in tasks.values()}
    assert {"skip"} == {tasks[name].on_backfill for name in ("create", "promote")}


def test_further_arguments_reach_their_task():
    """`create` and `promote` hold arguments of those tasks alone."""
    tasks = rollout(create={"tags": {"team": "x"}}, promote={"alarms": ["a"]}).tasks
    assert {"team": "x"} == tasks["create"].tags
    assert ["a"] == tasks["promote"].alarms
    assert "stop" == tasks["create"].on_kill_action


def test_the_plan_gives_each_step_its_time():
    """The experiment lives until the last step that may need it, approvals included."""
    tasks = rollout(stage_duration="90m").tasks
    assert "9h30m" == tasks["create"].duration
    left = [tasks[f"analyse_{share}"].min_remaining / 3600 for share in (10, 50, 100)]
    assert [7, 4.5, 2] == left
    waits = {"require_approved_model_package": True, "approval_timeout": timedelta(hours=20)}
    tasks = rollout(stage_duration=timedelta(hours=1), **waits).tasks
    assert ("1d4h", 22) == (tasks["create"].duration, tasks["analyse_100"].min_remaining / 3600)
    assert 72000 == tasks["promote"].approval_timeout


def test_only_the_last_stage_may_become_longer():
    """The last stage may take three times as long by default, no other stage longer."""
    names = ["analyse_10", "analyse_50", "analyse_100"]
    tasks = rollout(stage_duration="90m").tasks
    assert [None, None, "4h30m"] == [tasks[name].max_duration for name in names]
    tasks = rollout(stage_duration="90m", max_stage_duration="2h").tasks
    assert [None, None, "2h"] == [tasks[name].max_duration for name in names]
    assert "9h30m" == tasks["create"].duration


def test_the_last_stage_becomes_no_longer_than_aws_allows():
    """The default of `max_stage_duration` is shortened to what fits into 30 days."""
    tasks = rollout(stage_duration="9d").tasks
    assert ("27d5h", "11d19h") == (tasks["create"].duration, tasks["analyse_100"].max_duration)


def test_the_plan_is_told_in_one_line():
    """The log of `plan` has one line: what is planned, and how long it takes at most."""
    assert (
        "A shadow test at 10, 50, 100 %, 2h each, the last one up to 6h if need be: 11h as "
        "planned, 15h at most with changes, approvals and the conclusion."
    ) == rollout().tasks["plan"].summary
    told = rollout(max_stage_duration="2h").tasks["plan"].summary
    assert told.startswith("A shadow test at 10, 50, 100 %, 2h each: 11h at most with")


def test_each_stage_knows_those_before_it():
    """Each stage knows the earlier ones, whose alpha and counts it shares."""
    tasks = rollout().tasks
    stages = [tasks[f"analyse_{share}"] for share in (10, 50, 100)]
    assert [(1, 3), (2, 3), (3, 3)] == [(stage.stage, stage.stages) for stage in stages]
    ids = [stage.task_id for stage in stages]
    assert [[], ids[:1], ids[:2]] == [list(stage.before) for stage in stages]


# --- what is refused when the Dag is read --------------------------------------------------


@pytest.mark.parametrize("ramp", [[], [50, 10, 100], [50, 50, 100], [0, 100], [10, 101], [True]])
def test_a_ramp_rises_from_1_to_100(ramp):
    """A ramp is a rising list of whole percentages."""
    assert "is not a rising list" in refused(ramp=ramp)


def test_a_ramp_ends_at_100():
    """Only a candidate that was tested at 100 % is promoted."""
    assert "does not end at 100" in refused(ramp=[10, 50])


def test_a_slip_of_the_pen_is_refused():
    """An unknown argument is an error, though Airflow would ignore it in `default_args`."""
    assert "no task has an argument retrys (did you mean retries?)" in refused(retrys=2)
    assert "stage_duratoin (did you mean stage_duration?)" in refused(stage_duratoin="1h")
    assert "create: no task has an argument tag (did you" in refused(create={"tag": 1})
    assert "no task has an argument xyzzy." in refused(xyzzy=1)
    assert "create: duration is given by the rollout" in refused(create={"duration": "2h"})
    assert "promote: reason is given by the rollout" in refused(promote={"reason": "so"})
    assert "create: role_arn is given by the rollout" in refused(create={"role_arn": "r"})
    assert "task_id is given by the rollout" in refused(task_id="create")
    assert "no task has an argument notifiers" in refused(notifiers=[])


def test_choices_are_checked():
    """One message names all wrong values."""
    said = refused(promote_on="gut", approval="maybe", fail_on=["NO"], dry_run=True)
    assert "promote_on='gut'" in said
    assert "approval='maybe'" in said
    assert "fail_on='NO' is none of 'PASS', 'FAIL', 'INCONCLUSIVE'" in said


def test_a_rollout_captures_for_all_its_stages():
    """The place and its key belong to the experiment, so to the creation."""
    given = {"capture": "s3://captures/churn", "capture_kms_key": "alias/captures"}
    create = rollout(**given).tasks["create"]
    assert given == {name: getattr(create, name) for name in given}


@pytest.mark.parametrize("where", ["create", "shared"])
def test_a_capture_given_twice_is_refused(where):
    """Which of the two is meant cannot be known."""
    storage = {"data_storage_config": {"Destination": "s3://captures/else"}}
    more = {"create": storage} if where == "create" else storage
    said = refused(capture="s3://captures/churn", **more)
    assert "capture and data_storage_config are two places for one capture" in said


def test_a_key_for_no_capture_is_refused():
    """Whoever gives the key believes that something is captured."""
    said = refused(capture_kms_key="alias/captures")
    assert "capture_kms_key is given without capture" in said


def test_a_plan_beyond_30_days_is_refused():
    """AWS ends an experiment after 30 days, when it can no longer be promoted."""
    said = refused(stage_duration="10d")
    assert "the plan takes 30d5h, and AWS ends an experiment after 30 days" in said
    said = refused(stage_duration="1d", max_stage_duration="28d")
    assert "the plan takes 30d5h, and AWS ends an experiment after 30 days" in said


def test_a_last_look_before_the_first_is_refused():
    """`max_stage_duration` must not be shorter than `stage_duration`."""
    said = refused(stage_duration="2h", max_stage_duration="1h")
    assert "max_stage_duration=1h is shorter than stage_duration=2h" in said


def test_a_duration_that_cannot_be_read_is_refused():
    """It is said when the Dag is read."""
    with pytest.raises(InvalidRequestError, match="not a duration"):
        rollout(stage_duration="soon")


@pytest.mark.parametrize("name", ["stage_duration", "max_stage_duration", "approval_timeout"])
def test_the_durations_of_the_plan_are_no_templates(name):
    """The plan is checked when the Dag is read, and the error says so."""
    with pytest.raises(InvalidRequestError, match=f"Asked: {name}=") as refused:
        rollout(**{name: "{{ params.hours }}h"})
    assert "a template, and whether the plan fits" in str(refused.value)


ONLY_TESTS = "Latency and errors alone promote nothing here: promote_on='operational'"


def test_the_shortest_call_tests_and_promotes_nothing():
    """Three arguments are enough; the plan says what a promotion would need."""
    with DAG("rollouts", schedule=None, start_date=datetime(2026, 3, 1, tzinfo=UTC)) as dag:
        group = shadow_rollout(
            role_arn=fleet.ROLE_ARN, endpoint_name="churn", shadow_model_name="churn-v2"
        )
    assert "shadow_rollout" == group.group_id
    decide = dag.get_task("shadow_rollout.decide")
    assert ("answers", "remove") == (decide.promote_on, decide.on_inconclusive)
    told = dag.get_task("shadow_rollout.plan").summary.splitlines()
    assert told[0].startswith("A shadow test at 10, 50, 100 %, 2h each")
    assert told[1].startswith(ONLY_TESTS)
    assert "approval='inconclusive'" in told[1]


@pytest.mark.parametrize("spec", [None, AnalysisSpec(), {"alpha": 0.01}, "{{ params.spec }}"])
def test_a_rollout_that_only_tests_says_so_whatever_its_specification(spec):
    """The plan says that latency and errors alone promote nothing."""
    tasks = rollout(promote_on="answers", spec=spec).tasks
    assert ONLY_TESTS in tasks["plan"].summary
    assert tasks["result"].needs_answers


@pytest.mark.parametrize("more", [{"promote_on": "operational"}, {"dry_run": True}])
def test_a_rollout_that_may_promote_or_never_does_lacks_nothing(more):
    """Where a PASS may promote, or in a dry run, nothing is lacking."""
    tasks = rollout(**{"promote_on": "answers", **more}).tasks
    assert ONLY_TESTS not in tasks["plan"].summary
    assert not tasks["result"].needs_answers


@pytest.mark.skipif(not ASKS_PEOPLE, reason="Airflow 3.1 asks people first")
@pytest.mark.parametrize("approval", ["inconclusive", "always"])
def test_a_rollout_that_asks_a_person_lacks_nothing(approval):
    """A person may promote a candidate whose answers were not compared."""
    tasks = rollout(promote_on="answers", approval=approval).tasks
    assert ONLY_TESTS not in tasks["plan"].summary
    assert not tasks["result"].needs_answers


@pytest.mark.parametrize(
    "more", [{"require_approved_model_package": True}, {"promote": {"alarms": []}}]
)
def test_a_condition_of_a_promotion_that_cannot_come_is_refused(more):
    """Arguments of a promotion are an error where nothing could promote."""
    said = refused(promote_on="answers", **more)
    assert "no criterion compares the answers themselves" in said
    assert "promote_on='operational' promotes on them all the same" in said


def test_what_may_promote_is_not_refused():
    """The same arguments are no error in a dry run, with compared answers, or with a template."""
    outputs = AnalysisSpec(answers={"churn": Output()})
    for more in (
        {"dry_run": True},
        {"spec": outputs, "capture": "s3://captures/churn"},
        {"spec": "{{ params.spec }}"},
        {"spec": "spec.yaml"},
        {"spec": {"alpha": "{{ params.alpha }}"}},
    ):
        assert "promote" in rollout(promote_on="answers", **more).tasks


def test_stages_that_are_too_short_to_pass_are_refused():
    """A stage must be at least as long as the specification's `min_duration`."""
    said = refused(stage_duration="30m")
    assert "shorter than the specification's min_duration of 3600 s" in said


@pytest.mark.parametrize(
    ("spec", "lacks"),
    [
        ({"min_periods": 200}, "min_periods of 200"),
        ({"period": 300}, "min_periods of 30"),
        ({"initial_delay": 6000}, "min_periods of 30"),
        ({"min_effective_periods": 150}, "min_effective_periods of 150"),
    ],
)
def test_what_arithmetic_alone_rules_out_is_refused(spec, lacks):
    """A stage must have as many periods as the specification needs."""
    said = refused(stage_duration="2h", spec=spec)
    assert f"fewer than its {lacks}, so none could PASS" in said


def test_a_specification_with_faults_is_refused():
    """The faults of a literal specification are reported when the Dag is read."""
    with pytest.raises(InvalidRequestError, match="alpha"):
        rollout(spec={"alpha": 2})


def test_a_specification_is_read_before_anything_is_created(worker):
    """`plan` names all faults of a specification before the experiment is created."""
    text = fails(AirflowFailException, worker.run, RolloutPlanOperator, spec={"colour": "red"})
    assert "colour: unknown" in text


def test_the_page_shows_the_example():
    """docs/rollout.md shows the example's code, and lists the group's tasks."""
    text = (ROOT / "docs" / "rollout.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert code in EXAMPLE.read_text()
    tasks = rollout().tasks
    named = {name for name in tasks if f"`{name}`" in text}
    assert {"analyse_50", "analyse_100", "ramp_100"} == set(tasks) - named
    assert len(text.splitlines()) <= 140
