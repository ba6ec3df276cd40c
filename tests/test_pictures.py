"""The docs' pictures are there, are small, and show what there is."""

from __future__ import annotations

import json
import re
import runpy
from importlib.metadata import version
from pathlib import Path

import pytest

from airflow_shadow import __version__

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
NAMES = {"airflow-graph.png", "emulator.png", "report.png"}
MADE = json.loads((FOLDER / "made.json").read_text(encoding="utf-8"))
#: Bytes.
MOST = 200_000


def test_the_readme_shows_each_picture_with_words_for_it():
    """Every picture is in the README, with a text for those who do not see it."""
    shown = re.findall(r"!\[(.+?)\]\(docs/pictures/(.+?)\)", (ROOT / "README.md").read_text())
    assert NAMES == {file for _, file in shown} == {path.name for path in FOLDER.glob("*.png")}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_picture_is_small(name):
    """Each is a PNG that does not slow the page down."""
    content = (FOLDER / name).read_bytes()
    assert (b"\x89PNG", True) == (content[:4], len(content) < MOST)


def test_pictures_are_of_this_version():
    """Whoever changes the version runs `make pictures`, too."""
    assert __version__ == MADE["version"]


@pytest.mark.skipif(version("apache-airflow") < "3", reason="the pictures are of Airflow 3")
def test_the_graph_shows_the_tasks_of_the_example():
    """The example's Dag has the tasks that the graph shows."""
    dag = runpy.run_path(str(ROOT / "example_dags" / "rollout_on_answers.py"))["dag"]
    assert sorted(dag.task_ids) == MADE["tasks"]
