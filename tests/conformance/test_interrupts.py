"""Whatever ends a run, it leaves nothing, unless its clean-up was told twice to end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from typing import Any

import pytest

from airflow_shadow.cli import conformance as command
from airflow_shadow.conformance.clean_up import CleanUp
from airflow_shadow.conformance.interrupts import Interrupts
from tests.cli.conftest import PROGRAM
from tests.conformance.conftest import RUN, arguments, interrupt, left, pages


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


class Closing(io.RawIOBase):
    """A file, as of a connection, in whose destructor Ctrl-C comes."""

    def close(self) -> None:
        """Close it; what is raised here is dropped by Python."""
        if not self.closed:
            super().close()
            interrupt()


def test_a_signal_in_a_destructor_is_not_lost(conformance, at_call, sagemaker):
    """What it raises there nobody sees, so the next call to AWS ends the run."""
    at_call(24, lambda: (Closing(), None)[1])
    done = conformance()
    assert (130, []) == (done.code, left(sagemaker))


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


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def signals_at_each_step(request, monkeypatch):
    """Send a signal twice before each step of a clean-up; return its number."""
    act = CleanUp._act

    def disturbed(self: CleanUp, *args: Any) -> bool:
        for _ in range(2):
            os.kill(os.getpid(), request.param)
        return act(self, *args)

    monkeypatch.setattr(CleanUp, "_act", disturbed)
    return request.param


def test_a_clean_up_cut_short_ends_with_the_signals_code(
    cli, conformance, signals_at_each_step, sagemaker, tmp_path
):
    """Also where no signal ended the run, and where another process cleans up after it."""
    done = conformance("--only", "minimum-duration")
    assert (128 + signals_at_each_step, True) == (done.code, bool(left(sagemaker)))
    assert "completely; not all was deleted" == done.record["ended"]
    [journal] = tmp_path.glob("*.journal.json")
    again = cli("conformance", "--clean-up", str(journal), "--waiter-delay", "0", "--yes")
    assert 128 + signals_at_each_step == again.code


def test_what_is_left_is_told_whatever_comes(conformance, clean_up_with_signals, monkeypatch):
    """Ctrl-C while the commands are printed does not take them away."""
    clean_up_with_signals(2)
    left_of = command._left

    def disturbed(clean_up: CleanUp) -> str:
        for _ in range(3):
            interrupt()
        return left_of(clean_up)

    monkeypatch.setattr(command, "_left", disturbed)
    done = conformance()
    assert (130, "by a signal; not all was deleted") == (done.code, done.record["ended"])
    assert f"aws sagemaker delete-endpoint --region us-east-1 --endpoint-name {RUN}" in done.err


def test_a_signal_right_behind_the_last_one_changes_nothing():
    """It comes while the clean-up is ending, and is only answered."""
    said: list[str] = []
    interrupts = Interrupts(lambda: said.append("once more"))
    interrupts.begin_clean_up()
    interrupts.take(signal.SIGTERM, None)
    with pytest.raises(KeyboardInterrupt):
        interrupts.take(signal.SIGTERM, None)
    interrupts.take(signal.SIGTERM, None)
    interrupts.end_clean_up()
    interrupts.take(signal.SIGINT, None)
    interrupts.take(signal.SIGINT, None)
    assert (["once more"] * 2, 143) == (said, interrupts.exit_code)


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


def read_until(process: subprocess.Popen[str], begin: str) -> str:
    """Read what a process says up to a line that begins so."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(begin):
            return "".join(lines)
    raise AssertionError(f"It never said {begin!r}: {''.join(lines)}")


def until_held(emulator: Any, operation: str, process: subprocess.Popen[str]) -> None:
    """Wait until a call of the process is held."""
    while [operation] != [one["operation"] for one in emulator.holds.held()]:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


@pytest.mark.thorough
@pytest.mark.http
def test_a_process_ends_its_clean_up_when_it_is_told_twice(
    cli, models, emulator, sagemaker, tmp_path
):
    """One SIGTERM ends the run, the next one is answered, and one more leaves the endpoint."""
    calls = ("CreateInferenceExperiment", "DeleteEndpoint")
    for operation in calls:
        emulator.faults.add(kind="hold-before", operation=operation)
    with subprocess.Popen(
        [*PROGRAM, "conformance", *arguments(tmp_path), "--only", "minimum-duration"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            until_held(emulator, calls[0], running)
            running.send_signal(signal.SIGTERM)
            read_until(running, "Interrupted; cleaning up.")
            emulator.holds.let_go(drop=True)
            until_held(emulator, calls[1], running)
            [journal] = tmp_path.glob("*.journal.json")
            run = journal.name.removesuffix(".journal.json")
            running.send_signal(signal.SIGTERM)
            answer = read_until(running, "Cleaning up; once more leaves what is not deleted yet: ")
            assert (run in answer, None) == (True, running.poll())
            running.send_signal(signal.SIGTERM)
            said = running.stderr.read()
        finally:
            running.kill()  # if it is still there, for `with` waits for its end
    emulator.holds.let_go(drop=True)
    assert (143, True) == (running.returncode, run in left(sagemaker)), said
    assert "The clean-up was ended.\n" in said
    assert f"Delete it with:  airflow-shadow conformance --clean-up {journal}\n" in said
    told = ("--clean-up", str(journal), "--waiter-delay", "0", "--yes")
    assert (0, []) == (cli("conformance", *told).code, left(sagemaker))
    assert not journal.exists()
