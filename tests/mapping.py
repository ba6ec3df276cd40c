"""Expand a mapped operator as Airflow does, up to its rendered task."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_shadow._compat import BaseOperator
from tests.tasks import DAG, FakeDagRun, FakeTaskInstance, read

try:
    from airflow.sdk.definitions.xcom_arg import PlainXComArg, get_task_map_length
except ImportError:  # Airflow 2.11
    from airflow.models.xcom_arg import PlainXComArg

    get_task_map_length = None


class _Pulling(FakeTaskInstance):
    """A task instance that finds one XCom."""

    def xcom_pull(self, **_: Any) -> Any:
        return read(json.dumps(self.xcoms["return_value"]))

    def get_relevant_upstream_map_indexes(self, *_: Any, **__: Any) -> None:
        return None


def expanded(
    operator_class: Any,
    expand: Callable[[Any, Any], Any],
    *,
    xcom: Any = None,
    folder: Path | None = None,
    **partial: Any,
) -> Any:
    """Return the rendered task that a mapped operator becomes for its first entry.

    :param expand: makes the mapped operator of a partial one and the output of a task before
    :param xcom: what that task has returned
    :param folder: where files are looked for
    :param partial: arguments that are not expanded
    """
    searched = {"template_searchpath": str(folder)} if folder else {}
    with DAG("mapped", schedule=None, **searched) as dag, pytest.MonkeyPatch.context() as m:
        if get_task_map_length is None:  # it asks the database there
            m.setattr(PlainXComArg, "get_task_map_length", lambda *_, **__: 1)
        source = BaseOperator(task_id="source")
        mapped = expand(operator_class.partial(task_id="task", **partial), source.output)
        ti = _Pulling(map_index=0, xcoms={"return_value": xcom})
        context = {
            "dag": dag,
            "dag_run": FakeDagRun(),
            "expanded_ti_count": None,
            "params": {},
            "run_id": ti.run_id,
            "task": mapped,
            "ti": ti,
        }
        mapped.render_template_fields(context)
    return context["task"]
