"""`validate` and `skeleton`: nothing of them needs AWS."""

from __future__ import annotations

import io
import json
import sys

import pytest
import yaml

from airflow_shadow.text.messages import short_repr
from tests.helpers import input_shape

SPEC = """
criteria:
- {name: latency, metric: ModelLatency, statistic: Average, tolerance: 0.1}
"""
BAD = """
criteria:
- {name: latency, metric: ModelLatency, statistic: Average, tolerance: lots}
- {nme: errors}
alpha: 2
planed_looks: 3
"""
OPERATIONS = {
    "create": "CreateInferenceExperiment",
    "update": "UpdateInferenceExperiment",
    "stop": "StopInferenceExperiment",
}


@pytest.fixture
def file(tmp_path):
    """Write a file and return its path."""

    def write(text: str) -> str:
        path = tmp_path / "file.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_a_good_specification(cli, file):
    """It says how much is judged."""
    path = file(SPEC)
    done = cli("validate", path)
    expected = f"{path} is a valid specification: 1 criteria, 2 breakers, 0 outside criteria.\n"
    assert (0, expected) == (done.code, done.out)


def test_all_faults_are_found_at_once(cli, file):
    """Each has its path and a line of its own."""
    done = cli("validate", file(BAD))
    faults = [line.split(":")[0] for line in done.err.splitlines() if line.startswith("  - ")]
    assert 1 == done.code
    assert ["  - planed_looks", "  - criteria[0].tolerance", "  - criteria[1].nme"] == faults


def test_a_metric_without_a_source_is_a_fault(cli, file):
    """A mistyped name would never have data."""
    done = cli("validate", file(SPEC.replace("ModelLatency", "ModelLatncy")))
    assert (1, True) == (done.code, "no metric named 'ModelLatncy'" in done.err)


def test_own_metrics_are_known_from_their_file(cli, file, tmp_path):
    """`--metrics` says where CloudWatch has them."""
    metrics = tmp_path / "metrics.json"
    metrics.write_text(json.dumps({"Clicks": {"namespace": "Shop", "name": "Clicks"}}))
    path = file(SPEC.replace("ModelLatency", "Clicks"))
    assert 0 == cli("validate", path, "--metrics", str(metrics)).code


def test_standard_input_is_a_file(cli, monkeypatch):
    """As for most commands of a shell."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(SPEC))
    assert "- is a valid specification" in cli("validate", "-").out


@pytest.mark.parametrize(
    ("path", "why"), [("nowhere.yaml", "No such file or directory"), ("/", "Is a directory")]
)
def test_a_file_that_cannot_be_read(cli, path, why):
    """The system's reason is told."""
    done = cli("validate", path)
    assert (1, True) == (done.code, f"it cannot be read: {why}." in done.err)


def test_a_file_that_is_no_text(cli, tmp_path):
    """A model's weights, for instance."""
    (tmp_path / "model").write_bytes(b"\xff\xfe\x00")
    assert "it is no UTF-8 text" in cli("validate", str(tmp_path / "model")).err


@pytest.mark.parametrize("request_name", OPERATIONS)
@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_a_skeleton_has_every_field(cli, request_name, output, read):
    """Along botocore's shapes, so that a field that AWS adds is there, too."""
    found = read(cli("skeleton", request_name, "-o", output).out)
    assert paths(input_shape(OPERATIONS[request_name])) == names(found)


def paths(shape):
    """Return the fields of a shape, nested ones included."""
    if shape.type_name == "list":
        return [paths(shape.member)]
    if shape.type_name == "structure":
        return {name: paths(member) for name, member in shape.members.items()}
    return {"KEY": None} if shape.type_name == "map" else None


def names(value):
    """Return the fields of a value, nested ones included."""
    if isinstance(value, list):
        return [names(value[0])]
    if isinstance(value, dict):
        return {name: names(member) for name, member in value.items()}
    return None


def test_a_skeleton_chooses_nothing(cli):
    """What a Stop does to production is left to its author, whose choices are listed."""
    found = json.loads(cli("skeleton", "stop", "-o", "json").out)
    assert {"KEY": "Retain|Remove|Promote"} == found["ModelVariantActions"]


def test_a_skeleton_in_yaml_marks_what_is_required(cli):
    """As `aws --generate-cli-skeleton yaml-input` does."""
    lines = cli("skeleton", "create").out.splitlines()
    required = input_shape("CreateInferenceExperiment").required_members
    marked = [line.split(":")[0] for line in lines if line[0].isalpha() and "[REQUIRED]" in line]
    assert sorted(required) == sorted(marked)


@pytest.mark.parametrize("request_name", OPERATIONS)
def test_an_empty_skeleton_is_no_valid_request(cli, file, request_name):
    """All that must be filled in is named."""
    done = cli("validate", file(cli("skeleton", request_name).out), "--request", request_name)
    assert 1 == done.code
    assert "  - Name: " in done.err


def test_a_filled_in_request_is_valid(cli, file):
    """The same check as the operators make before they call AWS."""
    request = {
        "Name": "churn-2",
        "ModelVariantActions": {"AllTraffic": "Retain", "churn-v2": "Remove"},
        "DesiredState": "Cancelled",
    }
    done = cli("validate", file(yaml.safe_dump(request)), "--request", "stop")
    assert (0, True) == (done.code, "is a valid StopInferenceExperiment." in done.out)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Name: [1", "is neither JSON (Expecting value in line 1, column 1) nor YAML (expected"),
        ("[1, 2]", "is no mapping."),
        ("", "is neither a list nor a mapping."),
        ("[" * 60 + "]" * 60, "is nested too deeply."),
    ],
)
@pytest.mark.parametrize("option", ["--request", "--metrics"])
def test_a_file_that_is_no_mapping(cli, file, option, text, why):
    """Three lines: the file, what is wrong with its text and where, what belongs there."""
    path = file(text)
    done = cli("validate", path, *([option, "stop"] if option == "--request" else [option, path]))
    asked, found, following = done.err.splitlines()
    what = "StopInferenceExperiment" if option == "--request" else "metrics"
    assert (1, f"Asked: {what} in {short_repr(path)}.") == (done.code, asked)
    assert found.startswith(f"Found: the text {why}")
    assert following.startswith("Next: Give a file with JSON or YAML of a mapping")
