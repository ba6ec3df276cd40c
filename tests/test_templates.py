"""What is rendered, and what is data."""

from __future__ import annotations

import json
from inspect import signature
from typing import Any

import pytest
from jinja2 import Environment
from jinja2.nativetypes import NativeEnvironment

from airflow_shadow import operators, sensors
from airflow_shadow._compat import AirflowFailException
from airflow_shadow.operators import CreateInferenceExperimentOperator as Create
from airflow_shadow.operators.rollout import (
    RolloutPlanOperator,
    RolloutRampOperator,
    RolloutResultOperator,
)
from airflow_shadow.sensors.rollout import RolloutAnalysisSensor
from tests.helpers import CREATE, fails
from tests.mapping import expanded

JINJA = "{{ 7 * 7 }}"
#: What `expand()` may get from an XCom, at every depth.
DEEP: list[Any] = [[JINJA], {"a": {"b": [JINJA]}}, {JINJA: JINJA}]
CLASSES = [
    *(getattr(operators, name) for name in operators.__all__),
    *(getattr(sensors, name) for name in sensors.__all__),
    RolloutAnalysisSensor,
    RolloutPlanOperator,
    RolloutRampOperator,
    RolloutResultOperator,
]
TEMPLATED = [(cls, field) for cls in CLASSES for field in cls.template_fields]


def needed(cls: Any, given: set[str]) -> dict[str, Any]:
    """Return something for each argument that the class demands."""
    names = [
        name
        for base in cls.__mro__
        if "__init__" in vars(base)
        for name, parameter in signature(vars(base)["__init__"]).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
    ]
    return {name: "text" for name in names if name not in {*given, "task_id"}}


def rendered(
    cls: Any, context: dict[str, Any] | None = None, env: Any = None, **arguments: Any
) -> Any:
    """Return a task that was rendered as Airflow does."""
    task = cls(task_id="task", **needed(cls, set(arguments)), **arguments)
    task.render_template_fields({"params": {}, **(context or {})}, env)
    return task


@pytest.mark.parametrize(
    ("cls", "field"), TEMPLATED, ids=[f"{cls.__name__}-{field}" for cls, field in TEMPLATED]
)
def test_what_expand_got_from_an_xcom_is_no_template(cls, field):
    """Templates in XComs are not rendered: whoever writes one could run code in the worker."""
    value = f"{JINJA}.html"  # what else is no report
    task = expanded(
        cls,
        lambda partial, output: partial.expand(**{field: output}),
        xcom=[value],
        **needed(cls, {field}),
    )
    assert value == getattr(task, field)


@pytest.mark.parametrize("value", DEEP)
def test_an_xcom_is_no_template_at_any_depth(value):
    """Templates inside an XCom's lists and mappings are not rendered either."""
    task = expanded(Create, lambda partial, output: partial.expand(tags=output), xcom=[value])
    assert value == task.tags


@pytest.mark.parametrize("value", [JINJA, *DEEP])
@pytest.mark.parametrize("one", [False, True])
def test_what_expand_kwargs_got_from_an_xcom_is_no_template(value, one):
    """What `expand_kwargs()` gets from an XCom is not rendered, though Airflow would do so."""
    given = {"tags": value}
    task = expanded(
        Create,
        lambda partial, output: partial.expand_kwargs([output] if one else output),
        xcom=given if one else [given],
        endpoint_name=JINJA,
    )
    assert (value, "49") == (task.tags, task.endpoint_name)


def test_what_the_author_wrote_beside_an_xcom_is_rendered():
    """What the Dag's author wrote beside an XCom is rendered."""
    task = expanded(
        Create,
        lambda partial, output: partial.expand(description=output, endpoint_name=[JINJA]),
        xcom=[JINJA],
        tags={JINJA: [JINJA]},
    )
    assert (JINJA, "49", {"49": ["49"]}) == (task.description, task.endpoint_name, task.tags)


def test_what_the_author_wrote_into_expand_kwargs_is_rendered():
    """What the Dag's author wrote into `expand_kwargs()` is rendered."""
    task = expanded(Create, lambda partial, _: partial.expand_kwargs([{"description": JINJA}]))
    assert "49" == task.description


# --- text stays text

STRUCTURES: list[Any] = [["it's", "a\nb"], {"version": "1.10", "list": ["no", "1e5"]}]


def test_text_keeps_its_form():
    """Text that looks like a number stays text, also where the Dag renders native types."""
    values = ["1.10", "00000e5", "no", "012"]
    tags = {f"key-{n}": f"{{{{ '{value}' }}}}" for n, value in enumerate(values)}
    tags["number"] = "{{ params.n }}"
    for env in (Environment(), NativeEnvironment()):
        assert [*values, "49"] == list(
            rendered(Create, {"params": {"n": 49}}, env=env, tags=tags).tags.values()
        )


@pytest.mark.parametrize("value", STRUCTURES)
@pytest.mark.parametrize(("cls", "field"), [(Create, "tags"), (RolloutAnalysisSensor, "spec")])
def test_a_template_may_render_to_a_structure(cls, field, value):
    """A structure is rendered as JSON text, which is read with the right types."""
    for env in (Environment(), NativeEnvironment()):
        given = {field: "{{ params.x }}"}
        task = rendered(cls, {"params": {"x": value}}, env=env, **given)
        assert value == json.loads(getattr(task, field))


# --- files

FILES = [(cls, field) for cls in CLASSES for field in cls.file_fields]
FILE_IDS = [f"{cls.__name__}-{field}" for cls, field in FILES]
SECRET = '{"auths": {"registry": {"auth": "c2VjcmV0"}}}'


@pytest.fixture
def secret(tmp_path):
    """Return the path of a secret file of the worker."""
    file = tmp_path / "docker.json"
    file.write_text(SECRET)
    return str(file)


@pytest.mark.parametrize(("cls", "field"), FILES, ids=FILE_IDS)
def test_a_path_from_a_form_is_not_read(cls, field, secret):
    """A path from a form is not read: it could be any file of the worker."""
    task = rendered(cls, {"params": {"path": secret}}, **{field: "{{ params.path }}"})
    assert secret == getattr(task, field)


@pytest.mark.parametrize(("cls", "field"), FILES, ids=FILE_IDS)
def test_a_path_from_an_xcom_is_not_read(cls, field, secret):
    """A path from an XCom is not read either."""
    task = expanded(
        cls,
        lambda partial, output: partial.expand(**{field: output}),
        xcom=[secret],
        **needed(cls, {field}),
    )
    assert secret == getattr(task, field)


@pytest.mark.parametrize("text", ["{{ '' }}docker.json", "{# #}docker.json", "{% set a=1 %}d.json"])
def test_a_template_names_no_file(text, tmp_path):
    """A path with a template in it is not read."""
    assert rendered(Create, tags=text).tags.endswith(".json")


def test_what_came_from_a_form_is_said_to_be_no_path(tasks, churn, secret):
    """The error says why the path was not read, and shows nothing of the file."""
    text = fails(
        AirflowFailException,
        tasks.run,
        Create,
        context={"params": {"path": secret}},
        **CREATE,
        tags="{{ params.path }}",
    )
    assert "A path is read only where the Dag's author wrote it" in text
    assert "c2VjcmV0" not in text


@pytest.mark.parametrize("text", ["see plan.json", "{{ 'see plan.json' }}"])
def test_a_text_that_ends_like_a_file_is_text(text):
    """Text such as "notes.json" stays text where no structure is expected."""
    assert "see plan.json" == rendered(Create, description=text).description
    assert ["see plan.json"] == rendered(Create, model_variants=[text]).model_variants


@pytest.mark.parametrize(
    "expand",
    [
        lambda partial, path: partial.expand(tags=[path]),
        lambda partial, path: partial.expand_kwargs([{"tags": path}]),
    ],
    ids=["expand", "expand_kwargs"],
)
@pytest.mark.parametrize("absolute", [False, True])
def test_a_path_of_the_author_is_read_in_a_mapped_task(expand, absolute, tmp_path):
    """A path is read in a mapped task, too, where Airflow's own template files are not."""
    (tmp_path / "tags.json").write_text('{"team": "{{ 6 * 7 }}"}')
    path = str(tmp_path / "tags.json") if absolute else "tags.json"
    task = expanded(Create, lambda partial, _: expand(partial, path), folder=tmp_path, config=path)
    assert ['{"team": "42"}'] * 2 == [task.tags, task.config]


def test_the_text_of_a_file_is_a_template(tmp_path):
    """A file's text is rendered once, and what it renders to is not read as a path."""
    file = tmp_path / "tags.yaml"
    file.write_text("{{ params.path }}")
    task = rendered(Create, {"params": {"path": "/etc/other.yaml"}}, tags=str(file))
    assert "/etc/other.yaml" == task.tags


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_no_reason_to_retry(tmp_path, content):
    """A file that cannot be read fails the task without a retry."""
    file = tmp_path / "tags.json"
    if content:
        file.write_bytes(content)
    text = fails(AirflowFailException, rendered, Create, tags=str(file))
    assert "Found: no such file on the Dag's template path" in text
