"""README and quickstart, walked as they stand: each command in a shell, each file as it is shown.

A checkout without anything installed lies beside an empty folder. `make walk` prints what each
command took; nothing fails for its time.
"""

from __future__ import annotations

import re
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.test_your_own_project import stranger

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"<!-- (?P<what>.*?) -->\n```(?P<kind>\w+)\n(?P<text>.*?)```\n", re.DOTALL)
IN_A_PROJECT, OF_A_PROJECT = "commands of a new project", "a project's "
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(version("apache-airflow") < "3.3", reason="once is enough"),
]


@pytest.fixture
def checkout(tmp_path):
    """Copy what git knows of this checkout, so that nothing of it is installed or built."""
    target = tmp_path / "airflow-shadow"
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    for name in filter(None, names.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
    return target


@pytest.fixture
def project(checkout):
    """Make the empty folder beside the checkout."""
    folder = checkout.with_name("project")
    folder.mkdir()
    return folder


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Return a page's blocks: what each is, its language and its text."""
    return BLOCK.findall((ROOT / page).read_text())


def shell(text: str, folder: Path) -> str:
    """Run each command of a block in bash, say how long it took, and return all that they said."""
    said = ""
    for command in re.sub(r"\\\n", "", text).splitlines():
        begin = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=stranger(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=1800,
        )
        print(f"{time.monotonic() - begin:6.1f} s  {command}")  # noqa: T201 - for `make walk`
        assert 0 == done.returncode, done.stdout[-6000:]
        said += done.stdout
    return said


def test_the_quickstart_leads_from_an_empty_folder_to_a_green_test(project):
    """Its commands and files make a project with the wheel, whose two rollouts are as they say."""
    said = ""
    for what, _, text in blocks("docs/quickstart.md"):
        if what.startswith(OF_A_PROJECT):
            (project / what.removeprefix(OF_A_PROJECT)).write_text(text)
        elif what.startswith(IN_A_PROJECT):
            said = shell(text, project)
    assert "2 passed" in said
    [installed] = project.glob(".venv/lib/*/site-packages/airflow_shadow/__init__.py")
    assert installed.read_text() == (ROOT / "airflow_shadow/__init__.py").read_text()


def test_the_commands_of_the_readme_work_in_a_new_checkout(checkout):
    """Each ends well, with what it installs by itself; both candidates are judged."""
    commands = [text for _, kind, text in blocks("README.md") if kind == "sh"]
    said = "".join(shell(text, checkout) for text in commands)
    told = ["The night of churn-20260301", "PASS", "FAIL"]
    assert told == [words for words in told if words in said]
