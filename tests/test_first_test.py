"""The page on a first test on AWS says what the code does, and what nobody has seen yet."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from typing import Any

import pytest

from airflow_shadow.steps.base import HASTY
from demo.__main__ import WHAT_NEXT
from tests.assumed_page import PAGE, page

TEXT = PAGE.read_text(encoding="utf-8")


def block(kind: str) -> str:
    """Return the one block of a kind."""
    [text] = re.findall(rf"<!-- {kind} -->\n```\w+\n(.*?)```\n", TEXT, re.DOTALL)
    return text


def test_every_belief_is_on_the_page():
    """The table is what `python -m tests.assumed_page` makes of the emulator's own."""
    assert page() == TEXT


def test_the_role_trusts_sagemaker():
    """The trust policy lets SageMaker, and nobody else, assume the role."""
    [statement] = json.loads(block("the trust policy of the role"))["Statement"]
    assert {"Service": "sagemaker.amazonaws.com"} == statement["Principal"]


@pytest.mark.skipif(version("apache-airflow") < "3", reason="it imports from airflow.sdk")
def test_the_first_dag_concludes_nothing():
    """Airflow reads the page's Dag as it is shown, and its rollout is a dry run."""
    names: dict[str, Any] = {}
    exec(compile(block("a first Dag on AWS"), "first-test-on-aws.md", "exec"), names)
    assert names["dag"].get_task("shadow_rollout.decide").is_dry_run


def test_the_page_says_from_when_on_a_pause_is_too_short():
    """The limit of the warning is the one that the page names."""
    assert (10.0, True) == (HASTY, "more often than every ten seconds" in TEXT)


def test_the_demo_leads_to_the_page():
    """Whoever has seen the demo is led here, not told to change the connection."""
    assert f"docs/{PAGE.name}" in WHAT_NEXT
    assert "endpoint_url" not in WHAT_NEXT
