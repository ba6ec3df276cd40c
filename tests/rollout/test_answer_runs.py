"""Whole rollouts that compare answers, run by `dag.test()` against the emulator's captures."""

from __future__ import annotations

import boto3
import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from tests.conftest import REGION
from tests.helpers import bears_a_shadow, created, described, serves
from tests.rollout.test_runs import SPEC, STEADY, _roll_out

pytestmark = pytest.mark.thorough

ANSWERS = {"churn": {"answer": "$.predictions[*].predicted_label", "kind": "label"}}
CRITERIA = [
    {"name": "errors", "metric": "Invocation5XXErrors", "comparison": "difference"}
    | {"tolerance": 0.005},
    {"name": "agree", "metric": "answers.churn.disagreement", "comparison": "absolute"}
    | {"tolerance": 0.02},
]
LABELS = {**STEADY, "SHADOW_ANSWER_KIND": "label", "SHADOW_ANSWER_CLASSES": "4"}
SHARED = {
    "spec": {**SPEC, "answers": ANSWERS, "criteria": CRITERIA},
    "capture": "s3://captures/churn",
    "promote_on": "answers",
}


@pytest.fixture
def roll_out(emulator, sagemaker, airflow_db, tmp_path):
    """Set up an endpoint whose callers give an InferenceId; return how to run a Dag."""
    emulator.clock.speed = 240
    s3 = boto3.client(
        "s3",
        endpoint_url=emulator.url,
        region_name=REGION,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    s3.create_bucket(Bucket="captures")
    fleet.create_model(sagemaker, name="churn-v1", environment=LABELS)
    traffic = Traffic(requests_per_minute=60, daily_swing=0)
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="churn-v1", traffic=traffic)

    def run(candidate, **arguments):
        fleet.create_model(sagemaker, name="churn-v2", environment={**LABELS, **candidate})
        return _roll_out(tmp_path / "nightly.py", **{**SHARED, **arguments})

    return run


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_candidate_is_promoted_on_its_answers(roll_out, emulator, sagemaker, deferrable):
    """Nobody has to say that latency and errors are enough: the answers were compared."""
    done = roll_out({}, deferrable=deferrable)
    assert done.succeeded, done.said[-6000:]
    verdict = done.verdict
    assert ("PASS", True, False) == (
        verdict["outcome"],
        verdict["promoted"],
        verdict["operational_only"],
    )
    assert ["churn-v2"] == serves(sagemaker)
    (name,) = created(emulator)
    assert described(sagemaker, name)["StatusReason"].startswith("PASS (answers were compared)")


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_candidate_that_answers_wrongly_is_removed(roll_out, sagemaker, deferrable):
    """It is as fast as production and free of errors: only its answers stop it, at once."""
    done = roll_out({"SHADOW_ANSWER_ERROR_RATE": "0.3"}, deferrable=deferrable)
    assert done.succeeded, done.said[-6000:]
    outcomes = {one["name"]: one["outcome"] for one in done.verdict["findings"]}
    assert ("FAIL", False, 50) == (
        done.verdict["outcome"],
        done.verdict["promoted"],
        done.verdict["sampling_percentage"],
    )
    assert ("PASS", "FAIL") == (outcomes["errors"], outcomes["agree"])
    assert ["churn-v1"] == serves(sagemaker)
    assert not bears_a_shadow(sagemaker)


def test_too_few_answers_promote_nothing(roll_out, sagemaker):
    """A third of the shadow's files are lost, and what is lost is no fair sample."""
    done = roll_out({"SHADOW_ANSWER_CAPTURE_LOSS": "0.3"}, ramp=[100])
    assert done.succeeded, done.said[-6000:]
    assert ("INCONCLUSIVE", False) == (done.verdict["outcome"], done.verdict["promoted"])
    assert "at least 95 % needed" in str(done.verdict["findings"])
    assert ["churn-v1"] == serves(sagemaker)
    assert not bears_a_shadow(sagemaker)
