"""What tests of triggers share: experiments that run, and the calls of AWS."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.hooks.base import CallingHook
from tests.helpers import until


@pytest.fixture
def calls(monkeypatch):
    """Count our calls of AWS by operation."""
    counted, ask = Counter(), CallingHook.ask

    def counting(hook, operation, params, **more):
        counted[operation] += 1
        return ask(hook, operation, params, **more)

    monkeypatch.setattr(CallingHook, "ask", counting)
    return counted


@pytest.fixture
def running(emulator, sagemaker):
    """Set up some running experiments, each on an endpoint of its own; return their names."""

    def make(count):
        names = [f"one-{number:02}" for number in range(count)]
        for model in ("v1", "v2"):
            fleet.create_model(sagemaker, name=model)
        for name in names:
            fleet.create_endpoint(sagemaker, endpoint_name=name, model_name="v1")
            variants = {"model_name": "v1", "shadow_model_name": "v2"}
            request = fleet.experiment_request(name=name, endpoint_name=name, **variants)
            sagemaker.create_inference_experiment(**request)
            until(sagemaker, name, "Running")
        return names

    return make
