"""Whole rollouts: the graph, what is refused when a Dag is read, and runs of `dag.test()`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_shadow._compat import (
    AirflowFailException,
    AirflowSkipException,
    BaseOperator,
    TaskGroup,
)
from airflow_shadow.analysis import AnalysisSpec, Criterion, default_criteria
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.flows.stages import final_verdict, judged, skip_unchosen
from airflow_shadow.lifecycle import sampling
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.rollout import shadow_rollout
from airflow_shadow.sensors.rollout import RolloutAnalysisSensor
from tests.helpers import accepted, created, described, fails, serves, somebodys, statuses, stop
from tests.tasks import DAG

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "example_dags" / "rollout_on_evidence.py"
ASKS_PEOPLE = version("apache-airflow") >= "3.1"
GIVEN = {
    "role_arn": fleet.ROLE_ARN,
    "endpoint_name": "churn",
    "shadow_model_name": "churn-v2",
    "promote_on": "operational",
}


def rollout(**arguments) -> SimpleNamespace:
    """Return the group, its Dag, and its tasks by the last part of their ids."""
    with DAG("rollouts", schedule=None, start_date=datetime(2026, 3, 1, tzinfo=UTC)) as dag:
        group = shadow_rollout(**{**GIVEN, **arguments})
    tasks = {task.task_id.rpartition(".")[2]: task for task in dag.tasks}
    return SimpleNamespace(dag=dag, group=group, tasks=tasks)


def refused(**arguments) -> str:
    """Return why a rollout is refused when its Dag is read."""
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
    """Each edge is needed: a graph with all that read `create` drawn could not be read."""
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
    """What is hung behind the group waits for the verdict, not for the teardown."""
    made = rollout()
    with made.dag:
        made.group >> BaseOperator(task_id="notify")
    assert {made.tasks["result"].task_id} == made.dag.get_task("notify").upstream_task_ids
    assert [made.tasks["result"]] == list(made.group.leaves)


def test_the_creation_is_a_setup_and_its_teardown_cleans_up():
    """A clear runs the creation again, and a shadow that stays fails the run."""
    tasks = rollout().tasks
    assert [True, False] == [tasks["create"].is_setup, tasks["create"].is_teardown]
    assert [False, True] == [tasks["clean_up"].is_setup, tasks["clean_up"].is_teardown]
    assert tasks["clean_up"].on_failure_fail_dagrun


def test_a_rollout_fits_into_a_group_of_its_users():
    """Inside another group the ids bear both prefixes, also where a task names another."""
    dag = DAG("rollouts", schedule=None, start_date=datetime(2026, 3, 1, tzinfo=UTC))
    with dag, TaskGroup("models"):
        shadow_rollout("churn", **GIVEN)
    decide = dag.get_task("models.churn.decide")
    assert "models.churn.result" == decide.join
    assert "models.churn.analyse_100" == decide.stages[-1]
    assert "'models.churn.create'" in dag.get_task("models.churn.ramp_50").name


def test_one_stage_is_a_ramp_too():
    """A candidate can be tested at 100 % at once."""
    tasks = rollout(ramp=[100]).tasks
    assert ["plan", "create", "analyse_100", "decide"] == list(tasks)[:4]
    assert 100 == tasks["create"].sampling_percentage


@pytest.mark.skipif(not ASKS_PEOPLE, reason="Airflow 3.1 asks people first")
def test_a_person_is_asked_before_the_conclusion():
    """Each branch leads where the answer says; nobody's answer removes."""
    tasks = rollout(approval="inconclusive", approval_timeout=timedelta(hours=3)).tasks
    found = edges(tasks)
    assert {"decide"} == found["approve"]
    assert {"decide", "approve"} == found["promote"] == found["remove"]
    approve = tasks["approve"]
    ids = {"Promote": tasks["promote"].task_id, "Remove": tasks["remove"].task_id}
    assert ids == approve.options_mapping
    assert (["Remove"], timedelta(hours=3)) == (approve.defaults, approve.response_timeout)
    ways = ["promote", "remove", "approve"]
    decide = tasks["decide"]
    assert ways == [decide.on_pass, decide.on_fail, decide.on_inconclusive]
    assert "approve" == rollout(approval="always").tasks["decide"].on_pass


@pytest.mark.skipif(ASKS_PEOPLE, reason="this Airflow can ask people")
def test_an_airflow_that_cannot_ask_people_says_what_it_can():
    """Before 3.1 the model registry's approval is the way."""
    assert "require_approved_model_package" in refused(approval="always")


# --- arguments -----------------------------------------------------------------------------


def test_shared_arguments_reach_all_tasks_that_know_them():
    """They are the group's defaults."""
    tasks = rollout(region_name="eu-west-1", retries=4, deferrable=True, on_backfill="skip").tasks
    ours = [task for name, task in tasks.items() if name != "decide"]
    assert {"eu-west-1"} == {task.region_name for task in ours}
    assert {True} == {task.deferrable for task in ours}
    assert {4} == {task.retries for task in tasks.values()}
    assert {"skip"} == {tasks[name].on_backfill for name in ("create", "promote")}


def test_further_arguments_reach_their_task():
    """What only the creation or the promotion knows has its own mapping."""
    tasks = rollout(create={"tags": {"team": "x"}}, promote={"alarms": ["a"]}).tasks
    assert {"team": "x"} == tasks["create"].tags
    assert ["a"] == tasks["promote"].alarms
    assert "stop" == tasks["create"].on_kill_action


def test_the_plan_gives_each_step_its_time():
    """The experiment lives until the last step that may need it; an approval is a step."""
    tasks = rollout(stage_duration="90m").tasks
    assert "9h30m" == tasks["create"].duration
    left = [tasks[f"analyse_{share}"].min_remaining / 3600 for share in (10, 50, 100)]
    assert [7, 4.5, 2] == left
    waits = {"require_approved_model_package": True, "approval_timeout": timedelta(hours=20)}
    tasks = rollout(stage_duration=timedelta(hours=1), **waits).tasks
    assert ("1d4h", 22) == (tasks["create"].duration, tasks["analyse_100"].min_remaining / 3600)
    assert 72000 == tasks["promote"].approval_timeout


# --- what is refused when the Dag is read --------------------------------------------------


@pytest.mark.parametrize("ramp", [[], [50, 10, 100], [50, 50, 100], [0, 100], [10, 101], [True]])
def test_a_ramp_rises_from_1_to_100(ramp):
    """Anything else is no ramp."""
    assert "is not a rising list" in refused(ramp=ramp)


def test_a_ramp_ends_at_100():
    """A candidate that never bore the full load is not promoted."""
    assert "does not end at 100" in refused(ramp=[10, 50])


def test_a_slip_of_the_pen_is_refused():
    """Airflow would ignore an unknown name among the defaults."""
    assert "no task has an argument retrys" in refused(retrys=2)
    assert "create: no task has an argument tag" in refused(create={"tag": 1})
    assert "create: duration is given by the rollout" in refused(create={"duration": "2h"})
    assert "promote: reason is given by the rollout" in refused(promote={"reason": "so"})
    assert "task_id is given by the rollout" in refused(task_id="create")


def test_choices_are_checked():
    """All that is wrong stands in one message."""
    said = refused(promote_on="gut", approval="maybe", fail_on=["NO"], dry_run=True)
    assert "promote_on='gut'" in said
    assert "approval='maybe'" in said
    assert "fail_on='NO' is none of 'PASS', 'FAIL', 'INCONCLUSIVE'" in said


def test_a_plan_beyond_30_days_is_refused():
    """AWS ends an experiment then, and one that has ended cannot be promoted."""
    said = refused(stage_duration="10d")
    assert "the plan takes 30d5h, and AWS ends an experiment after 30 days" in said


def test_a_duration_that_cannot_be_read_is_refused():
    """The plan needs it when the Dag is read, so it cannot be a template."""
    with pytest.raises(InvalidRequestError, match="not a duration"):
        rollout(stage_duration="{{ params.hours }}h")


@pytest.mark.parametrize("spec", [None, AnalysisSpec(), {"alpha": 0.01}])
def test_operational_metrics_alone_promote_only_if_that_is_said(spec):
    """A model that answers 0 quickly is fast and free of errors."""
    assert "promote_on='operational'" in refused(promote_on="outputs", spec=spec)


def test_what_may_promote_is_not_refused():
    """A dry run promotes nothing, answers may be compared, and a template is not known yet."""
    outputs = Criterion(name="answers", metric="prediction_disagreement", tolerance=0.02)
    outputs = AnalysisSpec(criteria=(*default_criteria(), outputs_of(outputs)))
    for more in (
        {"dry_run": True},
        {"spec": outputs},
        {"spec": "{{ params.spec }}"},
        {"spec": "spec.yaml"},
        {"spec": {"alpha": "{{ params.alpha }}"}},
    ):
        assert "promote" in rollout(promote_on="outputs", **more).tasks


def outputs_of(criterion: Criterion) -> Criterion:
    """Return a criterion on the candidate alone."""
    return Criterion(**{**vars(criterion), "comparison": "absolute"})


def test_stages_that_are_too_short_to_pass_are_refused():
    """The specification asks for an hour unless it says otherwise."""
    said = refused(stage_duration="30m")
    assert "shorter than the specification's min_duration of 3600 s" in said


def test_a_specification_with_faults_is_refused():
    """It is known when the Dag is read, so its faults are."""
    with pytest.raises(InvalidRequestError, match="alpha"):
        rollout(spec={"alpha": 2})


# --- runs ----------------------------------------------------------------------------------

#: Judged in minutes: the least that the judge takes.
SPEC = {
    "min_duration": 600,
    "initial_delay": 60,
    "min_periods": 10,
    "min_effective_periods": 5,
}
STAGE = "40m"
STEADY = {"SHADOW_NOISE": "0.01", "SHADOW_NOISE_MEMORY": "0", "SHADOW_LATENCY_SPREAD": "0.1"}
DAG_FILE = """
import json
from datetime import UTC, datetime
from pathlib import Path
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.rollout import shadow_rollout
try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow import DAG
    from airflow.decorators import task
given = json.loads(Path(__file__).with_suffix(".json").read_text())
name = Path(__file__).parent.name  # dag.test() of 2.11 cannot run a date again
with DAG(name, schedule="@daily", start_date=datetime(2026, 3, 1, tzinfo=UTC)) as dag:
    rollout = shadow_rollout(**given)

    @task
    def notify(verdict):
        Path(__file__).with_suffix(".verdict").write_text(json.dumps(verdict))

    rollout >> notify(dag.get_task("shadow_rollout.result").output)
"""


class Rollouts:
    """Runs a Dag with a rollout in a process of its own.

    :param folder: where the Dag lies
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(
        self, run: str = "2026-03-02", dag_file: str = DAG_FILE, **arguments
    ) -> SimpleNamespace:
        """Run once; returns whether it succeeded, what it said, and the verdict if notified."""
        given = {"spec": SPEC, "stage_duration": STAGE, "interval": 120, "ramp": [50, 100]}
        file = self.folder / "nightly.py"
        file.write_text(dag_file)
        file.with_suffix(".json").write_text(json.dumps({**GIVEN, **given, **arguments}))
        file.with_suffix(".verdict").unlink(missing_ok=True)
        done = self.start(file, run)
        said = done.stdout + done.stderr
        verdict = file.with_suffix(".verdict")
        told = json.loads(verdict.read_text()) if verdict.exists() else None
        return SimpleNamespace(succeeded=done.returncode == 0, said=said, verdict=told)

    def start(self, file: Path, run: str) -> subprocess.CompletedProcess[str]:
        """Run a Dag file in the folder."""
        return subprocess.run(
            [sys.executable, ROOT / "tests" / "run_dag.py", file, run],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            cwd=self.folder,
            env={
                **os.environ,
                "AIRFLOW__AIRFLOW_SHADOW__WAITER_DELAY": "0.1",
                "AIRFLOW__CORE__DAGS_FOLDER": str(file.parent),
                "AIRFLOW__CORE__UNIT_TEST_MODE": "False",  # as a user runs it
            },
        )


@pytest.fixture
def rollouts(emulator, sagemaker, airflow_db, tmp_path) -> Rollouts:
    """Set up an endpoint with traffic; its clock runs four minutes in a second."""
    emulator.clock.speed = 240
    fleet.create_model(sagemaker, name="churn-v1", environment=STEADY)
    traffic = Traffic(requests_per_minute=2000, daily_swing=0)
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="churn-v1", traffic=traffic)
    return Rollouts(tmp_path)


def candidate(sagemaker, **behaviour: str) -> None:
    """Make the candidate, steady but for what is declared."""
    fleet.create_model(sagemaker, name="churn-v2", environment={**STEADY, **behaviour})


def shadowed(sagemaker) -> bool:
    """Tell whether the endpoint bears a shadow."""
    endpoint = sagemaker.describe_endpoint(EndpointName="churn")
    return bool(endpoint.get("ShadowProductionVariants"))


def test_a_good_candidate_is_promoted_with_a_report(rollouts, emulator, sagemaker, tmp_path):
    """It goes up the ramp, serves in the end, and the report tells of all stages."""
    candidate(sagemaker)
    done = rollouts.run(ramp=[10, 50, 100], report=f"{tmp_path}/{{{{ ds }}}}/report.html")
    assert done.succeeded, done.said[-6000:]
    assert ["churn-v2"] == serves(sagemaker)
    assert ("PASS", True) == (done.verdict["outcome"], done.verdict["promoted"])
    (name,) = created(emulator)
    assert described(sagemaker, name)["StatusReason"].startswith(done.verdict["reason"])
    updated = ["Creating", "Running", "Updating", "Running", "Updating", "Running"]
    assert [*updated, "Stopping", "Completed"] == statuses(emulator, name)
    page = (tmp_path / "2026-03-02" / "report.html").read_text()
    assert all(f"{share} % sampling" in page for share in (10, 50, 100))


def test_a_candidate_that_fails_is_removed_at_the_first_stage(rollouts, emulator, sagemaker):
    """Its errors end the ramp early, in the triggerer too, and AWS keeps the reason."""
    candidate(sagemaker, SHADOW_ERROR_RATE="0.5")
    done = rollouts.run(ramp=[10, 50, 100], deferrable=True)
    assert done.succeeded, done.said[-6000:]
    assert ["churn-v1"] == serves(sagemaker)
    assert ("FAIL", False) == (done.verdict["outcome"], done.verdict["promoted"])
    assert 10 == done.verdict["sampling_percentage"]
    assert done.verdict["end"] - done.verdict["start"] < 40 * 60
    (name,) = created(emulator)
    assert ["Creating", "Running", "Stopping", "Cancelled"] == statuses(emulator, name)
    assert described(sagemaker, name)["StatusReason"].startswith(done.verdict["reason"])


def test_a_slow_candidate_can_fail_the_run(rollouts, emulator, sagemaker):
    """Whether FAIL fails the run is an argument; the shadow is removed before."""
    candidate(sagemaker, SHADOW_LATENCY_MS="80")
    done = rollouts.run(fail_on=["FAIL"])
    assert not done.succeeded
    assert done.verdict is None
    assert "mean latency" in done.said
    assert ["churn-v1"] == serves(sagemaker)
    assert 1 == len(accepted(emulator, "StopInferenceExperiment"))
    assert not shadowed(sagemaker)


def test_a_dry_run_changes_nothing_in_the_end(rollouts, emulator, sagemaker):
    """It says what it would do; its arguments may be templates."""
    candidate(sagemaker)
    done = rollouts.run(
        dry_run=True,
        role_arn="arn:aws:iam::{{ 123456789012 }}:role/shadow-tests",
        endpoint_name="{{ 'churn' }}",
        shadow_model_name="churn-v{{ 1 + 1 }}",
        spec="{{ '" + json.dumps(SPEC) + "' }}",
    )
    assert done.succeeded, done.said[-6000:]
    assert ("PASS", False) == (done.verdict["outcome"], done.verdict["promoted"]), done.verdict
    assert "Dry run: without it, shadow_rollout.promote would be next." in done.said
    assert ["churn-v1"] == serves(sagemaker)
    assert not shadowed(sagemaker)


def when_held(emulator, act) -> None:
    """Act while a call is held, then let it go."""
    deadline = time.monotonic() + 300
    while not emulator.holds.held():
        assert time.monotonic() < deadline, "no call was held"
        time.sleep(0.05)
    act()
    emulator.holds.let_go()


def test_metrics_that_are_denied_leave_no_shadow(rollouts, emulator, sagemaker):
    """The analysis of the second stage fails, and the teardown removes the shadow."""
    candidate(sagemaker)

    def deny():
        emulator.faults.add(operation="GetMetricData", kind="access-denied", times=None)

    emulator.faults.add(operation="UpdateInferenceExperiment", kind="hold-before")
    with ThreadPoolExecutor(1) as pool:
        denied = pool.submit(when_held, emulator, deny)
        done = rollouts.run()
        denied.result()
    assert not done.succeeded
    assert done.verdict is None
    assert "cloudwatch:GetMetricData" in done.said
    assert ["churn-v1"] == serves(sagemaker)
    (name,) = created(emulator)
    assert ["Stopping", "Cancelled"] == statuses(emulator, name)[-2:]
    assert not shadowed(sagemaker)


def test_a_creation_that_fails_leaves_no_shadow(rollouts, emulator, sagemaker):
    """AWS has created the experiment, and the task may not look at it."""
    candidate(sagemaker)

    def deny():
        emulator.faults.add(operation="DescribeInferenceExperiment", kind="access-denied")

    emulator.faults.add(operation="CreateInferenceExperiment", kind="hold-after")
    with ThreadPoolExecutor(1) as pool:
        denied = pool.submit(when_held, emulator, deny)
        done = rollouts.run()
        denied.result()
    assert not done.succeeded
    (name,) = created(emulator)
    assert ["Stopping", "Cancelled"] == statuses(emulator, name)[-2:]
    assert not shadowed(sagemaker)


def test_a_person_who_stops_the_test_ends_the_rollout(rollouts, emulator, sagemaker):
    """There is no verdict for a promotion, and no reason to fail."""
    candidate(sagemaker)
    emulator.faults.add(operation="GetMetricData", kind="hold-before")
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(when_held, emulator, lambda: stop(sagemaker, created(emulator)[0]))
        done = rollouts.run()
        stopped.result()
    assert done.succeeded, done.said[-6000:]
    assert ("INCONCLUSIVE", False) == (done.verdict["outcome"], done.verdict["promoted"])
    assert ["churn-v1"] == serves(sagemaker)


def test_a_candidate_that_serves_already_skips_all(rollouts, emulator, sagemaker):
    """Nothing is tested, so nothing is judged, and nobody is told."""
    done = rollouts.run(shadow_model_name="churn-v1")
    assert done.succeeded, done.said[-6000:]
    assert done.verdict is None
    assert [] == created(emulator)


MAPPED = """
import json
from datetime import UTC, datetime
from pathlib import Path
from airflow_shadow.rollout import shadow_rollout
try:
    from airflow.sdk import DAG, task, task_group
except ImportError:
    from airflow import DAG
    from airflow.decorators import task, task_group
given = json.loads(Path(__file__).with_suffix(".json").read_text())
with DAG("mapped", schedule="@daily", start_date=datetime(2026, 3, 1, tzinfo=UTC)) as dag:
    @task_group
    def one(endpoint, candidate):
        shadow_rollout("it", **{**given, "endpoint_name": endpoint, "shadow_model_name": candidate})

    one.expand_kwargs(
        [
            {"endpoint": "churn", "candidate": "churn-v2"},
            {"endpoint": "fraud", "candidate": "fraud-v2"},
        ]
    )

    @task
    def notify(verdicts):
        told = [[verdict["outcome"], verdict["promoted"]] for verdict in verdicts]
        Path(__file__).with_suffix(".verdict").write_text(json.dumps(told))

    notify(dag.get_task("one.it.result").output)
"""


def test_a_mapped_rollout_decides_for_each_endpoint(rollouts, emulator, sagemaker):
    """Airflow 3.3.2 forgets a branch's skips in mapped groups, and would promote what failed."""
    candidate(sagemaker)
    traffic = Traffic(requests_per_minute=2000, daily_swing=0)
    for model, latency in {"fraud-v1": "50", "fraud-v2": "90"}.items():
        environment = {**STEADY, "SHADOW_LATENCY_MS": latency}
        fleet.create_model(sagemaker, name=model, environment=environment)
    fleet.create_endpoint(sagemaker, endpoint_name="fraud", model_name="fraud-v1", traffic=traffic)
    done = rollouts.run(dag_file=MAPPED, ramp=[100])
    assert done.succeeded, done.said[-6000:]
    assert [["PASS", True], ["FAIL", False]] == done.verdict
    assert (["churn-v2"], ["fraud-v1"]) == (serves(sagemaker), serves(sagemaker, "fraud"))


def test_the_page_shows_the_example():
    """Its code is the example's, its tasks are the group's, its lines are few."""
    text = (ROOT / "docs" / "rollout.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert code in EXAMPLE.read_text()
    tasks = rollout().tasks
    named = {name for name in tasks if f"`{name}`" in text}
    assert {"analyse_50", "analyse_100", "ramp_100"} == set(tasks) - named
    assert len(text.splitlines()) <= 120


class _Left:
    """What tasks of a run left: ids to XComs."""

    map_index = -1

    def __init__(self, **xcoms):
        self.xcoms = xcoms

    def xcom_pull(self, task_ids, key, **_):
        """Return what a task left."""
        return self.xcoms.get(task_ids, {}).get(key)


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
    """A task that is cleared and then skipped keeps its XComs."""
    left = _Left(one=_said(*first), two=_said(*last))
    found = judged({"ti": left}, ["one", "two"])
    assert counts == [verdict["outcome"] for verdict in found]


def test_a_specification_is_read_before_anything_is_created(worker):
    """All of its faults are named."""
    text = fails(AirflowFailException, worker.run, RolloutPlanOperator, spec={"colour": "red"})
    assert "colour: unknown" in text


# --- after a clear -------------------------------------------------------------------------


def test_a_cleared_stage_goes_on_with_a_new_experiment(tasks, emulator, sagemaker, churn):
    """The creation ran again at the first stage's sampling: the stage raises it to its own."""
    emulator.clock.speed = 3600
    emulator.traffic("churn", Traffic(requests_per_minute=2000, daily_swing=0))
    somebodys(sagemaker, "first")
    stop(sagemaker, "first")
    somebodys(sagemaker, "second")
    run = tasks.run(
        RolloutAnalysisSensor,
        name="first",
        created="second",
        sampling_percentage=50,
        spec=SPEC,
        duration=STAGE,
        min_remaining=3600,
        poke_interval=0.05,
    )
    assert ("second", 50) == (run.value["experiment"], run.value["sampling_percentage"])
    assert 50 == sampling(run.experiment)[1]


def run_that_left(**xcoms) -> dict:
    """Return the context of a run whose tasks left these return values."""
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
    """Also where Airflow does not skip the rest; a person's answer counts only if asked for."""
    done = []
    for name in ("promote", "remove"):
        operator = SimpleNamespace(task_id=name, decision="decide", question="approve")
        with suppress(AirflowSkipException):
            skip_unchosen(operator, run_that_left(**left))
            done.append(name)
    assert ([chosen] if chosen else []) == done


def test_a_pass_below_the_full_load_promotes_nothing():
    """Whatever the specification asks for, the last stage did not happen."""
    verdict = {"outcome": "PASS", "sampling_percentage": 50, "reason": "PASS: all well"}
    assert {
        "outcome": "INCONCLUSIVE",
        "sampling_percentage": 50,
        "reason": "INCONCLUSIVE: the candidate never bore the full load; PASS: all well",
    } == final_verdict(run_that_left(analyse_50=verdict), ["analyse_50", "analyse_100"])
