"""The distribution as Airflow and users meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points, metadata
from importlib.resources import files
from pathlib import Path

import airflow
import jsonschema
import pytest

from airflow_shadow import __version__
from airflow_shadow.provider_info import get_provider_info

ROOT = Path(__file__).resolve().parent.parent


def python(code: str, **options) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, **options
    )
    return done.stdout.strip().split("\n")[-1]  # Airflow may log before


def test_metadata_is_valid_against_airflows_own_schema():
    """The provider's metadata is valid; Airflow would not start with any other."""
    schema = Path(airflow.__file__).parent / "provider_info.schema.json"
    jsonschema.validate(get_provider_info(), json.loads(schema.read_text()))


def test_the_package_name_is_the_distributions():
    """Metadata and distribution have the same name; else every `airflow` command fails."""
    assert metadata("airflow-shadow")["Name"] == get_provider_info()["package-name"]
    assert [__version__] == get_provider_info()["versions"]


def test_the_entry_point_leads_to_the_metadata():
    """Airflow's entry point for providers returns the provider's metadata."""
    found = entry_points(group="apache_airflow_provider")
    ours = [entry for entry in found if entry.value.startswith("airflow_shadow.")]
    assert [get_provider_info()] == [entry.load()() for entry in ours]


@pytest.mark.thorough
def test_airflow_lists_the_provider():
    """`airflow providers get airflow-shadow` knows it, with its version."""
    done = subprocess.run(
        [
            Path(sys.executable).parent / "airflow",
            "providers",
            "get",
            "airflow-shadow",
            "-o",
            "json",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    listed = json.loads(done.stdout.strip().split("\n")[-1])
    assert ["airflow-shadow"] == [provider["Provider"] for provider in listed]


@pytest.mark.thorough
def test_every_listed_module_can_be_imported():
    """What the metadata names exists, and importing it works in a fresh process."""
    info = get_provider_info()
    rows = [row for kind in ("hooks", "operators", "sensors", "triggers") for row in info[kind]]
    modules = [module for row in rows for module in row["python-modules"]]
    assert "ok" == python(f"import {', '.join(modules)}; print('ok')")


def test_the_metadata_imports_neither_airflow_nor_boto3():
    """Loading the metadata, which each `airflow` command does, imports no library."""
    code = (
        "import sys, airflow_shadow.provider_info; "
        "print([m for m in ('airflow', 'boto3', 'botocore') if m in sys.modules])"
    )
    assert "[]" == python(code, cwd="/")


def test_a_dag_file_imports_no_trigger_module():
    """Importing operators and sensors imports no trigger, which only a task needs that defers."""
    code = (
        "import sys, airflow_shadow.operators, airflow_shadow.sensors; "
        "print([m for m in sys.modules if m.startswith('airflow_shadow.triggers')])"
    )
    assert "[]" == python(code)


def test_the_page_of_the_report_is_part_of_the_package():
    """The report's template and style sheet are files of the installed package."""
    kept = {file.name for file in files("airflow_shadow.report").iterdir()}
    assert {"macros.html.j2", "report.html.j2", "style.css"} <= kept


def test_only_who_makes_a_report_imports_jinja():
    """Importing `airflow_shadow.report` does not import Jinja2 yet."""
    code = (
        "import sys, airflow_shadow.report; "
        "print([m for m in sys.modules if m.startswith('jinja2')])"
    )
    assert "[]" == python(code)


def test_constraints_hold_no_addresses():
    """The constraints pin versions and name no address to download from."""
    pins = [line for file in ROOT.glob("constraints*.txt") for line in file.read_text().split("\n")]
    wrong = [
        pin for pin in pins if pin and not pin.startswith("#") and ("/" in pin or "==" not in pin)
    ]
    assert [] == wrong
