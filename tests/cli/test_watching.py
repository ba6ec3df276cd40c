"""`watch`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow.cli import watching
from airflow_shadow.hooks.polling import wait_for
from tests.cli.conftest import NAME
from tests.helpers import described, somebodys, stop

pytestmark = pytest.mark.http


@pytest.fixture
def watch(cli):
    """Watch the experiment without judging it."""
    return lambda *options: cli("watch", NAME, "--waiter-delay", "0.01", *options)


@pytest.fixture
def running(churn, sagemaker, emulator):
    """Let an experiment of two hours run."""
    return somebodys(
        sagemaker, NAME, Schedule={"EndTime": emulator.clock.now() + timedelta(hours=2)}
    )


def test_it_ends_with_the_experiment(watch, running, emulator):
    """Each change is a line, and the exit code tells a plain end from a promotion."""
    emulator.clock.speed = 7200
    done = watch("--no-verdict")
    first, *_, last, end = done.out.splitlines()
    assert (3, f"{NAME}: completed") == (done.code, end)
    assert "Running, 10 % of the requests since" in first
    assert first.endswith("left")
    assert last.endswith("Completed; over")


def promoted(sagemaker):
    """Promote the candidate as a person does."""
    actions = {"AllTraffic": "Remove", "churn-v2": "Promote"}
    variants = described(sagemaker, NAME)["ModelVariants"]
    shadow = {key: value for key, value in variants[1].items() if key != "Status"}
    stop(
        sagemaker,
        NAME,
        ModelVariantActions=actions,
        DesiredModelVariants=[shadow],
        DesiredState="Completed",
        Reason="Good.",
    )


@pytest.mark.parametrize(
    ("reason", "last"),
    [
        ("Enough.", "stopped by somebody (Enough.)"),
        ("Bad. [airflow-shadow:remove]", "removed by Airflow (Bad. [airflow-shadow:remove])"),
    ],
)
def test_the_exit_code_of_what_was_stopped(watch, running, sagemaker, reason, last):
    """Removed and stopped are 4, and the last line says why."""
    stop(sagemaker, NAME, Reason=reason)
    done = watch()
    assert (4, f"{NAME}: {last}") == (done.code, done.out.splitlines()[-1])


def test_the_exit_code_of_what_was_promoted(watch, running, sagemaker):
    """That is 0, as for any success."""
    promoted(sagemaker)
    done = watch()
    assert (0, f"{NAME}: promoted (Good.)") == (done.code, done.out.splitlines()[-1])


def test_a_broken_experiment_is_told_from_a_stopped_one(watch, churn, sagemaker, emulator):
    """Its exit code is 5."""
    emulator.faults.add(kind="fail-creation", reason="No capacity.")
    somebodys(sagemaker, NAME, rests="Cancelled")
    done = watch()
    assert (5, True) == (done.code, "broken (No capacity.)" in done.out)


@pytest.fixture
def ending(shadow, emulator):
    """Run a shadow under traffic that has two hours behind it and is about to end."""

    def run(**behaviour):
        end = emulator.clock.now() + timedelta(hours=3)
        shadow(members={"Schedule": {"EndTime": end}}, **behaviour)
        emulator.clock.speed = 3600

    return run


@pytest.mark.thorough
def test_the_evidence_so_far_is_shown(cli, ending):
    """Between planned looks nothing passes, but a FAIL shows at once."""
    ending(error_rate=0.05)
    done = cli("watch", NAME, "--waiter-delay", "0.01")
    assert "FAIL (operational metrics only): FAIL server errors" in done.out


@pytest.mark.thorough
def test_a_good_candidate_is_undecided_so_far(cli, ending):
    """It may pass at a planned look only, so the line has the numbers."""
    ending()
    out = cli("watch", NAME, "--waiter-delay", "0.01").out
    assert "% of the requests" in out
    assert "PASS" not in out
    assert "mean latency" in out


@pytest.mark.thorough
def test_metrics_that_may_not_be_read_end_no_watch(watch, ending, emulator):
    """The line says that the verdict is unknown."""
    ending()
    emulator.faults.add(kind="access-denied", operation="GetMetricData", times=None)
    done = watch()
    assert (3, True) == (done.code, "unknown: access denied" in done.out)


def test_on_a_terminal_it_is_a_live_view(watch, running, emulator, monkeypatch):
    """The view is drawn in place, and goes on until the end."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    emulator.clock.speed = 7200
    done = watch("--no-verdict")
    assert 3 == done.code
    for fact in ("theirs on endpoint churn", "time left", "AllTraffic: churn-v1, 2 x ml.m5.xlarge"):
        assert fact in done.out


def test_it_gives_up_in_time(watch, running, emulator):
    """An error says what was waited for; the experiment goes on."""
    done = watch("--no-verdict", "--waiter-timeout", "0s")
    assert (1, True) == (done.code, "when the deadline ran out" in done.err)


def test_an_unknown_name_is_an_error(watch, emulator):
    """As for all commands."""
    done = watch()
    assert (1, True) == (done.code, "Found: no experiment named 'theirs'" in done.err)


@pytest.mark.thorough
def test_a_lost_connection_ends_no_watch(watch, running, emulator, monkeypatch):
    """What passes by itself is waited out, once the experiment was seen."""

    def after_a_loss(*args, **settings):
        emulator.faults.add(kind="throttle", operation="DescribeInferenceExperiment", times=5)
        return wait_for(*args, **settings)

    monkeypatch.setattr(watching, "wait_for", after_a_loss)
    emulator.clock.speed = 7200
    assert 3 == watch("--no-verdict").code
