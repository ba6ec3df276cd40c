"""What is rendered, and what is data."""

from __future__ import annotations

from inspect import signature
from typing import Any

import pytest

from airflow_shadow import operators, sensors
from airflow_shadow.operators import CreateInferenceExperimentOperator as Create
from airflow_shadow.operators.rollout import (
    RolloutPlanOperator,
    RolloutRampOperator,
    RolloutResultOperator,
)
from airflow_shadow.sensors.rollout import RolloutAnalysisSensor
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


@pytest.mark.parametrize(
    ("cls", "field"), TEMPLATED, ids=[f"{cls.__name__}-{field}" for cls, field in TEMPLATED]
)
def test_what_expand_got_from_an_xcom_is_no_template(cls, field):
    """Whoever writes an XCom or fills in a form would run code in the worker otherwise."""
    task = expanded(
        cls,
        lambda partial, output: partial.expand(**{field: output}),
        xcom=[JINJA],
        **needed(cls, {field}),
    )
    assert JINJA == getattr(task, field)


@pytest.mark.parametrize("value", DEEP)
def test_an_xcom_is_no_template_at_any_depth(value):
    """A description in a list in a dict is data as well."""
    task = expanded(Create, lambda partial, output: partial.expand(tags=output), xcom=[value])
    assert value == task.tags


@pytest.mark.parametrize("value", [JINJA, *DEEP])
@pytest.mark.parametrize("one", [False, True])
def test_what_expand_kwargs_got_from_an_xcom_is_no_template(value, one):
    """All arguments of all tasks, or those of one; Airflow itself renders these."""
    given = {"tags": value}
    task = expanded(
        Create,
        lambda partial, output: partial.expand_kwargs([output] if one else output),
        xcom=given if one else [given],
        endpoint_name=JINJA,
    )
    assert (value, "49") == (task.tags, task.endpoint_name)


def test_what_the_author_wrote_beside_an_xcom_is_rendered():
    """Data in one argument makes no data of the others, and an entry of his own is his own."""
    task = expanded(
        Create,
        lambda partial, output: partial.expand(description=output, endpoint_name=[JINJA]),
        xcom=[JINJA],
        tags={JINJA: [JINJA]},
    )
    assert (JINJA, "49", {"49": ["49"]}) == (task.description, task.endpoint_name, task.tags)


def test_what_the_author_wrote_into_expand_kwargs_is_rendered():
    """As Airflow does."""
    task = expanded(Create, lambda partial, _: partial.expand_kwargs([{"description": JINJA}]))
    assert "49" == task.description
