"""Dependencies point one way (design: one room for AWS, one for Airflow, pure logic below)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from airflow_shadow.lifecycle import Status

PACKAGE = Path(__file__).resolve().parent.parent / "airflow_shadow"
#: Room -> the rooms that it may import besides itself.
ARROWS = {
    "__init__": set(),
    "provider_info": {"__init__"},
    "text": set(),
    "exceptions": {"text"},
    "decision": {"exceptions", "text"},
    "service_model": {"text"},
    "lifecycle": set(),
    "ownership": {"lifecycle"},
    "analysis": {"exceptions", "lifecycle", "text"},
    "report": {"analysis"},
    "waiting": {"analysis", "exceptions", "lifecycle", "text"},
    "_compat": set(),
    "hooks": {"_compat", "analysis", "exceptions", "service_model", "lifecycle", "text", "waiting"},
    "triggers": {"_compat", "exceptions", "hooks", "waiting"},
    "flows": {
        "_compat",
        "analysis",
        "decision",
        "exceptions",
        "hooks",
        "lifecycle",
        "links",
        "ownership",
        "report",
        "service_model",
        "text",
        "triggers",
        "waiting",
    },
    "links": set(),
    "operators": {
        "_compat",
        "analysis",
        "decision",
        "exceptions",
        "flows",
        "hooks",
        "links",
        "text",
    },
    "sensors": {"_compat", "analysis", "exceptions", "flows", "links", "operators"},
    "rollout": {
        "_compat",
        "analysis",
        "exceptions",
        "flows",
        "lifecycle",
        "operators",
        "sensors",
        "text",
    },
    "emulator": set(),
}
#: What only some rooms may import from outside.
OUTSIDE = {
    "airflow": {"_compat", "hooks", "links", "operators", "sensors", "triggers"},
    "boto3": {"emulator"},
    "botocore": {"service_model", "hooks", "emulator"},
    "moto": {"emulator"},
}


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files(room: str) -> list[Path]:
    """Return the source files of a room."""
    folder = PACKAGE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]


def rooms() -> set[str]:
    """Return the rooms that there are."""
    return {
        path.stem
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path.is_dir() and list(path.glob("*.py")))
    }


def test_every_room_has_its_arrows():
    """A new room must say what it may import."""
    assert set(ARROWS) == rooms()


@pytest.mark.parametrize("room", ARROWS)
def test_rooms_import_only_along_the_arrows(room):
    """Inside the package dependencies point one way."""
    names = {name for file in files(room) for name in imported(file)}
    inner = {tuple(name.split(".")[:2]) for name in names if name.startswith("airflow_shadow.")}
    reached = {part[1] if part[1] in ARROWS else "__init__" for part in inner}
    assert set() == reached - ARROWS[room] - {room}


@pytest.mark.parametrize("library", OUTSIDE)
def test_only_some_rooms_know_a_library(library):
    """AWS is called through hooks, and the pure rooms know neither Airflow nor AWS."""
    knowing = {
        room
        for room in ARROWS
        for file in files(room)
        for name in imported(file)
        if name.split(".")[0] == library
    }
    assert set() == knowing - OUTSIDE[library]


def test_there_is_no_circle():
    """Following the arrows never leads back."""

    def below(room: str, path: tuple[str, ...] = ()) -> None:
        assert room not in path, f"circle: {' -> '.join((*path, room))}"
        for other in ARROWS[room] - {"__init__"}:
            below(other, (*path, room))

    for room in ARROWS:
        below(room)


def test_only_the_lifecycle_compares_statuses():
    """Outside `lifecycle`, a status is a member of `Status`, not a string in a comparison."""
    wrong = []
    for room in set(ARROWS) - {"lifecycle", "emulator"}:
        for file in files(room):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Compare):
                    words = {
                        n.value
                        for n in ast.walk(node)
                        if isinstance(n, ast.Constant) and isinstance(n.value, str)
                    }
                    if words & set(Status):
                        wrong.append(f"{file.name}:{node.lineno}")
    assert [] == wrong
