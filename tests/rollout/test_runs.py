"""Whole rollouts, run by `dag.test()` against the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from tests.helpers import (
    ROLLOUT,
    accepted,
    bears_a_shadow,
    created,
    described,
    meanwhile,
    run_dag,
    serves,
    statuses,
    stop,
)

pytestmark = pytest.mark.thorough

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


@pytest.fixture
def roll_out(emulator, sagemaker, airflow_db, tmp_path) -> Callable[..., SimpleNamespace]:
    """Set up an endpoint with traffic and a fast clock; return how to run a Dag."""
    emulator.clock.speed = 240
    fleet.create_model(sagemaker, name="churn-v1", environment=STEADY)
    traffic = Traffic(requests_per_minute=2000, daily_swing=0)
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="churn-v1", traffic=traffic)
    return partial(_roll_out, tmp_path / "nightly.py")


def _roll_out(file: Path, dag_file: str = DAG_FILE, **arguments) -> SimpleNamespace:
    """Run once; return whether it succeeded, its log, and the verdict if it was passed on."""
    given = {"spec": SPEC, "stage_duration": STAGE, "interval": 120, "ramp": [50, 100]}
    file.write_text(dag_file)
    file.with_suffix(".json").write_text(json.dumps({**ROLLOUT, **given, **arguments}))
    done = run_dag(file, "2026-03-02")
    verdict = file.with_suffix(".verdict")
    told = json.loads(verdict.read_text()) if verdict.exists() else None
    return SimpleNamespace(
        succeeded=done.returncode == 0, said=done.stdout + done.stderr, verdict=told
    )


def candidate(sagemaker, **behaviour: str) -> None:
    """Create the candidate's model, steady but for what is given."""
    fleet.create_model(sagemaker, name="churn-v2", environment={**STEADY, **behaviour})


#: They run in a real Airflow, too.
in_e2e = pytest.mark.skipif(
    version("apache-airflow") >= "3", reason="tests/e2e/test_evidence.py shows it"
)


@in_e2e
def test_a_good_candidate_is_promoted_with_a_report(roll_out, emulator, sagemaker, tmp_path):
    """A good candidate passes all stages and serves; the report shows all stages."""
    candidate(sagemaker)
    done = roll_out(ramp=[10, 50, 100], report=f"{tmp_path}/{{{{ ds }}}}/report.html")
    assert done.succeeded, done.said[-6000:]
    assert ["churn-v2"] == serves(sagemaker)
    assert ("PASS", True) == (done.verdict["outcome"], done.verdict["promoted"])
    (name,) = created(emulator)
    assert described(sagemaker, name)["StatusReason"].startswith(done.verdict["reason"])
    updated = ["Creating", "Running", "Updating", "Running", "Updating", "Running"]
    assert [*updated, "Stopping", "Completed"] == statuses(emulator, name)
    page = (tmp_path / "2026-03-02" / "report.html").read_text()
    assert all(f"{share} % sampling" in page for share in (10, 50, 100))
    assert "<h1>churn-v2 was promoted on churn</h1>" in page
    assert "Nothing: churn-v2 took production&#39;s place." in page


@in_e2e
def test_a_candidate_that_fails_is_removed_at_the_first_stage(roll_out, emulator, sagemaker):
    """Errors end the ramp early, in the triggerer too, and AWS keeps the reason."""
    candidate(sagemaker, SHADOW_ERROR_RATE="0.5")
    done = roll_out(ramp=[10, 50, 100], deferrable=True)
    assert done.succeeded, done.said[-6000:]
    assert ["churn-v1"] == serves(sagemaker)
    assert ("FAIL", False) == (done.verdict["outcome"], done.verdict["promoted"])
    assert 10 == done.verdict["sampling_percentage"]
    assert done.verdict["end"] - done.verdict["start"] < 40 * 60
    (name,) = created(emulator)
    assert ["Creating", "Running", "Stopping", "Cancelled"] == statuses(emulator, name)
    assert described(sagemaker, name)["StatusReason"].startswith(done.verdict["reason"])


def test_a_slow_candidate_can_fail_the_run(roll_out, emulator, sagemaker):
    """With `fail_on` a FAIL fails the run after the shadow was removed."""
    candidate(sagemaker, SHADOW_LATENCY_MS="80")
    done = roll_out(fail_on=["FAIL"])
    assert not done.succeeded
    assert done.verdict is None
    assert "mean latency" in done.said
    assert ["churn-v1"] == serves(sagemaker)
    assert 1 == len(accepted(emulator, "StopInferenceExperiment"))
    assert not bears_a_shadow(sagemaker)


#: As the shortest call: what promotes is left out.
NO_PROMOTE_ON = DAG_FILE.replace("with DAG", 'given.pop("promote_on")\nwith DAG')


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_rollout_promotes_nothing_unless_told(roll_out, emulator, sagemaker, deferrable):
    """By default a PASS removes the shadow, and the log says what would promote it."""
    candidate(sagemaker)
    done = roll_out(dag_file=NO_PROMOTE_ON, ramp=[100], deferrable=deferrable)
    assert done.succeeded, done.said[-6000:]
    assert "Latency and errors alone promote nothing here: promote_on=" in done.said
    assert ("PASS", False) == (done.verdict["outcome"], done.verdict["promoted"])
    told = (
        "Only latency and errors were compared, not the answers: promote_on='operational' promotes "
        "on them all the same, approval='inconclusive' asks a person, capture and a spec with "
        "answers compare what both variants answer. PASS (operational"
    )
    assert done.verdict["reason"].startswith(told)
    assert f"Did not promote churn-v2 on churn (tested against churn-v1). {told}" in done.said
    assert ["churn-v1"] == serves(sagemaker)
    (name,) = created(emulator)
    assert ["Stopping", "Cancelled"] == statuses(emulator, name)[-2:]
    assert "Nothing compared the answers" in described(sagemaker, name)["StatusReason"]
    assert not bears_a_shadow(sagemaker)


def test_a_dry_run_changes_nothing_in_the_end(roll_out, emulator, sagemaker):
    """A dry run says what it would do, and its arguments may be templates."""
    candidate(sagemaker)
    done = roll_out(
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
    assert not bears_a_shadow(sagemaker)


@in_e2e
def test_metrics_that_are_denied_leave_no_shadow(roll_out, emulator, sagemaker):
    """The analysis of the second stage fails, and the teardown removes the shadow."""
    candidate(sagemaker)

    def deny():
        emulator.faults.add(operation="GetMetricData", kind="access-denied", times=None)

    emulator.faults.add(operation="UpdateInferenceExperiment", kind="hold-before")
    with meanwhile(emulator, deny):
        done = roll_out()
    assert not done.succeeded
    assert done.verdict is None
    assert "cloudwatch:GetMetricData" in done.said
    assert ["churn-v1"] == serves(sagemaker)
    (name,) = created(emulator)
    assert ["Stopping", "Cancelled"] == statuses(emulator, name)[-2:]
    assert not bears_a_shadow(sagemaker)


def test_a_creation_that_fails_leaves_no_shadow(roll_out, emulator, sagemaker):
    """The teardown removes an experiment that `create` could not describe."""
    candidate(sagemaker)

    def deny():
        emulator.faults.add(operation="DescribeInferenceExperiment", kind="access-denied")

    emulator.faults.add(operation="CreateInferenceExperiment", kind="hold-after")
    with meanwhile(emulator, deny):
        done = roll_out()
    assert not done.succeeded
    (name,) = created(emulator)
    assert ["Stopping", "Cancelled"] == statuses(emulator, name)[-2:]
    assert not bears_a_shadow(sagemaker)


def test_a_person_who_stops_the_test_ends_the_rollout(roll_out, emulator, sagemaker):
    """Nothing is promoted, and the run does not fail."""
    candidate(sagemaker)
    # The plan reads metrics of production alone.
    emulator.faults.add(operation="GetMetricData", kind="hold-before", about="churn-v2")
    with meanwhile(emulator, lambda: stop(sagemaker, created(emulator)[0])):
        done = roll_out()
    assert done.succeeded, done.said[-6000:]
    assert ("INCONCLUSIVE", False) == (done.verdict["outcome"], done.verdict["promoted"])
    assert ["churn-v1"] == serves(sagemaker)


def test_a_candidate_that_serves_already_skips_all(roll_out, emulator, sagemaker):
    """All tasks are skipped, and the task after the group does not run."""
    done = roll_out(shadow_model_name="churn-v1")
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


def test_a_mapped_rollout_decides_for_each_endpoint(roll_out, emulator, sagemaker):
    """Each endpoint gets its own decision, though Airflow 3.3.2 forgets a branch's skips."""
    candidate(sagemaker)
    traffic = Traffic(requests_per_minute=2000, daily_swing=0)
    for model, latency in {"fraud-v1": "50", "fraud-v2": "90"}.items():
        environment = {**STEADY, "SHADOW_LATENCY_MS": latency}
        fleet.create_model(sagemaker, name=model, environment=environment)
    fleet.create_endpoint(sagemaker, endpoint_name="fraud", model_name="fraud-v1", traffic=traffic)
    done = roll_out(dag_file=MAPPED, ramp=[100])
    assert done.succeeded, done.said[-6000:]
    assert [["PASS", True], ["FAIL", False]] == done.verdict
    assert (["churn-v2"], ["fraud-v1"]) == (serves(sagemaker), serves(sagemaker, "fraud"))
