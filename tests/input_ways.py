"""The columns of the input matrix: ways of giving a task the same arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import yaml

from tests.input_rows import Row

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:  # Airflow 2.11
    from airflow.operators.empty import EmptyOperator

#: Not the default ones.
REGION, CONNECTION = "eu-west-1", "aws_matrix"
_SHARED = {"aws_conn_id": CONNECTION, "region_name": REGION}
#: Arguments that are no fields of the API, so they stand beside `config`.
_BESIDE = {
    "capture",
    "capture_kms_key",
    "shadow_model_name",
    "sampling_percentage",
    "shadow_variant_name",
    "start_time",
    "end_time",
    "duration",
}


@dataclass
class Given:
    """How a task is written.

    :param arguments: of the operator
    :param dag: arguments of the Dag
    :param context: more of the template context
    :param build: makes the task, like the operator's class
    :param ti: attributes of the task instance
    """

    arguments: dict[str, Any]
    dag: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    build: Callable[..., Any] | None = None
    ti: dict[str, Any] | None = None


def leaves(value: Any, change: Callable[[Any], Any], keys: Callable[[str], Any]) -> Any:
    """Return a value with its leaves and the keys of its mappings changed."""
    if isinstance(value, dict):
        return {keys(key): leaves(inner, change, keys) for key, inner in value.items()}
    if isinstance(value, list):
        return [leaves(inner, change, keys) for inner in value]
    return change(value)


def plain(value: Any) -> Any:
    """Return a value as JSON knows it."""
    return leaves(value, lambda leaf: leaf.isoformat() if isinstance(leaf, datetime) else leaf, str)


def in_text(value: Any) -> str:
    """Return a value as text: JSON for structures."""
    value = plain(value)
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def hider() -> tuple[dict[str, Any], Callable[[Any], str]]:
    """Return a context, and what puts a value there and returns its template."""
    context: dict[str, Any] = {}

    def hide(value: Any) -> str:
        context[f"in_{len(context)}"] = value
        return f"{{{{ in_{len(context) - 1} }}}}"

    return context, hide


def literal(row: Row, _: Any) -> Given:
    """Python values in the Dag file."""
    return Given(row.arguments | _SHARED)


def template(row: Row, _: Any) -> Given:
    """A template for every leaf and every key."""
    context, hide = hider()
    values = row.arguments | _SHARED
    return Given({k: leaves(v, hide, hide) for k, v in values.items()}, context=context)


def template_of_objects(row: Row, _: Any) -> Given:
    """A template for every argument as a whole, as in `tags="{{ params.tags }}"`."""
    context, hide = hider()
    values = row.arguments | _SHARED
    return Given({name: hide(value) for name, value in values.items()}, context=context)


def native(given: Callable[[Row, Any], Given]) -> Callable[[Row, Any], Given]:
    """Return the same way in a Dag that renders to Python objects."""

    def way(row: Row, folder: Any) -> Given:
        way = given(row, folder)
        way.dag = {"render_template_as_native_obj": True}
        return way

    return way


def _with_upstream(row: Row, change: Callable[[Any, Callable[[Any], Any]], Any]) -> Given:
    """Build the task beside one whose XComs are its arguments."""
    values = row.arguments | _SHARED

    def build(*, dag: Any, **others: Any) -> Any:
        upstream = EmptyOperator(task_id="upstream", dag=dag)
        xcoms.clear()

        def push(value: Any) -> Any:
            key = f"key_{len(xcoms)}"
            xcoms[key] = value
            return upstream.output[key]

        arguments = {name: change(value, push) for name, value in values.items()}
        if "name" in values:
            xcoms["return_value"] = values["name"]
            arguments["name"] = upstream.output
        return row.operator(dag=dag, **{**others, **arguments})

    xcoms: dict[str, Any] = {}
    return Given({}, {"tags": ["xcom"]}, {"xcoms": xcoms, "expanded_ti_count": None}, build)


def upstream(row: Row, _: Any) -> Given:
    """The output of an earlier task, `name=create.output` and `tags=earlier["tags"]`."""
    return _with_upstream(row, lambda value, push: push(value))


def upstream_in_structures(row: Row, _: Any) -> Given:
    """Outputs of an earlier task inside of structures."""
    return _with_upstream(row, lambda value, push: leaves(value, push, str))


def text(row: Row, _: Any) -> Given:
    """Text for numbers, times and structures, as from a form."""
    return Given({name: in_text(value) for name, value in (row.arguments | _SHARED).items()})


def _request(row: Row) -> dict[str, Any]:
    api = {name: value for name, value in row.arguments.items() if name not in _BESIDE}
    return {"".join(map(str.capitalize, name.split("_"))): api[name] for name in api}


def _beside(row: Row, config: Any) -> dict[str, Any]:
    beside = {name: row.arguments[name] for name in row.arguments.keys() & _BESIDE}
    return {"config": config, **beside, **_SHARED}


def config_dict(row: Row, _: Any) -> Given:
    """`config` as a dict."""
    return Given(_beside(row, _request(row)))


def config_json(row: Row, _: Any) -> Given:
    """`config` as JSON text."""
    return Given(_beside(row, json.dumps(plain(_request(row)))))


def config_yaml(row: Row, _: Any) -> Given:
    """`config` as YAML text."""
    return Given(_beside(row, yaml.safe_dump(plain(_request(row)))))


def _file(row: Row, folder: Any, name: str, content: str) -> Given:
    (folder / name).write_text(content)
    return Given(_beside(row, name), dag={"template_searchpath": str(folder)})


def json_file(row: Row, folder: Any) -> Given:
    """`config` as a JSON file on the template path."""
    return _file(row, folder, "request.json", json.dumps(plain(_request(row))))


def yaml_file(row: Row, folder: Any) -> Given:
    """`config` as a YAML file on the template path."""
    return _file(row, folder, "request.yaml", yaml.safe_dump(plain(_request(row))))


def default_args(row: Row, _: Any) -> Given:
    """Defaults of the Dag."""
    return Given({}, dag={"default_args": row.arguments | _SHARED})


class Mapped:
    """A mapped task whose only instance is run as Airflow runs it."""

    def __init__(self, operator: Any) -> None:
        self.operator = operator

    def render_template_fields(self, context: dict[str, Any]) -> None:
        """Unmap and render."""
        context |= {"dag": self.operator.dag}
        self.operator.render_template_fields(context)
        task = context["task"]
        self.execute, self.resume_execution = task.execute, task.resume_execution


def expand(row: Row, _: Any) -> Given:
    """`.partial()` with templates and `.expand()` with values."""
    context, hide = hider()
    names = sorted(row.arguments)
    mapped = {name: [row.arguments[name]] for name in names[::2]}
    fixed = {name: leaves(row.arguments[name], hide, hide) for name in names[1::2]} | _SHARED

    def build(*, task_id: str, dag: Any, **others: Any) -> Any:
        partial = row.operator.partial(task_id=task_id, dag=dag, **{**others, **fixed})
        return Mapped(partial.expand(**mapped))

    return Given({}, {"tags": ["mapped"]}, context, build, {"map_index": 0})


def without_xcom(row: Row, _: Any) -> Given:
    """`do_xcom_push=False`."""
    return Given({**row.arguments, **_SHARED, "do_xcom_push": False})


WAYS: dict[str, Callable[[Row, Any], Given]] = {
    "literal": literal,
    "template": template,
    "object": template_of_objects,
    "native": native(template),
    "native object": native(template_of_objects),
    "XComArg": upstream,
    "nested XComArg": upstream_in_structures,
    "text": text,
    "config dict": config_dict,
    "config JSON": config_json,
    "config YAML": config_yaml,
    ".json": json_file,
    ".yaml": yaml_file,
    "default_args": default_args,
    "expand": expand,
    "no XCom": without_xcom,
}
CONFIG = {"config dict", "config JSON", "config YAML", ".json", ".yaml"}
