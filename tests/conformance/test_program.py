"""A run asks before it makes anything, and again before each stage."""

from __future__ import annotations

import json

import pytest

from airflow_shadow.conformance.checks import Outcome
from airflow_shadow.emulator import fleet
from tests.conformance.conftest import RUN, arguments, changed, left


@pytest.mark.parametrize(
    "argv", [[], ["--model", "a"], ["--model", "a", "--model", "a", "--role", fleet.ROLE_ARN]]
)
def test_two_models_and_a_role_are_needed(cli, emulator, argv):
    """Otherwise nothing is asked."""
    done = cli("conformance", *argv)
    assert (1, True) == (done.code, "--model A --model B" in done.err)


def test_an_unknown_model_is_an_error(cli, models, tmp_path, emulator):
    """Before anything is made."""
    told = [*arguments(tmp_path), "--only", "unknown-name"]
    told[told.index("model-b")] = "nope"
    done = cli("conformance", *told)
    assert (1, True) == (done.code, "no such model" in done.err)


def test_each_stage_is_asked_for_with_its_costs(cli, models, answer, tmp_path, sagemaker):
    """A no ends the run; what was not looked at is said to be so."""
    told = [word for word in arguments(tmp_path) if word != "--yes"]
    answer("y\nn")
    done = cli("conformance", *told)
    assert "no deployment. Go on? [y/N]" in done.err
    assert "1 deployment(s) of 30 min at most, on 4 x ml.m5.xlarge at most: 120 inst" in done.err
    ends = {one["check"]: one["outcome"] for one in json.loads(done.out)["checks"]}
    assert (str(Outcome.AS_ASSUMED), str(Outcome.UNSEEN)) == (
        ends["unknown-name"],
        ends["no-variants-yet"],
    )
    assert [] == left(sagemaker)


def test_without_a_terminal_nobody_agrees(cli, models, tmp_path, emulator):
    """Nothing is made without --yes."""
    done = cli("conformance", *[word for word in arguments(tmp_path) if word != "--yes"])
    assert (1, True) == (done.code, "Add --yes if that is meant" in done.err)
    assert [] == [name for name in changed(emulator) if name.startswith(RUN)]
