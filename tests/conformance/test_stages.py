"""Every belief has a check or a reason, and the emulator agrees with all of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_shadow.conformance.checks import Outcome
from airflow_shadow.conformance.not_checked import NOT_CHECKED
from airflow_shadow.conformance.stages import STAGES, names
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.assumed import ASSUMED
from tests.conformance.conftest import RUN, changed, left

CHECKS = [one for stage in STAGES for one in stage.checks]
#: Other people's things of the same account: an endpoint, and enough experiments for a second page.
THEIRS = [f"theirs-{number}" for number in range(11)]


def others(sagemaker: Any) -> None:
    """Let other people test on their own endpoints."""
    fleet.create_endpoint(sagemaker, endpoint_name=THEIRS[0], model_name="model-a")
    for name in THEIRS[1:]:
        config = f"{THEIRS[0]}-config"
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        while sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] != "InService":
            pass
    for name in THEIRS:
        sagemaker.create_inference_experiment(
            **fleet.experiment_request(
                name=name, endpoint_name=name, model_name="model-a", shadow_model_name="model-b"
            )
        )


def each(outcome: Outcome) -> dict[str, str]:
    """Return the outcomes of a run in which all checks have the same."""
    return {one.name: str(outcome) for one in CHECKS}


def test_every_belief_has_a_check_or_a_reason():
    """A new belief of the emulator without either fails here, and so does one that is gone."""
    checked = {one.belief for one in CHECKS if one.belief}
    assert set(ASSUMED) == checked | set(NOT_CHECKED)
    assert set() == checked & set(NOT_CHECKED)


def test_checks_have_names_of_their_own():
    """They are chosen by them; a check may have the name of the belief that it is about alone."""
    known = [one.name for one in CHECKS]
    assert sorted(set(known)) == sorted(known)
    about = {one.name: one.belief for one in CHECKS if one.name in ASSUMED}
    assert about == {name: name for name in about}


@pytest.mark.http
def test_the_emulator_does_what_is_assumed(conformance, emulator, sagemaker, tmp_path):
    """Every check agrees, nothing is left, and nothing of others was changed."""
    others(sagemaker)
    before = changed(emulator)
    done = conformance()
    assert each(Outcome.AS_ASSUMED) == done.outcomes, done.seen
    assert (0, "completely") == (done.code, done.record["ended"])
    assert [] == left(sagemaker)
    assert set() == {name for name in changed(emulator) - before if not name.startswith(RUN)}
    assert [f"{RUN}.json"] == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize("code", ["ConflictException", "ValidationException"])
def test_another_code_differs(conformance, emulator, code):
    """An emulator that answers otherwise is found out, by that check alone."""
    emulator.busy_code = code
    done = conformance()
    different = {name for name, outcome in done.outcomes.items() if outcome == Outcome.DIFFERS}
    assert (3, {"busy-code"}) == (done.code, different)
    assert code == done.seen["busy-code"]


def test_only_some_checks(conformance, sagemaker):
    """A check brings the steps that it looks at, and nothing else; a belief brings all of its."""
    done = conformance("--only", "desired-state", "--only", "page-size")
    steps = {"no-variants-yet", "create-shows-creating-only", "own-update"}
    assert {"desired-state", "page-size", *steps} == set(done.outcomes)
    assert [] == left(sagemaker)
    about = [one.name for one in CHECKS if one.belief == "wrong-status"]
    assert set(about) <= set(conformance("--only", "wrong-status").outcomes)


def test_cheap_checks_make_nothing(conformance, emulator):
    """Those of the first stage are reads and refusals."""
    assert 0 == conformance("--only", "unknown-name").code
    assert [] == [name for name in changed(emulator) if name.startswith(RUN)]


def test_an_unknown_name_is_refused(conformance):
    """A belief without a check says why there is none."""
    assert (1, True) == ((done := conformance("--only", "nope")).code, "--list" in done.err)
    assert NOT_CHECKED["event-ids"][:20] in conformance("--only", "event-ids").err


def test_the_list_asks_nobody(cli, monkeypatch):
    """It needs no connection, and has each check and each belief without one."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    listed = json.loads(cli("conformance", "--list", "-o", "json").out)
    assert len(CHECKS) + len(NOT_CHECKED) == len(listed)
    assert names() == {one[key] for one in listed for key in ("check", "belief")} - {
        "",
        *NOT_CHECKED,
    }
