"""A tool can follow what runs: from an operator to its steps, from step to step, to AWS."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "airflow_shadow"
STEPS = "steps"
MISSPELT = "misspelt"


def step_files() -> list[Path]:
    """Return the files whose classes read an operator's arguments."""
    files = sorted((PACKAGE / STEPS).glob("*.py"))
    return [file for file in files if "self.op." in file.read_text()]


@pytest.mark.thorough
def test_a_misspelt_argument_or_step_is_found(tmp_path):
    """With one argument and one step misspelt in each file, mypy reports every one."""
    pytest.importorskip("mypy")
    copy, wrong = shutil.copytree(PACKAGE, tmp_path / "airflow_shadow"), set()
    for file in step_files():
        text = file.read_text()
        for pattern in (r"(self\.op\.)(\w+)", r"(Wait\(\s*[^\n]*?,\s*self\.)(\w+)"):
            wrong |= {(file.name, f"{found[2]}_{MISSPELT}") for found in find_first(pattern, text)}
            text = re.sub(pattern, rf"\1\2_{MISSPELT}", text, count=1)
        (copy / STEPS / file.name).write_text(text)
    shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
    mypy = [sys.executable, "-m", "mypy", "--strict"]
    told = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    error = rf'^[\w/]*/(\w+\.py):.* error: .*"(\w+_{MISSPELT})"'
    assert wrong == {*re.findall(error, told, re.MULTILINE)}


def find_first(pattern: str, text: str) -> list[re.Match[str]]:
    """Return the first match, if there is one."""
    return [found for found in [re.search(pattern, text)] if found]


# --- a walk from an operator's execute to the calls of AWS --------------------------------


def names_in(node: ast.AST) -> set[str]:
    """Return all names and attributes that a piece of code mentions."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return names | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def definitions() -> dict[str, list[ast.AST]]:
    """Return all functions and methods of operators, steps, waiters and hooks, by name."""
    found: dict[str, list[ast.AST]] = {}
    for package in ("operators", "sensors", STEPS, "waiters", "hooks"):
        for file in (PACKAGE / package).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    found.setdefault(node.name, []).append(node)
    return found


def reached(start: str) -> set[str]:
    """Return the names of all definitions that a static walk from one comes to."""
    known = definitions()
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in known[name]:
            waiting += [each for each in names_in(node) if each in known]
    return seen


def test_a_walk_from_an_operator_reaches_aws():
    """Following names from `execute` leads to the call of AWS: none is hidden in a string."""
    assert {"_create", "create_inference_experiment", "call"} <= reached(
        "CreateInferenceExperimentOperator"
    )


def test_each_step_is_mentioned_where_it_is_next():
    """Every step is named in code, so a tool that looks for dead code reports none."""
    steps = {
        node.name
        for file in step_files()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        and any(
            ast.unparse(arg.annotation) == "WaitResult" for arg in node.args.args if arg.annotation
        )
    }
    mentioned = set().union(*(names_in(ast.parse(file.read_text())) for file in step_files()))
    assert "_create" in steps
    assert set() == steps - mentioned
