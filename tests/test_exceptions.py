"""The tree of errors."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import pytest

from airflow_shadow import exceptions
from airflow_shadow.exceptions import ShadowError, error_from_dict


def tree(base):
    """Return a class and all below it."""
    return [base, *(cls for child in base.__subclasses__() for cls in tree(child))]


CLASSES = [cls for cls in tree(ShadowError) if cls.__module__ == exceptions.__name__]


def make(cls):
    """Return an error with facts."""
    return cls(asked="to run", found="it is broken", reason="No capacity.")


def drawn():
    """Return each name of the docstring's tree with the name above it."""
    above, parents = {-1: None}, {}
    for line in exceptions.__doc__.splitlines():
        if match := re.match(r"    ([ │├└─]*)(\w+Error)\b", line):
            depth = len(match[1]) // 5
            above[depth] = match[2]
            parents[match[2]] = above[depth - 1]
    return parents


def test_the_tree_is_drawn_as_it_is():
    """The docstring shows every class below the one that it extends."""
    parents = {cls.__name__: cls.__bases__[0].__name__ for cls in CLASSES if cls is not ShadowError}
    assert {"ShadowError": None, **parents} == drawn()


@pytest.mark.parametrize("cls", CLASSES)
def test_each_error_says_what_to_do(cls):
    """Every error class has a next step for whoever reads the log."""
    assert make(cls).next_step.endswith(".")
    assert f"Next: {make(cls).next_step}" in str(make(cls))


def test_messages_are_built_in_one_place():
    """So that all messages look alike, one line for each fact."""
    package = Path(exceptions.__file__).parent
    told = [file.name for file in package.rglob("*.py") if "Next: " in file.read_text()]
    assert ["exceptions.py"] == told


@pytest.mark.parametrize("cls", CLASSES)
def test_each_error_says_what_it_is(cls):
    """Each class has a docstring of its own, not the inherited one."""
    assert cls.__doc__
    assert cls.__doc__ not in {parent.__doc__ for parent in cls.__mro__[1:]}


@pytest.mark.parametrize("cls", CLASSES)
def test_each_error_pickles(cls):
    """Errors survive pickling, with which processes hand them to each other."""
    again = pickle.loads(pickle.dumps(make(cls)))
    assert (cls, str(make(cls)), make(cls).facts()) == (type(again), str(again), again.facts())


@pytest.mark.parametrize("cls", CLASSES)
def test_each_error_travels_as_json(cls):
    """Errors survive JSON, as which the triggerer sends them through Airflow's database."""
    again = error_from_dict(json.loads(json.dumps(make(cls).to_dict())))
    assert (cls, str(make(cls)), make(cls).facts()) == (type(again), str(again), again.facts())


def test_a_next_step_can_be_given():
    """An error may be raised with a next step of its own, which survives JSON, too."""
    error = ShadowError(asked="a", found="b", next_step="Wait.")
    assert "Asked: a.\nFound: b.\nNext: Wait." == str(error_from_dict(error.to_dict()))


@pytest.mark.parametrize("odd", ["\n", "\r", "\x1b", "\u2028", "\u202e", "\u200b", "\ud800"])
@pytest.mark.parametrize("fact", ["asked", "found", "reason", "next_step"])
def test_what_does_not_print_is_escaped_once(fact, odd):
    """Control characters in names and reasons are escaped: they could forge a line."""
    facts = {"asked": "a", "found": "b", "reason": "c", "next_step": "Wait."}
    error = ShadowError(**{**facts, fact: f"x{odd}Next: Promote"})
    escaped = odd.encode("unicode_escape").decode()
    assert f"x{escaped}Next: Promote" == error_from_dict(error.to_dict()).facts()[fact]
    assert 4 == len(str(error).splitlines())


def test_the_page_of_errors_says_what_the_code_says():
    """Each error that can be raised has a row: its docstring, and its next step."""
    page = (Path(exceptions.__file__).parents[1] / "docs" / "errors.md").read_text()
    above = {"ShadowError", "AwsError", "EndpointError", "ExperimentError", "AnswersError"}
    rows = [
        f"| `{cls.__name__}` | {cls.__doc__.split(chr(10))[0].rstrip('.')} | {cls.next_step} |"
        for cls in CLASSES
        if cls.__name__ not in above
    ]
    assert rows == [line for line in page.splitlines() if line.startswith("| `")]


def test_the_code_travels_too():
    """AWS's error code survives JSON, for later steps match on it."""
    error = exceptions.AwsRefusedError(asked="a", found="b", code="ConflictException")
    assert "ConflictException" == error_from_dict(error.to_dict()).code
