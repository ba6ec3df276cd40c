"""`analyze`."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.cli.conftest import NAME
from tests.helpers import stop, tags_of

pytestmark = pytest.mark.http


def test_a_window_is_judged(cli, shadow):
    """The table of evidence, as in a task's log."""
    shadow()
    done = cli("analyze", NAME)
    headline, head, *_ = done.out.splitlines()
    assert (0, "PASS (operational metrics only)") == (done.code, headline)
    assert ["criterion", "outcome", "production", "shadow"] == head.split()[:4]


def test_a_verdict_for_programs(cli, shadow):
    """JSON holds what the operator returns."""
    shadow()
    verdict = json.loads(cli("analyze", NAME, "-o", "json").out)
    assert ("PASS", NAME, 100) == (
        verdict["outcome"],
        verdict["experiment"],
        verdict["sampling_percentage"],
    )


def test_any_window_can_be_asked_for(cli, shadow):
    """A begin and a length, or a begin and an end."""
    since = shadow(hours=3)
    begin, end = since.isoformat(), (since + timedelta(minutes=90)).isoformat()
    whole = json.loads(cli("analyze", NAME, "--since", begin, "--until", end, "-o", "json").out)
    same = json.loads(cli("analyze", NAME, "--since", begin, "--duration", "90m", "-o", "json").out)
    assert 5400 == whole["end"] - whole["start"]
    assert whole["findings"] == same["findings"]


def test_a_concluded_experiment_can_be_judged(cli, shadow, sagemaker, emulator):
    """Up to its end, as long as CloudWatch keeps the minutes."""
    shadow()
    stop(sagemaker, NAME)
    emulator.clock.advance(600)
    assert cli("analyze", NAME).out.startswith("PASS")


@pytest.mark.parametrize(("outcome", "code"), [("FAIL", 3), ("INCONCLUSIVE", 0)])
def test_an_outcome_can_be_an_exit_code(cli, shadow, outcome, code):
    """Without `--fail-on` every verdict is a success."""
    shadow(error_rate=0.05)
    done = cli("analyze", NAME, "--fail-on", outcome)
    assert (code, True) == (done.code, done.out.startswith("FAIL"))


def test_the_specification_is_a_file(cli, shadow, tmp_path):
    """JSON or YAML, as the operators read it."""
    path = tmp_path / "spec.yaml"
    path.write_text("min_duration: 12h")
    shadow()
    assert cli("analyze", NAME, "--spec", str(path)).out.startswith("INCONCLUSIVE")


def test_a_report_is_written_where_a_person_says(cli, shadow, tmp_path, monkeypatch):
    """Relative to where they are, and no Dag is named in it."""
    monkeypatch.chdir(tmp_path)
    shadow()
    done = cli("analyze", NAME, "--report", "reports/out.html")
    page = (tmp_path / "reports/out.html").read_text()
    assert f"Report: {tmp_path}/reports/out.html\n" == done.err
    assert (True, False) == (NAME in page, "Dag run" in page)


def test_curiosity_leaves_no_trace(cli, shadow, sagemaker, emulator):
    """No tag is written: an experiment has fifty, and its Dag needs them."""
    shadow()
    before = tags_of(sagemaker, NAME)
    cli("analyze", NAME)
    assert before == tags_of(sagemaker, NAME)
    assert [] == [event for event in emulator.history() if event.get("operation") == "AddTags"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--since", "yesterday"], "Found: not a time."),
        (["--since", "2001-01-01", "--until", "2000-01-01"], "the end is not after the start"),
        (["--duration", "3parsecs"], "not a duration"),
        (["--duration", "1h", "--until", "2030-01-01"], "two ends of one window"),
        (["--sampling-percentage", "much"], "not a number from 0 to 100"),
        (["--report", "report.pdf"], "it is no .html file"),
        (["--spec", "nowhere.yaml"], "it cannot be read"),
        (["--metrics", "nowhere.yaml"], "it cannot be read"),
    ],
)
def test_wrong_windows_are_refused(cli, shadow, options, found):
    """In four lines, not with a traceback."""
    shadow()
    done = cli("analyze", NAME, *options)
    assert (1, "") == (done.code, done.out)
    assert found in done.err


def test_an_unknown_outcome_is_wrong_usage(cli):
    """Closed choices are checked first."""
    assert 2 == cli("analyze", NAME, "--fail-on", "MAYBE").code


def test_an_unknown_experiment_is_told_with_its_place(cli, emulator):
    """As by the other commands: often the region is wrong, not the name."""
    done = cli("analyze", "nope")
    assert (1, True) == (done.code, "Found: no experiment named 'nope' in us-east-1 (" in done.err)
