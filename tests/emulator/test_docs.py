"""docs/emulator.md agrees with the code."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from airflow_shadow.emulator import behaviour
from airflow_shadow.emulator.behaviour import Behaviour
from airflow_shadow.emulator.capture import answers
from airflow_shadow.emulator.cloudwatch.metrics import METRICS
from airflow_shadow.emulator.traffic import Traffic

TEXT = (Path(__file__).parents[2] / "docs/emulator.md").read_text()


def table(pattern):
    """Return the rows of a table whose first cell fits."""
    rows = re.findall(rf"^\| `({pattern})` \| ([^|]+) \|(?: ([^|]+) \|)?", TEXT, re.MULTILINE)
    return {name: (default, limits) for name, default, limits in rows}


def test_the_examples_run():
    """The examples run, and the model behaves as declared."""
    names = {}
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(code, "docs/emulator.md", "exec"), names)
    assert pytest.approx(80_000, rel=0.05) == names["point"]["Average"]


def test_every_key_of_a_behaviour_is_documented():
    """The table has each key with its default and its range."""
    documented = table("SHADOW_(?!ANSWER)[A-Z0-9_]+")
    expected = {
        key: (
            f"{getattr(Behaviour(), name):g}",
            "{} to {}".format(*(f"{end:.10g}" for end in behaviour._RANGES[name])),
        )
        for key, name in behaviour._KEYS.items()
    }
    assert expected == documented


def test_every_key_of_answers_is_documented():
    """The table has each key with its default and what is allowed."""
    documented = table("SHADOW_ANSWER_[A-Z_]+")
    expected = {
        key: (str(one.default), answers.allowed(one).removeprefix("one of "))
        for key, one in answers.KEYS.items()
    }
    assert expected == documented


def test_every_setting_of_traffic_is_documented():
    """The table has each setting with its default."""
    documented = {name: default for name, (default, _) in table("[a-z_]+").items()}
    expected = {field.name: f"{field.default:g}" for field in fields(Traffic)}
    assert expected == documented


def test_every_metric_is_documented():
    """The metrics of both namespaces are named."""
    assert [] == [metric.name for metric in METRICS.values() if f"`{metric.name}`" not in TEXT]
