"""The console script: what it prints, where it looks for connections, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from airflow.providers_manager import ProvidersManager

from airflow_shadow import __version__
from airflow_shadow.cli.__main__ import main, make_parser
from airflow_shadow.cli.commands import COMMANDS
from airflow_shadow.emulator import options
from airflow_shadow.operators.choices import Autoscaling, EndState, VerdictOutcome
from tests.cli.conftest import PROGRAM
from tests.helpers import somebodys

pytestmark = pytest.mark.http
ROOT = Path(__file__).resolve().parents[2]
NAMES = [command.name for command in COMMANDS]


def test_the_script_is_declared():
    """The name that is typed leads to `main`."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = declared["airflow-shadow"].partition(":")
    assert main is getattr(import_module(module), name)


def test_help_lists_each_command(cli):
    """One sentence each."""
    words = [line.split() for line in cli("--help").out.splitlines() if line.startswith("    ")]
    assert [] == sorted(set(NAMES) - {first for first, *_ in words})


@pytest.mark.parametrize("name", NAMES)
def test_each_command_has_help(cli, name):
    """Its arguments and what it does."""
    done = cli(name, "--help")
    assert (0, True) == (done.code, f"usage: airflow-shadow {name}" in done.out)


def test_the_version(cli):
    """That of the package."""
    assert f"{__version__}\n" == cli("--version").out


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["lsit"],
        ["list", "--output", "xml"],
        ["list", "--max-items", "0"],
        ["list", "--max-items", "many"],
        ["describe"],
        ["watch", "x", "--waiter-delay", "-1"],
        ["watch", "x", "--waiter-delay", "nan"],
        ["check", "x", "--ramp", "a,b"],
        ["skeleton", "delete"],
        ["promote", "x", "--promote-on", "hope"],
        ["emulator", "--pace", "fast"],
        ["emulator", "--speed", "1e9"],
    ],
)
def test_wrong_usage_is_2(cli, argv):
    """`argparse` says what is wrong, on standard error."""
    done = cli(*argv)
    assert (2, "", True) == (done.code, done.out, "error: " in done.err)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["list", "--max-items", "many"], "'many' is not a whole number, 1 or more"),
        (["watch", "x", "--waiter-delay", "nan"], "'nan' is not a number of seconds, 0 or more"),
        (["check", "x", "--ramp", "a,b"], "'a,b' is not a list of whole percentages"),
    ],
)
def test_wrong_numbers_are_told_in_words(cli, argv, said):
    """Not by the names of our functions, as `argparse` does by itself."""
    assert said in cli(*argv).err


def test_choices_are_those_of_the_package():
    """The light table of commands repeats a few names, which cannot drift apart."""
    settings = {
        (command.name, argument.flags[-1]): argument.settings.get("choices")
        for command in COMMANDS
        for argument in command.arguments
    }
    assert set(Autoscaling.__args__) == set(settings["promote", "--autoscaling"])
    assert set(EndState.__args__) == set(settings["remove", "--desired-state"])
    assert set(VerdictOutcome.__args__) == set(settings["analyze", "--fail-on"])


def test_a_missing_connection_is_an_error(cli, emulator):
    """A name that was given is not silently replaced by the machine's rights."""
    done = cli("list", "--aws-conn-id", "nope")
    assert (1, True) == (done.code, "Found: no such connection." in done.err)
    assert "correct --aws-conn-id" in done.err


def test_an_unreadable_connection_is_an_error(cli, emulator, monkeypatch):
    """It stands in the environment, so the machine's own rights are not meant."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type"')
    done = cli("list")
    assert (1, True) == (done.code, "holds no connection that Airflow can read" in done.err)


def test_no_region_at_all(cli, emulator):
    """What cannot be a region is none of the connection's address."""
    done = cli("list", "--region-name", "us east")
    assert (1, True) == (done.code, "Next: Correct --region-name, or the" in done.err)


def test_the_region_can_be_chosen(cli, churn, sagemaker):
    """Instead of the connection's."""
    somebodys(sagemaker)
    assert "[]\n" == cli("list", "-o", "json", "--region-name", "eu-west-1").out


@pytest.mark.parametrize("verify", ["false", "/nowhere/bundle.pem"])
def test_tls_settings_reach_the_client(cli, emulator, verify):
    """Over plain HTTP they change nothing."""
    assert 0 == cli("list", "--verify", verify).code


def test_verbose_shows_what_is_logged(cli, emulator):
    """Otherwise Airflow's lines are nobody's business."""
    assert "info: AWS Connection (conn_id='aws_default'" in cli("list", "-v").err
    assert "" == cli("list").err


def test_a_colour_is_for_terminals(cli, emulator, monkeypatch):
    """Elsewhere an error is plain text."""
    assert "\x1b[" not in cli("describe", "nope").err
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[" in cli("describe", "nope").err


# --- in a process of its own --------------------------------------------------------------


def test_an_empty_home_stays_empty(program, tmp_path):
    """Without Airflow set up there is no database, no folder, no log line: only the four lines."""
    done = program("list")
    asked, found, says, following = done.stderr.splitlines()
    assert (1, "") == (done.returncode, done.stdout)
    assert "Asked: credentials for AWS." == asked
    assert "Found: neither the connection nor the machine has credentials." == found
    assert "AWS says: Unable to locate credentials." == says
    assert following.startswith("Next: Set a connection (AIRFLOW_CONN_AWS_DEFAULT)")
    assert [] == list((tmp_path / "home").iterdir())


@pytest.mark.parametrize("command", ["watch", "analyze"])
def test_a_command_that_waits_does_not_wait_for_a_way_to_aws(program, command):
    """Without credentials, or with an address where nobody answers, it ends as others do."""
    done = program(command, "some-experiment")
    assert (1, "Asked: credentials for AWS.") == (done.returncode, done.stderr.splitlines()[0])
    nobody = {"region_name": "us-east-1", "endpoint_url": "http://127.0.0.1:9"}
    connection = {"conn_type": "aws", "login": "key", "password": "secret", "extra": nobody}
    done = program(command, "some-experiment", AIRFLOW_CONN_AWS_DEFAULT=json.dumps(connection))
    _, found, *_ = done.stderr.splitlines()
    assert (1, "Found: AWS could not be reached.") == (done.returncode, found)


def test_a_connection_from_the_environment(program, churn, sagemaker, emulator):
    """It needs no database."""
    somebodys(sagemaker)
    connection = os.environ["AIRFLOW_CONN_AWS_DEFAULT"]
    done = program("list", "-o", "json", AIRFLOW_CONN_AWS_DEFAULT=connection)
    assert ("", ["theirs"]) == (done.stderr, [row["name"] for row in json.loads(done.stdout)])


@pytest.mark.thorough
@pytest.mark.parametrize("options", [[], ["--aws-conn-id", ""]])
def test_credentials_of_boto3(program, churn, sagemaker, emulator, options):
    """Without a connection, boto3's own chain has credentials, region and address."""
    somebodys(sagemaker)
    boto3_own = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": emulator.url,
    }
    done = program("list", "-o", "plain", *options, **boto3_own)
    assert ("", True) == (done.stderr, "theirs" in done.stdout)


@pytest.mark.thorough
def test_a_missing_region_names_its_option(program):
    """The reason is in botocore's own words."""
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    assert "Next: Add --region-name" in program("list", **keys).stderr


def test_offline_commands_import_no_airflow():
    """Help and skeletons are there at once."""
    code = (
        "import sys; from airflow_shadow.cli.__main__ import main; main(['skeleton', 'stop']); "
        "print([m for m in ('airflow', 'boto3', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.splitlines()[-1]


def test_a_closed_pipe_is_quiet():
    """Who has read enough (`| head`) sees no trace of Python's."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, "skeleton", "stop"],
        stdout=writer,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # which hides it
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writer)
    assert (1, "") == (done.returncode, done.stderr)


def test_a_full_disk_is_an_error():
    """Of whatever the system refuses to write there are the usual lines, and no trace."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "skeleton", "stop"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    asked, found, following = done.stderr.splitlines()
    assert (1, "Asked: airflow-shadow skeleton.") == (done.returncode, asked)
    assert "Found: the system refused to read or write: No space left on device." == found
    assert following.startswith("Next: Correct that and run the command again")


def test_a_shell_can_complete(tmp_path):
    """As for `airflow`: argcomplete reads the line from the environment."""
    answers = tmp_path / "answers"
    line = "airflow-shadow pro"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answers),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    subprocess.run(PROGRAM, env={**os.environ, **asked}, check=True, timeout=60)
    assert "promote" == answers.read_text().strip()


@pytest.mark.thorough
def test_the_emulator_is_served_until_told_to_end():
    """Its address is the first line."""
    with subprocess.Popen(
        [*PROGRAM, "emulator", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as served:
        line = served.stdout.readline()
        served.send_signal(signal.SIGTERM)
        assert 0 == served.wait(timeout=30)
    assert re.fullmatch(r"airflow_shadow emulator at http://127\.0\.0\.1:\d+\n", line)


@pytest.mark.parametrize("missing", ["moto", "flask_cors"])
def test_without_its_extra_there_is_no_emulator(cli, monkeypatch, missing):
    """The error says what to install, also where moto is there without its server."""
    monkeypatch.setattr(options, "find_spec", lambda name: None if name == missing else name)
    done = cli("emulator")
    assert (1, True) == (done.code, "Next: pip install 'airflow-shadow[emulator]'" in done.err)
    assert f"Found: {missing} is not installed" in done.err


def test_a_taken_port_is_an_error(cli, emulator):
    """It says which one, and what to do."""
    done = cli("emulator", "--port", emulator.url.rpartition(":")[2])
    assert (1, True) == (done.code, "it cannot listen there" in done.err)


@pytest.mark.thorough
def test_airflow_has_the_same_commands(churn, sagemaker, airflow_db):
    """`airflow shadow list` is `airflow-shadow list`, from Airflow 3.2 on."""
    if not hasattr(ProvidersManager, "cli_command_functions"):
        pytest.skip("this Airflow takes no commands from providers")
    somebodys(sagemaker)
    airflow = Path(sys.executable).with_name("airflow")
    for argv, code in ((["list", "-o", "plain"], 0), (["describe", "nope"], 1)):
        done = subprocess.run(
            [airflow, "shadow", *argv], capture_output=True, text=True, check=False, timeout=120
        )
        assert code == done.returncode, done.stderr
        assert ("theirs" in done.stdout) is (code == 0)


def test_the_parser_takes_what_the_page_shows():
    """Each command in docs/command-line.md has arguments that exist."""
    text = (ROOT / "docs/command-line.md").read_text()
    shown = re.findall(r"^\$ airflow-shadow (.*)$", text, re.MULTILINE)
    parser = make_parser()
    for line in shown:
        parser.parse_args([word.strip("'\"") for word in re.findall(r"'[^']*'|\S+", line)])
    assert set(NAMES) == {line.split()[0] for line in shown}


def test_the_page_has_every_exit_code_and_option_group():
    """Each command has a heading of its own."""
    text = (ROOT / "docs/command-line.md").read_text()
    assert [] == [name for name in NAMES if f"## `{name}" not in text]
