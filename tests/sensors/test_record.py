"""What production was in a window is remembered from look to look, in all modes of the sensor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_shadow._compat import AirflowRescheduleException
from airflow_shadow.emulator import fleet
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.sensors import ShadowAnalysisSensor
from tests.helpers import accepted, redeploy, stop
from tests.shadows import run_shadow
from tests.tasks import SENSOR_MODES, Tasks

NAME, HOUR, DAY = "theirs", timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def shadow(emulator, sagemaker, monkeypatch):
    """Run a shadow; each poll takes 20 minutes, and something happens after about an hour."""
    find = InferenceExperimentHook.find_experiment

    def run(act=lambda: None, *, before=timedelta(0)):
        fleet.create_model(sagemaker, name="v3")
        since, left = run_shadow(emulator, sagemaker, before=before), [act]

        def slowly(hook, name):
            emulator.clock.advance(HOUR / 3)
            if left and emulator.clock.now() > since + HOUR:
                left.pop()()
            return find(hook, name)

        monkeypatch.setattr(InferenceExperimentHook, "find_experiment", slowly)
        return since

    return run


@pytest.fixture(params=SENSOR_MODES)
def analyse(request, emulator):
    """Analyse two hours, in each mode of the sensor."""
    tasks = Tasks("deferred" if request.param == "deferrable" else "worker")
    mode = {"mode": "reschedule"} if request.param == "reschedule" else {}

    def run(since):
        arguments = {"since": since.isoformat(), "duration": "2h", "interval": 600, **mode}
        spec, ti = {"planned_looks": 1}, {}
        while True:
            try:
                return tasks.run(
                    ShadowAnalysisSensor,
                    ti=ti,
                    name=NAME,
                    poke_interval=0.01,
                    spec=spec,
                    **arguments,
                ).value
            except AirflowRescheduleException:
                ti = {"first_look": ti.get("first_look", datetime.now(UTC))}

    return run


def test_a_change_is_seen_by_whichever_look(sagemaker, shadow, analyse):
    """A change of production is in the verdict, also after the experiment's end."""
    since = shadow(lambda: redeploy(sagemaker, model_name="v3"))
    first = analyse(since)
    assert ("INCONCLUSIVE", True) == (first["outcome"], "production was changed" in first["reason"])
    stop(sagemaker, NAME)
    again = analyse(since)
    assert (first["outcome"], ["v1", "v3"]) == (
        again["outcome"],
        [state["model"] for state in again["baseline"]],
    )


def test_an_experiment_that_is_changed_is_no_other_baseline(sagemaker, shadow, analyse):
    """A moved end or another description is no change of production."""

    def describe():
        sagemaker.update_inference_experiment(Name=NAME, Description="new")

    verdict = analyse(shadow(describe))
    assert "PASS" == verdict["outcome"]


def test_a_tag_is_written_once(emulator, shadow, analyse):
    """Only the task's begin writes the tag; later looks and triggers do not."""
    verdict = analyse(shadow(before=DAY))
    slow = next(one for one in verdict["findings"] if one["name"] == "slow requests")
    assert ("PASS", True) == (verdict["outcome"], slow["limit"] > 0)
    assert 1 == len(accepted(emulator, "AddTags"))
