"""Production is read again right before a call that redeploys it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.steps.production import is_unchanged, read_production
from tests.helpers import deploy


@pytest.fixture
def hook(emulator):
    """Return a hook on the emulator."""
    return InferenceExperimentHook()


@pytest.mark.parametrize("member", ["EndpointArn", "EndpointConfigName", "LastModifiedTime"])
def test_each_sign_of_a_deployment_counts(hook, churn, member):
    """One of them is enough to know that somebody has deployed since."""
    production = read_production(hook, "churn", asked="to test")
    assert is_unchanged(hook, production)
    other = replace(production, endpoint={**production.endpoint, member: "other"})
    assert not is_unchanged(hook, other)


def test_a_deployment_that_had_begun_already_counts(hook, churn, sagemaker):
    """During a deployment AWS describes what was before it, with the same times."""
    deploy(sagemaker, "churn-v2", wait=False)
    assert not is_unchanged(hook, read_production(hook, "churn", asked="to test"))
