"""A shadow under traffic, and the sensor that judges it."""

from __future__ import annotations

import pytest

from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from tests.sensors.analysing import Analysing
from tests.shadows import run_shadow
from tests.tasks import SENSOR_MODES


@pytest.fixture(params=SENSOR_MODES)
def analyse(request, emulator):
    """Analyse with the sensor in all its modes."""
    return Analysing(request.param)


@pytest.fixture
def poke(emulator):
    """Run the sensor in the worker, for what does not depend on the mode."""
    return Analysing("poke")


@pytest.fixture
def shadow(emulator, sagemaker, monkeypatch):
    """Run a shadow under traffic; return since when. Each poll takes some minutes at AWS."""
    find = InferenceExperimentHook.find_experiment

    def run(candidate=None, *, step=600, ends=None, **members):
        schedule = {"Schedule": {"EndTime": ends}} if ends else {}
        since = run_shadow(emulator, sagemaker, candidate, **members, **schedule)

        def slowly(hook, name):
            emulator.clock.advance(step)
            return find(hook, name)

        monkeypatch.setattr(InferenceExperimentHook, "find_experiment", slowly)
        return since

    return run
