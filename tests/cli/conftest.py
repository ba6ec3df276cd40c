"""The command line as a person uses it: arguments in, an exit code and two streams out."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_shadow.cli.__main__ import main
from airflow_shadow.emulator.behaviour import Behaviour
from tests.shadows import run_shadow

NAME = "theirs"
#: The console script; an environment that was installed before it existed has only the module.
SCRIPT = Path(sys.executable).with_name("airflow-shadow")
PROGRAM = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "airflow_shadow.cli"]


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys) -> Callable[..., Done]:
    """Run a command in this process; wrong usage, which ends the process, is its exit code."""

    def run(*argv: str) -> Done:
        capsys.readouterr()
        try:
            code = main(argv)
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


@pytest.fixture
def answer(monkeypatch) -> Callable[[str], None]:
    """Sit at a terminal and type an answer."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    return lambda text: monkeypatch.setattr(sys, "stdin", Terminal(f"{text}\n"))


@pytest.fixture
def program(tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the console script in an empty home, with an environment of what is given alone."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}

    def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        own = {"HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
        return subprocess.run(
            [*PROGRAM, *argv],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            env={**kept, **own, **environment},
        )

    return run


@pytest.fixture
def shadow(emulator, sagemaker) -> Callable[..., datetime]:
    """Run a shadow under traffic, for two hours unless said otherwise; return since when."""

    def run(
        *,
        hours: float = 2,
        sampling: int = 100,
        members: dict[str, Any] | None = None,
        **behaviour: Any,
    ) -> datetime:
        since = run_shadow(
            emulator, sagemaker, Behaviour(**behaviour), sampling=sampling, **(members or {})
        )
        emulator.clock.advance(timedelta(hours=hours))
        return since

    return run
