"""`shadow_rollout` through the scheduler: what both variants answer decides."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_shadow.emulator.traffic import Traffic
from tests.e2e.places import start
from tests.e2e.test_evidence import ended, states

RAMPED, ALONE = "e2e_answers", "e2e_answers_alone"
#: Little, because each request is captured twice, and enough to decide in forty minutes.
TRAFFIC = Traffic(requests_per_minute=120, daily_swing=0, late_seconds=0)


@pytest.fixture
def roll_out(api, aws):
    """Set up an endpoint and a bucket; return how to start the rollout of a candidate."""
    endpoint, bucket = aws.endpoint("answers", traffic=TRAFFIC), aws.bucket("captures")

    def begin(dag_id, model, **behaviour):
        aws.model(model, **behaviour)
        return endpoint, start(api, dag_id, endpoint, model=model, bucket=bucket)

    return begin


def told(api: Any, dag_id: str, run: str) -> list[Any]:
    """Return the outcome, whether it was promoted, and what metrics, answers and captures say."""
    outcome, promoted, findings = api.xcom(dag_id, run, "notify")
    names = ("server errors", "answers agree", "answer coverage")
    return [outcome, promoted, *(findings[name] for name in names)]


def test_a_candidate_is_promoted_on_its_answers(api, aws, roll_out):
    """Both stages compare what was captured; nobody has to say that metrics are enough."""
    endpoint, run = roll_out(RAMPED, "agrees")
    assert ("success", "agrees", 1) == ended(api, aws, run, endpoint, dag_id=RAMPED)
    assert ["PASS", True, "PASS", "PASS", "PASS"] == told(api, RAMPED, run)
    compared = states(api, run, "compare_50", "compare_100", dag_id=RAMPED)
    assert ["success", "success"] == compared
    (experiment,) = aws.experiments(endpoint)
    assert experiment["StatusReason"].startswith("PASS (answers were compared)")


def test_a_candidate_that_answers_wrongly_is_removed(api, aws, roll_out):
    """Its metrics pass: only its answers end the ramp after the first stage."""
    endpoint, run = roll_out(RAMPED, "errs", SHADOW_ANSWER_ERROR_RATE="0.3")
    assert ("success", "v1", 1) == ended(api, aws, run, endpoint, dag_id=RAMPED)
    assert ["FAIL", False, "PASS", "FAIL", "PASS"] == told(api, RAMPED, run)
    ends = states(api, run, "ramp_100", "compare_100", "promote", "remove", dag_id=RAMPED)
    assert ["skipped", "skipped", "skipped", "success"] == ends


def test_a_candidate_whose_answers_are_lost_is_not_promoted(api, aws, roll_out):
    """What is left of them agrees, but is no fair sample: too few of the requests are pairs."""
    endpoint, run = roll_out(ALONE, "lost", SHADOW_ANSWER_CAPTURE_LOSS="0.3")
    assert ("success", "v1", 1) == ended(api, aws, run, endpoint, dag_id=ALONE)
    assert ["INCONCLUSIVE", False, "PASS", "PASS", "INCONCLUSIVE"] == told(api, ALONE, run)
