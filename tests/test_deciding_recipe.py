"""docs/deciding.md shows what works."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_shadow.exceptions import ReportNotWrittenError
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.links import ReportLink
from airflow_shadow.operators import PromoteShadowVariantOperator

TEXT = (Path(__file__).resolve().parent.parent / "docs/deciding.md").read_text()
BLOCKS = dict(re.findall(r"<!-- (.*?) -->\n```python\n(.*?)```\n", TEXT, re.DOTALL))
needs_a_person = pytest.mark.skipif(
    version("apache-airflow") < "3.1", reason="Airflow asks nobody before 3.1"
)


def run(block: str, **names) -> dict:
    """Return the names that a block leaves."""
    exec(compile(BLOCKS[block], "docs/deciding.md", "exec"), names)
    return names


@pytest.fixture(scope="module")
def recipe():
    """Return the recipe's Dag."""
    return run("the recipe")["dag"]


def verdict(outcome, *, operational_only):
    """Return what decides in a verdict."""
    return {"outcome": outcome, "operational_only": operational_only, "reason": outcome}


def test_every_block_is_tested():
    """Every code block of the page has a test here, so that none goes stale."""
    assert ({"the recipe", "approval"}, 2) == (set(BLOCKS), TEXT.count("```python"))


@needs_a_person
def test_a_person_is_asked_with_the_evidence(recipe):
    """The person sees the evidence; without an answer in time the shadow is removed."""
    ask = recipe.get_task("ask")
    assert "key='evidence'" in ask.body
    assert (["Promote", "Remove"], ["Remove"]) == (ask.options, ask.defaults)
    assert ask.response_timeout
    assert {"promote_reviewed", "remove"} == set(ask.options_mapping.values())
    assert {"promote_reviewed", "remove"} <= ask.downstream_task_ids


@needs_a_person
@pytest.mark.parametrize(
    ("found", "followed"),
    [
        (verdict("PASS", operational_only=False), "promote"),
        (verdict("PASS", operational_only=True), "promote"),
        (verdict("FAIL", operational_only=True), "remove"),
        (verdict("INCONCLUSIVE", operational_only=False), "ask"),
    ],
)
def test_the_branch_follows_the_table(recipe, monkeypatch, found, followed):
    """The branch chooses as the page's table says for `promote_on="operational"`."""
    decide = recipe.get_task("decide")
    monkeypatch.setattr(decide, "verdict", found)
    assert [followed] == decide.choose_branch({})


@needs_a_person
def test_either_way_leads_on(recipe):
    """The chosen task runs although the other task before it was skipped."""
    remove = recipe.get_task("remove")
    assert "none_failed_min_one_success" == remove.trigger_rule.value
    assert {"ask", "decide"} <= remove.upstream_task_ids
    assert recipe.get_task("clean_up").is_teardown


@needs_a_person
def test_each_promotion_rests_on_somebody(recipe):
    """One promotion reads the verdict, the other one comes directly after the person's answer."""
    promote, reviewed = map(recipe.get_task, ("promote", "promote_reviewed"))
    assert (True, "operational") == (promote.has_verdict, promote.promote_on)
    assert "decide" in promote.upstream_task_ids
    assert {"ask", "create"} == reviewed.upstream_task_ids
    assert "creation_time" in reviewed.creation_time


@needs_a_person
def test_every_task_is_tried_again(recipe):
    """Every task has retries, so that a lost process does not fail the run."""
    assert {3} == {task.retries for task in recipe.tasks}


@needs_a_person
def test_the_experiment_lives_until_the_answer(recipe):
    """The experiment lasts longer than the wait for an answer: once it ends, AWS cannot promote."""
    create, analysis, ask = map(recipe.get_task, ("create", "analysis", "ask"))
    window = parse_duration(analysis.duration)
    assert timedelta(seconds=analysis.min_remaining) > ask.response_timeout
    assert parse_duration(create.duration) > window + timedelta(seconds=analysis.min_remaining)


def test_the_registry_approves_without_a_person():
    """The recipe with the model registry needs no feature of new Airflow versions."""
    names = {"PromoteShadowVariantOperator": PromoteShadowVariantOperator}
    promote = run("approval", create=SimpleNamespace(output="theirs"), **names)["promote"]
    assert promote.require_approved_model_package is True


def test_the_page_names_the_link_and_the_error_that_there_are():
    """The page uses the real names of the link and of the error."""
    assert f'"{ReportLink.name}"' in TEXT
    assert "the next try judges the same window" in TEXT
    assert ReportNotWrittenError.retriable
