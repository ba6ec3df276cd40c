"""`airflow-shadow conformance` against the emulator, which it must agree with in everything."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_shadow.conformance import lab as lab_module
from airflow_shadow.conformance import program
from airflow_shadow.conformance.checks import Outcome
from airflow_shadow.conformance.clean_up import CleanUp
from airflow_shadow.conformance.lab import Lab
from airflow_shadow.conformance.not_checked import NOT_CHECKED
from airflow_shadow.conformance.record import redacted
from airflow_shadow.conformance.stages import STAGES, names
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.assumed import ASSUMED
from tests.cli.conftest import PROGRAM

RUN = "shadow-conformance-test"
CHECKS = [one for stage in STAGES for one in stage.checks]
#: Other people's things of the same account: an endpoint, and enough experiments for a second page.
THEIRS = [f"theirs-{number}" for number in range(11)]


@pytest.fixture
def models(emulator, sagemaker, monkeypatch):
    """Have two models, and a name for the run that the test knows."""
    monkeypatch.setattr(program, "new_name", lambda: RUN)
    for model in ("model-a", "model-b"):
        fleet.create_model(sagemaker, name=model)


@pytest.fixture
def conformance(cli, models, tmp_path):
    """Run the program without pauses, with its files in a folder of its own."""

    def run(*argv: str) -> SimpleNamespace:
        done = cli("conformance", *arguments(tmp_path), *argv)
        record = tmp_path / f"{RUN}.json"
        found = json.loads(record.read_text()) if record.exists() else {"checks": []}
        outcomes = {one["check"]: one["outcome"] for one in found["checks"]}
        seen = {one["check"]: one["observed"] for one in found["checks"]}
        return SimpleNamespace(**vars(done), record=found, outcomes=outcomes, seen=seen)

    return run


def arguments(folder: Path) -> list[str]:
    """Return what each run is told."""
    told = ["--model", "model-a", "--model", "model-b", "--role", fleet.ROLE_ARN]
    return [*told, "--folder", str(folder), "--waiter-delay", "0", "--yes", "-o", "json"]


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


def left(sagemaker: Any) -> list[str]:
    """Return the names of all endpoints, experiments and configurations but others'."""
    listed = [
        *(one["Name"] for one in pages(sagemaker, "list_inference_experiments")),
        *(one["EndpointName"] for one in pages(sagemaker, "list_endpoints")),
        *(one["EndpointConfigName"] for one in pages(sagemaker, "list_endpoint_configs")),
    ]
    return [name for name in listed if not name.startswith("theirs")]


def pages(sagemaker: Any, method: str) -> list[dict[str, Any]]:
    """Return what a list holds."""
    answer = getattr(sagemaker, method)(MaxResults=100)
    return next(value for value in answer.values() if isinstance(value, list))


def changed(emulator: Any) -> set[str]:
    """Return the names of all that accepted calls were about."""
    return {event["name"] for event in emulator.history() if event["kind"] == "call"}


def each(outcome: Outcome) -> dict[str, str]:
    """Return the outcomes of a run in which all checks have the same."""
    return {one.name: str(outcome) for one in CHECKS}


# --- beliefs ------------------------------------------------------------------------------


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


# --- asking -------------------------------------------------------------------------------


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


def interrupt() -> None:
    """Press Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


# --- every end leaves nothing -------------------------------------------------------------


@pytest.fixture
def at_call(monkeypatch):
    """Do something right after the accepted change of a number."""

    def arrange(number: int, act: Any) -> None:
        calls, attempt = [], Lab.attempt

        def counted(self: Lab, operation: str, params: Any) -> str:
            code = attempt(self, operation, params)
            calls.append(operation)
            if len(calls) == number:
                act()
            return code

        monkeypatch.setattr(Lab, "attempt", counted)

    return arrange


@pytest.mark.parametrize(
    "number",
    [9, 27, 40]
    + [
        pytest.param(each, marks=pytest.mark.thorough)
        for each in (1, 7, 8, 17, 24, 30, 36, 42, 45, 50)
    ],
)
def test_ctrl_c_leaves_nothing(conformance, at_call, sagemaker, number):
    """After any call: models apart, the account is as before."""
    at_call(number, interrupt)
    done = conformance()
    assert (130, "by a signal") == (done.code, done.record["ended"])
    assert [] == left(sagemaker)
    assert {"model-a", "model-b"} == {one["ModelName"] for one in pages(sagemaker, "list_models")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_leave_nothing(conformance, at_call, sagemaker, number):
    """A scheduler that ends the process, a terminal that is closed."""
    at_call(24, lambda: os.kill(os.getpid(), number))
    done = conformance()
    assert (128 + number, []) == (done.code, left(sagemaker))


@pytest.fixture
def clean_up_with_signals(at_call, monkeypatch):
    """Interrupt a run while its experiment is Running, and its clean-up before it does anything."""

    def arrange(times: int) -> None:
        signals: list[int] = []

        def end() -> None:
            signals.extend([signal.SIGINT] * times)
            interrupt()

        act = CleanUp._act

        def disturbed(self: CleanUp, *args: Any) -> bool:
            while signals:
                os.kill(os.getpid(), signals.pop())
            return act(self, *args)

        monkeypatch.setattr(CleanUp, "_act", disturbed)
        at_call(27, end)

    return arrange


def test_a_second_ctrl_c_does_not_end_the_clean_up(conformance, clean_up_with_signals, sagemaker):
    """It is told what is still there."""
    clean_up_with_signals(1)
    done = conformance()
    assert (130, []) == (done.code, left(sagemaker))
    assert "once more leaves what is not deleted yet" in done.err


def test_a_third_ctrl_c_ends_it(cli, conformance, clean_up_with_signals, sagemaker, tmp_path):
    """What is left is named, with the commands; by the journal another process finds it."""
    clean_up_with_signals(2)
    done = conformance()
    [journal] = tmp_path.glob("*.journal.json")
    assert (130, True) == (done.code, RUN in left(sagemaker))
    assert f"airflow-shadow conformance --clean-up {journal}" in done.err
    assert f"aws sagemaker delete-endpoint --region us-east-1 --endpoint-name {RUN}" in done.err
    again = cli("conformance", "--clean-up", str(journal), "--waiter-delay", "0", "--yes")
    assert (0, [], False) == (again.code, left(sagemaker), journal.exists())


# --- faults -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["throttle", "server-error", "expired-token", "drop-before"])
def test_a_fault_that_stays_ends_the_run(conformance, emulator, sagemaker, monkeypatch, kind):
    """With a clean-up and four clear lines; what was not looked at is said to be so."""
    monkeypatch.setattr(lab_module, "PATIENCE", 0.2)
    emulator.faults.add(kind=kind, operation="UpdateInferenceExperiment", times=None, about="sched")
    done = conformance()
    assert (1, []) == (done.code, left(sagemaker))
    assert "Next: " in done.err
    assert done.record["ended"].startswith("with an error")
    assert "the run ended before" == done.seen["desired-state"]


@pytest.mark.parametrize("operation", ["CreateEndpoint", "CreateInferenceExperiment"])
@pytest.mark.parametrize("kind", ["drop-after", "throttle"])
def test_a_fault_that_passes_is_survived(conformance, emulator, sagemaker, kind, operation):
    """Even where AWS has acted and only its answer was lost."""
    emulator.faults.add(kind=kind, operation=operation, times=1)
    done = conformance("--only", "busy-code")
    assert ([], set()) == (left(sagemaker), set(done.outcomes.values()) & {"differs"})


@pytest.mark.parametrize("operation", ["CreateEndpoint", "UpdateEndpoint", "ListTags"])
def test_a_missing_right_is_named(conformance, emulator, sagemaker, operation):
    """What needs it could not be seen, the rest goes on; nothing is left that may be deleted."""
    emulator.faults.add(kind="access-denied", operation=operation, times=None)
    done = conformance()
    assert "access denied" in str(done.seen)
    assert "as assumed" == done.outcomes["unknown-name"]
    if operation == "ListTags":  # nothing proves whose it is
        assert (1, True) == (done.code, "access denied" in done.err)
    else:
        assert [] == left(sagemaker)


def test_what_cannot_be_deleted_is_named(cli, conformance, emulator, sagemaker, tmp_path):
    """With the commands; once it can be, the journal deletes it."""
    emulator.faults.add(kind="access-denied", operation="DeleteEndpoint", times=None)
    done = conformance("--only", "minimum-duration")
    assert (1, [RUN]) == (done.code, left(sagemaker))
    assert f"endpoint {RUN} (access denied" in done.err
    assert f"aws sagemaker delete-endpoint --region us-east-1 --endpoint-name {RUN}" in done.err
    assert done.record["ended"].endswith("not all was deleted")
    emulator.faults.clear()
    journal = str(tmp_path / f"{RUN}.journal.json")
    told = ("conformance", "--clean-up", journal, "--waiter-delay", "0", "--yes")
    wrong = cli(*told, "--region-name", "eu-west-1")
    assert (1, True) == (wrong.code, "Add --region-name us-east-1" in wrong.err)
    assert (0, []) == (cli(*told).code, left(sagemaker))
    assert (1, True) == ((gone := cli(*told)).code, "no journal of a run" in gone.err)


def test_what_somebody_else_put_in_its_place_stays(conformance, emulator, sagemaker, at_call):
    """An endpoint that lost the run's tag, made anew by another, is neither tested nor deleted."""

    def replace() -> None:
        sagemaker.delete_endpoint(EndpointName=RUN)
        sagemaker.create_endpoint(EndpointName=RUN, EndpointConfigName=f"{RUN}-config")

    at_call(26, replace)
    done = conformance()
    calls = [one for one in emulator.history() if one["kind"] == "call" and one["name"] == RUN]
    assert (1, True) == (done.code, RUN in left(sagemaker))
    assert "it has no tag of the run; it was not touched" in done.err
    assert ["CreateEndpoint", "DeleteEndpoint", "CreateEndpoint"] == [
        one["operation"] for one in calls
    ]


def test_an_endpoint_of_the_runs_name_is_not_touched(conformance, emulator, sagemaker):
    """The creation is refused, and what is there stays."""
    fleet.create_endpoint(sagemaker, endpoint_name=RUN, model_name="model-a")
    sagemaker.delete_endpoint_config(EndpointConfigName=f"{RUN}-config")
    before = sagemaker.describe_endpoint(EndpointName=RUN)
    conformance()
    after = sagemaker.describe_endpoint(EndpointName=RUN)
    assert before["LastModifiedTime"] == after["LastModifiedTime"]
    assert [RUN] == left(sagemaker)


# --- the record ---------------------------------------------------------------------------


def test_the_record_names_nobody(conformance, emulator):
    """No account, ARN, model, role, address or key, whatever AWS's texts have in them."""
    emulator.faults.add(kind="access-denied", operation="UpdateEndpoint", times=None)
    text = json.dumps(conformance().record)
    for secret in ("123456789012", "arn:", "model-a", "model-b", "AKIA", "127.0.0.1", "role/"):
        assert secret not in text, secret


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("User: arn:aws:sts::123456789012:assumed-role/x/me is not", "User: <arn> is not"),
        ("account 123456789012 has", "account <account> has"),
        ("key AKIAIOSFODNN7EXAMPLE", "key <key>"),
        ("at https://a.b/c?d in s3://bucket/x", "at <address> in <bucket>"),
        ("by me@example.org", "by <person>"),
        ("model churn-v10 and churn-v1", "model <B> and <A>"),
    ],
)
def test_secrets_are_taken_out(text, kept):
    """In any text of the record."""
    assert {"a": [kept]} == redacted({"a": [text]}, {"churn-v1": "<A>", "churn-v10": "<B>"})


# --- as a user runs it --------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.http
def test_a_process_that_is_told_to_end_leaves_nothing(models, emulator, sagemaker, tmp_path):
    """With a clock instead of reads, a signal comes while the endpoint is being made."""
    emulator.pace, emulator.clock.speed = "time", 600
    told = [word for word in arguments(tmp_path) if word not in {"-o", "json"}]
    with subprocess.Popen(
        [*PROGRAM, "conformance", *told], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as running:
        while not any(one.startswith("shadow-conf") for one in left(sagemaker)):
            assert running.poll() is None, running.stderr.read()
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        said = running.stderr.read()
    assert (143, []) == (running.returncode, left(sagemaker)), said


@pytest.mark.thorough
@pytest.mark.http
def test_a_process_that_was_killed_is_cleaned_up_after(cli, models, emulator, sagemaker, tmp_path):
    """By its journal, which was written before anything was made."""
    with subprocess.Popen(
        [*PROGRAM, "conformance", *arguments(tmp_path)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as running:
        while not any("-scheduled" in one for one in left(sagemaker)):
            assert running.poll() is None
            time.sleep(0.02)
        running.kill()
    [journal] = tmp_path.glob("*.journal.json")
    told = ("--clean-up", str(journal), "--waiter-delay", "0", "--yes")
    assert (0, []) == (cli("conformance", *told).code, left(sagemaker))
