"""Public names say what they take and what can go wrong; assertions say first what they expect."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from airflow_shadow import links, operators, sensors
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.triggers.inference_experiment import InferenceExperimentTrigger

CALLS_NOTHING = {operators.ShadowVerdictBranchOperator}
PUBLIC = [
    *(getattr(operators, name) for name in operators.__all__),
    *(getattr(sensors, name) for name in sensors.__all__),
]


TESTS = Path(__file__).parent


def own_arguments(cls: type) -> set[str]:
    """Return the arguments that our classes add to Airflow's own."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("airflow_shadow.")]
    found: set[str] = set()
    for base in ours:
        if "__init__" in vars(base):
            found |= set(inspect.signature(vars(base)["__init__"]).parameters)
    return found - {"self", "args", "kwargs"}


def documented(cls: type) -> str:
    """Return the docstrings of a class and of our bases of it."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("airflow_shadow.")]
    return "\n".join(base.__doc__ or "" for base in ours)


@pytest.mark.parametrize("cls", [*PUBLIC, InferenceExperimentTrigger])
def test_every_argument_is_documented(cls):
    """Each argument has its `:param`, with its unit where it has one."""
    missing = [name for name in own_arguments(cls) if f":param {name}:" not in documented(cls)]
    assert [] == sorted(missing)


@pytest.mark.parametrize("cls", PUBLIC)
def test_every_argument_has_a_type(cls):
    """Every argument of a public class has a type in the signature."""
    for base in cls.__mro__:
        if base.__module__.startswith("airflow_shadow.") and "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters
            untyped = [
                name
                for name, parameter in parameters.items()
                if name != "self" and parameter.annotation is inspect.Parameter.empty
            ]
            assert [] == untyped


@pytest.mark.parametrize("cls", PUBLIC)
def test_errors_and_the_operation_of_aws_are_named(cls):
    """A reader sees what can be raised, and which call of AWS it is."""
    assert ":raises" in documented(cls)
    assert cls in CALLS_NOTHING or re.search(r"\([A-Z]\w+(, [A-Z]\w+)*\)|Describe\w+", cls.__doc__)


@pytest.mark.parametrize("cls", PUBLIC)
def test_templated_arguments_are_marked(cls):
    """Each templated argument is described as `(templated)`."""
    text = " ".join(documented(cls).split())
    for name in set(cls.template_fields) & own_arguments(cls):
        described = text.split(f":param {name}:")[1].split(":param")[0].split(":raises")[0]
        assert "templated)" in described, name


def test_the_hook_and_the_links_are_documented():
    """Each public method of the hook and each link has its sentence."""
    methods = [
        value
        for name, value in vars(InferenceExperimentHook).items()
        if not name.startswith("_") and inspect.isfunction(value)
    ]
    named = [*methods, *(getattr(links, name) for name in links.__all__)]
    assert [] == [value.__qualname__ for value in named if not value.__doc__]


def is_literal(node: ast.AST) -> bool:
    """Tell whether a piece of code is made of constants only."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):
        return False
    return True


def is_turned_round(node: ast.AST) -> bool:
    """Tell whether an assertion has what it expects on the right, instead of on the left."""
    return (
        isinstance(node, ast.Assert)
        and isinstance(node.test, ast.Compare)
        and len(node.test.ops) == 1
        and isinstance(node.test.ops[0], ast.Eq | ast.NotEq)
        and is_literal(node.test.comparators[0])
        and not is_literal(node.test.left)
    )


def test_what_is_expected_stands_on_the_left():
    """An assertion is `expected == actual`, so that every failure reads the same way."""
    wrong = [
        f"{file.relative_to(TESTS)}:{node.lineno}"
        for file in TESTS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if is_turned_round(node)
    ]
    assert [] == sorted(wrong)
