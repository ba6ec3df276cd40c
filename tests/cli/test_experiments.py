"""`list` and `describe`."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.helpers import somebodys, stop

pytestmark = pytest.mark.http


@pytest.fixture
def two(churn, sagemaker):
    """Let one experiment be over and another one run."""
    somebodys(sagemaker, "first")
    stop(sagemaker, "first", Reason="Seen enough.")
    somebodys(sagemaker, "second")


def names(text: str) -> list[str]:
    """Return the names in a list as JSON."""
    return [row["name"] for row in json.loads(text)]


def test_a_list_is_a_table(cli, two):
    """Each experiment has a line, the newest first."""
    done = cli("list")
    head, _, *rows = done.out.splitlines()
    assert (0, ["name", "status", "created", "ends", "reason"]) == (
        done.code,
        [cell.strip() for cell in head.split("|")],
    )
    assert ["second", "first"] == [row.split()[0] for row in rows if row.strip()]


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_a_list_for_programs(cli, two, output, read):
    """JSON and YAML hold the same rows."""
    first = read(cli("list", "-o", output).out)[-1]
    assert ("first", "Cancelled", "Seen enough.") == (
        first["name"],
        first["status"],
        first["reason"],
    )


def test_a_plain_list_can_be_piped(cli, two):
    """There are no lines but the rows."""
    _, *rows = cli("list", "--output", "plain").out.splitlines()
    assert ["second", "first"] == [row.split()[0] for row in rows]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--status", "Running"], ["second"]),
        (["--name-contains", "fir"], ["first"]),
        (["--endpoint-name", "churn"], ["second", "first"]),
        (["--endpoint-name", "other"], []),
    ],
)
def test_a_list_can_be_narrowed(cli, two, options, expected):
    """By status, name and endpoint."""
    assert expected == names(cli("list", "-o", "json", *options).out)


def test_a_long_list_is_cut_and_says_so(cli, two):
    """What is left out is told beside the list, not in it."""
    done = cli("list", "-o", "json", "--max-items", "1")
    assert (["second"], "There are more than 1; --max-items shows them.\n") == (
        names(done.out),
        done.err,
    )


def test_an_empty_list(cli, emulator):
    """Nothing is found, which is no error."""
    assert (0, "No data found\n") == (cli("list").code, cli("list").out)


def test_an_experiment_is_described(cli, two):
    """The table has what a person asks for first."""
    done = cli("describe", "first")
    facts = dict(line.split(" | ") for line in done.out.splitlines() if " | " in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    assert ("churn", "Cancelled (stopped by somebody)", "Seen enough.", "10") == (
        facts["endpoint"],
        facts["status"],
        facts["status_reason"],
        facts["sampling_percentage"],
    )


def test_a_description_for_programs_is_awss_own(cli, two):
    """JSON holds the fields of DescribeInferenceExperiment with their types."""
    described = json.loads(cli("describe", "second", "-o", "json").out)
    assert ("second", 10) == (
        described["Name"],
        described["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"],
    )


def test_an_unknown_name_is_an_error_in_four_lines(cli, emulator):
    """It says what was asked and found, where, AWS's reason, and what to do."""
    done = cli("describe", "nope")
    asked, found, says, following = done.err.splitlines()
    assert (1, "") == (done.code, done.out)
    assert "Asked: DescribeInferenceExperiment 'nope'." == asked
    assert "Found: no experiment named 'nope' in us-east-1 (connection 'aws_default')." == found
    assert says.startswith("AWS says: ResourceNotFound")
    assert following.startswith("Next: Check the name")


def test_square_brackets_are_no_markup(cli, churn, sagemaker):
    """Our marker in a reason is shown in a table."""
    somebodys(sagemaker, "first")
    stop(sagemaker, "first", Reason="No. [airflow-shadow:remove]")
    assert "[airflow-shadow:remove]" in cli("describe", "first").out
