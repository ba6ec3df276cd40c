"""The documentation's example of a user's project, as it stands, in a new folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = "".join(
    (ROOT / page).read_text()
    for page in ("README.md", "docs/quickstart.md", "docs/testing-your-dags.md")
)
#: Each runs two whole rollouts in an Airflow of its own.
pytestmark = pytest.mark.thorough


def block(kind: str) -> str:
    """Return the one block of a kind."""
    [text] = re.findall(rf"<!-- {re.escape(kind)} -->\n```\w+\n(.*?)```\n", PAGE, re.DOTALL)
    return text


@pytest.fixture
def project(tmp_path):
    """Write the files of the documentation's example, nothing else."""
    for folder in ("dags", "tests"):
        (tmp_path / folder).mkdir()
    dag = block("example_dags/promote_churn.py")
    if version("apache-airflow") < "3":  # as the README says
        dag = dag.replace("from airflow.sdk import DAG", "from airflow import DAG")
    (tmp_path / "dags/promote_churn.py").write_text(dag)
    for name in ("conftest.py", "tests/test_promote_churn.py"):
        (tmp_path / name).write_text(block(f"a project's {name}"))
    return tmp_path


def stranger(folder: Path) -> dict[str, str]:
    """Return the environment of somebody without settings of Airflow and AWS, but for the proxy's.

    What they have instead leads nowhere, so that a test would fail that follows it.
    """
    theirs = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "AWS_", "PYTHON")) or name == "AWS_CA_BUNDLE"
    }
    nowhere = "postgresql://nobody@127.0.0.1:1/production"
    return {**theirs, "HOME": str(folder), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": nowhere}


def run(*command: str | Path, **options) -> str:
    """Run a command that must succeed and return what it says."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
        **options,
    )
    assert 0 == done.returncode, done.stdout[-6000:]
    return done.stdout


def test_a_dag_of_ones_own_is_tested_in_a_new_folder(project):
    """A good candidate is promoted and a bad one removed, with the three files of the page."""
    environment = {**stranger(project), "PYTHONPATH": str(ROOT)}
    said = run(sys.executable, "-m", "pytest", "-q", cwd=project, env=environment)
    assert "2 passed" in said
    assert not (project / "airflow").exists()


def test_answers_are_tested_in_the_same_way(project):
    """The example that compares answers removes a candidate that is fast and answers otherwise."""
    pytest.importorskip("duckdb", reason="the extra answers is not installed")
    example = (ROOT / "example_dags/rollout_on_answers.py").read_text()
    (project / "dags/rollout_on_answers.py").write_text(example)
    test = "tests/test_rollout_on_answers.py"
    (project / test).write_text(block(f"a project's {test}"))
    environment = {**stranger(project), "PYTHONPATH": str(ROOT)}
    said = run(sys.executable, "-m", "pytest", "-q", test, cwd=project, env=environment)
    assert "1 passed" in said


A_A_TEST = """
def test_nothing_differs(shadow_endpoint, shadow_client, shadow_emulator, run_dag):
    shadow_client("s3").create_bucket(Bucket="captures")
    fraud = shadow_endpoint("fraud", "fraud-v6")
    assert run_dag("aa_test", conf={"endpoint": "fraud"}).state == "success"
    assert (fraud.serves, fraud.shadows) == ("fraud-v6", [])
    calls = [one["operation"] for one in shadow_emulator.history() if one["kind"] == "call"]
    changes = ("Create", "Start", "Stop", "Delete")
    made = [calls.count(f"{verb}InferenceExperiment") for verb in changes]
    assert made == [1, 1, 1, 1]
"""


def test_a_model_is_tested_against_itself(project):
    """Each task of the example A/A test does what it is for, and no record is left."""
    pytest.importorskip("duckdb", reason="the extra answers is not installed")
    example = (ROOT / "example_dags/aa_test.py").read_text()
    (project / "dags/aa_test.py").write_text(example)
    (project / "tests/test_aa.py").write_text(A_A_TEST)
    environment = {**stranger(project), "PYTHONPATH": str(ROOT)}
    said = run(
        sys.executable, "-m", "pytest", "-q", "tests/test_aa.py", cwd=project, env=environment
    )
    assert "1 passed" in said
