"""Every operator, given its arguments in every way that Airflow knows, sends the same request."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import boto3
import pytest

from airflow_shadow import operators
from airflow_shadow._compat import AirflowException
from airflow_shadow.emulator import Emulator, base_response, fleet
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)
from airflow_shadow.sensors import InferenceExperimentSensor
from airflow_shadow.steps.durations import PATIENCE
from tests.conftest import PASSWORD
from tests.helpers import CREATE, created, expire
from tests.input_rows import BEGIN, ROWS, Row
from tests.input_ways import CONFIG, CONNECTION, REGION, WAYS, Given
from tests.matrix import Cell, record
from tests.tasks import MODES, FakeTaskInstance, Run, Tasks

#: Their requests are written by the operator itself, or there is none.
WITHOUT_CONFIG = {
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
    InferenceExperimentSensor,
}

CELLS = list(product(ROWS, WAYS))
Wire = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Collect operation, region and body of each request as it arrives."""
    arrived: Wire = []
    perform = base_response.perform

    def recorded(response: Any, action: Any) -> Any:
        arrived.append((response.operation, response.region, json.loads(response.body)))
        return perform(response, action)

    monkeypatch.setattr(base_response, "perform", recorded)
    return arrived


@pytest.fixture(scope="module")
def abroad(emulator_server: Emulator) -> Any:
    """Return a plain client in a region that is not the connection's."""
    return boto3.client(
        "sagemaker",
        endpoint_url=emulator_server.url,
        region_name=REGION,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key=PASSWORD,
    )


@pytest.fixture
def client(emulator: Emulator, abroad: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set up an endpoint, and a connection to it that is not the default one."""
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", json.dumps(connection))
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    emulator.clock.speed = 0
    emulator.clock.advance(BEGIN - emulator.clock.now())
    for model in ("churn-v1", "churn-v2"):
        fleet.create_model(abroad, name=model)
    fleet.create_endpoint(abroad, endpoint_name="churn", model_name="churn-v1")
    return abroad


@pytest.fixture
def pulls(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Let the fake task instance find the XComs of an earlier task."""

    def give(xcoms: dict[str, Any]) -> None:
        pull = lambda _, *, task_ids, key, **__: {"upstream": xcoms}[task_ids][key]  # noqa: E731
        monkeypatch.setattr(FakeTaskInstance, "xcom_pull", pull, raising=False)
        indexes = "get_relevant_upstream_map_indexes"
        monkeypatch.setattr(FakeTaskInstance, indexes, lambda *_, **__: None, raising=False)

    return give


@dataclass
class Scene:
    """What a cell plays with."""

    client: Any
    wire: Wire
    pulls: Callable[[dict[str, Any]], None]


@pytest.fixture
def scene(client: Any, wire: Wire, pulls: Any) -> Scene:
    """Set up a cell."""
    return Scene(client, wire, pulls)


def changing(wire: Wire) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the changing requests, without the tags that tell whose experiment it is."""
    for operation, region, body in wire:
        assert REGION == region
        tags = [tag for tag in body.pop("Tags", []) if not tag["Key"].startswith("airflow-shadow:")]
        if not operation.startswith(("Describe", "List", "AddTags")):
            yield operation, body | ({"Tags": tags} if tags else {})


def exactly(value: Any) -> str:
    """Return text that tells 25 from 25.0, "25" and True."""
    return json.dumps(value, sort_keys=True, indent=1)


def refuses_config(row: Row) -> None:
    """Check that an operator, which writes its request itself, takes none."""
    with pytest.raises((AirflowException, TypeError), match="config"):
        row.operator(task_id="task", config={}, **row.arguments)


def run(row: Row, given: Given, mode: str) -> Run:
    """Run a task as it is given."""
    soon = {"poke_interval": 0.01, "timeout": 20} if not row.requests else {"waiter_timeout": 20}
    return Tasks(mode, dag=given.dag or {"tags": ["matrix"]}).run(
        given.build or row.operator, ti=given.ti, context=given.context, **soon, **given.arguments
    )


def sends_the_same(row: Row, done: Run, given: Given, wire: Wire) -> None:
    """Check requests, result and XComs."""
    assert exactly(row.requests) == exactly(list(changing(wire)))
    assert row.arguments["name"] == done.value
    pushed = given.arguments.get("do_xcom_push", True)
    assert ("experiment" in done.ti.xcoms, bool(done.ti.xcoms)) == (pushed, pushed)


def cell_of(row: Row, given: Given, column: str, mode: str, scene: Scene) -> str:
    """Check one cell and say in a word what came of it."""
    if column in CONFIG and row.operator in WITHOUT_CONFIG:
        refuses_config(row)
        return "takes none"
    row.scene(scene.client)
    scene.wire.clear()
    scene.pulls(given.context.get("xcoms", {}))
    done = run(row, given, mode)
    sends_the_same(row, done, given, scene.wire)
    assert (mode == "deferred") == bool(done.deferrals)
    return "same"


#: In `make test` these go every way, and each row as it is written and one way more.
WHOLE = {"Create in full", "Stop"}


def is_quick(row: str, column: str) -> bool:
    """Tell whether a cell is among those that hold each row and each way once at least."""
    turn = list(WAYS)[1 + list(ROWS).index(row)]
    return row in WHOLE or column in {"literal", turn}


def marked(row: str, column: str) -> Any:
    """Return a cell as pytest takes it; Python values in a Dag file go over HTTP."""
    marks = [] if is_quick(row, column) else [pytest.mark.thorough]
    return pytest.param(row, column, marks=[*marks, *[pytest.mark.http] * (column == "literal")])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("row", "column"), [marked(row, column) for row, column in CELLS])
def test_the_request_is_the_same(  # noqa: PLR0917 - three parameters and what pytest gives
    row, column, mode, scene, tmp_path, record_property
):
    """However arguments are given, AWS receives the same values with the same types."""
    cell = {"row": row, "column": column, "mode": mode}
    place = list(product(ROWS, WAYS, MODES)).index((row, column, mode))
    came = "differs"
    try:
        came = cell_of(ROWS[row], WAYS[column](ROWS[row], tmp_path), column, mode, scene)
    finally:
        record(record_property, Cell(title="Input matrix", place=place, **cell, came=came))


def parametrised() -> set[tuple[str, str, str]]:
    """Return the cells that pytest makes tests of."""
    marks = test_the_request_is_the_same.pytestmark
    given = {mark.args[0]: list(mark.args[1]) for mark in marks if mark.name == "parametrize"}
    cells = [cell.values for cell in given["row", "column"]]
    return {(row, column, mode) for (row, column), mode in product(cells, given["mode"])}


#: What judges sends nothing that is typed by AWS; tests/operators/test_analysis.py has its input.
SENDS_NO_REQUEST = {
    "CompareAnswersOperator",
    "ShadowAnalysisOperator",
    "ShadowVerdictBranchOperator",
}


def test_the_table_has_no_empty_cell():
    """Every operator is tested with every way of giving arguments, in both modes."""
    public = {*operators.__all__, InferenceExperimentSensor.__name__} - SENDS_NO_REQUEST
    assert public == {row.operator.__name__ for row in ROWS.values()}
    ways = (
        "literal, template, object, native, native object, XComArg, nested XComArg, text, "
        "config dict, config JSON, config YAML, .json, .yaml, default_args, expand, no XCom"
    )
    assert parametrised() == set(product(ROWS, ways.split(", "), ("worker", "deferred")))


@pytest.mark.parametrize("operator", sorted({row.operator.__name__ for row in ROWS.values()}))
def test_every_templated_argument_is_in_the_table(operator):
    """Every templated argument of an operator is used in a row of its own."""
    rows = [row for row in ROWS.values() if row.operator.__name__ == operator]
    given = {name for row in rows for name in row.arguments}
    shared = {"aws_conn_id", "region_name", "verify", "config", *PATIENCE}
    # No part of a request; test_promote_clearance.py and test_promote_verdict.py have their input.
    shared |= {"alarms", "require_approved_model_package", "verdict"}
    fields = set(rows[0].operator.template_fields)
    assert given == fields - shared
    assert ("config" in fields) == (rows[0].operator not in WITHOUT_CONFIG)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.usefixtures("churn")
def test_text_inside_of_an_object_keeps_its_characters(worker, native):
    """Quotes and backslashes in a run's `conf` reach AWS unchanged."""
    worker.dag = {"render_template_as_native_obj": native}
    words = 'it\'s \\a "test" é {{ 1 }}'
    conf = {"RoleArn": fleet.ROLE_ARN, "EndpointName": "churn", "Description": words}
    done = worker.run(
        CreateInferenceExperimentOperator,
        config="{{ conf }}",
        context={"conf": conf},
        shadow_model_name="churn-v2",
        sampling_percentage=10,
    )
    assert words == done.experiment["Description"]


@pytest.mark.parametrize("since", ["nothing", "expired"])
@pytest.mark.usefixtures("churn")
def test_a_dag_that_changes_between_two_tries_creates_nothing_new(
    worker, emulator, sagemaker, since
):
    """A retry adopts the experiment though the Dag's `retries` rose from 1 to 3 in between."""
    tries = {"ti": {"max_tries": 1}}
    first = worker.run(CreateInferenceExperimentOperator, **CREATE, **tries, retries=1)
    if since == "expired":
        expire(emulator, sagemaker, first.value)
    worker.run(CreateInferenceExperimentOperator, **CREATE, **tries, retries=3)
    assert [first.value] == created(emulator)
