"""What production runs, asked for again right before a call that redeploys it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_shadow.hooks.endpoints import is_unchanged, running
from tests.helpers import deploy


@pytest.mark.parametrize("member", ["EndpointArn", "EndpointConfigName", "LastModifiedTime"])
def test_each_sign_of_a_deployment_counts(hook, churn, member):
    """Any of them is enough: somebody has deployed since."""
    now_runs = running(hook, "churn", asked="to test")
    assert is_unchanged(hook, now_runs)
    other = replace(now_runs, shown={**now_runs.shown, member: "other"})
    assert not is_unchanged(hook, other)


def test_a_deployment_that_had_begun_already_counts(hook, churn, sagemaker):
    """It shows what was before it, with the same times."""
    deploy(sagemaker, "churn-v2", wait=False)
    assert not is_unchanged(hook, running(hook, "churn", asked="to test"))
