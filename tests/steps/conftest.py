"""An operator that writes reports, and storages for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_shadow.exceptions import ReportNotWrittenError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.operators.base import ShadowOperator
from airflow_shadow.steps.report import write_report
from tests.helpers import somebodys
from tests.report import data

try:
    from airflow.sdk.io import store
except ImportError:  # Airflow 2.11
    from airflow.io import store

RUN = {"dag_id": "nightly", "run_id": "manual__2026-03-01"}


class ReportOperator(ShadowOperator):
    """Write a report, as the operators that judge do."""

    template_fields = ("report",)

    def __init__(self, *, report: str, start: float = data.START, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report = report
        self.start = start

    def execute(self, context):
        """Write what the tests of the report write."""
        return write_report(
            self,
            context,
            path=self.report,
            stages=[data.stage(start=self.start)],
            experiment=self.hook.describe_inference_experiment("theirs"),
            spec=data.SPEC,
        )


@pytest.fixture
def hook(emulator):
    """Return a hook on the emulator."""
    return InferenceExperimentHook()


@pytest.fixture
def write(worker, churn, sagemaker):
    """Write a report of a running experiment to a path."""
    somebodys(sagemaker)
    return lambda path, **more: worker.run(ReportOperator, report=str(path), ti=RUN, **more)


@pytest.fixture
def refused(write):
    """Return the error that a path leads to."""

    def refuse(path) -> ReportNotWrittenError:
        with pytest.raises(ReportNotWrittenError) as caught:
            write(path)
        return caught.value

    return refuse


@dataclass
class Storage:
    """Object storages in memory, each reached through its own connection."""

    monkeypatch: pytest.MonkeyPatch

    def attach(self, scheme: str, conn_id: str | None = None) -> MemoryFileSystem:
        """Return a storage that Airflow finds under this scheme and connection."""
        fs = type("Fs", (MemoryFileSystem,), {"store": {}, "pseudo_dirs": [""]})()
        alias = f"{scheme}-{conn_id}" if conn_id else scheme
        self.monkeypatch.setitem(
            store._STORE_CACHE, alias, store.ObjectStore(scheme, conn_id, fs=fs)
        )
        return fs


@pytest.fixture
def storage(monkeypatch):
    """Let Airflow find storages that need no server."""
    return Storage(monkeypatch)
