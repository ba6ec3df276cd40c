"""The benchmark's second judge, for the tests that hold it against the first."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch) -> SimpleNamespace:
    """Import the benchmark's modules, which are scripts beside each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names = ("vector", "noise", "runs", "rivals", "answers")
    return SimpleNamespace(**{name: importlib.import_module(f"analysis_{name}") for name in names})


@pytest.fixture
def vector(bench):
    """Return the judge that the benchmark wrote a second time."""
    return bench.vector
