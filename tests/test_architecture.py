"""Dependencies point one way, file by file: AWS and Airflow above, pure logic below."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from airflow_shadow.experiments.lifecycle import Status

ROOT = Path(__file__).resolve().parent.parent / "airflow_shadow"
#: Package -> the packages that it may import besides itself.
ARROWS = {
    "__init__": set(),
    "provider_info": {"__init__"},
    "text": set(),
    "exceptions": {"text"},
    "decision": {"exceptions", "text"},
    "request_model": {"text"},
    "experiments": {"exceptions", "text"},
    "analysis": {"exceptions", "experiments", "text"},
    "answers": {"analysis", "exceptions", "text"},
    "report": {"analysis"},
    "waiters": {"analysis", "exceptions", "experiments", "text"},
    "_compat": set(),
    "hooks": {
        "_compat",
        "analysis",
        "exceptions",
        "request_model",
        "experiments",
        "text",
        "waiters",
    },
    "triggers": {"_compat", "exceptions", "experiments", "hooks", "text", "waiters"},
    "steps": {
        "_compat",
        "analysis",
        "answers",
        "decision",
        "exceptions",
        "hooks",
        "experiments",
        "links",
        "operators",
        "report",
        "sensors",
        "request_model",
        "text",
        "triggers",
        "waiters",
    },
    "links": set(),
    "operators": {"_compat", "decision", "exceptions", "links", "text"},
    "sensors": {"_compat", "exceptions", "experiments", "links", "operators"},
    "rollout": {
        "_compat",
        "analysis",
        "decision",
        "exceptions",
        "steps",
        "experiments",
        "operators",
        "sensors",
        "text",
    },
    "emulator": set(),
    "conformance": {"__init__", "exceptions", "experiments", "hooks", "text", "waiters"},
    "cli": {
        "_compat",
        "__init__",
        "analysis",
        "conformance",
        "decision",
        "exceptions",
        "experiments",
        "hooks",
        "operators",
        "request_model",
        "rollout",
        "steps",
        "text",
        "waiters",
    },
}
#: What only functions import: a Dag file shall not pay for what its tasks need, nor a command for
#: the emulator.
LATER = {"operators": {"steps", "hooks"}, "sensors": {"steps"}, "cli": {"emulator"}}
#: What costs nothing, and so may be imported early in spite of that: two tables.
LIGHT = {"airflow_shadow.emulator.options", "airflow_shadow.emulator.settings"}
#: What only some packages may import from outside.
OUTSIDE = {
    # The emulator's fixtures run users' Dags; the emulator itself knows no Airflow.
    "airflow": {"_compat", "cli", "emulator", "hooks", "links", "operators", "sensors", "triggers"},
    "boto3": {"answers", "emulator"},
    "botocore": {"answers", "conformance", "request_model", "hooks", "emulator"},
    "duckdb": {"answers"},
    "moto": {"emulator"},
    "py4j": {"answers"},
    "pyspark": {"answers"},
}


@cache
def tree(file: Path) -> ast.Module:
    """Return the parsed source of a file."""
    return ast.parse(file.read_text())


@cache
def imported(file: Path, *, later: bool = False) -> set[str]:
    """Return the modules that a file imports when it is imported, or those of its functions.

    What only the type checker imports is left out.
    """
    found: set[str] = set()
    open_nodes: list[tuple[ast.AST, bool]] = [(tree(file), False)]
    while open_nodes:
        node, inside = open_nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import | ast.ImportFrom) and inside == later:
            base = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            found |= {f"{base}{alias.name}" for alias in node.names}
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        open_nodes += [(child, inside or is_function) for child in ast.iter_child_nodes(node)]
    return found


def files(package: str) -> list[Path]:
    """Return the source files of a package."""
    folder = ROOT / package
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [ROOT / f"{package}.py"]


def packages() -> set[str]:
    """Return the packages that there are."""
    return {
        path.stem
        for path in ROOT.iterdir()
        if path.suffix == ".py" or (path.is_dir() and list(path.glob("*.py")))
    }


def test_every_package_has_its_arrows():
    """Every package is listed with the packages that it may import."""
    assert set(ARROWS) == packages()


def reached(package: str, *, later: bool) -> set[str]:
    """Return the other packages that a package imports."""
    names = {name for file in files(package) for name in imported(file, later=later)}
    names = {name for name in names if name.rpartition(".")[0] not in LIGHT}
    inner = {tuple(name.split(".")[:2]) for name in names if name.startswith("airflow_shadow.")}
    return {part[1] if part[1] in ARROWS else "__init__" for part in inner} - {package}


@pytest.mark.parametrize("package", ARROWS)
def test_packages_import_only_along_the_arrows(package):
    """No package imports another one that it is not listed with."""
    assert set() == reached(package, later=False) - ARROWS[package]
    assert set() == reached(package, later=True) - ARROWS[package] - LATER.get(package, set())


@pytest.mark.parametrize("library", OUTSIDE)
def test_only_some_packages_know_a_library(library):
    """Only the listed packages import Airflow, boto3, botocore, DuckDB or moto."""
    knowing = {
        package
        for package in ARROWS
        for file in files(package)
        for name in imported(file) | imported(file, later=True)
        if name.split(".")[0] == library
    }
    assert set() == knowing - OUTSIDE[library]


def test_there_is_no_circle_of_files():
    """No file imports itself by way of others, apart from steps and the operators they serve."""
    names = {module_of(file): file for file in ROOT.rglob("*.py")}

    def below(name: str) -> set[str]:
        _, package, *_ = [*name.split("."), ""]
        later = set() if package in LATER else imported(names[name], later=True)
        found = imported(names[name]) | later
        return {each if each in names else each.rpartition(".")[0] for each in found} & {*names}

    graph = TopologicalSorter({name: below(name) - {name} for name in names})
    graph.prepare()  # raises CycleError, which names the circle


def module_of(file: Path) -> str:
    """Return the dotted name of a file's module."""
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def test_only_the_lifecycle_compares_statuses():
    """Outside `lifecycle`, a status is a member of `Status`, not a string in a comparison."""
    wrong = []
    for package in set(ARROWS) - {"emulator"}:
        for file in files(package):
            if file.name == "lifecycle.py":
                continue
            for node in ast.walk(tree(file)):
                if isinstance(node, ast.Compare):
                    words = {
                        n.value
                        for n in ast.walk(node)
                        if isinstance(n, ast.Constant) and isinstance(n.value, str)
                    }
                    if words & set(Status):
                        wrong.append(f"{file.name}:{node.lineno}")
    assert [] == wrong
